"""The words of a list as rows: in which split each stands how often, and the examples of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from core.coded import BOUNDARY
from core.counting import PairTable
from core.dataset import SPLITS
from core.lexicon import Lexicon
from tui.dataset.rows import fitted
from tui.embedding.symbols import shown
from tui.inspector.bars import Line, Piece, bar, fit, fit_left, rounded_up, target
from tui.inspector.walk import CONTEXT, SCALE

TIMES = 7
"""Cells of the words that a split has."""
NATS = 7
BEFORE, ARROW = 2, "  →  "


@dataclass(frozen=True, eq=False)
class WordTable:
    """Some of the distinct words, by number."""

    lexicon: Lexicon
    found: NDArray[np.int32]
    query: str = ""
    """What was searched for: it is marked in the words."""

    def head(self, width: int) -> Line:
        names = "".join(f"{name:>{TIMES}}" for name in SPLITS)
        return Line((*fitted((("  word", "quiet"),), width - len(names)), (names, "quiet")))

    def count(self, width: int) -> int:
        return len(self.found)

    def word(self, at: int) -> str:
        """Of this row."""
        return self.lexicon.words[int(self.found[at])]

    def row(self, at: int, width: int) -> Line:
        times = self.lexicon.times[:, self.found[at]].tolist()
        figures: list[Piece] = [
            (f"{count:>{TIMES},}" if count else "·".rjust(TIMES), "plain" if count else "quiet")
            for count in times
        ]
        # A count too large for its column takes what it needs from the word.
        room = width - sum(len(text) for text, _ in figures)
        return Line((*fitted((("  ", "plain"), *self._marked(self.word(at))), room), *figures))

    def _marked(self, word: str) -> list[Piece]:
        inner, begins, ends = self.lexicon.parts_of(self.query)
        if not inner:
            return [("".join(map(shown, word)), "plain")]
        at = 0 if begins else len(word) - len(inner) if ends else word.find(inner)
        parts = word[:at], word[at : at + len(inner)], word[at + len(inner) :]
        texts = ["".join(map(shown, part)) for part in parts]
        return [(texts[0], "plain"), (texts[1], "here"), (texts[2], "plain")]


@dataclass(frozen=True, eq=False)
class ExampleTable:
    """A word as the model is trained on it: each context with its target."""

    word: str
    """Empty: there is none, and no rows."""
    block_size: int
    pairs: PairTable | None
    stoi: dict[str, int] = field(repr=False)

    @cached_property
    def examples(self) -> list[tuple[str, str]]:
        """Context and target at every position, such as ("..e", "m")."""
        if not self.word:
            return []
        T, text = self.block_size, BOUNDARY * self.block_size + self.word + BOUNDARY
        return [(text[at - T : at], text[at]) for at in range(T, len(text))]

    @cached_property
    def surprises(self) -> NDArray[np.float64] | None:
        """Of each target, by the bigram model; None where that does not know all of them."""
        if self.pairs is None or not self.word:
            return None
        nats = self.pairs.surprises([self.stoi[symbol] for symbol in self.word])
        return nats if np.isfinite(nats).all() else None

    def head(self, width: int) -> Line:
        figure = "" if self.surprises is None else "bigram, nats"
        label = " " * BEFORE + "context  →  target"
        return Line(fitted(((fit(label, width - len(figure)) + figure, "quiet"),), width))

    def count(self, width: int) -> int:
        return len(self.examples) + (0 if self.surprises is None else 2)

    def row(self, at: int, width: int) -> Line:
        if at >= len(self.examples):
            return self._sum(at - len(self.examples), width)
        context, symbol = self.examples[at]
        room = min(max(self.block_size, CONTEXT - 1), CONTEXT)
        before = fit_left("".join(map(shown, context)), room)
        pieces: list[Piece] = [
            (" " * (BEFORE + room - cell_len(before)) + before, "plain"),
            (ARROW, "quiet"),
            (fit(target(symbol), 5), "here"),
        ]
        if self.surprises is not None:
            nats = float(self.surprises[at])
            full = rounded_up(float(self.surprises.max()), SCALE)
            taken = BEFORE + room + len(ARROW) + 5 + NATS
            pieces += bar(nats / full, None, max(width - taken, 0))
            pieces.append((f"{nats:>{NATS}.2f}", "plain"))
        return Line(fitted(pieces, width))

    def _sum(self, which: int, width: int) -> Line:
        assert self.surprises is not None
        if which == 0:
            return Line(fitted(((" " * BEFORE + "─" * (width - BEFORE), "quiet"),), width))
        told = f"mean of {len(self.examples):,}, the end too"
        figure = f"{float(self.surprises.mean()):.2f}"
        label = fit(" " * BEFORE + told, width - len(figure))
        return Line(fitted(((label, "quiet"), (figure, "plain")), width))
