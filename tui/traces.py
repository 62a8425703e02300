"""What was undone, drawn dim: a trace of single dots, and a cross where it was left.

Apart from plotext because there may be a hundred of them, which it would draw for a second; and
because a trace must differ from the living curve in its shape, not only in its colour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tui.cells import Cells, Role
from tui.chart_layout import Frame
from tui.reduction import Curves
from tui.smoothing import Doubles

_DOTS = 4
"""Braille dots in a row's height; a trace uses the left ones alone, so it looks thin."""
_BRAILLE = 0x2800
_BITS = np.array((0x01, 0x02, 0x04, 0x40), np.uint32)
_LEFT_HERE = "×"
_UNDER = (Role.BLANK, Role.REFERENCE, Role.MARK)
"""What a trace is drawn over; the living curve and the evaluations stay whole."""


def trace(curves: Sequence[Curves], frame: Frame, canvas: Cells) -> None:
    """Draw the smoothed part of each of `curves` on `canvas`, the newest last."""
    dots = np.zeros((frame.height * _DOTS, frame.width), np.bool_)
    ends: list[tuple[int, int]] = []
    for curve in curves:
        halves, heights = _line(curve, frame)
        if len(halves):
            _dot(dots, halves, heights)
            if 0 <= heights[-1] <= frame.height:
                ends.append((min(int(heights[-1]), frame.height - 1), int(halves[-1]) // 2))
    rows = dots[::-1].reshape(frame.height, _DOTS, frame.width)
    glyphs = np.tensordot(_BITS, rows.astype(np.uint32), axes=(0, 1))
    drawn = (glyphs > 0) & np.isin(canvas.roles, _UNDER)
    canvas.glyphs[drawn] = _BRAILLE + glyphs[drawn]
    canvas.roles[drawn] = Role.ABANDONED
    for up, column in ends:
        row = frame.height - 1 - up
        if canvas.roles[row, column] in (*_UNDER, Role.ABANDONED):
            canvas.write(column, row, _LEFT_HERE, Role.ABANDONED)


def _line(curve: Curves, frame: Frame) -> tuple[NDArray[np.int64], Doubles]:
    """The half cells, from the left, that a curve goes through, and its height there; NaN is a
    gap.
    """
    halves, up = np.floor(2 * frame.across(curve.step)), frame.up(curve.smooth)
    inside = (halves >= 0) & (halves < 2 * frame.width)
    halves, up = halves[inside], up[inside]
    known = np.isfinite(up)
    if not known.any():
        return np.empty(0, np.int64), np.empty(0)
    found = halves[known]
    places = np.arange(int(found[0]), int(found[-1]) + 1)
    heights = np.interp(places, found, up[known])
    gaps = np.setdiff1d(halves[~known], found).astype(np.int64) - places[0]
    heights[gaps[(gaps > 0) & (gaps < len(places))]] = np.nan
    return places, heights


def _dot(dots: NDArray[np.bool_], halves: NDArray[np.int64], heights: Doubles) -> None:
    """One dot a cell, and every other dot between two half cells that are far apart."""
    most = len(dots)
    rows = np.where(np.isnan(heights), -1, np.clip(np.floor(heights * _DOTS), -1, most))
    rows, cells = rows.astype(np.int64), halves // 2
    shown = np.flatnonzero((rows >= 0) & (rows < most) & (halves % 2 == 0))
    dots[rows[shown], cells[shown]] = True
    far = np.flatnonzero((np.abs(np.diff(rows)) > 2) & ~np.isnan(np.diff(heights)))
    if len(far):
        low, high = np.minimum(rows[far], rows[far + 1]), np.maximum(rows[far], rows[far + 1])
        level = np.arange(0, most, 2)[:, None]
        between = (level >= low) & (level < high)
        for index, place in enumerate(cells[far + 1].tolist()):
            dots[::2, place] |= between[:, index]
