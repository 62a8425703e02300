"""The strip below the loss chart: the effective learning rate on the same axis.

What was is a line of braille dots; what will be has one dot a cell, and so differs in its shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Doubles
from tui.cells import Cells, Role
from tui.chart import scale
from tui.chart.layout import Frame, mark_columns
from tui.chart.rate_view import RateView
from tui.chart.view import GUTTER, ChartView

_BRAILLE = 0x2800
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint32)
"""Of a cell's dots, from the top."""
_NAMES = (" effective rate ", " rate ")
BELOW, NOUGHT, FLOOR = "▾", "0", "▁"
"""Where the rate leaves the scale at its bottom, where it falls to 0, and while it stays there."""

Bools = NDArray[np.bool_]


def draw_strip(view: ChartView, frame: Frame, cells: Cells) -> None:
    """Draw the rates of `view` into the rows that `frame` left for them."""
    rates, top = view.rates, frame.height
    for row in range(top, top + frame.strip):
        cells.write(GUTTER - 1, row, "│", Role.AXIS)
    for column in mark_columns(view, frame):
        for row in range(top, top + frame.strip):
            cells.write(GUTTER + column, row, "┊", Role.MARK)
    halves = np.arange(2 * frame.width) * len(rates) // (2 * frame.width)
    low, high = rates.low[halves], rates.high[halves]
    past = -(-int((halves < rates.past).sum()) // 2)
    glyphs = _line(low, high, rates, frame.strip, past)
    roles = np.where(np.arange(frame.width) < past, Role.RATE, Role.RATE_AHEAD)
    drawn = glyphs > 0
    ground = np.s_[top : top + frame.strip, GUTTER:]
    cells.glyphs[ground][drawn] = glyphs[drawn]
    cells.roles[ground][drawn] = np.broadcast_to(roles, drawn.shape)[drawn]
    _floor(low, high, rates, frame, cells, past)
    _label(rates, frame, cells)
    _now(rates, frame, cells)


def _levels(values: Doubles, rates: RateView, dots: int) -> Doubles:
    """Dots above the bottom one; what lies off the scale is on its edge, NaN stays."""
    if rates.limits is None:
        return np.where(np.isnan(values), np.nan, 0.0)
    bottom, top = np.log(rates.limits)
    with np.errstate(divide="ignore"):
        heights = (np.log(values) - bottom) * ((dots - 1) / (top - bottom))
    levels: Doubles = np.clip(np.rint(heights), 0, dots - 1)
    return levels


def _line(low: Doubles, high: Doubles, rates: RateView, rows: int, past: int) -> NDArray[np.uint32]:
    """Code points (rows, cells) of the curve, 0 for none; `low` and `high` are of half cells."""
    dots = 4 * rows
    bottom, top = _levels(low, rates, dots), _levels(high, rates, dots)
    # A vertical joins two neighbours that are apart.
    joined_bottom, joined_top = bottom.copy(), top.copy()
    joined_bottom[1:] = np.fmin(bottom[1:], np.where(top[:-1] < bottom[1:], top[:-1] + 1, dots))
    joined_top[1:] = np.fmax(top[1:], np.where(bottom[:-1] > top[1:], bottom[:-1] - 1, -1))
    known = ~np.isnan(bottom)
    level = np.arange(dots - 1, -1, -1)[:, None]
    shown = known & (level >= joined_bottom) & (level <= joined_top)
    ahead = shown[:, 2 * past :].reshape(dots, -1, 2).any(axis=2)
    if ahead.shape[1]:
        # In a vertical, every other dot, from the top.
        ahead &= (level - np.where(ahead, level, -1).max(axis=0)) % 2 == 0
        shown[:, 2 * past :: 2], shown[:, 2 * past + 1 :: 2] = ahead, False
    cells = shown.reshape(rows, 4, -1, 2)
    bits = np.einsum("rdch,dh->rc", cells.astype(np.uint32), _BITS)
    return np.where(bits > 0, _BRAILLE + bits, 0).astype(np.uint32)


def _floor(
    low: Doubles, high: Doubles, rates: RateView, frame: Frame, cells: Cells, past: int
) -> None:
    """Where whole cells lie below the scale, say so: it is no rate that could be read off."""
    bottom = rates.limits[0] * (1 - 1e-9) if rates.limits else np.inf
    with np.errstate(invalid="ignore"):
        below = np.fmax(*high.reshape(-1, 2).T) < bottom
        nought = np.fmin(*low.reshape(-1, 2).T) == 0
    row = frame.height + frame.strip - 1
    named = False
    for column in np.flatnonzero(below).tolist():
        first = column == 0 or not below[column - 1]
        named = named and not first
        sign = FLOOR if column < past or column % 2 else " "
        if nought[column] and not named:
            sign, named = NOUGHT, True
        elif first:
            sign = BELOW
        role = Role.RATE if column < past else Role.RATE_AHEAD
        cells.write(GUTTER + column, row, sign, role)


def _label(rates: RateView, frame: Frame, cells: Cells) -> None:
    """The lowest and the highest rate at the left; what the strip is, where there is room."""
    dots = 4 * frame.strip
    ends = [0.0]
    if rates.limits is not None:
        lowest = float(np.min(rates.low, initial=np.inf, where=rates.low > 0))
        ends = [max(lowest, rates.limits[0]), float(np.nanmax(rates.high))]
    for rate, level in zip(ends, _levels(np.array(ends), rates, dots).tolist(), strict=True):
        row = frame.height + (dots - 1 - int(level)) // 4
        cells.write(0, row, f"{scale.rate_label(rate):>5}┤", Role.AXIS)
    for name in _NAMES:
        start = cells.width - len(name)
        for row in range(frame.height, frame.height + frame.strip):
            if start > GUTTER and (cells.roles[row, start:] == Role.BLANK).all():
                cells.write(start, row, name, Role.LABEL)
                return


def _now(rates: RateView, frame: Frame, cells: Cells) -> None:
    """Mark the present step on the line of the horizontal axis."""
    column, row = frame.column(rates.now), frame.height + frame.strip
    if column is None or row >= cells.height - 1:
        return
    at = GUTTER + column
    cells.write(at, row, "▲", Role.RATE)
    for text, start in ((" now ", at + 1), (" now ", at - 5)):
        room = cells.glyphs[row, start : start + len(text)]
        if len(room) == len(text) and (room == ord("─")).all():
            cells.write(start, row, text, Role.AXIS)
            break
