"""What a range test found, and the learning rates that it suggests. No torch: the dashboard draws
it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

import numpy as np

from core.protocol import LearningRateProbed
from core.smoothing import NOTHING, DebiasedAverage, Doubles, Floats

SMOOTHING = 0.95
"""Of the losses, a debiased average over the probes."""

OURS = "half of the minimum"
"""The name of the rule whose rate is suggested first."""

SETTLED = 45
"""Probes after which the average has nine tenths of its weight; before, it is that of a few
minibatches, and a lucky one would pass for the minimum.
"""
CLEAR = 2.0
"""The smoothed loss must fall so many times as far as single losses scatter: on trained weights the
lowest of an even curve is chance. Measured over 1,000 rates, batch 32, presets lecture and fast: 2
to 13 at step 0, 1.4 to 4 after 50 updates, at most 1.6 after 200 and more. Smaller batches scatter
more.
"""
_STRETCH = 50
"""The steepest slope is taken over this part of the range: from one probe to the next it is noise.
"""
_MOST = 1_000
"""Points at which the valley is sought: the engine does it between two turns of its sockets."""


def rates_between(low: float, high: float, steps: int) -> Doubles:
    """The rates of a range test, float64 (steps,), rising exponentially as in the lecture."""
    return np.asarray(10.0 ** np.linspace(np.log10(low), np.log10(high), steps))


def settled(steps: int) -> int:
    """Of a test of so many rates: the first whose smoothed loss counts."""
    return min(SETTLED, steps // 10)


@dataclass(frozen=True, eq=False)
class Probes:
    """The losses (probed,) at the first `probed` of `steps` rates from `low` to `high`."""

    low: float
    high: float
    steps: int
    losses: Floats = field(default_factory=lambda: NOTHING)

    @property
    def rates(self) -> Doubles:
        """The rates that were tried, float64 (probed,)."""
        return rates_between(self.low, self.high, self.steps)[: len(self.losses)]

    @property
    def smoothed(self) -> Floats:
        """The debiased average of the losses, float32 (probed,)."""
        average = DebiasedAverage(SMOOTHING)
        average.extend(self.losses)
        return average.column.values

    def extended(self, probed: LearningRateProbed) -> Probes:
        """With the losses that came next."""
        losses = np.frombuffer(probed.loss, "<f4").astype(np.float32)
        known = self.losses[: probed.first]
        # Whoever attaches midway has not heard the first ones.
        missing = np.full(probed.first - len(known), np.nan, np.float32)
        return replace(self, losses=np.concatenate([known, missing, losses]))


def suggestions(probes: Probes) -> dict[str, float]:
    """Rates by the name of the rule that finds them in the smoothed loss, ours first.

    Empty where the loss did not clearly fall, or too little was tried: then the test tells nothing.
    A rule that finds nothing is left out. 3 significant digits: the noise allows no more.

    - `half of the minimum`: half of the rate at which the smoothed loss is lowest.
    - `valley`: in the middle of the longest falling subsequence, fastai's default.
    - `steepest`: where the smoothed loss falls fastest by the logarithm of the rate (Smith 2015).
      Beware: large first weights fall fastest as the rate rises, whatever the rate.
    """
    first = settled(probes.steps)
    smoothed, rates = probes.smoothed[first:], probes.rates[first:]
    finite = np.isfinite(smoothed)
    smoothed, rates = smoothed[finite], rates[finite]
    if len(smoothed) < 2:
        return {}
    lowest = int(smoothed.argmin())
    fall = float(smoothed[0] - smoothed[lowest])
    if lowest == 0 or fall < CLEAR * _scatter(probes.losses[first:][finite][: lowest + 1]):
        return {}
    found = {OURS: float(rates[lowest]) / 2}
    if (at := _valley(smoothed)) is not None:
        found["valley"] = float(rates[at])
    if (at := _steepest(smoothed, max(1, probes.steps // _STRETCH))) is not None:
        found["steepest"] = float(rates[at])
    return {name: float(f"{rate:.3g}") for name, rate in found.items()}


def _scatter(losses: Floats) -> float:
    """The standard deviation of single losses about their course, from how each differs from the
    next: so neither a fall nor the lag of an average counts.
    """
    return float(np.sqrt(np.mean(np.square(np.diff(losses.astype(np.float64)))) / 2))


def _valley(smoothed: Floats) -> int | None:
    """The index half the length of the longest falling subsequence before its end (fastai 2.3)."""
    thin = -(-len(smoothed) // _MOST)
    # Rising is what bisection knows; `ends[n]` is the lowest end of a subsequence of n + 1.
    ends: list[float] = []
    longest, end = 0, 0
    for index, value in enumerate((-smoothed[::thin]).tolist()):
        length = bisect_left(ends, value)
        ends[length : length + 1] = [value]
        if length + 1 > longest:
            longest, end = length + 1, index
    return None if longest < 2 else thin * (end - longest // 2)


def _steepest(smoothed: Floats, stretch: int) -> int | None:
    """The index in the middle of the `stretch` probes over which the loss falls most."""
    falls = smoothed[:-stretch] - smoothed[stretch:]
    if not len(falls) or falls.max() <= 0:
        return None
    return int(falls.argmax()) + stretch // 2
