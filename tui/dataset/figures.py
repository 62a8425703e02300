"""Figures of a list as tables of bars: how long its words are, and of which symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.counting import Lengths, PairTable
from tui.dataset.rows import fitted, share_text
from tui.embedding.symbols import Symbols
from tui.inspector.bars import END, Line, Piece, bar, fit

COUNT, SHARE, NATS = 11, 8, 6
"""Cells of the figures behind a bar."""
LABEL = 6
"""Cells before a bar."""


@dataclass(frozen=True, eq=False)
class LengthTable:
    """A row for every length from the shortest to the longest."""

    lengths: Lengths
    label: str = "length"
    counted: str = "words"

    def head(self, width: int) -> Line:
        return _head(self.label, self.counted, width)

    def count(self, width: int) -> int:
        return len(self.lengths.counts)

    def row(self, at: int, width: int) -> Line:
        counts = self.lengths.counts
        label = f"{self.lengths.shortest + at:>4,}"
        return _row(label, int(counts[at]), int(counts.max()), int(counts.sum()), width)


@dataclass(frozen=True, eq=False)
class SymbolTable:
    """A row for every symbol, the most frequent first; the boundary counts as the end of a word."""

    counts: NDArray[np.int64]
    symbols: Symbols

    def head(self, width: int) -> Line:
        return _head("symbol", "times", width)

    def count(self, width: int) -> int:
        return len(self.counts)

    def row(self, at: int, width: int) -> Line:
        index = self.symbols.order[at]
        most, total = int(self.counts.max()), int(self.counts.sum())
        return _row(named(self.symbols, index), int(self.counts[index]), most, total, width)


@dataclass(frozen=True, eq=False)
class NextTable:
    """What may follow a symbol, by the bigram model: the likeliest first."""

    pairs: PairTable
    symbols: Symbols
    first: int
    second: int
    """Places in the table, of the pair looked at."""

    @cached_property
    def likeliest(self) -> NDArray[np.int64]:
        """All places of the table, in the order of the rows."""
        return np.argsort(-self.pairs.odds[self.first], kind="stable")

    @property
    def place_of_second(self) -> int:
        """The row of the pair looked at."""
        return int(np.flatnonzero(self.likeliest == self.second)[0])

    def head(self, width: int) -> Line:
        label = f"after {self.symbols.texts[int(self.pairs.symbols[self.first])]}"
        figures = "P".rjust(SHARE) + "nats".rjust(NATS)
        return Line(
            fitted(((label.ljust(width - len(figures)), "quiet"), (figures, "quiet")), width)
        )

    def count(self, width: int) -> int:
        return len(self.pairs.symbols)

    def row(self, at: int, width: int) -> Line:
        odds, second = self.pairs.odds[self.first], int(self.likeliest[at])
        here = second == self.second
        label = named(self.symbols, int(self.pairs.symbols[second]))
        share = float(odds[second])
        figures = f"{share_text(share):>{SHARE}}{-np.log(share):>{NATS}.2f}"
        return _bar_row(label, share / float(odds.max()), figures, width, here=here)


def named(symbols: Symbols, index: int) -> str:
    """A symbol, the boundary with what it stands for."""
    return f"{symbols.texts[0]} {END}" if index == 0 else symbols.texts[index]


def _head(label: str, counted: str, width: int) -> Line:
    text = f"{counted:>{COUNT}}{'share':>{SHARE}}"
    return Line(((fit(label, width - len(text)) + text, "quiet"),))


def _row(label: str, count: int, most: int, total: int, width: int) -> Line:
    figures = f"{count:>{COUNT},}{share_text(count / max(total, 1)):>{SHARE}}"
    return _bar_row(label, count / max(most, 1), figures, width)


def _bar_row(label: str, share: float, figures: str, width: int, *, here: bool = False) -> Line:
    pieces: list[Piece] = list(fitted(((label, "here" if here else "plain"),), LABEL - 1))
    pieces.append(("▸" if here else " ", "here"))
    room = max(width - LABEL - len(figures), 0)
    # What is there is seen, however little.
    least = 1 / (8 * room) if room and share else 0.0
    pieces += bar(max(share, least), None, room, here=here)
    pieces.append((figures, "here" if here else "plain"))
    return Line(fitted(pieces, width))
