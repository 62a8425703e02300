"""What the command palette offers: every key's action, every knob and setting, every theme.

What is impossible now is offered too, and says why: whoever looks for it should find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from textual.app import SystemCommand
from textual.screen import Screen
from textual.theme import Theme

from core.config import Knobs, Settings
from core.dials import KNOB_NAMES, KNOBS, SETTINGS
from tui.dial_rows import CAPTIONS, PARTS
from tui.history.history import History
from tui.keys import KEYS
from tui.telling import dial_name, dial_value

ANYWHERE = frozenset({"help", "screenshot", "quit", "stop_and_save"})
"""Actions that mean something above any view."""


class Host(Protocol):
    """What the palette needs of the app."""

    @property
    def history(self) -> History:
        """What is known of the run."""

    @property
    def available_themes(self) -> dict[str, Theme]:
        """All themes by name."""

    def keys_of(self, id: str) -> str:
        """The keys in force for an action, as they stand on the keyboard."""

    async def run_action(self, action: str) -> bool:
        """Do it, or say why not."""

    def why_not(self, action: str) -> str:
        """Why that is impossible now."""


def entries(host: Host, screen: Screen[object], *, training: bool) -> Iterator[SystemCommand]:
    """No two have one title. Above a view, only what does not belong to the screen below it."""
    for binding in KEYS:
        name = binding.action.partition("(")[0]
        if name == "command_palette" or not (training or name in ANYWHERE):
            continue
        keys = host.keys_of(binding.id or "")
        help = f"{binding.tooltip} · {keys}" if keys else binding.tooltip
        yield _entry(host, _capital(binding.description), help, binding.action)
    if training:
        yield from _dials(host)
        yield _entry(host, "Welcome", "What was said at the first start", "welcome")
    for name, theme in sorted(host.available_themes.items()):
        kind = "dark" if theme.dark else "light"
        safe = ", for the colour-blind" if name.startswith("steermore-safe") else ""
        help = f"Colours: a {kind} theme{safe}; remembered"
        yield _entry(host, f"Theme: {name}", help, f"theme('{name}')")


def _dials(host: Host) -> Iterator[SystemCommand]:
    history = host.history
    for dial in (*KNOBS, *SETTINGS):
        if dial.name == "schedule_start":
            continue
        values: Knobs | Settings = history.knobs if dial.name in KNOB_NAMES else history.settings
        action = f"ask('{dial.name}')"
        if dial.name == "schedule" or dial.name in PARTS:
            # They belong together, and one editor has them all.
            action = "ask_schedule"
        words = CAPTIONS.get(dial.name, "").partition(",")[0] or dial_name(dial.name)
        now = dial_value(dial.name, getattr(values, dial.name))
        yield _entry(host, f"Set {words}", f"Now {now}. {dial.help}", action)


def _entry(host: Host, title: str, help: str, action: str) -> SystemCommand:
    if why := host.why_not(action.partition("(")[0]):
        help = f"Not now: {why}."
    return SystemCommand(title, help, partial(host.run_action, action))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
