"""Where the steps of one lineage fall in epochs or seconds: straight pieces between known points.

Steps remain what everything is counted in; an axis in other units only shows them elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from core.smoothing import Doubles

Unit = Literal["steps", "epochs", "seconds"]
"""Of a horizontal axis; seconds are those spent inside updates."""
UNITS: tuple[Unit, ...] = ("steps", "epochs", "seconds")


@dataclass(frozen=True, eq=False)
class Timeline:
    """A rising curve of straight pieces, which goes on at both ends as it does there."""

    steps: Doubles
    values: Doubles

    def values_at(self, steps: ArrayLike) -> Doubles:
        """In units of the axis."""
        return _along(np.asarray(steps, np.float64), self.steps, self.values)

    def steps_at(self, values: ArrayLike) -> Doubles:
        """Back to steps, with fractions."""
        return _along(np.asarray(values, np.float64), self.values, self.steps)


_JUMP = 1e-3
"""Steps within which a line jumps: it must rise, so that it leads back."""
_RISE = 1e-9
"""Seconds or epochs, a billionth of one: what rises less does not lead back either."""
IN_STEPS = Timeline(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def timeline(points: Iterable[tuple[float, float]], slope: float) -> Timeline:
    """Through `points` of step and value; beyond the last by `slope` (value a step, above 0).

    Where two points stand at one step the line jumps; otherwise points that do not rise in both are
    passed by.
    """
    steps: list[float] = []
    values: list[float] = []
    for step, value in points:
        if steps and step == steps[-1]:
            step += _JUMP
        if not steps or (step > steps[-1] and value > values[-1] + _RISE * max(values[-1], 1.0)):
            steps.append(float(step))
            values.append(float(value))
    if not steps:
        steps, values = [0.0], [0.0]
    steps.append(steps[-1] + 1.0)
    values.append(values[-1] + slope)
    return Timeline(np.array(steps), np.array(values))


def _along(places: Doubles, xs: Doubles, ys: Doubles) -> Doubles:
    piece = np.clip(np.searchsorted(xs, places, side="right") - 1, 0, len(xs) - 2)
    slopes = (ys[piece + 1] - ys[piece]) / (xs[piece + 1] - xs[piece])
    found: Doubles = ys[piece] + (places - xs[piece]) * slopes
    return found
