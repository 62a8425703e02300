"""Where things stand in the loss chart: axes, band and labels around the rasterised curves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from core.smoothing import Doubles
from tui.cells import DATA, LABELS, Cells, Role, printable
from tui.chart import scale
from tui.chart.axis import Axis
from tui.chart.limits import Dot
from tui.chart.marks import ARROWS
from tui.chart.view import GUTTER, ChartView, Place

_DOT_COLUMNS = 3
"""Least mean distance of the dots: more would hide the curve."""
_MARK_COLUMNS = 6
"""Least mean distance of the marks' lines: more would hide what was undone."""
_UNITS = {"steps": " step", "epochs": "epoch", "seconds": "  sec"}
_LINE_FROM = 12
"""Rows from which the horizontal axis has a line of its own."""
_STRIP_FROM = ((24, 3), (14, 2))
"""Rows from which the strip of rates has so many."""


@dataclass(frozen=True)
class Frame:
    """The canvas of a chart, in cells, and how losses, and places of its axis, fall on it."""

    width: int
    height: int
    axis: Axis
    low: float
    high: float
    log_y: bool
    strip: int = 0
    """Rows of the strip of rates, which lies between the canvas and the horizontal axis."""

    def across(self, values: ArrayLike) -> Doubles:
        """Cells from the left edge of what stands on the axis, in its unit."""
        return self.axis.places(values) * self.width

    def up(self, losses: ArrayLike) -> Doubles:
        """Cells from the bottom edge; NaN where the axis has no place for a loss."""
        heights = np.asarray(losses, np.float64)
        low, high = self.low, self.high
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.log_y:
                heights = np.log10(np.where(heights > 0, heights, np.nan))
                low, high = float(np.log10(low)), float(np.log10(high))
            heights = (heights - low) * (self.height / (high - low))
        return np.where(np.isfinite(heights), heights, np.nan)

    def row(self, loss: float) -> int | None:
        """The row from the top in which a loss lies, or None if it is off the canvas."""
        up = float(self.up(loss))
        # A loss on the upper edge is still in the top row.
        return max(self.height - 1 - int(up), 0) if 0 <= up <= self.height else None

    def column(self, value: float) -> int | None:
        """The column in which a place of the axis lies, or None."""
        across = float(self.across(value))
        return min(int(across), self.width - 1) if 0 <= across <= self.width else None


def frame_of(view: ChartView, width: int, height: int) -> Frame | None:
    """The canvas within a content of that size, or None if there is no room for one."""
    strip = next((rows for least, rows in _STRIP_FROM if height >= least), 0)
    strip = strip if len(view.rates) else 0
    rows = height - strip - 1 - (height >= _LINE_FROM)
    if width <= GUTTER + 1 or rows < 1:
        return None
    (low, high), axis = view.y_limits, view.axis
    log_y = view.look.log_y and low > 0
    if not (np.isfinite(low) and np.isfinite(high) and low < high and axis.low < axis.high):
        low, high, axis, log_y = 0.0, 1.0, Axis(0, 10), False
    return Frame(width - GUTTER, rows, axis, low, high, log_y, strip)


def band(view: ChartView, frame: Frame) -> tuple[Doubles, Doubles]:
    """Lowest and highest raw loss of each cell column, in cells from the bottom; NaN where the raw
    loss is drawn as a line.
    """
    low, high = np.full(frame.width, np.nan), np.full(frame.width, np.nan)
    curves, dense = view.curves, ~view.sparse[view.curves.column]
    cell = np.minimum(curves.column * frame.width // max(view.columns, 1), frame.width - 1)[dense]
    np.fmin.at(low, cell, frame.up(curves.low)[dense])
    np.fmax.at(high, cell, frame.up(curves.high)[dense])
    return low, high


def thinned(dots: Sequence[Dot], frame: Frame) -> Sequence[Dot]:
    """Every so many of the dots, and the newest, such that they stand a few columns apart."""
    places = [place for place, _ in dots]
    axis = frame.axis
    # What comes before the first value of a logarithmic axis stands at its left edge.
    first = 0 if axis.low <= axis.origin else bisect_left(places, axis.low)
    shown = dots[first : bisect_right(places, axis.high)]
    every = max(1, -(-len(shown) * _DOT_COLUMNS // frame.width))
    dots = shown
    return [*dots[every - 1 : -1 : every], *dots[-1:]]


def put_dots(view: ChartView, frame: Frame, cells: Cells) -> None:
    """The evaluations, over whatever stands there; those of dev over those of train."""
    for dots, glyph, role in ((view.train, "○", Role.TRAIN), (view.dev, "●", Role.DEV)):
        for place, loss in thinned(dots, frame):
            row, column = frame.row(loss), frame.column(place)
            if row is not None and column is not None:
                cells.write(column, row, glyph, role)


def rule_lines(view: ChartView, frame: Frame, cells: Cells) -> None:
    """The dotted lines of references and marks, where nothing else stands."""
    blank = cells.roles == Role.BLANK
    for column in mark_columns(view, frame):
        cells.glyphs[blank[:, column], column] = ord("┊")
        cells.roles[blank[:, column], column] = Role.MARK
    for loss, _ in view.references:
        if (row := frame.row(loss)) is not None:
            # Where two cross, the glyph is that of the mark.
            cells.glyphs[row, cells.roles[row] == Role.BLANK] = ord("┈")
            cells.roles[row, blank[row]] = Role.REFERENCE


def mark_columns(view: ChartView, frame: Frame) -> dict[int, str]:
    """Where the marks' lines stand, from the right, and what the newest of each column says.

    Where they would be a fence, only some of them: the newest, some cells apart.
    """
    return _mark_columns(view.marks, frame)


# Three parts of the picture ask, and most frames find theirs made.
@lru_cache(maxsize=4)
def _mark_columns(marks: tuple[Place, ...], frame: Frame) -> dict[int, str]:
    across = frame.across([place for place, _ in marks])
    found: dict[int, str] = {}
    for place, (_, label) in zip(across.tolist(), marks, strict=True):
        if 0 <= place <= frame.width:
            # Marks rise, so the newest of a column is its last.
            found[min(int(place), frame.width - 1)] = label
    columns = sorted(found, reverse=True)
    if len(columns) * _MARK_COLUMNS > frame.width:
        spaced = columns[:1]
        for column in columns[1:]:
            if spaced[-1] - column >= _MARK_COLUMNS:
                spaced.append(column)
        columns = spaced
    return {column: found[column] for column in columns}


def label_references(view: ChartView, frame: Frame, cells: Cells) -> None:
    """Each line's label at its right end; where data are in the way, above it or farther left, and
    where they cover the whole line, in the row below or above.
    """
    lines = {frame.row(loss) for loss, _ in view.references}
    for loss, label in view.references:
        row, text = frame.row(loss), f" {printable(label)} "
        right = frame.width - len(text)
        if row is None or right < frame.width // 5:
            continue
        # Beside another line it would be taken for that one's; of those in one row, the highest has
        # its label above, and the lowest below.
        here = [other for other, _ in view.references if frame.row(other) == row]
        sides = (row + 1, loss == min(here)), (row - 1, loss == max(here))
        near = [at for at, fits in sides if fits and 0 <= at < frame.height and at not in lines]
        places = [(right, row)]
        if (cells.roles[row, right:] == Role.REFERENCE).mean() > 0.5 and row - 1 in near:
            places.append((right, row - 1))
        places += [(column, row) for column in range(right - 1, 0, -1)]
        places += [(right, at) for at in near]
        for place in places:
            if cells.free(*place, len(text), of=LABELS + DATA):
                cells.write(*place, text, Role.LABEL)
                break


def label_marks(view: ChartView, frame: Frame, cells: Cells) -> None:
    """Each act's label on the top row; where two would overlap, the older is left out."""
    for column, label in mark_columns(view, frame).items():
        text = printable(label)
        if not text:
            continue
        sign, text = (text[0], text[1:]) if text[0] in ARROWS else ("▾", text)
        placed = (column, sign + text)
        if column + 1 + len(text) > frame.width:
            text = f"{text.strip()} " if sign in ARROWS else text
            placed = (column - len(text), text + sign)
        if placed[0] >= 0 and cells.free(placed[0], 0, len(placed[1]), of=LABELS):
            cells.write(placed[0], 0, placed[1], Role.MARK_LABEL)


def surround(canvas: Cells, view: ChartView, frame: Frame, height: int) -> Cells:
    """The canvas with its axes, `height` rows in all; the strip of rates is left blank."""
    cells = Cells(frame.width + GUTTER, height)
    cells.glyphs[: frame.height, GUTTER:] = canvas.glyphs
    cells.roles[: frame.height, GUTTER:] = canvas.roles
    for row in range(frame.height):
        cells.write(GUTTER - 1, row, "│", Role.AXIS)
    _loss_axis(cells, frame)
    _time_axis(cells, frame)
    return cells


def _loss_axis(cells: Cells, frame: Frame) -> None:
    find = scale.log_ticks if frame.log_y else scale.ticks
    marks = find(frame.low, frame.high, max(2, min(8, frame.height // 3)))
    gap = min((b - a for a, b in pairwise(marks)), default=0.0)
    taken: set[int] = set()
    for value in marks:
        row = frame.row(value)
        if row is not None and row not in taken:
            taken.update((row - 1, row, row + 1))
            cells.write(0, row, f"{scale.loss_label(value, gap):>5}┤", Role.AXIS)


def _time_axis(cells: Cells, frame: Frame) -> None:
    line, labels = frame.height + frame.strip, cells.height - 1
    if labels > line:
        cells.write(GUTTER - 1, line, "└" + "─" * frame.width, Role.AXIS)
    axis = frame.axis
    cells.write(0, labels, _UNITS[axis.unit], Role.AXIS)
    end = 0
    find = scale.log_ticks if axis.log else scale.ticks
    marks = find(axis.low, axis.high, max(2, frame.width // 12))
    gap = min((b - a for a, b in pairwise(marks)), default=0.0)
    for value in marks:
        # On a logarithmic axis the smaller ones need more decimals than the gap between others.
        fine = min(gap, value) if axis.log else gap
        column, text = frame.column(value), scale.step_label(value, fine)
        if column is None:
            continue
        at = GUTTER + column
        if labels > line:
            cells.write(at, line, "┬", Role.AXIS)
        start = min(max(at - len(text) // 2, GUTTER), cells.width - len(text))
        if start > end:
            cells.write(start, labels, text, Role.AXIS)
            end = start + len(text)
