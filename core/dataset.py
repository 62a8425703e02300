"""A list of words as the model reads it: vocabulary, splits, one flat stream per split, statistics.
Running text, whose symbols are words, is a Dataset too: core/text.py.

Without torch, because the dashboard shows all this while the engine still loads. Contexts are never
materialised: a split is one stream of symbols with a boundary between words, and a context is a
slice of it, blank before its last boundary. So an example costs a byte, whatever `block_size` is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.coded import BOUNDARY, Codes, Words
from core.dealing import Dealing, deal, dealing_for
from core.places import Places
from core.words import LONGEST_WORD, DatasetError, WordList, quoted, read_words

__all__ = [
    "SPLITS",
    "Dataset",
    "DatasetError",
    "Split",
    "SplitName",
    "Statistics",
    "WordList",
    "load",
    "read_words",
    "statistics",
    "symbol_counts",
]

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")

FIRST_EXAMPLES = 5
"""Shown of running text, which has no first word to end with."""


@dataclass(frozen=True, eq=False)
class Split:
    """The examples of one split: each is a symbol, or the boundary after a word, in its context."""

    stream: Codes
    """Shape (block_size + examples,): `block_size` zeros, then each word's symbols and a 0."""
    block_size: int
    words: int

    @property
    def examples(self) -> int:
        """How many pairs of context and target the split holds."""
        return len(self.stream) - self.block_size

    @property
    def targets(self) -> Codes:
        """The target of each example (examples,): a view."""
        return self.stream[self.block_size :]

    def rows(self, chosen: NDArray[np.integer[Any]] | slice) -> Codes:
        """These examples, shape (…, block_size + 1): each a context with its target last."""
        if isinstance(chosen, slice):
            chosen = np.arange(*chosen.indices(self.examples))
        T = self.block_size
        rows = np.empty((*chosen.shape, T + 1), dtype=self.stream.dtype)
        # Place by place, not row by row: on a long stream a third of the time.
        for place in range(T, -1, -1):
            rows[..., place] = self.stream[place:].take(chosen)
            if place < T - 1:
                # What stands before the last boundary of a context is of other words.
                rows[..., place] *= rows[..., place + 1] != 0
        return rows


@dataclass(frozen=True, eq=False)
class Dataset:
    """A list of words, its vocabulary and its three splits. Made by `load` or `from_words`."""

    words: Words
    """In the file's order, repeats included."""
    dealt: Words
    """The same words as the split seed dealt them: first train, then dev, then test."""
    block_size: int
    split_seed: int
    sha256: str
    """Of the bytes that the list was read from."""
    splits: dict[SplitName, Split]

    @classmethod
    def from_words(
        cls,
        words: Sequence[str],
        block_size: int,
        split_seed: int,
        sha256: str,
        dealing: Dealing | None = None,
    ) -> Dataset:
        """Deal `words` 80 / 10 / 10, by `dealing` or as new runs do, and lay out the streams.

        Raises DatasetError for a word that is empty or holds the boundary; the other rules for a
        person's file are those of `read_words`.
        """
        assert block_size >= 1
        if not isinstance(words, Words):
            try:
                words = Words.of(words)
            except ValueError:
                fault = f'A word must have symbols, and none of them may be "{BOUNDARY}".'
                raise DatasetError(fault) from None
        order = deal(len(words), split_seed, dealing or dealing_for(len(words)))
        dealt = words.picked(order)
        splits = {name: _lay_out(dealt, part(name, len(dealt)), block_size) for name in SPLITS}
        return cls(words, dealt, block_size, split_seed, sha256, splits)

    @property
    def itos(self) -> tuple[str, ...]:
        """The vocabulary: the boundary at 0, then the symbols by code point."""
        return self.words.itos

    @property
    def lengths(self) -> NDArray[np.int32]:
        """(words,): how many symbols each word has."""
        return self.words.lengths

    @property
    def unknown(self) -> dict[SplitName, float]:
        """Of each part of a text the share, 0 to 1, of words that the vocabulary lacks; of a list
        nothing, since its vocabulary lacks no symbol.
        """
        return {}

    @cached_property
    def stoi(self) -> dict[str, int]:
        """The index of each symbol in the vocabulary."""
        return {symbol: index for index, symbol in enumerate(self.itos)}

    @property
    def vocab_size(self) -> int:
        """Symbols in the vocabulary, the boundary included."""
        return len(self.itos)

    def words_of(self, split: SplitName) -> Sequence[str]:
        """The split's words, in the order of its examples."""
        places = part(split, len(self.dealt))
        return self.dealt.picked(np.arange(places.start, places.stop, dtype=np.int32))

    def encode(self, text: str) -> list[int]:
        """The index of each symbol, 0 for the boundary; DatasetError for an unknown symbol."""
        try:
            return [self.stoi[symbol] for symbol in text]
        except KeyError as error:
            unknown = quoted(error.args[0])
            raise DatasetError(
                f"The symbol {unknown} stands in no word of this list. Use only its symbols."
            ) from None

    def written(self, symbols: Iterable[int]) -> str:
        """Symbols by their index, as a context is shown."""
        return "".join(self.itos[index] for index in symbols)

    def split_of(self, word: str) -> SplitName | None:
        """Where `word` stands: the first of train, dev, test that holds it, or None."""
        codes = self.words.coded_word(word)
        first = None if codes is None else self.places.first(codes)
        if first is None:
            return None
        return next(name for name in SPLITS if first < part(name, len(self.dealt)).stop)

    @cached_property
    def places(self) -> Places:
        """Where in the deal each word stands first. Takes a third of a second for a million."""
        return Places(self.dealt)


def load(
    path: str | os.PathLike[str],
    block_size: int,
    split_seed: int = 42,
    dealing: Dealing | None = None,
) -> Dataset:
    """Read a file of words and deal it; raises DatasetError as `read_words` does."""
    read = read_words(path)
    return Dataset.from_words(read.words, block_size, split_seed, read.sha256, dealing)


def part(split: SplitName, words: int) -> slice:
    """Which of `words` dealt words are the split's."""
    first, second = int(0.8 * words), int(0.9 * words)
    return {
        "train": slice(0, first),
        "dev": slice(first, second),
        "test": slice(second, words),
    }[split]


def _lay_out(dealt: Words, places: slice, block_size: int) -> Split:
    """The stream of these of the dealt words."""
    words = dealt.picked(np.arange(places.start, places.stop, dtype=np.int32))
    symbols = int(words.lengths.sum(dtype=np.int64)) + len(words)
    stream = np.zeros(block_size + symbols, dtype=dealt.codes.dtype)
    at = block_size
    for which in words.pieces():
        codes = words.joined(which)
        stream[at : at + len(codes)] = codes
        at += len(codes)
    return Split(stream, block_size, len(words))


@dataclass(frozen=True)
class Statistics:
    """What a person should know of a list before training on it."""

    words: int
    """Lines that hold a word."""
    distinct: int
    repeated: int
    """Lines beyond the first occurrence of their word."""
    symbols: int
    """Of the vocabulary, without the boundary."""
    split_words: dict[SplitName, int]
    examples: dict[SplitName, int]
    dev_in_train: float
    """Share of dev's words, 0 to 1, that also stand in train."""
    shortest: int
    """Symbols of the shortest word; of running text, words of the shortest sentence."""
    longest: int
    mean_length: float
    length_counts: tuple[int, ...]
    """Words, or sentences, of each length from `shortest` to `longest`, gaps included as 0."""
    frequent: tuple[tuple[str, int], ...]
    """The ten most frequent symbols with their counts; equal counts by code point."""
    unknown: dict[SplitName, float]
    """As the dataset has it: empty of a list."""
    first_examples: tuple[tuple[str, str], ...]
    """Context and target at every position of train's first word, such as ("..e", "m"); of running
    text the first few.
    """


def statistics(dataset: Dataset) -> Statistics:
    """Count what the dataset panel shows. Not needed for training; half a second for a million."""
    words, places = dataset.words, dataset.places
    dev = part("dev", len(words))
    known = places.first_before(dev.start, np.arange(dev.start, dev.stop, dtype=np.int32))
    lengths = np.bincount(dataset.lengths)
    shortest = int(np.flatnonzero(lengths)[0])
    return Statistics(
        words=len(words),
        distinct=len(places),
        repeated=len(words) - len(places),
        symbols=dataset.vocab_size - 1,
        split_words={name: split.words for name, split in dataset.splits.items()},
        examples={name: split.examples for name, split in dataset.splits.items()},
        dev_in_train=known / (dev.stop - dev.start) if dev.stop > dev.start else 0.0,
        shortest=shortest,
        longest=len(lengths) - 1,
        mean_length=float(lengths @ np.arange(len(lengths))) / int(lengths.sum()),
        length_counts=tuple(lengths[shortest:].tolist()),
        frequent=_frequent(dataset, 10),
        unknown=dataset.unknown,
        first_examples=_first_examples(dataset),
    )


def symbol_counts(dataset: Dataset) -> NDArray[np.int64]:
    """(V,): how often each symbol is a target; of the boundary, how many words it ends."""
    counts = np.zeros(dataset.vocab_size, dtype=np.int64)
    for split in dataset.splits.values():
        # In pieces: to count them takes eight times their own memory.
        for piece in np.array_split(split.targets, 1 + split.examples // (1 << 20)):
            counts += np.bincount(piece, minlength=dataset.vocab_size)
    return counts


def _frequent(dataset: Dataset, most: int) -> tuple[tuple[str, int], ...]:
    counts = symbol_counts(dataset)
    order = np.argsort(-counts[1:], kind="stable")[:most] + 1
    return tuple((dataset.itos[index], int(counts[index])) for index in order)


def _first_examples(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    train = dataset.splits["train"]
    ends = np.flatnonzero(train.targets[: LONGEST_WORD + 1] == 0)
    count = int(ends[0]) + 1 if len(ends) else FIRST_EXAMPLES
    rows = train.rows(slice(0, count)).tolist()
    return tuple((dataset.written(row[:-1]), dataset.written(row[-1:])) for row in rows)
