"""The interpolated n-gram model of Jelinek & Mercer 1980, as in §4.2 of Bengio et al. 2003: what a
model of words has to beat.

    p(w | context) = Σ_k α_k(q) p_k(w | the last k − 1 words)      p_0 = 1/V

The p_k are relative frequencies in train. The weights α depend on how often train has the longest
context (in classes of its logarithm, q), and are found by EM on dev. In memory there are only the
n-grams that occur.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset, Split, SplitName

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

ROUNDS = 100
ENOUGH = 1e-6
"""Nats per symbol: EM ends at the first round that gains less."""

# Shapes: N examples, K order, Q classes of contexts, V vocab_size


@dataclass(frozen=True, eq=False)
class Counts:
    """How often sequences of one length occur, each coded as a number."""

    keys: Integers
    """Rising."""
    counts: Integers

    @classmethod
    def of(cls, keys: Integers) -> Counts:
        """Count these."""
        return cls(*np.unique(keys, return_counts=True))

    def __getitem__(self, keys: Integers) -> Integers:
        """How often each of these (N,) occurs."""
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.counts[at], 0)


class Interpolated:
    """An n-gram model of a dataset, counted on train, its weights fitted on dev."""

    def __init__(self, dataset: Dataset, order: int = 3) -> None:
        """`order` 3 is the trigram. Raises ValueError where train or dev has no examples."""
        self._splits = splits = dataset.splits
        if not splits["train"].examples or not splits["dev"].examples:
            raise ValueError("train and dev must have examples")
        self.order, self._V = order, dataset.vocab_size
        before, after = self.examples(splits["train"])
        self._total = len(after)
        self._contexts = [Counts.of(keys) for keys in self._keys(before)]
        self._ngrams = [Counts.of(keys * self._V + after) for keys in self._keys(before)]
        self.gains: list[float] = []
        """Mean log-likelihood of dev, nats per symbol, before each round of EM."""
        self.weights = self._fit(*self.examples(splits["dev"]))
        """(Q, K + 1): of p_0 … p_K for each class of contexts."""

    def loss(self, split: SplitName) -> float:
        """Mean surprise of a split's symbols, nats; NaN for a split without examples."""
        before, after = self.examples(self._splits[split])
        return float(-np.log(self.odds(before, after)).mean()) if len(after) else float("nan")

    def odds(self, before: Integers, after: Integers) -> Floats:
        """P(after (N,) | before (K − 1, N)), the newest symbol last."""
        mixed = self.weights[self._classes(before)] * self._parts(before, after)
        return np.asarray(mixed.sum(axis=1))

    def examples(self, split: Split) -> tuple[Integers, Integers]:
        """The symbols before each example of a split (K − 1, N), and its target (N,)."""
        targets = split.targets.astype(np.int64)
        stream = np.concatenate([np.zeros(self.order - 1, dtype=np.int64), targets])
        before = [stream[place : place + len(targets)] for place in range(self.order - 1)]
        return np.array(before, dtype=np.int64).reshape(self.order - 1, len(targets)), targets

    def _keys(self, before: Integers) -> list[Integers]:
        """Numbers (N,) of the contexts of 0 … K − 1 symbols."""
        keys = [np.zeros(before.shape[1], dtype=np.int64)]
        for length, symbols in enumerate(before[::-1]):
            keys.append(keys[-1] + symbols * self._V**length)
        return keys

    def _parts(self, before: Integers, after: Integers) -> Floats:
        """p_0 … p_K of each example (N, K + 1); after an unknown context as after a shorter one."""
        parts = [np.full(len(after), 1 / self._V)]
        for keys, contexts, ngrams in zip(
            self._keys(before), self._contexts, self._ngrams, strict=True
        ):
            seen = contexts[keys]
            share = ngrams[keys * self._V + after] / np.maximum(seen, 1)
            parts.append(np.where(seen > 0, share, parts[-1]))
        return np.stack(parts, axis=1)

    def _classes(self, before: Integers) -> Integers:
        """The class (N,) of each longest context: ⌈−ln((1 + its count) / T)⌉, as in the paper."""
        seen = self._contexts[-1][self._keys(before)[-1]]
        logarithms = np.ceil(-np.log((1 + seen) / (1 + self._total)))
        return np.asarray(logarithms, dtype=np.int64)

    def _fit(self, before: Integers, after: Integers) -> Floats:
        """Weights by EM: each class's share of what its examples owe to each part."""
        parts, classes = self._parts(before, after), self._classes(before)
        Q = int(np.ceil(np.log(1 + self._total))) + 1
        examples = np.bincount(classes, minlength=Q)[:, None]
        weights = np.full((Q, self.order + 1), 1 / (self.order + 1))
        for _ in range(ROUNDS):
            owed = weights[classes] * parts
            odds = owed.sum(axis=1, keepdims=True)
            self.gains.append(float(np.log(odds).mean()))
            if len(self.gains) > 1 and self.gains[-1] - self.gains[-2] < ENOUGH:
                break
            owed /= odds
            sums = [np.bincount(classes, column, minlength=Q) for column in owed.T]
            # A class that dev lacks keeps equal weights.
            weights = np.where(examples, np.stack(sums, 1) / np.maximum(examples, 1), weights)
        return weights
