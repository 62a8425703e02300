"""The words of a text by how often they stand in it: few make up most of it (Zipf's law)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.text import NO_WORDS, Text
from tui.dataset.rows import fitted, share_text
from tui.inspector.bars import Line, Piece, bar, fit
from tui.telling import printable

RANK, WORD = 7, 13
TIMES, SHARE = 9, 8
WIDE = 46
"""Cells from which there is room for the sums."""


@dataclass(frozen=True, eq=False)
class FrequentTable:
    """A row for every word of the vocabulary, the most frequent first; `<unk>` is one of them."""

    text: Text
    counts: NDArray[np.int64]
    """(V,): how often each stands in the text."""

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Their indices in the order of the rows; `<s>` stands nowhere in the text."""
        order = np.argsort(-self.counts, kind="stable")
        return np.asarray(order[order != NO_WORDS[0]])

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """Of each row, the share of the text that it and those above it are."""
        return np.asarray(np.cumsum(self.counts[self.order]) / max(int(self.counts.sum()), 1))

    def head(self, width: int) -> Line:
        figures = f"{'times':>{TIMES}}{'share':>{SHARE}}"
        figures += f"{'so far':>{SHARE}}" if width >= WIDE else ""
        label = f"{'rank':>{RANK - 2}}  word"
        return Line(fitted(((fit(label, width - len(figures)) + figures, "quiet"),), width))

    def count(self, width: int) -> int:
        return len(self.order)

    def row(self, at: int, width: int) -> Line:
        index = int(self.order[at])
        times, total = int(self.counts[index]), max(int(self.counts.sum()), 1)
        figures = f"{times:>{TIMES},}{share_text(times / total):>{SHARE}}"
        figures += f"{share_text(float(self.sums[at])):>{SHARE}}" if width >= WIDE else ""
        room = max(width - RANK - len(figures), 0)
        bars = max(room - WORD - 1, 0)
        most = max(int(self.counts.max()), 1)
        # What is there is seen, however little.
        least = 1 / (8 * bars) if bars and times else 0.0
        pieces: list[Piece] = [
            (f"{at + 1:>{RANK - 2},}  ", "quiet"),
            (f"{fit(printable(self.text.itos[index]), min(WORD, room - 1))} ", "plain"),
            *bar(max(times / most, least), None, bars),
            (figures, "plain"),
        ]
        return Line(fitted(pieces, width))
