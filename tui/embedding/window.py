"""Which part of the plane the embedding map shows: equal scales, and limits that rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.smoothing import Doubles
from tui.chart import scale
from tui.embedding.projection import Flags, finite

_STEP = 1.15
"""Scales are powers of this, so that a cloud that grows changes them seldom."""
_AROUND = (3, 1)
"""Columns and rows kept free of marks at the edges, for labels."""
_WASTE = 0.72
"""Where the cloud would do with less than this share of the scale, it is drawn larger."""
_REST = 4
"""A zoomed map moves on by this part of its width or height."""


@dataclass(frozen=True)
class Window:
    """A rectangle of the plane on so many cells; a cell is twice as high as it is wide."""

    left: float
    bottom: float
    unit: float
    """Of the plane on one column; a row has two."""
    width: int
    height: int

    def cells(self, points: Doubles) -> Doubles:
        """Columns from the left and rows from the top (n, 2), not rounded; NaN stays NaN."""
        across = (points[:, 0] - self.left) / self.unit
        up = (points[:, 1] - self.bottom) / (2 * self.unit)
        return np.stack([across, self.height - up], axis=1)

    def inside(self, points: Doubles) -> Flags:
        """Which points lie in a cell of the window."""
        cells = np.floor(self.cells(points))
        with np.errstate(invalid="ignore"):
            return np.asarray(((cells >= 0) & (cells < (self.width, self.height))).all(1))

    def ticks(self) -> tuple[dict[int, str], dict[int, str]]:
        """Round values across and up, as many as there is room for: by column and by row."""
        across, up = self.width * self.unit, 2 * self.height * self.unit
        return (
            {
                int((value - self.left) / self.unit): text
                for value, text in _round(self.left, across, max(self.width // 9, 2))
            },
            {
                int(self.height - (value - self.bottom) / (2 * self.unit)): text
                for value, text in _round(self.bottom, up, max(self.height // 4, 2))
            },
        )


def window_of(points: Doubles, width: int, height: int, before: Window | None = None) -> Window:
    """One that holds all points that are finite: `before`, while that does it without waste."""
    known = points[finite(points)]
    if before is not None and (before.width, before.height) != (width, height):
        before = None
    if not len(known):
        return before or _centred((0.0, 0.0), 1.0, width, height)
    low, high = known.min(0), known.max(0)
    room = (max(width - 2 * _AROUND[0], 1), 2 * max(height - 2 * _AROUND[1], 1))
    need = max(float(((high - low) / room).max()), float(np.abs(known).max()) * 1e-4, 1e-9)
    if before is not None and need >= _WASTE * before.unit:
        cells = before.cells(np.stack([low, high]))
        if (cells >= 1).all() and (cells <= (width - 1, height - 0.5)).all():
            return before
    unit = _STEP ** math.ceil(math.log(need * 1.04, _STEP))
    middle = (low + high) / 2
    return _centred((float(middle[0]), float(middle[1])), unit, width, height)


def zoomed(window: Window, times: int, focus: tuple[float, float] | None) -> Window:
    """The window, drawn twice as large so many times, around `focus` or its own middle.

    It moves by whole parts of itself only, so that it rests while the focus moves a little.
    """
    if not times:
        return window
    unit = window.unit / 2**times
    spans = (window.width * unit, 2 * window.height * unit)
    middle = (
        window.left + window.width * window.unit / 2,
        window.bottom + window.height * window.unit,
    )
    wanted = middle if focus is None else focus
    rested = [
        centre + round((place - centre) / (span / _REST)) * span / _REST
        for place, centre, span in zip(wanted, middle, spans, strict=True)
    ]
    return _centred((rested[0], rested[1]), unit, window.width, window.height)


def _round(low: float, span: float, count: int) -> list[tuple[float, str]]:
    step = scale.nice_step(span, count)
    # Not quite to the upper end, which belongs to no cell.
    multiples = range(math.ceil(low / step), math.ceil((low + span) / step))
    return [(step * i, scale.loss_label(step * i, step)) for i in multiples]


def _centred(middle: tuple[float, float], unit: float, width: int, height: int) -> Window:
    return Window(middle[0] - width * unit / 2, middle[1] - height * unit, unit, width, height)
