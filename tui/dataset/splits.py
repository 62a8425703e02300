"""How a list is dealt, and how much of dev and test stands in train, too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.dataset import SPLITS, Dataset
from core.lexicon import Lexicon, Overlap
from tui.dataset.rows import fitted, share_text
from tui.inspector.bars import Line, Piece, bar, wrap

NAME, FIGURE = 14, 10
BAR = 8, 20
"""Cells of a row's name, of a figure; of a bar at least, and at most."""


@dataclass(frozen=True, eq=False)
class SplitTable:
    """Words, distinct words and examples of each split; their overlaps; what that means."""

    dataset: Dataset
    lexicon: Lexicon

    @cached_property
    def figures(self) -> tuple[tuple[int, int, int], ...]:
        """Of each split: words, distinct words, examples."""
        splits = ((name, self.dataset.splits[name]) for name in SPLITS)
        return tuple(
            (part.words, self.lexicon.distinct(name), part.examples) for name, part in splits
        )

    @cached_property
    def overlaps(self) -> tuple[Overlap, ...]:
        """Of every two splits that are to hold different words."""
        lexicon = self.lexicon
        return (
            lexicon.overlap("dev", "train"),
            lexicon.overlap("test", "train"),
            lexicon.overlap("dev", "test"),
        )

    def head(self, width: int) -> Line:
        heads = "".join(f"{text:>{FIGURE}}" for text in ("words", "distinct", "examples"))
        return Line(fitted(((" " * (NAME - 4) + heads, "quiet"),), width))

    def count(self, width: int) -> int:
        return len(self._lines(width))

    def row(self, at: int, width: int) -> Line:
        return self._lines(width)[at]

    def _lines(self, width: int) -> list[Line]:
        rows: list[list[Piece]] = []
        for name, figures in zip(SPLITS, self.figures, strict=True):
            text = "".join(f"{figure:>{FIGURE},}" for figure in figures)
            rows.append([(name.ljust(NAME - 4), "plain"), (text, "plain")])
        rows.append([])
        for overlap in self.overlaps:
            where = f"{overlap.of} in {overlap.within}"
            rows.append(known_row(where, overlap.known, overlap.words, overlap.share, width))
        rows.append([])
        rows += [[(line, "quiet")] for line in wrap(self.meaning, width)]
        return [Line(fitted(row, width)) for row in rows]

    @property
    def meaning(self) -> str:
        """What the overlap says about a loss on dev."""
        in_train, repeated = self.overlaps[0].known, self.lexicon.repeated
        if not repeated:
            return (
                "No word of this list repeats: so no split holds a word of another, and all of "
                "dev and test is new to the model."
            )
        dealt = (
            f"{repeated:,} of the list's words repeat an earlier one. All are dealt at random, "
            "so that a repeat may fall on both sides: "
        )
        if not in_train:
            return f"{dealt}here none of dev has."
        return (
            f"{dealt}{in_train:,} of dev's words were trained on, and the loss on dev is a little "
            "lower for it."
        )


def known_row(name: str, known: int, count: int, share: float, width: int) -> list[Piece]:
    """How many of something are known elsewhere, as figures and as a bar."""
    told = f"{known:,} of {count:,}".rjust(2 * FIGURE - 2)
    room = min(width - NAME - len(told) - 9, BAR[1])
    return [
        (name.ljust(NAME - 1), "plain"),
        (f"{told}{share_text(share):>8} ", "plain"),
        *(bar(share, None, room) if room >= BAR[0] else ()),
    ]
