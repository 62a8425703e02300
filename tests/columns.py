"""Reduction of whole columns of losses to equal stretches of steps, as tests want it."""

from __future__ import annotations

import numpy as np

from core.smoothing import Floats
from tui.history.reduction import Curves, Edges, losses_of, reduce_from


def even(first: int, last: int, columns: int) -> Edges:
    """The first step of each of `columns` equal stretches of [first, last), and `last`."""
    return first + np.arange(columns + 1, dtype=np.int64) * (last - first) // max(columns, 1)


def reduce(
    loss: Floats, smooth: Floats, first: int, last: int, columns: int, *, start: int = 0
) -> Curves:
    """Steps [first, last) of two equally long columns on `columns` equal stretches of the axis.

    The axis may reach beyond the data; columns without a step are left out. Values must be finite
    or NaN. Stretches depend on the axis alone, so that a growing column never redraws its past.
    """

    return reduce_from(losses_of(loss, smooth, start), even(first, last, columns))
