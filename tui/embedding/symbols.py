"""The vocabulary as a map shows it: what stands for a symbol, how wide it is, of which kind."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from rich.cells import cell_len

from core.dataset import Dataset

VOWELS = frozenset("aeiouyæœøıəαεηιουωаеиоуыэюяієѣ")
"""In Latin, Greek and Cyrillic script, without accents."""
CONSONANTS = frozenset("йўʼ")
"""Whose decomposition says otherwise."""
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
FIRST_CODE = 0x100000
"""Of a plane for private use: no symbol of a vocabulary that can be printed has such a code."""

ENOUGH = 1 << 20
"""Symbols counted."""


class Kind(IntEnum):
    """What a symbol is in the language."""

    VOWEL = 0
    CONSONANT = 1
    OTHER = 2
    """The boundary, digits, signs, and scripts in which the distinction is another."""


MARKS = "○•◆"
"""By kind."""
KIND_NAMES = ("vowel", "consonant", "boundary, sign")


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


def shown(symbol: str) -> str:
    """What stands for it in a terminal: for most, the symbol itself."""
    if symbol == " ":
        return "␣"
    if unicodedata.category(symbol).startswith("M"):
        return f"◌{symbol}"
    return symbol if symbol.isprintable() else f"{ord(symbol):04x}"


@dataclass(frozen=True, eq=False)
class Symbols:
    """A vocabulary, ready to be drawn."""

    itos: tuple[str, ...]
    order: tuple[int, ...]
    """All indices, the most frequent first."""

    @classmethod
    def of(cls, dataset: Dataset) -> Symbols:
        """Those of a list; which are frequent is judged by the beginning of train."""
        beginning = dataset.splits["train"].stream[:ENOUGH]
        counts = np.bincount(beginning, minlength=dataset.vocab_size)
        return cls(dataset.itos, tuple(np.argsort(-counts, kind="stable").tolist()))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """As shown, by index."""
        return tuple(map(shown, self.itos))

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """By index."""
        return tuple(map(kind_of, self.itos))

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """By index, a text with one character for each cell, to be put through `decoded`.

        One that takes two cells, or none of its own, is a code of ours, and NULs for further cells.
        """
        return tuple(
            text
            if all(cell_len(character) == 1 for character in text)
            else chr(FIRST_CODE + index) + "\0" * (cell_len(text) - 1)
            for index, text in enumerate(self.texts)
        )

    @cached_property
    def _codes(self) -> dict[int, str]:
        coded = {
            ord(cells[0]): text for cells, text in zip(self.cells, self.texts, strict=True)
            if ord(cells[0]) >= FIRST_CODE
        }  # fmt: skip
        return coded | {0: ""}

    def decoded(self, cells: str) -> str:
        """What the terminal gets for cells in which `self.cells` stand."""
        return cells.translate(self._codes)
