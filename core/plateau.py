"""Whether the dev loss has stopped falling: what the lecture sees by eye before it decays the rate.

Torch-free, and a function of the evaluations alone: the dashboard says it, the autopilot heeds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.smoothing import DebiasedAverage

SMOOTHING = 0.6
"""Of the dev losses: single ones jump by some hundredths of a nat from step to step."""
LEAST = 0.001
"""Nats by which the smoothed loss must come below its lowest to be falling still."""


def is_plateau(dev: Sequence[float], patience: int) -> bool:
    """Whether the smoothed loss has hardly fallen for `patience` evaluations; `dev` are those since
    the last act, in order.
    """
    if len(dev) <= patience:
        return False
    average = DebiasedAverage(SMOOTHING)
    average.extend(np.asarray(dev, np.float32))
    lowest, since = np.inf, 0
    for value in average.column.values:
        if value < lowest - LEAST:
            lowest, since = value, 0
        else:
            since += 1
    return since >= patience
