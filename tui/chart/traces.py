"""What was undone, and what other runs did: traces of single dots, with a sign where they end.

Apart from plotext because there may be a hundred of them, which it would draw for a second; and
because a trace must differ from the living curve in its shape, not only in its colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Doubles
from tui.cells import Cells, Role, among
from tui.chart.layout import Frame
from tui.history.reduction import Curves

_DOTS = 4
"""Braille dots in a row's height; a trace uses the left ones alone, so it looks thin."""
_BRAILLE = 0x2800
_BITS = np.array((0x01, 0x02, 0x04, 0x40), np.uint32)
LEFT_HERE = "×"
"""Stands where what was undone was left."""
_UNDER = (Role.BLANK, Role.REFERENCE, Role.MARK, Role.ABANDONED)
"""What a trace is drawn over; the living curve and the evaluations stay whole."""

_AROUND = [(row, column) for row in (0, -1, 1, -2, 2, -3, 3) for column in (1, 2, 3, -1, -2, -3)]

Signed = tuple[str, Curves]
"""A curve, and the one character that stands at its end."""


def trace(curves: tuple[Signed, ...], frame: Frame, canvas: Cells, role: Role) -> None:
    """Draw the smoothed part of each of `curves` on `canvas`, the newest last."""
    if not curves:
        return
    glyphs, ends = _traces(curves, frame)
    drawn = (glyphs > 0) & among(_UNDER)[canvas.roles]
    canvas.glyphs[drawn] = glyphs[drawn]
    canvas.roles[drawn] = role
    if role == Role.OTHER:
        # Two runs that end alike are just those that are compared: each keeps its letter.
        taken: set[tuple[int, int]] = set()
        for row, column, sign in np.transpose(ends).tolist():
            _put_letter(canvas, sign, row, column, taken)
        return
    rows, columns, signs = ends
    seen = among((*_UNDER, role))[canvas.roles[rows, columns]]
    canvas.glyphs[rows[seen], columns[seen]] = signs[seen]
    canvas.roles[rows[seen], columns[seen]] = role


def _put_letter(
    canvas: Cells, sign: int, row: int, column: int, taken: set[tuple[int, int]]
) -> None:
    """At the end itself, or else beside it."""
    for place in ((row, column), *beside(row, column, canvas.height, canvas.width)):
        free = (*_UNDER, Role.OTHER) if place == (row, column) else _UNDER
        if place not in taken and canvas.roles[place] in free:
            canvas.glyphs[place], canvas.roles[place] = sign, Role.OTHER
            taken.add(place)
            return


def beside(row: int, column: int, height: int, width: int) -> Iterator[tuple[int, int]]:
    """Where a letter may stand, (row, column) on a canvas of that size, seen from the end that it
    names; the nearest place first.
    """
    for down, right in _AROUND:
        y, x = row + down, column + right
        if 0 <= y < height and 0 <= x < width:
            yield y, x


@lru_cache(maxsize=4)
def _traces(
    curves: tuple[Signed, ...], frame: Frame
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Code points (height, width) of all traces, 0 for none; rows, columns and signs of the ends.

    What was undone stays as it is, and limits rest: most frames find theirs made.
    """
    dots = np.zeros((frame.height * _DOTS, frame.width), np.bool_)
    ends: list[tuple[int, int, int]] = []
    for sign, curve in curves:
        halves, heights = _line(curve, frame)
        if len(halves):
            _dot(dots, halves, heights)
            if 0 <= heights[-1] <= frame.height:
                row = max(frame.height - 1 - int(heights[-1]), 0)
                ends.append((row, int(halves[-1]) // 2, ord(sign)))
    rows = dots[::-1].reshape(frame.height, _DOTS, frame.width)
    bits = np.tensordot(_BITS, rows.astype(np.uint32), axes=(0, 1))
    glyphs = np.where(bits > 0, _BRAILLE + bits, 0).astype(np.uint32)
    return glyphs, np.array(ends, np.int64).reshape(-1, 3).T


def _line(curve: Curves, frame: Frame) -> tuple[NDArray[np.int64], Doubles]:
    """The half cells, from the left, that a curve goes through, and its height there; NaN is a
    gap.
    """
    halves, up = np.floor(2 * frame.across(curve.x)), frame.up(curve.smooth)
    inside = (halves >= 0) & (halves < 2 * frame.width)
    halves, up = halves[inside], up[inside]
    known = np.isfinite(up)
    if not known.any():
        return np.empty(0, np.int64), np.empty(0)
    found = halves[known]
    places = np.arange(int(found[0]), int(found[-1]) + 1)
    heights = np.interp(places, found, up[known])
    if not known.all():
        gaps = np.setdiff1d(halves[~known], found).astype(np.int64) - places[0]
        heights[gaps[(gaps > 0) & (gaps < len(places))]] = np.nan
    return places, heights


def _dot(dots: NDArray[np.bool_], halves: NDArray[np.int64], heights: Doubles) -> None:
    """One dot a cell, and every other dot between two half cells that are far apart."""
    most = len(dots)
    gap = np.isnan(heights)
    rows = np.where(gap, -1, np.clip(np.floor(heights * _DOTS), -1, most))
    rows, cells = rows.astype(np.int64), halves // 2
    shown = np.flatnonzero((rows >= 0) & (rows < most) & (halves % 2 == 0))
    dots[rows[shown], cells[shown]] = True
    far = np.flatnonzero((np.abs(np.diff(rows)) > 2) & ~gap[1:] & ~gap[:-1])
    if len(far):
        low, high = np.minimum(rows[far], rows[far + 1]), np.maximum(rows[far], rows[far + 1])
        level = np.arange(0, most, 2)[:, None]
        between = (level >= low) & (level < high)
        for index, place in enumerate(cells[far + 1].tolist()):
            dots[::2, place] |= between[:, index]
