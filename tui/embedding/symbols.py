"""The vocabulary as a map shows it: what stands for a symbol, how wide it is, of which kind."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from rich.cells import cell_len, set_cell_size

from core.dataset import Dataset
from core.text import NO_WORDS, Text

VOWELS = frozenset("aeiouyæœøıəαεηιουωаеиоуыэюяієѣ")
"""In Latin, Greek and Cyrillic script, without accents."""
CONSONANTS = frozenset("йўʼ")
"""Whose decomposition says otherwise."""
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
FIRST_CODE = 0x100000
"""Of a plane for private use: no symbol of a vocabulary that can be printed has such a code."""

ENOUGH = 1 << 20
"""Symbols counted."""
LONGEST_LABEL = 14
"""Cells of a word on the map."""


class Kind(IntEnum):
    """What a symbol is in the language."""

    VOWEL = 0
    CONSONANT = 1
    OTHER = 2
    """The boundary, digits, signs, and scripts in which the distinction is another."""


class WordKind(IntEnum):
    """The same of a word: a grammar that can be read off its letters."""

    CAPITAL = 0
    """Names, and what begins a sentence or a line."""
    SMALL = 1
    OTHER = 2
    """Marks, numbers, `<s>` and `<unk>`."""


MARKS = "○•◆"
"""By kind, of symbols and of words."""
KIND_NAMES = ("vowel", "consonant", "boundary, sign")
WORD_KIND_NAMES = ("capital", "lower case", "mark, number")
NO_WORD_NAMES = ("before the text", "all unknown words")


def kind_of(symbol: str) -> Kind:
    """Of one symbol; accents do not count."""
    low = symbol.casefold()
    if low in CONSONANTS:
        return Kind.CONSONANT
    base = unicodedata.normalize("NFKD", low)[:1]
    if base in VOWELS:
        return Kind.VOWEL
    latin = base.isalpha() and unicodedata.name(base, "").startswith(SCRIPTS)
    return Kind.CONSONANT if latin else Kind.OTHER


def word_kind_of(word: str) -> WordKind:
    """Of one word of a text, by its first symbol."""
    if not word[0].isalpha():
        return WordKind.OTHER
    return WordKind.CAPITAL if word[0].isupper() or word[0].istitle() else WordKind.SMALL


def shown(symbol: str) -> str:
    """What stands for it, or for a word, in a terminal: for most, it itself."""
    if symbol == " ":
        return "␣"
    if unicodedata.category(symbol[0]).startswith("M"):
        return f"◌{symbol}"
    if symbol.isprintable():
        return symbol
    return "".join(each if each.isprintable() else f"{ord(each):04x}" for each in symbol)


def joined(symbols: Iterable[str]) -> str:
    """As `shown`, one beside the other: a mark combines with what it stands behind."""
    told = ""
    for symbol in symbols:
        combines = told and unicodedata.category(symbol[0]).startswith("M")
        told += symbol if combines else shown(symbol)
    return told


@dataclass(frozen=True, eq=False)
class Symbols:
    """A vocabulary, ready to be drawn."""

    itos: tuple[str, ...]
    order: tuple[int, ...]
    """All indices, the most frequent first."""
    words: bool = False
    """Whether they are those of a text."""

    @classmethod
    def of(cls, dataset: Dataset) -> Symbols:
        """Those of a list or of a text; which are frequent is judged by the beginning of train."""
        beginning = dataset.splits["train"].stream[:ENOUGH]
        counts = np.bincount(beginning, minlength=dataset.vocab_size)
        order = tuple(np.argsort(-counts, kind="stable").tolist())
        return cls(dataset.itos, order, isinstance(dataset, Text))

    @property
    def first(self) -> int:
        """Where a look at them begins: at the most frequent, of words at the most frequent one
        that is no mark.
        """
        if not self.words:
            return self.order[0]
        small = (at for at in self.order if self.kinds[at] == WordKind.SMALL)
        return next(small, self.order[0])

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """As shown, by index."""
        return tuple(map(shown, self.itos))

    @cached_property
    def kinds(self) -> tuple[Kind, ...] | tuple[WordKind, ...]:
        """By index."""
        if self.words:
            return tuple(map(word_kind_of, self.itos))
        return tuple(map(kind_of, self.itos))

    @property
    def kind_names(self) -> tuple[str, ...]:
        """By kind."""
        return WORD_KIND_NAMES if self.words else KIND_NAMES

    def called(self, at: int) -> str:
        """The kind of one of them, in words."""
        if self.words and at in NO_WORDS:
            return NO_WORD_NAMES[at]
        return "boundary" if at == 0 else self.kind_names[self.kinds[at]]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """As they stand on the map, by index: of a long word the beginning."""
        return tuple(map(_cut, self.texts)) if self.words else self.texts

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """By index, a label with one character for each cell, to be put through `decoded`.

        One that takes two cells, or none of its own, is a code of ours, and NULs for further cells.
        """
        return tuple(
            label
            if label.isascii() or all(cell_len(character) == 1 for character in label)
            else chr(FIRST_CODE + index) + "\0" * (cell_len(label) - 1)
            for index, label in enumerate(self.labels)
        )

    @cached_property
    def _codes(self) -> dict[int, str]:
        coded = {
            ord(cells[0]): label for cells, label in zip(self.cells, self.labels, strict=True)
            if ord(cells[0]) >= FIRST_CODE
        }  # fmt: skip
        return coded | {0: ""}

    def decoded(self, cells: str) -> str:
        """What the terminal gets for cells in which `self.cells` stand."""
        return cells.translate(self._codes)


def _cut(word: str) -> str:
    if cell_len(word) <= LONGEST_LABEL:
        return word
    return set_cell_size(word, LONGEST_LABEL - 1).rstrip() + "…"
