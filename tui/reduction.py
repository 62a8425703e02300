"""Reduction of a long loss column to the columns of a screen, such that no spike is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Floats


@dataclass(frozen=True, eq=False)
class Curves:
    """What a chart draws of a loss column; one entry per screen column that holds a step, rising.

    Where none of a column's steps has a finite loss, `low`, `high` and `smooth` are NaN: a gap.
    """

    column: NDArray[np.int64]
    """Index of the screen column, from 0."""
    step: NDArray[np.float64]
    """The middle of the column's steps; `smooth` is drawn there."""
    low: Floats
    """Smallest loss within the column."""
    high: Floats
    """Largest loss within the column."""
    smooth: Floats
    """Mean of the averages within the column: of a jagged curve a sample would mislead."""

    def __len__(self) -> int:
        return len(self.step)


_NONE = np.empty(0, np.float32)
NO_CURVES = Curves(np.empty(0, np.int64), np.empty(0, np.float64), _NONE, _NONE, _NONE)


def reduce(
    loss: Floats, smooth: Floats, first: int, last: int, columns: int, *, start: int = 0
) -> Curves:
    """Steps [first, last) of two equally long columns on `columns` equal stretches of the axis.

    The axis may reach beyond the data; columns without a step are left out. Values must be finite
    or NaN. Stretches depend on the axis alone, so that a growing column never redraws its past.
    """
    edges = first + np.arange(columns + 1, dtype=np.int64) * (last - first) // max(columns, 1)
    edges = np.clip(edges - start, 0, len(loss))
    starts, ends = edges[:-1], edges[1:]
    column = np.flatnonzero(ends > starts)
    starts, ends = starts[column], ends[column]
    if not len(column):
        return NO_CURVES
    piece = loss[: ends[-1]]
    return Curves(
        column=column,
        step=start + (starts + ends - 1) / 2,
        # fmin and fmax pass over NaN.
        low=np.fmin.reduceat(piece, starts),
        high=np.fmax.reduceat(piece, starts),
        smooth=_mean(smooth, starts, ends),
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
