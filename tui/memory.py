"""What the dashboard remembers from one time to the next: theme, look of the chart, own cost line.

A convenience and nothing else: what cannot be read is forgotten, what cannot be written is not
remembered, and neither is worth a word. A run never depends on it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from tui.chart.look import SMOOTHINGS, USUAL, Look
from tui.history.timeline import Unit

LARGEST = 64 * 1024
"""Bytes of a file that is read at all."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """One person's screen. Fields that are not known here are passed over, and lost."""

    theme: str = ""
    """Empty: that which Textual takes by itself."""
    smoothing: float = USUAL.smoothing
    log_y: bool = USUAL.log_y
    log_x: bool = USUAL.log_x
    unit: Unit = USUAL.unit
    full: bool = USUAL.full
    own_cost: bool = False
    welcomed: bool = False
    """The first start was long ago."""

    @property
    def look(self) -> Look:
        """How the chart was looked at; never which part of the run, which is another one now."""
        # A value of a later version, or of another hand.
        smoothing = self.smoothing if self.smoothing in SMOOTHINGS else USUAL.smoothing
        return Look(smoothing, self.log_y, self.log_x, self.unit, self.full)


def memory_path() -> Path:
    """Where it is kept: `screen.json` in $STEERMORE_STATE, or among the person's states."""
    if own := os.environ.get("STEERMORE_STATE"):
        return Path(own) / "screen.json"
    folder = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(folder) / "steermore" / "screen.json"


def recall(path: Path) -> Memory:
    """What is remembered; where it is broken, of another version or not there, nothing is."""
    try:
        # A pipe of that name would be waited for.
        if not path.is_file() or path.stat().st_size > LARGEST:
            return Memory()
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    except (OSError, ValueError, msgspec.MsgspecError):
        return Memory()


def remember(path: Path, memory: Memory) -> None:
    """Keep it, readable by its person alone; where that fails, nothing happens.

    Unlike a record it is not forced onto the disk, which takes longer than a frame.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(memory)))
        part.replace(path)
