"""The factor on the base learning rate as a pure function of the step.

Nothing here has memory: a schedule can be asked about any step, drawn ahead, and needs no saving.
Effective rate = base × factor; factor = warmup × decay, both functions of (step − schedule_start).
"""

from __future__ import annotations

import math
from typing import assert_never

from core.config import Knobs


def warmup_factor(knobs: Knobs, step: int) -> float:
    """Rises linearly over the schedule's first `warmup` steps, from 1/warmup to 1."""
    since = max(step - knobs.schedule_start, 0)
    return min(1.0, (since + 1) / knobs.warmup) if knobs.warmup else 1.0


def decay_factor(knobs: Knobs, step: int) -> float:
    """From 1 at the schedule's start to `floor`, where it stays.

    Cosine: Loshchilov & Hutter 2017, eq. 5. Inverse: 1 / (1 + r t) of Bengio et al. 2003, §2, with
    r = 1 / schedule_length; it has no end, so the length is where it comes to a half.
    """
    since = max(step - knobs.schedule_start, 0)
    done = min(since / knobs.schedule_length, 1.0)
    floor = knobs.floor
    match knobs.schedule:
        case "constant":
            return 1.0
        case "step":
            drops = sum(1 for drop in knobs.drops if drop <= since)
            return max(floor, knobs.drop_factor**drops)
        case "exponential":
            return float(floor**done)
        case "linear":
            return 1.0 - (1.0 - floor) * done
        case "cosine":
            return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * done))
        case "inverse":
            return max(floor, 1.0 / (1.0 + since / knobs.schedule_length))
        case _:
            assert_never(knobs.schedule)


def factor(knobs: Knobs, step: int) -> float:
    """The factor on the base rate for the update from state `step` to state `step + 1`."""
    return warmup_factor(knobs, step) * decay_factor(knobs, step)


def effective_rate(knobs: Knobs, step: int) -> float:
    """base × factor: the learning rate of the update from state `step` to state `step + 1`."""
    return knobs.learning_rate * factor(knobs, step)
