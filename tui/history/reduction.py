"""Reduction of a long loss column to the columns of a screen, such that no spike is lost."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Floats
from tui.history.timeline import IN_STEPS, Timeline

Edges = NDArray[np.int64]

_AT_ONCE = 2**17
"""Steps looked at together, as far as a screen column has fewer: their copies stay small."""


@dataclass(frozen=True, eq=False)
class Curves:
    """What a chart draws of a loss column; one entry per screen column that holds a step, rising.

    Where none of a column's steps has a finite loss, `low`, `high` and `smooth` are NaN: a gap.
    """

    column: NDArray[np.int64]
    """Index of the screen column, from 0."""
    x: NDArray[np.float64]
    """Where `smooth` is drawn: the middle of the column's steps, in the unit of the axis."""
    low: Floats
    """Smallest loss within the column."""
    high: Floats
    """Largest loss within the column."""
    smooth: Floats
    """Mean of the averages within the column: of a jagged curve a sample would mislead."""

    def __len__(self) -> int:
        return len(self.x)

    def on(self, line: Timeline) -> Curves:
        """With `x`, in steps so far, in the unit of that line."""
        return self if line is IN_STEPS else replace(self, x=line.values_at(self.x))


_NONE = np.empty(0, np.float32)
NO_CURVES = Curves(np.empty(0, np.int64), np.empty(0, np.float64), _NONE, _NONE, _NONE)

Piece = Callable[[int, int], tuple[Floats, Floats]]
"""Losses and averages of the steps [first, last), finite or NaN."""


@dataclass(frozen=True)
class Losses:
    """Where the losses of some steps are to be had, a piece at a time."""

    piece: Piece
    first: int
    last: int


def losses_of(loss: Floats, smooth: Floats, start: int) -> Losses:
    """Two whole columns whose first element belongs to step `start`."""

    def piece(begin: int, end: int) -> tuple[Floats, Floats]:
        return loss[begin - start : end - start], smooth[begin - start : end - start]

    return Losses(piece, start, start + len(loss))


def reduce_from(losses: Losses, edges: Edges, *, skip: int = 0) -> Curves:
    """Losses on screen columns between `edges`, steps that never fall; without the first `skip`.

    The edges may reach beyond the data; columns without a step are left out. Values must be finite
    or NaN. Columns depend on the axis alone, so that a growing column never redraws its past.
    """
    edges = np.clip(edges, losses.first, losses.last)
    starts, ends = edges[:-1], edges[1:]
    column = skip + np.flatnonzero(ends[skip:] > starts[skip:])
    if not len(column):
        return NO_CURVES
    starts, ends = starts[column], ends[column]
    low, high, smooth = (np.empty(len(column), np.float32) for _ in range(3))
    at = 0
    while at < len(column):
        fitting = int(np.searchsorted(ends, starts[at] + _AT_ONCE, side="right"))
        some = slice(at, max(fitting, at + 1))
        loss, average = losses.piece(int(starts[at]), int(ends[some][-1]))
        places = starts[some] - starts[at]
        # fmin and fmax pass over NaN.
        low[some], high[some] = np.fmin.reduceat(loss, places), np.fmax.reduceat(loss, places)
        smooth[some] = _mean(average, places, ends[some] - starts[at])
        at = some.stop
    return Curves(column, (starts + ends - 1) / 2, low, high, smooth)


class Reducer:
    """Reduces losses that grow at their end, again and again: columns of the axis that had all of
    their steps are not looked at again.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._edges: Edges = np.empty(0, np.int64)
        self._whole = NO_CURVES

    def reduce(self, losses: Losses, edges: Edges, *, key: Hashable) -> Curves:
        """As `reduce_from`; losses under the same `key` begin with those that were there before."""
        if self._key != key:
            self._key, self._whole = key, NO_CURVES
        elif not np.array_equal(edges, self._edges):
            # What is still to come may fall elsewhere than it seemed; what was has its place.
            shared = min(len(edges), len(self._edges))
            differ = np.flatnonzero(edges[:shared] != self._edges[:shared])
            same = int(differ[0]) if len(differ) else shared
            self._whole = _first(self._whole, int((self._whole.column < same - 1).sum()))
        self._edges = edges
        done = int(self._whole.column[-1]) + 1 if len(self._whole) else 0
        new = reduce_from(losses, edges, skip=done)
        found = _joined(self._whole, new)
        self._whole = _first(found, int((edges[1:][found.column] <= losses.last).sum()))
        return found


def _first(curves: Curves, count: int) -> Curves:
    c = curves
    return Curves(c.column[:count], c.x[:count], c.low[:count], c.high[:count], c.smooth[:count])


def _joined(one: Curves, other: Curves) -> Curves:
    if not (len(one) and len(other)):
        return one if len(one) else other
    a, b = one, other
    return Curves(
        np.concatenate([a.column, b.column]),
        np.concatenate([a.x, b.x]),
        np.concatenate([a.low, b.low]),
        np.concatenate([a.high, b.high]),
        np.concatenate([a.smooth, b.smooth]),
    )


def _mean(values: Floats, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Floats:
    """The mean of each stretch, NaN passed over; stretches follow one another."""
    piece = values[: ends[-1]]
    counts: NDArray[np.int64] = ends - starts
    sums = np.add.reduceat(piece, starts, dtype=np.float64)
    for index in np.flatnonzero(np.isnan(sums)):
        stretch = piece[starts[index] : ends[index]]
        known = stretch[~np.isnan(stretch)]
        sums[index], counts[index] = known.sum(dtype=np.float64), len(known)
    with np.errstate(invalid="ignore"):
        return (sums / counts).astype(np.float32)


def finite_or_nan(values: Floats) -> Floats:
    """`values` with every infinity turned into NaN."""
    return np.where(np.isfinite(values), values, np.float32(np.nan))
