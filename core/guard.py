"""Notices when training has gone wrong: the loss is not finite, or has climbed far from its lowest.

A function of the losses along the lineage and of nothing else, so it trips at the same step however
training is cut into chunks. core/guarding.py does what has to be done then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.config import Knobs
from core.dials import show
from core.lineage import Lineage, point_at
from core.protocol import GuardTripped, KnobsChanged, Point, RolledBack
from core.smoothing import Column, DebiasedAverage, Floats
from core.steering import significant

SMOOTHING = 0.98
CLIMB = 3.0
"""Times its lowest value: what the average of the losses must exceed, and 2 ln V besides.

Of the lecture's model after 5,000 steps at 0.1, rate 0.5 raises it 2.6 to 2.9 times, and it
recovers; rate 1 raises it five times.
"""
SETTLED = 32
"""Examples of which an average must be that its value counts as the lowest: of fewer, a lucky one
would. The lecture's minibatch has as many.
"""
_PENDING = 4_096
"""Losses that may wait: while none of them exceeds 2 ln V, no average of them can."""

RECENT = 1_000
"""An intervention at most so many steps back is held to be the cause."""
EVERY = 1_000
MARGIN = 200
"""Steps before the trip in which the weights may have been going wrong already."""
TRIES = 6
"""Rollbacks to one point in a row, each to a tenth of the rate: then it is not the rate."""


@dataclass(frozen=True)
class Trip:
    """Where the guard trips."""

    index: int
    """Of the loss, among those that were looked at."""
    average: float
    lowest: float


class Guard:
    """Watches losses in step order."""

    def __init__(self, vocab_size: int, batch_size: int) -> None:
        self._ceiling = 2 * math.log(vocab_size)
        self._unsettled = -(-SETTLED // batch_size) - 1
        """Averages to come that are of too few examples."""
        self._average = DebiasedAverage(SMOOTHING)
        self._lowest = math.inf
        self._pending: list[Floats] = []

    def look(self, losses: Floats) -> Trip | None:
        """Take in the losses (updates,) that came next; the first at which it trips, or None."""
        waiting = sum(map(len, self._pending))
        self._pending.append(losses)
        # Written so that NaN takes the careful way. After a climb that was left alone, the average
        # itself may still be too high, and then none may wait.
        calm = not self._average.latest > self._ceiling
        if calm and len(losses) and losses.max() <= self._ceiling and waiting < _PENDING:
            return None
        values = np.concatenate(self._pending)
        self._pending = []
        self._average.extend(values)
        averages = self._average.column.values
        self._average.column = Column()
        counted = averages.copy()
        counted[: self._unsettled] = math.inf
        self._unsettled = max(self._unsettled - len(averages), 0)
        lowest = np.fmin.accumulate(np.concatenate([[self._lowest], counted]))[1:]
        self._lowest = float(lowest[-1]) if len(lowest) else self._lowest
        with np.errstate(invalid="ignore"):
            climbed = (averages > CLIMB * lowest) & (averages > self._ceiling)
        tripped = np.flatnonzero(climbed | ~np.isfinite(values))
        if not len(tripped):
            return None
        at = int(tripped[0])
        return Trip(at - waiting, float(averages[at]), float(lowest[at]))


def watch(vocab_size: int, path: Lineage, losses: Iterable[tuple[Knobs, Floats]]) -> Guard:
    """A guard that has seen `losses`, pieces of the lineage `path` with the knobs of each.

    Losses of one minibatch and of all of train are not to be compared: it begins anew between them.
    """
    # Knobs may be turned before the first update.
    knobs = next((stretch for stretch in path if stretch.end > stretch.start), path[-1]).knobs
    guard, fixed = Guard(vocab_size, knobs.batch_size), knobs.fixed_batch
    for knobs, piece in losses:
        if knobs.fixed_batch != fixed:
            guard, fixed = Guard(vocab_size, knobs.batch_size), knobs.fixed_batch
        guard.look(piece)
    knobs = path[-1].knobs
    return guard if knobs.fixed_batch == fixed else Guard(vocab_size, knobs.batch_size)


def way_back(path: Lineage, step: int) -> Point | None:
    """Where to go after a trip in the update at `step`; None where there is nothing before it.

    The point before the last intervention if that is recent, else a multiple of 1,000 steps some
    way before the trip.
    """
    for number in range(len(path) - 1, 0, -1):
        act = path[number].act
        if act.step <= step - RECENT:
            break
        if isinstance(act, RolledBack) and not act.changes:
            continue
        if isinstance(act, KnobsChanged) and act.joins:
            continue
        before = act.to if isinstance(act, RolledBack) else act.before
        if before.step < step or not isinstance(act, RolledBack):
            return before
    target = max((step - MARGIN) // EVERY * EVERY, path[0].start)
    return point_at(path, target) if target < step else None


def may_try(acts: Sequence[object], to: Point | None, rate: float) -> bool:
    """Whether going back to `to` and on at a tenth of `rate` is worth another try; `acts` are all
    of the run, in their order.
    """
    tries = 0
    for act in reversed(acts):
        if not (isinstance(act, RolledBack) and act.by == "guard" and act.to == to):
            break
        tries += 1
    return tries < TRIES and tenth(rate) > 0


def tenth(rate: float) -> float:
    """The base rate at which to go on after a trip at `rate`."""
    return significant(rate / 10)


def trip_text(trip: GuardTripped) -> str:
    """What made the guard step in: what the loss did, and at which rate."""
    if trip.loss is None:
        why = "the loss is not finite"
    else:
        why = f"the loss climbed to {_loss(trip.average)} from {_loss(trip.lowest)}"
    return f"guard: {why} at rate {show(trip.rate)}"


def _loss(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3f}"
