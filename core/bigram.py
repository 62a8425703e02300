"""The bigram model of the lecture's first part, counted on train: what a loss has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset, Split
from core.interpolated import Interpolated
from core.text import Text

MOST_SYMBOLS = 2_000
"""A larger vocabulary's table of pairs would be larger than it is worth."""


@dataclass(frozen=True, eq=False)
class Bigram:
    """P(next symbol | symbol), each pair counted once more than it occurs."""

    counts: NDArray[np.int64]
    """(V, V): how often each symbol follows each, 0 being the boundary."""

    @property
    def surprise(self) -> NDArray[np.float64]:
        """(V, V): the nats of each symbol after each, with add-one smoothing."""
        smoothed = self.counts + 1.0
        return np.asarray(np.log(smoothed.sum(axis=1, keepdims=True)) - np.log(smoothed))

    def loss(self, split: Split) -> float:
        """Mean surprise of the split's symbols, nats; NaN for a split without examples."""
        if not split.examples:
            return float("nan")
        pairs = self.surprise[split.stream[split.block_size - 1 : -1], split.targets]
        return float(pairs.mean())

    def surprises(self, symbols: list[int]) -> NDArray[np.float64]:
        """The nats of each of a word's `symbols` (n,), and of the boundary after it: (n + 1,)."""
        whole = [0, *symbols, 0]
        return np.asarray(self.surprise[whole[:-1], whole[1:]])


def count_bigrams(dataset: Dataset) -> Bigram | None:
    """Count the pairs of train; None where the vocabulary is too large for a table."""
    V, train = dataset.vocab_size, dataset.splits["train"]
    if V > MOST_SYMBOLS:
        return None
    before, after = train.stream[train.block_size - 1 : -1], train.targets
    pairs = np.bincount(before.astype(np.int64) * V + after, minlength=V * V)
    return Bigram(pairs.reshape(V, V))


def bigram_loss(dataset: Dataset) -> float | None:
    """The loss of the bigram model on dev, nats per symbol; None where there is none.

    Of words it is the interpolated one: with thousands of them, one more of each pair would be more
    than all that was counted, and the table larger than the model.
    """
    if isinstance(dataset, Text):
        return Interpolated(dataset, 2).loss("dev")
    bigram, dev = count_bigrams(dataset), dataset.splits["dev"]
    return bigram.loss(dev) if bigram is not None and dev.examples else None
