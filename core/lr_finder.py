"""The learning-rate finder: a range test inside the live run, on a copy (Smith 2015)."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.dials import ConfigError, Dial, show
from core.pacing import Pacing
from core.protocol import FinderFinished, FindLearningRate, LearningRateProbed
from core.smoothing import Floats
from core.suggesting import SMOOTHING, Probes, rates_between, settled, suggestions

if TYPE_CHECKING:
    from core.run import Run
    from core.trainer import Trainer

LOW = Dial("low", "The lowest rate that is tried.", high=1e6, open_low=True)
HIGH = Dial("high", "The highest rate that is tried.", high=1e6, open_low=True)
STEPS = Dial("steps", "How many rates are tried.", low=10, high=100_000, kind="count")
PROBES = replace(STEPS, name="probes")
"""As the command line calls them: there, steps are those of training."""

CLIMB = 4.0
"""Times its lowest value: what the smoothed loss must exceed, and 2 ln V besides, to end the test.

Of the lecture's model up to rate 1, over 20 seeds: from its first weights the average climbs 1.7 to
2.0 times; from those of 5,000 steps 4.1 to 5.5 times, near rate 1, where it has told all it can.
"""

STREAM_SECONDS = 1 / 30
"""Probes travel to the dashboards no more often than this."""


def check_wish(wish: FindLearningRate) -> None:
    """Raise ConfigError unless the range test can be made."""
    LOW.check(wish.low)
    HIGH.check(wish.high)
    STEPS.check(wish.steps)
    if wish.low >= wish.high:
        raise ConfigError("low", wish.low, f"must be below the highest rate, {show(wish.high)}")


def finding(run: Run, wish: FindLearningRate, client: str) -> Generator[None, None, None]:
    """A range test on a copy of the run's trainer, told as it goes; nothing of the run changes."""
    low, high, steps = wish.low, wish.high, wish.steps
    losses = np.empty(0, np.float32)
    told, told_at = 0, -math.inf

    def tell() -> None:
        nonlocal told, told_at
        column = losses[told:].astype("<f4").tobytes()
        run.journal.tell(
            LearningRateProbed(
                low=low, high=high, steps=steps, first=told, loss=column, client=client
            )
        )
        told, told_at = len(losses), time.monotonic()

    for piece in range_test(run.trainer, low, high, steps):
        losses = np.concatenate([losses, piece])
        if time.monotonic() - told_at >= STREAM_SECONDS:
            tell()
        yield
    if told < len(losses):
        tell()
    run.journal.add(
        FinderFinished,
        run.step,
        low=low,
        high=high,
        steps=steps,
        probed=len(losses),
        suggestions=suggestions(Probes(low, high, steps, losses)),
        answers=wish.id,
        client=client,
    )


def range_test(
    trainer: Trainer, low: float, high: float, steps: int
) -> Generator[Floats, None, None]:
    """Yield, every few milliseconds, the minibatch losses before the updates at further rates.

    Works on a copy, on the minibatches that come next, with all knobs in force but base rate and
    schedule: `trainer` is never touched, even when closed midway. It ends early with the first loss
    that is not finite, or at which the test has blown up.
    """
    probe, rates = trainer.copy(), rates_between(low, high, steps).tolist()
    watch = Watch(settled(steps), 2 * math.log(trainer.model.vocab_size))
    pacing, done = Pacing(), 0
    while done < steps:
        before = time.perf_counter()
        losses = probe.advance_at(rates[done : done + pacing.chunk])
        done += len(losses)
        pacing.did(len(losses), time.perf_counter() - before)
        end = watch.look(losses)
        yield losses[:end]
        if end is not None:
            return


class Watch:
    """Sees where a test blows up: at the same probe, however the test is cut into pieces."""

    def __init__(self, settled: int, ceiling: float) -> None:
        self._settled, self._ceiling = settled, ceiling
        self._sum, self._count, self._lowest = 0.0, 0, math.inf

    def look(self, losses: Floats) -> int | None:
        """How many of the losses that came next belong to the test; None: all, and it goes on."""
        for index, loss in enumerate(losses.tolist()):
            if not math.isfinite(loss):
                return index + 1
            self._count += 1
            self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * loss
            average = self._sum / (1 - SMOOTHING**self._count)
            if self._count > self._settled:
                self._lowest = min(self._lowest, average)
            if average > CLIMB * self._lowest and average > self._ceiling:
                return index + 1
        return None
