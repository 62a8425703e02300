"""A word of a text wherever it stands: a concordance, each line an example of the model's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from core.dataset import SPLITS, part
from core.text import START, UNKNOWN, Text
from tui.dataset.rows import fitted
from tui.inspector.bars import Line, Piece, fit, fit_left
from tui.telling import printable

PART, ARROW = 6, " → "
AFTER = 12
"""Words shown behind the target, as many as have room."""


@dataclass(frozen=True, eq=False)
class ContextTable:
    """A row for each place: the part, the context as the model reads it, the target, what follows.

    What the vocabulary lacks is `<unk>` to the model; behind the target stands the text itself.
    """

    text: Text
    word: str
    """Empty: there is none, and no rows."""
    at: NDArray[np.int64]
    """Where it stands in the text."""

    def head(self, width: int) -> Line:
        before, _ = self._rooms(width)
        label = " " * PART + "context".rjust(before) + ARROW + "target, and the text behind it"
        return Line(fitted(((label, "quiet"),), width))

    def count(self, width: int) -> int:
        return len(self.at)

    def row(self, at: int, width: int) -> Line:
        place, text = int(self.at[at]), self.text
        name = next(name for name in SPLITS if place < part(name, len(text.words)).stop)
        example = np.array([place - part(name, len(text.words)).start])
        *context, target = text.splits[name].rows(example)[0].tolist()
        before, room = self._rooms(width)
        words = [printable(text.itos[index]) for index in context]
        # So many beginnings say no more than one.
        while words[:2] == [START, START]:
            del words[0]
        told = fit_left(" ".join(words), before)
        pieces: list[Piece] = [
            (name.ljust(PART), "quiet"),
            (" " * (before - cell_len(told)) + told, "plain"),
            (ARROW, "quiet"),
            (printable(text.itos[target]), "here"),
        ]
        if text.itos[target] == UNKNOWN:
            pieces.append((f" ({printable(self.word)})", "here"))
        following = " ".join(map(printable, text.words[place + 1 : place + 1 + AFTER]))
        used = sum(cell_len(text) for text, _ in pieces[3:])
        pieces.append((" " + fit(following, max(room - used - 1, 0)), "quiet"))
        return Line(fitted(pieces, width))

    def _rooms(self, width: int) -> tuple[int, int]:
        """Cells of the context, and of the target with what follows."""
        room = max(width - PART - len(ARROW), 2)
        return room // 2, room - room // 2
