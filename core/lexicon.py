"""The distinct words of a list: how often each is in which split, and which of them hold a text.

Apart from places.py, which answers about one word at a time: who browses a list wants all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.coded import BOUNDARY, Codes, Words
from core.dataset import SPLITS, Dataset, SplitName, part

AT_ONCE = 1 << 22
"""Symbols searched at once: a comparison takes no more memory than that."""


@dataclass(frozen=True)
class Overlap:
    """How many words of one split stand in another, too."""

    of: SplitName
    within: SplitName
    words: int
    """Of the first split, repeats included."""
    known: int
    """Those among them that the other holds."""

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.known / self.words if self.words else 0.0


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Every word once. Made by `lexicon`."""

    words: Words
    """In the order in which the list has each first; laid out one after the other."""
    times: NDArray[np.int64]
    """(3, words): how often train, dev and test hold each."""

    @property
    def repeated(self) -> int:
        """Words of the list beyond the first of their kind."""
        return int(self.times.sum()) - len(self.words)

    def most_frequent_first(self, which: NDArray[np.int32]) -> NDArray[np.int32]:
        """These words, ordered by how often the list has them."""
        return which[np.argsort(-self.times[:, which].sum(axis=0), kind="stable")]

    @cached_property
    def stoi(self) -> dict[str, int]:
        """The index of each symbol in the vocabulary."""
        return {symbol: index for index, symbol in enumerate(self.words.itos)}

    def distinct(self, split: SplitName) -> int:
        """How many different words a split has."""
        return int((self.times[SPLITS.index(split)] > 0).sum())

    def overlap(self, of: SplitName, within: SplitName) -> Overlap:
        """How much of a split another one holds."""
        mine, others = self.times[SPLITS.index(of)], self.times[SPLITS.index(within)]
        return Overlap(of, within, int(mine.sum()), int(mine[others > 0].sum()))

    def find(self, text: str, at_once: int = AT_ONCE) -> NDArray[np.int32]:
        """The numbers of the words that hold `text`, rising.

        A boundary at its beginning or end stands for that of the word: `.a` begins with a, `a.`
        ends with it, `.a.` is the whole word. In running text that is a mark like others.
        """
        inner, begins, ends = self.parts_of(text)
        if not inner:
            return np.arange(0 if begins and ends else len(self.words), dtype=np.int32)
        wanted = [self.stoi.get(symbol, 0) for symbol in inner]
        if 0 in wanted:
            return np.empty(0, dtype=np.int32)
        hits = self._hits(wanted, at_once)
        # Before the first word the last code is seen, which is a boundary, too.
        hits = hits[self.words.codes[hits - 1] == 0] if begins else hits
        hits = hits[self.words.codes[hits + len(wanted)] == 0] if ends else hits
        which = np.searchsorted(self.words.starts, hits, side="right") - 1
        return np.asarray(which[np.diff(which, prepend=-1) > 0], dtype=np.int32)

    def parts_of(self, query: str) -> tuple[str, bool, bool]:
        """What a word has to hold, and whether at its beginning, at its end."""
        return split_query(query, self.words.itos[0])

    def _hits(self, wanted: list[int], at_once: int) -> NDArray[np.int64]:
        """Where in the codes these symbols follow each other."""
        codes, found = self.words.codes, []
        for first in range(0, len(codes), at_once):
            hits = np.flatnonzero(codes[first : first + at_once] == wanted[0]) + first
            for place, symbol in enumerate(wanted[1:], start=1):
                # There is a next one: the last code is a boundary, and none of these is.
                hits = hits[codes[hits + place] == symbol]
            found.append(hits)
        return np.concatenate(found)


def split_query(text: str, boundary: str = BOUNDARY) -> tuple[str, bool, bool]:
    """`text` without the boundaries around it, and whether it has one before, and after."""
    begins = text.startswith(boundary)
    ends = len(text) > 1 and text.endswith(boundary)
    return text[begins : len(text) - ends], begins, ends


def lexicon(dataset: Dataset) -> Lexicon:
    """Find the distinct words; a second for a million."""
    dealt, numbers = dataset.dealt, dataset.places.numbers()
    count = len(dataset.places)
    first = np.full(count, len(dealt.starts), dtype=np.int32)
    np.minimum.at(first, numbers, dealt.numbers)
    order = np.argsort(first)
    times = np.stack(
        [np.bincount(numbers[part(name, len(dealt))], minlength=count)[order] for name in SPLITS]
    )
    all_words = Words(dealt.codes, dealt.starts, dealt.itos, first[order])
    return Lexicon(_laid_out(all_words), times)


def _laid_out(words: Words) -> Words:
    """The same words, with codes that hold no others."""
    starts = np.zeros(len(words) + 1, dtype=np.int32)
    np.cumsum(words.lengths + np.int32(1), out=starts[1:])
    codes: Codes = np.empty(int(starts[-1]), dtype=words.codes.dtype)
    for which in words.pieces():
        joined = words.joined(which)
        codes[starts[which[0]] : starts[which[0]] + len(joined)] = joined
    return Words(codes, starts, words.itos)


def occurrences(text: Dataset, word: str) -> NDArray[np.int64]:
    """Where a word stands in a text, rising."""
    wanted, words = text.words.coded_word(word), text.words
    if wanted is None:
        return np.empty(0, dtype=np.int64)
    length = len(wanted) - 1
    (at,) = np.nonzero(words.lengths == length)
    starts = words.starts[words.numbers[at]]
    for place in range(length):
        same = words.codes[starts + place] == wanted[place]
        at, starts = at[same], starts[same]
    return at
