"""The bigram as the inspector compares with it: odds and surprises, row by row as wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.bigram import Bigram


class Pairs:
    """A counted table, each pair counted once more than it occurs."""

    def __init__(self, bigram: Bigram) -> None:
        self._counts = bigram.counts
        self._totals = bigram.counts.sum(axis=1) + len(bigram.counts)

    def odds(self, before: int) -> NDArray[np.float64]:
        """P(next symbol | `before`) (V,)."""
        return np.asarray((self._counts[before] + 1) / self._totals[before])

    def surprises(self, symbols: list[int]) -> NDArray[np.float64]:
        """The nats of each of a word's `symbols`, and of its end: (n + 1,)."""
        whole = np.array([0, *symbols, 0])
        first, second = whole[:-1], whole[1:]
        return np.asarray(np.log(self._totals[first]) - np.log(self._counts[first, second] + 1))
