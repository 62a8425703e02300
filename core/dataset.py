"""A list of words as the model reads it: vocabulary, splits, one flat stream per split, statistics.

Without torch, because the dashboard shows all this while the engine still loads. Contexts are never
materialised: a split is one stream of symbols with `block_size` boundaries before each word, and a
context is a slice of it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.words import BOUNDARY, DatasetError, WordList, quoted, read_words

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
]

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """The examples of one split: stream[p - block_size : p] → stream[p] for each p in `targets`."""

    stream: NDArray[np.uint8] | NDArray[np.int16]
    """Shape (length,): `block_size` zeros, a word's symbols, and so on; a last 0 ends it.
    uint8, or int16 where the vocabulary exceeds 255."""
    targets: NDArray[np.int64]
    """Shape (examples,): rising positions in `stream`: every word's symbols, and the 0 after."""
    words: int

    @property
    def examples(self) -> int:
        """How many pairs of context and target the split holds."""
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A list of words, its vocabulary and its three splits. Made by `load` or `from_words`."""

    words: list[str]
    """In the file's order, repeats included."""
    dealt: list[str]
    """The same words as the split seed shuffled them: first train, then dev, then test."""
    itos: tuple[str, ...]
    """The vocabulary: the boundary at 0, then the symbols by code point."""
    stoi: dict[str, int]
    block_size: int
    split_seed: int
    sha256: str
    """Of the bytes that the list was read from."""
    splits: dict[SplitName, Split]

    @classmethod
    def from_words(
        cls, words: Sequence[str], block_size: int, split_seed: int, sha256: str
    ) -> Dataset:
        """Deal `words` 80 / 10 / 10 by one shuffle, and lay out the streams.

        Raises DatasetError for a word that is empty or holds the boundary; the other rules for a
        person's file are those of `read_words`.
        """
        assert block_size >= 1
        symbols = set("".join(words))
        if BOUNDARY in symbols or not all(words):
            raise DatasetError(f'A word must have symbols, and none of them may be "{BOUNDARY}".')
        itos = (BOUNDARY, *sorted(symbols))
        dealt = list(words)
        random.Random(split_seed).shuffle(dealt)
        splits = {
            name: _lay_out(dealt[_part(name, len(dealt))], itos, block_size) for name in SPLITS
        }
        stoi = {symbol: index for index, symbol in enumerate(itos)}
        return cls(list(words), dealt, itos, stoi, block_size, split_seed, sha256, splits)

    @property
    def vocab_size(self) -> int:
        """Symbols in the vocabulary, the boundary included."""
        return len(self.itos)

    def words_of(self, split: SplitName) -> list[str]:
        """The split's words, in the order of its examples."""
        return self.dealt[_part(split, len(self.dealt))]

    def encode(self, text: str) -> list[int]:
        """The index of each symbol, 0 for the boundary; DatasetError for an unknown symbol."""
        try:
            return [self.stoi[symbol] for symbol in text]
        except KeyError as error:
            unknown = quoted(error.args[0])
            raise DatasetError(
                f"The symbol {unknown} stands in no word of this list. Use only its symbols."
            ) from None

    def split_of(self, word: str) -> SplitName | None:
        """Where `word` stands: the first of train, dev, test that holds it, or None."""
        return self._split_by_word.get(word)

    @cached_property
    def _split_by_word(self) -> dict[str, SplitName]:
        # The last writer wins, so train comes last.
        return {word: split for split in reversed(SPLITS) for word in self.words_of(split)}


def load(path: str | os.PathLike[str], block_size: int, split_seed: int = 42) -> Dataset:
    """Read a file of words and deal it; raises DatasetError as `read_words` does."""
    read = read_words(path)
    return Dataset.from_words(read.words, block_size, split_seed, read.sha256)


def _part(split: SplitName, words: int) -> slice:
    """Which of `words` dealt words are the split's."""
    first, second = int(0.8 * words), int(0.9 * words)
    return {
        "train": slice(0, first),
        "dev": slice(first, second),
        "test": slice(second, words),
    }[split]


def _lay_out(words: list[str], itos: tuple[str, ...], block_size: int) -> Split:
    """The stream of `words`, all at once: join them by boundaries, look every code point up."""
    padding = BOUNDARY * block_size
    text = "".join((padding, padding.join(words), BOUNDARY)) if words else ""
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    symbols = np.array([ord(symbol) for symbol in itos])
    index_of = np.zeros(symbols.max() + 1, dtype=np.uint8 if len(itos) <= 255 else np.int16)
    index_of[symbols] = np.arange(len(itos))
    stream = index_of[points]
    # A target is a symbol of a word, or the boundary right after one.
    inside = stream != 0
    targets = np.flatnonzero(inside[1:] | inside[:-1]) + 1
    return Split(stream, targets, len(words))


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
    """Symbols of the shortest word."""
    longest: int
    mean_length: float
    length_counts: tuple[int, ...]
    """Words of each length from `shortest` to `longest`, gaps included as 0."""
    frequent: tuple[tuple[str, int], ...]
    """The ten most frequent symbols with their counts; equal counts by code point."""
    first_examples: tuple[tuple[str, str], ...]
    """Context and target at every position of train's first word, such as ("..e", "m")."""


def statistics(dataset: Dataset) -> Statistics:
    """Count what the dataset panel shows. Costs some milliseconds; not needed for training."""
    words = dataset.words
    distinct = len(set(words))
    train, dev = set(dataset.words_of("train")), dataset.words_of("dev")
    lengths = np.bincount([len(word) for word in words])
    shortest = int(np.flatnonzero(lengths)[0])
    return Statistics(
        words=len(words),
        distinct=distinct,
        repeated=len(words) - distinct,
        symbols=dataset.vocab_size - 1,
        split_words={name: split.words for name, split in dataset.splits.items()},
        examples={name: split.examples for name, split in dataset.splits.items()},
        dev_in_train=sum(word in train for word in dev) / len(dev) if dev else 0.0,
        shortest=shortest,
        longest=len(lengths) - 1,
        mean_length=float(lengths @ np.arange(len(lengths))) / len(words),
        length_counts=tuple(lengths[shortest:].tolist()),
        frequent=_frequent(dataset, 10),
        first_examples=_first_examples(dataset),
    )


def _frequent(dataset: Dataset, most: int) -> tuple[tuple[str, int], ...]:
    counts = np.zeros(dataset.vocab_size, dtype=np.int64)
    for split in dataset.splits.values():
        counts += np.bincount(split.stream, minlength=dataset.vocab_size)
    order = np.argsort(-counts[1:], kind="stable")[:most] + 1
    return tuple((dataset.itos[index], int(counts[index])) for index in order)


def _first_examples(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    size = dataset.block_size
    for word in dataset.words_of("train")[:1]:
        text = BOUNDARY * size + word + BOUNDARY
        return tuple((text[at - size : at], text[at]) for at in range(size, len(text)))
    return ()
