"""The knobs and settings that matter now, each as a row of the panel, drawn from their tables.

A dial that is added to a table appears by itself. Apart from Textual, so that this can be tested
without a screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from core.config import Knobs, Settings
from core.dials import DIALS, KNOBS, SETTINGS, Dial, Value, show
from core.steering import SHAPE, nudged
from tui.telling import dial_name, dial_value

PARTS = (SHAPE | {"schedule_start"}) - {"schedule"}
"""Knobs without a row: the schedule's row opens the editor of them all."""

MATTERS: dict[str, tuple[str, Value]] = {
    "momentum": ("optimizer", "sgd"),
    "beta1": ("optimizer", "adamw"),
    "beta2": ("optimizer", "adamw"),
    "patience": ("autopilot", "on"),
    "autopilot_factor": ("autopilot", "on"),
    "autopilot_minimum": ("autopilot", "on"),
}
"""Dials that mean something only while another one has this value."""

CAPTIONS = {
    "evaluation_interval": "eval every",
    "pace": "pace, steps/s",
    "autopilot_factor": "autopilot ×",
    "autopilot_minimum": "autopilot min",
}
"""Where the name is too long for the panel, or says too little."""

HINTS = {
    "schedule": "Enter opens its editor.",
    "fixed_batch": "Enter types, B toggles.",
}
"""How to change what the arrows do not."""

UNBOUNDED = 1e12
"""From here on an upper limit is none that a person meets."""


@dataclass(frozen=True)
class Row:
    """One line of the list: a heading, which has no name, or a dial and its value in force."""

    caption: str
    name: str = ""
    text: str = ""
    """The value as people read it."""
    value: Value = None

    @property
    def has_ladder(self) -> bool:
        """The arrow keys move it."""
        return bool(self.name) and has_ladder(DIALS[self.name])

    def way(self, rungs: int, *, fine: bool = False) -> bool | None:
        """Whether to nudge it finely so that it moves this way, by rungs as wished or, where there
        are none on that ladder, by the others. None: it stands at the end.
        """
        dial = DIALS[self.name]
        ladders = (True, False) if has_fine_ladder(dial) else (False,)
        for finely in ladders if fine else reversed(ladders):
            if has_ladder(dial) and moves(dial, self.value, rungs, finely):
                return finely
        return None


def rows_of(knobs: Knobs, settings: Settings) -> tuple[Row, ...]:
    """The knobs that matter now below their heading, then the settings below theirs."""
    return (
        Row("knobs, undoable"),
        *_rows(KNOBS, knobs, knobs, settings),
        Row("settings"),
        *_rows(SETTINGS, settings, knobs, settings),
    )


def _rows(
    dials: tuple[Dial, ...], values: Knobs | Settings, knobs: Knobs, settings: Settings
) -> Iterator[Row]:
    for dial in dials:
        if matters(dial.name, knobs, settings):
            caption = CAPTIONS.get(dial.name, dial_name(dial.name))
            value = getattr(values, dial.name)
            yield Row(caption, dial.name, dial_value(dial.name, value), value)


def matters(name: str, knobs: Knobs, settings: Settings) -> bool:
    """Whether the dial has a row of its own now."""
    other, wanted = MATTERS.get(name, ("", None))
    if not other:
        return name not in PARTS
    return bool(getattr(knobs, other, None) == wanted or getattr(settings, other, None) == wanted)


def has_ladder(dial: Dial) -> bool:
    """Whether the arrow keys can move it; a schedule is changed with its shape, in its editor."""
    return dial.kind != "steps" and not dial.optional and dial.name != "schedule"


def has_fine_ladder(dial: Dial) -> bool:
    """Whether there are rungs between the rungs."""
    return dial.kind in ("number", "count") and dial.scale in ("log", "linear")


def moves(dial: Dial, value: Value, rungs: int, fine: bool) -> bool:
    """Whether a nudge goes where it is meant to go: from the end of a ladder it does not."""
    after = nudged(dial, value, rungs, fine)
    return (_height(dial, after) - _height(dial, value)) * rungs > 0


def _height(dial: Dial, value: Value) -> float:
    """Where a value stands, so that higher is further up."""
    if dial.kind == "choice":
        return dial.choices.index(str(value))
    assert isinstance(value, (int, float))
    return math.inf if value == 0 and dial.zero and dial.zero_on_top else value


def help_text(dial: Dial) -> str:
    """How it is changed where the arrows do not do it, what it is, and what it can be."""
    return " ".join(part for part in (HINTS.get(dial.name), dial.help, accepted(dial)) if part)


def accepted(dial: Dial) -> str:
    """What can be typed, in short: `0 to 100; 0: off.`"""
    if dial.kind == "choice":
        # The help tells them; the dialog lists them.
        return ""
    if dial.kind == "steps":
        return "Rising step numbers, such as 100000, 150000."
    low = f"Above {show(dial.low)}" if dial.open_low else show(dial.low)
    if dial.high >= UNBOUNDED:
        text = low if dial.open_low else f"From {low}"
    else:
        text = f"{low} to {'below ' if dial.open_high else ''}{show(dial.high)}"
    if dial.zero and not dial.zero.isdigit():
        text += f"; 0: {dial.zero}"
    return text + ("; or off." if dial.optional else ".")
