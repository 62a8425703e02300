"""A person who has been here before and prefers nothing: what tests and measurements begin with.

What the dashboard remembers, and the keys that it reads, would else be those of whoever runs them.
"""

from __future__ import annotations

from pathlib import Path

from tui.memory import Memory, memory_path, remember

FOREIGN = ("STEERMORE_STATE", "TEXTUAL_THEME")
"""Variables that such a person has not set."""


def settled(home: Path) -> dict[str, str]:
    """The environment of such a person, whose files are in `home`."""
    state = home / "state"
    remember(state / "steermore" / memory_path().name, Memory(welcomed=True))
    return {"XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(home / "config")}
