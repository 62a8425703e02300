"""What a person may want counted of a list, lengths and pairs; the model needs none of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.bigram import count_bigrams
from core.dataset import Dataset, symbol_counts

MOST_PAIRED = 500
"""Symbols in the table of pairs where the vocabulary is too large for one of all."""

_AT_ONCE = 1 << 20
"""Pairs counted at once: it takes some twenty times their own memory."""


@dataclass(frozen=True, eq=False)
class Lengths:
    """How many words have how many symbols; of a text, how many sentences how many words."""

    shortest: int
    counts: NDArray[np.int64]
    """Of the length `shortest` and each greater one, up to the longest."""

    @property
    def mean(self) -> float:
        """Symbols per word, or words per sentence."""
        lengths = self.shortest + np.arange(len(self.counts))
        return float(lengths @ self.counts) / int(self.counts.sum())


def count_lengths(dataset: Dataset) -> Lengths:
    """Of all words, repeats included, or of all sentences."""
    counts = np.bincount(dataset.lengths)
    shortest = int(np.flatnonzero(counts)[0])
    return Lengths(shortest, counts[shortest:])


@dataclass(frozen=True, eq=False)
class PairTable:
    """The bigram model as a table: of all symbols, or of the most frequent (K of V)."""

    symbols: NDArray[np.int64]
    """(K,): indices into the vocabulary, rising; the boundary is the first."""
    counts: NDArray[np.int64]
    """(K, K): how often train has the second right after the first."""
    totals: NDArray[np.int64]
    """(K,): how often train has anything after it, in the table or not."""
    vocab_size: int

    @property
    def is_whole(self) -> bool:
        """Whether no symbol is left out."""
        return len(self.symbols) == self.vocab_size

    @cached_property
    def odds(self) -> NDArray[np.float64]:
        """(K, K): P(second | first), each pair counted once more than it occurs."""
        return np.asarray((self.counts + 1) / (self.totals + self.vocab_size)[:, None])

    def surprises(self, symbols: list[int]) -> NDArray[np.float64]:
        """The nats of each of a word's `symbols` (n,), and of its end: (n + 1,); NaN where the
        table lacks one.
        """
        whole = np.array([0, *symbols, 0])
        at = np.minimum(np.searchsorted(self.symbols, whole), len(self.symbols) - 1)
        known = self.symbols[at] == whole
        odds = self.odds[at[:-1], at[1:]]
        return np.where(known[:-1] & known[1:], -np.log(odds), np.nan)


def count_pairs(dataset: Dataset) -> PairTable:
    """Count the pairs of train."""
    bigram, V = count_bigrams(dataset), dataset.vocab_size
    if bigram is not None:
        return PairTable(np.arange(V), bigram.counts, bigram.counts.sum(axis=1), V)
    frequent = np.argsort(-symbol_counts(dataset)[1:], kind="stable")[: MOST_PAIRED - 1] + 1
    symbols = np.sort(np.concatenate([[0], frequent]))
    K, train = len(symbols), dataset.splits["train"]
    # What the table lacks goes to a row and a column of its own, which are then left away.
    place = np.full(V, K)
    place[symbols] = np.arange(K)
    pairs = np.zeros((K + 1) ** 2, dtype=np.int64)
    stream = train.stream[train.block_size - 1 :]
    for first in range(0, len(stream) - 1, _AT_ONCE):
        some = place[stream[first : first + _AT_ONCE + 1]]
        pairs += np.bincount(some[:-1] * (K + 1) + some[1:], minlength=len(pairs))
    table = pairs.reshape(K + 1, K + 1)
    return PairTable(symbols, table[:K, :K], table[:K].sum(axis=1), V)


def known_sequences(dataset: Dataset, length: int) -> tuple[int, int]:
    """How many sequences of `length` symbols dev has, and how many of them stand in train.

    Sequences within a split, so not what stands before its first symbol. For running text; two of
    a list would reach from one word into the next.
    """
    found = []
    for name in ("train", "dev"):
        targets = dataset.splits[name].targets.astype(np.int64)
        keys = np.zeros(max(len(targets) - length + 1, 0), dtype=np.int64)
        for place in range(length):
            keys = keys * dataset.vocab_size + targets[place : place + len(keys)]
        found.append(keys)
    train, dev = found
    return len(dev), int(np.isin(dev, train).sum())
