"""How a text is cut into three parts, and how much of dev the model can have seen in train."""

from __future__ import annotations

from dataclasses import dataclass

from core.counting import known_sequences
from core.dataset import SPLITS
from core.lexicon import Lexicon
from core.text import UNKNOWN, Text
from tui.dataset.rows import fitted, share_text
from tui.dataset.splits import FIGURE, NAME, known_row
from tui.inspector.bars import Line, Piece, wrap

SEQUENCES = {"pairs": 2, "threes": 3}
"""Of words, in dev: whether they stand in train."""


@dataclass(frozen=True, eq=False)
class PartTable:
    """Words, distinct words and unknown ones of each part; sequences that train has, too."""

    text: Text
    lexicon: Lexicon
    known: dict[str, tuple[int, int]]
    """Of each kind of sequence how many dev has, and how many of these train has."""

    @classmethod
    def of(cls, text: Text, lexicon: Lexicon) -> PartTable:
        """Count the sequences; of a million words that takes a while."""
        known = {name: known_sequences(text, length) for name, length in SEQUENCES.items()}
        return cls(text, lexicon, known)

    def head(self, width: int) -> Line:
        heads = "".join(f"{text:>{FIGURE}}" for text in ("words", "distinct", UNKNOWN))
        return Line(fitted(((" " * (NAME - 4) + heads, "quiet"),), width))

    def count(self, width: int) -> int:
        return len(self._lines(width))

    def row(self, at: int, width: int) -> Line:
        return self._lines(width)[at]

    def _lines(self, width: int) -> list[Line]:
        rows: list[list[Piece]] = []
        for name in SPLITS:
            words, distinct = self.text.splits[name].words, self.lexicon.distinct(name)
            # Of test nothing is told before it is looked at.
            unknown = "" if name == "test" else share_text(self.text.unknown[name])
            figures = f"{words:>{FIGURE},}{distinct:>{FIGURE},}{unknown:>{FIGURE}}"
            rows.append([(name.ljust(NAME - 4), "plain"), (figures, "plain")])
        rows += [[], [("of dev, also in train:", "quiet")]]
        for kind, (count, known) in self.known.items():
            share = known / count if count else 0.0
            rows.append(known_row(kind, known, count, share, width))
        rows.append([])
        rows += [[(line, "quiet")] for line in wrap(self.meaning, width)]
        return [Line(fitted(row, width)) for row in rows]

    @property
    def meaning(self) -> str:
        """What that says about a loss on dev."""
        count, known = self.known["pairs"]
        return (
            "The parts follow each other in the text, so dev may speak of other things than train."
            f" {count - known:,} pairs of its words were never seen together: there counting does"
            " not help, and what the model knows of words that are used alike does."
        )
