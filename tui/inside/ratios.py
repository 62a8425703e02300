"""The picture of update-to-data over steps: a line for each matrix, told apart by its letters.

Apart from the loss chart, whose axes it borrows: it has no band, no marks, and few points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Doubles
from tui.cells import Cells, Role
from tui.chart.axis import Axis
from tui.chart.layout import Frame, surround
from tui.chart.view import GUTTER, ChartView
from tui.finder.view import stamp
from tui.inside.readings import CHARTED, Reading
from tui.inside.saying import GUIDE

ROLES = dict(zip(CHARTED, (Role.TRAIN, Role.CURVE, Role.DEV), strict=True))
LABEL = 9
"""Cells at the right: ` W1 -2.85`."""
_LINE_FROM = 8
"""Rows from which the horizontal axis has a line of its own."""


@dataclass(frozen=True)
class RatioView:
    """What is drawn."""

    readings: tuple[Reading, ...] = ()

    def draw(self, width: int, height: int) -> Cells:
        """The whole picture."""
        cells = Cells(width, height)
        frame = _frame(self.readings, width, height)
        if frame is None:
            return cells
        canvas = Cells(frame.width, frame.height)
        _guide(canvas, frame)
        lines = {name: _line(self.readings, name) for name in CHARTED}
        _plot(canvas, frame, lines)
        drawn = surround(canvas, ChartView(), frame, height)
        cells.glyphs[:, : drawn.width], cells.roles[:, : drawn.width] = drawn.glyphs, drawn.roles
        _name(cells, frame, lines)
        return cells


Line = tuple[Doubles, Doubles]
"""Steps, and log10 of the ratio at each."""


def _line(readings: Sequence[Reading], name: str) -> Line:
    known = [(reading.step, reading.ratios[name]) for reading in readings if name in reading.ratios]
    steps, ratios = np.array(known, np.float64).reshape(-1, 2).T
    return steps, ratios


def _frame(readings: Sequence[Reading], width: int, height: int) -> Frame | None:
    """The canvas; its limits move by half a decade, and always hold a decade around the guide."""
    ratios = [ratio for reading in readings for ratio in reading.ratios.values()]
    across, rows = width - GUTTER - LABEL, height - 1 - (height >= _LINE_FROM)
    if not ratios or across < 4 or rows < 2:
        return None
    low = math.floor(2 * min(*ratios, GUIDE - 0.5)) / 2
    high = math.ceil(2 * max(*ratios, GUIDE + 0.5)) / 2
    first, last = readings[0].step, readings[-1].step
    return Frame(across, rows, Axis(first, max(last, first + 10)), low, high, log_y=False)


def _guide(canvas: Cells, frame: Frame) -> None:
    row = frame.row(GUIDE)
    assert row is not None
    canvas.write(0, row, "┈" * frame.width, Role.REFERENCE)


def _plot(canvas: Cells, frame: Frame, lines: dict[str, Line]) -> None:
    """All lines; a cell that two go through has the dots of both, and the colour of the later."""
    every = {name: _dots(frame, *line) for name, line in lines.items()}
    stamp(canvas, np.logical_or.reduce(list(every.values())), Role.LABEL)
    for name, dots in every.items():
        cells = dots[::-1].reshape(canvas.height, 4, canvas.width, 2).any(axis=(1, 3))
        canvas.roles[cells] = ROLES[name]


def _dots(frame: Frame, steps: Doubles, ratios: Doubles) -> NDArray[np.bool_]:
    """The dots of a line through all of the points, counted from the bottom left."""
    most, across = 4 * frame.height, 2 * frame.width
    dots = np.zeros((most, across), np.bool_)
    if not len(steps):
        return dots
    places = 2 * frame.across(steps)
    heights = np.minimum(np.floor(4 * frame.up(ratios)), most - 1)
    columns = np.minimum(np.floor(places), across - 1).astype(np.int64)
    first, last = int(columns[0]), int(columns[-1])
    between = np.arange(first, last + 1)
    low = np.floor(np.interp(between + 0.5, places, heights))
    high = low.copy()
    # Of many points in one column, the lowest and the highest.
    np.minimum.at(low, columns - first, heights)
    np.maximum.at(high, columns - first, heights)
    # Columns far apart are joined: from beside the dots of the one before.
    low_before, high_before = np.roll(low, 1), np.roll(high, 1)
    low_before[0], high_before[0] = low[0], high[0]
    start = np.where(low > high_before, high_before + 1, low)
    end = np.where(high < low_before, low_before - 1, high)
    levels = np.arange(most)[:, None]
    dots[:, between] = (levels >= start) & (levels <= end)
    return dots


def _name(cells: Cells, frame: Frame, lines: dict[str, Line]) -> None:
    """Each line's letters and newest value right of its end, one below another."""
    ends = [
        (float(ratios[-1]), float(steps[-1]), name)
        for name, (steps, ratios) in lines.items()
        if len(steps)
    ]
    rows: list[int] = []
    for ratio, _, _ in sorted(ends, reverse=True):
        wanted = frame.row(ratio) or 0
        rows.append(max(wanted, rows[-1] + 1) if rows else wanted)
    # Where they would stand below the canvas, all of them move up.
    for at in range(len(rows) - 1, -1, -1):
        rows[at] = min(rows[at], frame.height - len(rows) + at)
    for row, (ratio, step, name) in zip(rows, sorted(ends, reverse=True), strict=True):
        column = frame.column(step)
        assert column is not None
        cells.write(GUTTER + column + 1, row, f" {name:<2} {ratio:.2f}", ROLES[name])
