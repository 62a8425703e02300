"""The horizontal axis of the loss chart: where a step stands on it, and back. Numbers alone.

A place on the axis is a share of its length, from 0 at the left to 1 at the right; a value is in
its unit: steps, epochs or seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.smoothing import Doubles
from tui.history.reduction import Edges
from tui.history.timeline import Timeline, Unit


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, in `unit`."""

    low: float
    high: float
    unit: Unit = "steps"
    log: bool = False
    """Logarithmic: then `low` is above 0."""
    origin: float = -math.inf
    """Smaller values stand here: a logarithmic axis has no place for the state at step 0."""

    def places(self, values: ArrayLike) -> Doubles:
        """Where values stand; below 0 or above 1 off the axis."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        kept = np.maximum(np.asarray(values, np.float64), self.origin)
        scaled = np.log10(kept) if self.log else kept
        found: Doubles = (scaled - low) / (high - low)
        return found

    def values(self, places: ArrayLike) -> Doubles:
        """What stands at places."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        scaled = low + np.asarray(places, np.float64) * (high - low)
        found: Doubles = 10.0**scaled if self.log else scaled
        return found

    def cuts(self, timeline: Timeline, columns: int) -> Doubles:
        """The axis cut into equal columns: the step, with fractions, at each of the cuts."""
        cut = timeline.steps_at(self.values(np.arange(columns + 1) / max(columns, 1)))
        if self.log and self.low <= self.origin:
            cut[0] = min(cut[0], timeline.steps[0])
        return np.maximum.accumulate(cut)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def edges(cuts: Doubles) -> Edges:
    """The first step of each column, and the one after the last column."""
    return np.floor(cuts + 1e-9).astype(np.int64)
