"""Which words stand in a list, and where each stands first: for a list of millions, exactly.

Apart from dataset.py, since only those who show a list need it, and it takes a while to make.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.coded import Codes, Words
from core.minibatch import UInt64, random_words


class Places:
    """The distinct words of a list, found by a hash under which no two of them are equal."""

    def __init__(self, words: Words, bits: int = 64) -> None:
        """A hash of fewer `bits` serves as well, but more of them have to be tried."""
        self._words = words
        self._longest = int(words.lengths.max(initial=0))
        self._mask = np.uint64((1 << bits) - 1)
        self.salt = 0
        """Which of many hashes it is: the first that tells all words apart."""
        while not self._try(self.salt):
            self.salt += 1

    def _try(self, salt: int) -> bool:
        """Make the table with this hash; False if it takes two words for one."""
        words = self._words
        self._of_symbol = random_words(salt, 0, 1, len(words.itos))[0]
        self._of_place = random_words(salt, 1, 1, self._longest + 1)[0]
        keys = np.empty(len(words), dtype=np.uint64)
        for which in words.pieces():
            keys[which] = self._hash(words.joined(which))
        order = np.argsort(keys).astype(np.int32)
        keys = keys[order]
        new = np.ones(len(keys), dtype=bool)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        begins = np.flatnonzero(new)
        self._keys: UInt64 = keys[begins]
        self._first: NDArray[np.int32] = (
            np.minimum.reduceat(order, begins) if len(begins) else order
        )
        del keys
        again = np.flatnonzero(~new)
        return all(
            _equal(words, order[some], order[some - 1])
            for some in np.array_split(again, 1 + len(again) // (1 << 16))
        )

    @property
    def firsts(self) -> NDArray[np.int32]:
        """Where each distinct word stands first, in the order of `numbers`."""
        return self._first

    def __len__(self) -> int:
        return len(self._keys)

    def first(self, word: Codes) -> int | None:
        """The number of the first word with these symbols, a 0 after them; None: it is no word."""
        if not 1 < len(word) <= self._longest + 1:
            return None
        key = self._hash(word)
        at = int(np.searchsorted(self._keys, key)[0])
        if at == len(self) or self._keys[at] != key[0]:
            return None
        found = self._first[at : at + 1]
        return int(found[0]) if np.array_equal(self._words.joined(found), word) else None

    def first_before(self, end: int, which: NDArray[np.int32]) -> int:
        """How many of these words, which the list holds, stand first before the number `end`."""
        found = 0
        for some in np.array_split(which, 1 + len(which) // (1 << 16)):
            # Sorted, they are found one beside the other.
            keys = np.sort(self._hash(self._words.joined(some)))
            found += int((self._first[np.searchsorted(self._keys, keys)] < end).sum())
        return found

    def numbers(self) -> NDArray[np.int32]:
        """Which of the distinct words each word of the list is (words,), from 0."""
        numbers = np.empty(len(self._words), dtype=np.int32)
        for which in self._words.pieces():
            numbers[which] = np.searchsorted(self._keys, self._hash(self._words.joined(which)))
        return numbers

    def _hash(self, codes: Codes) -> UInt64:
        """Of each word among `codes`: a sum of products of random numbers, of symbol and place."""
        if len(codes) == 0:
            return np.empty(0, dtype=np.uint64)
        ends = np.flatnonzero(codes == 0) + 1
        starts = np.concatenate([[0], ends[:-1]])
        place = np.arange(len(codes)) - np.repeat(starts, ends - starts)
        sums = np.add.reduceat(self._of_symbol[codes] * self._of_place[place], starts)
        return np.asarray(sums & self._mask)


def _equal(words: Words, some: NDArray[np.int32], others: NDArray[np.int32]) -> bool:
    """Whether the words with these numbers are equal in pairs."""
    return np.array_equal(words.joined(some), words.joined(others))
