"""The bigram table as cells: a row for each symbol, a column for what follows, shaded by how often.

The shades are characters, so that they can be told apart without colours. Where not all symbols
fit, the most frequent come first, and a window on the table follows the cursor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.counting import PairTable
from tui.cells import Cells, Role
from tui.embedding.symbols import Symbols

Measure = Literal["times", "odds"]

SHADES = "·░▒▓█"
LEVEL = 40
"""A role: the lightest shade; the next ones follow."""
CURSOR, CHOSEN = 60, 61
"""Roles: the pair looked at, and the names of its row and column."""
ODDS_STEPS = (0.01, 0.04, 0.1, 0.25)
GUTTER = 5
"""Cells before the first column."""
AROUND = 2
"""Rows above and below the table: names, shades."""
TOO_LONG = "▯"
"""In place of a name that is wider than its column."""


@dataclass(frozen=True, eq=False)
class PairView:
    """What is drawn."""

    pairs: PairTable
    symbols: Symbols
    first: int = 0
    second: int = 0
    """Of the pair looked at: places in the table."""
    measure: Measure = "times"

    def on(self, first: int, second: int) -> PairView:
        """Look at another pair."""
        return replace(self, first=first, second=second)

    def other_measure(self) -> PairView:
        """Shade by P(second | first) instead of by times, or by these again."""
        return replace(self, measure="odds" if self.measure == "times" else "times")

    @property
    def steps(self) -> tuple[float, ...]:
        """From which value on each shade but the lightest is meant."""
        if self.measure == "odds":
            return ODDS_STEPS
        most = int(self.pairs.counts.max(initial=0))
        steps = [1]
        for part in (50, 12, 3):
            step = max(_rounded(most / part), _next_round(steps[-1]))
            if step <= most:
                steps.append(step)
        return tuple(steps)

    def levels(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """(first, second): which shade the pairs of these places have."""
        values = self.pairs.counts if self.measure == "times" else self.pairs.odds
        return np.searchsorted(np.array(self.steps), values[np.ix_(first, second)], side="right")


@dataclass(frozen=True, eq=False)
class Picture:
    """A table that was drawn, and which part of it that is."""

    cells: Cells
    order: NDArray[np.int64]
    """Places of the table, in the order of rows and columns."""
    corner: tuple[int, int] = (0, 0)
    """Row and column that are the first ones shown."""
    shown: tuple[int, int] = (0, 0)
    """Rows and columns that fit."""
    cell_width: int = 1

    @property
    def is_cut(self) -> bool:
        """Whether rows or columns are hidden."""
        return min(self.shown) < len(self.order)

    def pair_at(self, x: int, y: int) -> tuple[int, int] | None:
        """Of the cell in that column and row, the pair as places of the table."""
        row, column = y - 1, (x - GUTTER) // self.cell_width
        if not (0 <= row < self.shown[0] and 0 <= column < self.shown[1]):
            return None
        return int(self.order[self.corner[0] + row]), int(self.order[self.corner[1] + column])

    def moved(self, first: int, second: int, down: int, right: int) -> tuple[int, int]:
        """The pair so many rows and columns from this one; at an edge it stays."""
        last = len(self.order) - 1
        places = np.argsort(self.order)
        row = min(max(int(places[first]) + down, 0), last)
        column = min(max(int(places[second]) + right, 0), last)
        return int(self.order[row]), int(self.order[column])


def draw(view: PairView, width: int, height: int, before: Picture | None = None) -> Picture:
    """The part of the table that has room; it moves on from the one before it only as needed."""
    K = len(view.pairs.symbols)
    room, rows = max(width - GUTTER, 0), min(max(height - AROUND, 0), K)
    cell_width = 3 if room >= 3 * K else 2
    columns = min(room // cell_width, K)
    cells = Cells(max(width, 0), max(height, 0))
    by_frequency = np.argsort(-view.pairs.totals, kind="stable")
    order = np.arange(K) if rows == columns == K else by_frequency
    if not rows or not columns:
        return Picture(cells, order)
    places = np.argsort(order)
    corner = before.corner if before is not None else (0, 0)
    top = _window(corner[0], int(places[view.first]), rows, K)
    left = _window(corner[1], int(places[view.second]), columns, K)
    picture = Picture(cells, order, (top, left), (rows, columns), cell_width)
    _names(picture, view)
    levels = view.levels(order[top : top + rows], order[left : left + columns])
    glyphs = np.array([ord(shade) for shade in SHADES], np.uint32)[levels]
    inner = slice(1, rows + 1), slice(GUTTER, GUTTER + columns * cell_width)
    cells.glyphs[inner] = np.repeat(glyphs, cell_width, axis=1)
    # Of a pair that is never seen one dot is enough.
    for beside in range(cell_width):
        if beside != cell_width // 2:
            part = cells.glyphs[inner][:, beside::cell_width]
            part[levels == 0] = ord(" ")
    cells.roles[inner] = np.repeat(levels + LEVEL, cell_width, axis=1)
    x, y = GUTTER + (int(places[view.second]) - left) * cell_width, int(places[view.first]) - top
    _put(
        cells,
        x,
        y + 1,
        f"[{chr(glyphs[y, (x - GUTTER) // cell_width]) * (cell_width - 2)}]",
        CURSOR,
    )
    _legend(picture, view)
    return picture


def _names(picture: Picture, view: PairView) -> None:
    cells, symbols = picture.cells, view.symbols.cells
    top, left = picture.corner
    for row, place in enumerate(picture.order[top : top + picture.shown[0]].tolist()):
        text = symbols[int(view.pairs.symbols[place])]
        role = CHOSEN if place == view.first else Role.AXIS
        _put(cells, 0, row + 1, f"{text:>{GUTTER - 1}}", role)
    wide = picture.cell_width
    for column, place in enumerate(picture.order[left : left + picture.shown[1]].tolist()):
        text = symbols[int(view.pairs.symbols[place])]
        text = text if len(text) <= wide else TOO_LONG
        role = CHOSEN if place == view.second else Role.AXIS
        _put(cells, GUTTER + column * wide, 0, text.center(wide), role)


def _legend(picture: Picture, view: PairView) -> None:
    x, y = GUTTER, picture.shown[0] + 1
    by_times, lowest = view.measure == "times", f"{100 * view.steps[0]:.0f} %"
    names = ["never" if by_times else f"less than {lowest}"]
    for step in view.steps:
        names.append((f"{step:,.0f}" if by_times else f"{100 * step:.0f} %") + " or more")
    if GUTTER + sum(len(name) + 5 for name in names) > picture.cells.width:
        names = [name.replace(" or more", "+").replace("less than", "<") for name in names]
    for level, name in enumerate(names):
        _put(picture.cells, x, y, SHADES[level] * 2, LEVEL + level)
        _put(picture.cells, x + 3, y, name, Role.AXIS)
        x += len(name) + 5


def _put(cells: Cells, column: int, row: int, text: str, role: int) -> None:
    text = text[: max(cells.width - column, 0)]
    cells.glyphs[row, column : column + len(text)] = [ord(character) for character in text]
    cells.roles[row, column : column + len(text)] = role


def _window(first: int, cursor: int, shown: int, count: int) -> int:
    """Where a window of `shown` rows begins that holds the cursor, moved as little as possible."""
    first = min(max(first, cursor - shown + 1), cursor)
    return min(max(first, 0), count - shown)


def _rounded(value: float) -> int:
    """Whichever of 1, 2, 5, 10, 20, … is nearest by its ratio."""
    decade = 1
    while value >= 10 * decade:
        decade *= 10
    between = ((1, math.sqrt(2)), (2, math.sqrt(10)), (5, math.sqrt(50)), (10, 10.0))
    return next(part * decade for part, end in between if value < end * decade)


def _next_round(value: int) -> int:
    """The one after `value`, which is one of 1, 2, 5, 10, 20, …"""
    return value * 5 // 2 if str(value).startswith("2") else value * 2
