"""The bigram as the inspector compares with it: odds and surprises, row by row as wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.bigram import Bigram, count_bigrams
from core.dataset import Dataset
from core.interpolated import Interpolated
from core.text import Text


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


class WordPairs:
    """The interpolated bigram of a text: one more of each pair of thousands of words would be more
    than all that was counted.
    """

    def __init__(self, text: Text) -> None:
        self._model, self._V = Interpolated(text, 2), text.vocab_size
        self._row: tuple[int, NDArray[np.float64]] | None = None

    def odds(self, before: int) -> NDArray[np.float64]:
        """P(next word | `before`) (V,)."""
        if self._row is None or self._row[0] != before:
            words = np.arange(self._V)
            self._row = before, self._model.odds(np.full((1, self._V), before), words)
        return self._row[1]

    def surprises(self, symbols: list[int]) -> NDArray[np.float64]:
        """The nats of each of the `symbols` of a text (n,): it has no end of its own."""
        before = np.array([[0, *symbols[:-1]][: len(symbols)]], dtype=np.int64)
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log(self._model.odds(before, np.array(symbols, dtype=np.int64))))


AnyPairs = Pairs | WordPairs


def pairs_of(data: Dataset) -> AnyPairs | None:
    """What there is to compare with; None where the vocabulary is too large for a table."""
    if isinstance(data, Text):
        return WordPairs(data)
    counted = count_bigrams(data)
    return None if counted is None else Pairs(counted)
