"""The learning rate in words and figures, for the panel and for the line in a small terminal.

Also how the panel divides its room: the figures always stand whole, then the list of dials has
room, then the foot with the schedule ahead and the chosen dial's help.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from core.config import Knobs
from core.schedule import effective_rate, factor
from tui.standing import Rates, schedule_end

FIGURE_ROWS, FIGURE_CELLS = 4, 22
LIST_CELLS = 40
"""Of a row of the list: farther apart, a value is not seen to belong to its name."""
FEWEST_ROWS = 6
"""Rows that the list gets before the foot has more than its least."""
FOOT_LEAST, FOOT_USUAL, FOOT_MOST = 3, 5, 10
GAP = 2
RULE = 4
"""Cells that a rule needs beside its text."""
EDGE = 3
"""Cells right of the values of the list: an arrow, and the scrollbar."""


@dataclass(frozen=True)
class Arrangement:
    """How the parts of the panel stand: one above the other, in two columns, or in three."""

    kind: Literal["stacked", "two", "three"]
    figure_cells: int
    list_cells: int
    foot_cells: int
    foot_rows: int


def arrange(width: int, height: int, rows: int) -> Arrangement:
    """Divide `width` × `height` cells; the list would like `rows` of them."""
    if width >= 3 * FIGURE_CELLS + 2 * GAP:
        list_cells = min(width - 2 * (FIGURE_CELLS + GAP), LIST_CELLS)
        foot = width - FIGURE_CELLS - list_cells - 2 * GAP
        return Arrangement("three", FIGURE_CELLS, list_cells, foot, height)
    if width >= 2 * FIGURE_CELLS + GAP:
        foot = max(height - FIGURE_ROWS, 0)
        return Arrangement("two", FIGURE_CELLS, width - FIGURE_CELLS - GAP, FIGURE_CELLS, foot)
    left = height - FIGURE_ROWS
    foot = max(min(left - rows, FOOT_MOST), min(left - FEWEST_ROWS, FOOT_USUAL), FOOT_LEAST)
    return Arrangement("stacked", min(width, LIST_CELLS) - EDGE, width, width, foot)


def figure(value: float) -> str:
    """A rate with up to four digits."""
    return f"{value:.4g}"


def schedule_text(knobs: Knobs) -> str:
    """`cosine to 200,000`: the kind, and the step at which it ends, drops, or comes to a half."""
    end = knobs.schedule_start + knobs.schedule_length
    match knobs.schedule:
        case "constant":
            text = "constant"
        case "step":
            drops = ", ".join(f"{knobs.schedule_start + drop:,}" for drop in knobs.drops)
            text = f"×{figure(knobs.drop_factor)} at {drops}" if drops else "step, no drops"
        case "inverse":
            text = f"inverse, half at {end:,}"
        case kind:
            text = f"{kind} to {end:,}"
    return text


def place_of_now(rates: Rates, cells: int) -> tuple[int, int]:
    """The cell of the present step below the schedule's curve, and the step at its end."""
    first, last = rates.knobs.schedule_start, schedule_end(rates.knobs, rates.settings, rates.step)
    now = (rates.step - first) * cells // max(last - first, 1)
    return min(max(now, 0), cells - 1), last


def seen(rates: Rates, width: int) -> tuple[object, ...]:
    """All of `rates` that can be seen in a panel with a foot of that width."""
    knobs, step = rates.knobs, rates.step
    shown = figure(factor(knobs, step)), figure(effective_rate(knobs, step))
    return (knobs, rates.settings, rates.changed, *shown, *place_of_now(rates, max(width, 8)))


def rule(text: str, width: int) -> str:
    """`─ text ─────`, `width` cells wide."""
    if len(text) > width - RULE:
        text = text[: max(width - RULE - 1, 0)] + "…"
    return f"─ {text} ".ljust(width, "─")[:width]


def wrapped(text: str, width: int, rows: int) -> list[str]:
    """`text` in at most so many rows, cut with an ellipsis."""
    if rows <= 0:
        return []
    return wrap(text, max(width, 8), max_lines=rows, placeholder=" …")
