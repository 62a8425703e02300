"""The picture of a range test: loss over learning rate, both axes logarithmic.

Apart from the widget, and without plotext: arrays of dots, which nothing that is not finite can
enter. Places on the horizontal axis are indices of probes, since the rates rise exponentially.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Doubles, Floats
from core.suggesting import Probes
from tui.cells import SPACE, Cells, Role
from tui.chart import scale
from tui.chart.axis import Axis
from tui.chart.layout import Frame, surround
from tui.chart.view import GUTTER, ChartView

CURSOR, SUGGESTION = Role.OTHER, Role.DEV
"""Roles that this picture has no other use for."""
NOTHING_YET = "no losses yet"

_BITS = np.array(((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80)), np.uint32)
"""Of a braille cell, four dots high and two wide."""
_BRAILLE = 0x2800
_TOP = 2.2
"""The lowest smoothed loss times this is always on the picture, if the curve goes there…"""
_ORDINARY = 0.6
"""…and so is this share of the curve: a steep start or a blow-up above it is cut off."""
_LINE_FROM = 10
"""Rows from which the horizontal axis has a line of its own."""


@dataclass(frozen=True, eq=False)
class FinderView:
    """What is drawn of a range test."""

    probes: Probes
    limits: scale.Range | None = None
    """Lowest and highest loss on the picture; None: there is no finite loss yet."""
    suggestions: tuple[float, ...] = ()
    """Rates, each marked with its number from 1."""
    cursor: float | None = None
    """A rate."""
    present: float | None = None
    """The effective rate in force."""

    def place(self, rate: float) -> float:
        """The index, not rounded, at which a rate lies."""
        return (self.probes.steps - 1) * math.log(rate / self.probes.low) / self._span

    def rate(self, share: float) -> float:
        """The rate at a share of the axis, from 0 to 1."""
        return self.probes.low * math.exp(share * self._span)

    @property
    def _span(self) -> float:
        return max(math.log(self.probes.high / self.probes.low), 1e-9)


def loss_limits(probes: Probes, previous: scale.Range | None) -> scale.Range | None:
    """Limits in which the valley can be read; None without a finite loss above 0."""
    raw, smooth = _drawable(probes.losses), _drawable(probes.smoothed)
    if not len(smooth):
        return None
    lowest, highest = float(smooth.min()), float(smooth.max())
    top = min(highest, max(_TOP * lowest, float(np.quantile(smooth, _ORDINARY))))
    top = max(top, min(float(np.quantile(raw, 0.6)), _TOP * lowest))
    bottom = min(lowest, max(float(np.quantile(raw, 0.02)), 0.7 * lowest))
    wanted = scale.widened(bottom, top)
    low, high = scale.settled(wanted, previous)
    return (low if low > 0 else max(wanted[0], 0.7 * bottom)), high


def _drawable(losses: Floats) -> Doubles:
    return losses[np.isfinite(losses) & (losses > 0)].astype(np.float64)


def finder_frame(view: FinderView, width: int, height: int) -> Frame | None:
    """The canvas within a content of that size, or None if there is no room for one."""
    rows = height - 1 - (height >= _LINE_FROM)
    if width <= GUTTER + 1 or rows < 1:
        return None
    low, high = view.limits or (1.0, 10.0)
    axis = Axis(0, max(view.probes.steps - 1, 1))
    return Frame(width - GUTTER, rows, axis, low, high, log_y=True)


def draw(view: FinderView, width: int, height: int) -> Cells:
    """The whole picture."""
    frame = finder_frame(view, width, height)
    if frame is None:
        return Cells(width, height)
    canvas = Cells(frame.width, frame.height)
    if view.limits is None:
        cells = Cells(width, height)
        text = NOTHING_YET[: frame.width]
        canvas.write((frame.width - len(text)) // 2, frame.height // 2, text, Role.LABEL)
        cells.glyphs[: frame.height, GUTTER:] = canvas.glyphs
        cells.roles[: frame.height, GUTTER:] = canvas.roles
    else:
        _plot(canvas, view, frame)
        _label(canvas, view, frame)
        # The loss axis is that of the loss chart; rates take the place of its steps.
        cells = surround(canvas, ChartView(), frame, height)
        cells.glyphs[frame.height :], cells.roles[frame.height :] = SPACE, Role.BLANK
    _rate_axis(cells, view, frame)
    return cells


def _upright(canvas: Cells, frame: Frame, place: float, glyph: str, role: Role) -> None:
    column = frame.column(place)
    if column is not None:
        canvas.glyphs[:, column], canvas.roles[:, column] = ord(glyph), role


def _plot(canvas: Cells, view: FinderView, frame: Frame) -> None:
    """A dot for every loss, before them the upright lines, and before all the smoothed curve."""
    probes = view.probes
    # At the last probe the axis ends; a place on the edge belongs to the dots before it.
    halves = np.floor(2 * frame.across(np.arange(len(probes.losses))))
    columns = np.minimum(halves, 2 * frame.width - 1).astype(np.int64)
    most = 4 * frame.height
    up = 4 * frame.up(probes.losses)
    seen = (up >= 0) & (up <= most)
    dots = np.zeros((most, 2 * frame.width), np.bool_)
    dots[np.minimum(up[seen], most - 1).astype(np.int64), columns[seen]] = True
    stamp(canvas, dots, Role.RAW)
    for rate in view.suggestions:
        _upright(canvas, frame, view.place(rate), "┊", Role.MARK)
    if view.cursor is not None:
        _upright(canvas, frame, view.place(view.cursor), "│", CURSOR)
    stamp(canvas, _curve(columns, 4 * frame.up(probes.smoothed), dots.shape), Role.CURVE)


def _curve(columns: NDArray[np.int64], up: Doubles, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The dots of a line through the mean height of every column; one without any is a gap."""
    dots = np.zeros(shape, np.bool_)
    known = np.isfinite(up)
    if not known.any():
        return dots
    count = np.bincount(columns[known], minlength=shape[1])
    sums = np.bincount(columns[known], weights=up[known], minlength=shape[1])
    found = np.flatnonzero(count)
    places = np.arange(found[0], found[-1] + 1)
    heights = np.interp(places, found, sums[found] / count[found])
    gaps = np.setdiff1d(columns[~known], found)
    heights[gaps[(gaps > found[0]) & (gaps < found[-1])] - found[0]] = np.nan
    before = np.concatenate([heights[:1], heights[:-1]])
    before = np.where(np.isnan(before), heights, before)
    levels = np.arange(shape[0])[:, None]
    # Of two columns far apart, the later one is drawn from beside the earlier one's dot.
    reach = np.clip(np.floor(before) - np.floor(heights), -1, 1)
    lowest = np.minimum(np.floor(heights), np.floor(before) - reach)
    highest = np.maximum(np.floor(heights), np.floor(before) - reach)
    with np.errstate(invalid="ignore"):
        dots[:, places] = (levels >= lowest) & (levels <= highest)
    return dots


def stamp(canvas: Cells, dots: NDArray[np.bool_], role: Role) -> None:
    """Put dots, counted from the bottom left, on the canvas as braille, over what stands there."""
    rows = dots[::-1].reshape(canvas.height, 4, canvas.width, 2).astype(np.uint32)
    bits = np.einsum("hdwe,de->hw", rows, _BITS)
    canvas.glyphs[bits > 0] = (_BRAILLE + bits)[bits > 0]
    canvas.roles[bits > 0] = role


def _label(canvas: Cells, view: FinderView, frame: Frame) -> None:
    """The number of each suggestion at the curve, the rate of the cursor, what was cut off."""
    smooth = view.probes.smoothed
    for number, rate in enumerate(view.suggestions, start=1):
        place = view.place(rate)
        column, index = frame.column(place), round(place)
        if column is None or not 0 <= index < len(smooth):
            continue
        row = frame.row(float(smooth[index])) or 0
        while row > 0 and canvas.roles[row, column] == SUGGESTION:
            row -= 1
        canvas.write(column, row, str(number), SUGGESTION)
    if view.cursor is not None and (column := frame.column(view.place(view.cursor))) is not None:
        text = f" {view.cursor:.3g} "
        start = column + 1 if column + 1 + len(text) <= frame.width else column - len(text)
        canvas.write(start, 0, text, CURSOR)
    _label_cut(canvas, view.probes, frame)


def _label_cut(canvas: Cells, probes: Probes, frame: Frame) -> None:
    """How high the curve is where it begins or ends above the picture."""
    known = np.flatnonzero(np.isfinite(probes.smoothed))
    for index, before, behind in ((known[0], "↑ ", ""), (known[-1], "", " ↑")):
        loss, column = float(probes.smoothed[index]), frame.column(float(index))
        if loss <= frame.high or column is None:
            continue
        text = f"{before}{scale.loss_label(loss, 0.1)}{behind}"
        start = column if before else max(column + 1 - len(text), 0)
        if canvas.free(start, 0, len(text), of=(CURSOR, SUGGESTION, Role.LABEL)):
            canvas.write(start, 0, text, Role.LABEL)


def _rate_axis(cells: Cells, view: FinderView, frame: Frame) -> None:
    line, labels = frame.height, cells.height - 1
    if labels > line:
        cells.write(GUTTER - 1, line, "└" + "─" * frame.width, Role.AXIS)
    cells.write(0, labels, " rate", Role.AXIS)
    end = 0
    for rate in scale.log_ticks(view.probes.low, view.probes.high, max(2, frame.width // 9)):
        column, text = frame.column(view.place(rate)), f"{rate:g}".replace("e-0", "e-")
        if column is None:
            continue
        if labels > line:
            cells.write(GUTTER + column, line, "┬", Role.AXIS)
        start = GUTTER + column - len(text) // 2
        start = min(max(start, GUTTER), cells.width - len(text))
        if start > end:
            cells.write(start, labels, text, Role.AXIS)
            end = start + len(text)
    now = frame.column(view.place(view.present)) if view.present else None
    if now is not None and labels > line:
        cells.write(GUTTER + now, line, "▲", Role.MARK_LABEL)
