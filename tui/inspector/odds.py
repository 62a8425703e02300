"""What may come next, as lines: a bar for each symbol, and where the bigram would put its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset
from core.protocol import Predicted
from core.text import Text
from tui.embedding.symbols import shown
from tui.inspector.bars import Line, Piece, bar, fit, fit_left, rounded_up, target
from tui.inspector.pairs import AnyPairs
from tui.inspector.reading import read, written

Order = Literal["likely", "alphabet"]

SCALE = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Probabilities that a full bar may stand for."""
LABEL, MODEL, BIGRAM = 4, 8, 7
"""Cells of a symbol, of the model's figure, of the bigram's."""
WORD = 14
"""Cells of a word, at most, and at most a third of all."""
ROOM_FOR_BOTH = 30
"""Cells from which the bigram's figure has a column; its mark stands on the bar in any case."""
NOT_FINITE = "not finite: the weights have blown up"


@dataclass(frozen=True, eq=False)
class OddsView:
    """P(next symbol) of the model and of the bigram, after some text."""

    itos: tuple[str, ...]
    odds: NDArray[np.float64]
    """(V,)."""
    bigram: NDArray[np.float64] | None
    """(V,); None where there is none to compare with."""
    context: str
    """What the model sees."""
    order: Order = "likely"
    here: int | None = None
    """The symbol that does stand next."""
    words: bool = False
    """Whether the symbols are words, which have no end."""

    @classmethod
    def told(
        cls,
        answer: Predicted,
        data: Dataset,
        pairs: AnyPairs | None,
        order: Order,
        here: int | None,
    ) -> OddsView:
        """As the engine answered."""
        before = read(answer.prefix, data).symbols
        return cls(
            data.itos,
            np.frombuffer(answer.odds, "<f4").astype(np.float64),
            pairs.odds(before[-1] if before else 0) if pairs else None,
            written(before, data),
            order,
            here,
            isinstance(data, Text),
        )

    def lines(self, width: int, height: int) -> list[Line]:
        """As many symbols as fit, and what the rest adds up to; a line's place is its symbol."""
        both = self.bigram is not None and width >= ROOM_FOR_BOTH
        figures = MODEL + BIGRAM * both
        title = fit_left(f"after {self.context}", width - figures - 1)
        head = fit(title, width - figures) + "model %".rjust(MODEL) + "bigram".rjust(BIGRAM) * both
        lines = [Line(((head, "quiet"),))]
        if not np.isfinite(self.odds).all():
            return [*lines, Line(((fit(NOT_FINITE, width), "bad"),))][:height]
        chosen = self._chosen(height - 1)
        most = max((self.odds[chosen].max(initial=0), *self._bigram_of(chosen)))
        full = rounded_up(most, SCALE)
        lines += [self._line(index, width, full, both) for index in chosen.tolist()]
        rest = len(self.odds) - len(chosen)
        if rest:
            share = 1.0 - float(self.odds[chosen].sum())
            words = fit(f"  {rest:,} more", width - figures)
            lines.append(Line(((f"{words}{percent(max(share, 0.0)):>{MODEL}}", "quiet"),)))
        return lines[: max(height, 0)]

    def _bigram_of(self, chosen: NDArray[np.int64]) -> list[float]:
        return [] if self.bigram is None else [float(self.bigram[chosen].max(initial=0))]

    def _chosen(self, rows: int) -> NDArray[np.int64]:
        """Which symbols have a row, in their order; the rest has one together."""
        V = len(self.odds)
        likely = np.argsort(-self.odds, kind="stable")
        if rows < V:
            likely = likely[: max(rows - 1, 0)]
            if self.here is not None and len(likely) and self.here not in likely:
                # Where the person stands is worth more than the last that fits.
                likely[-1] = self.here
        if self.order == "likely":
            return likely
        if not self.words:
            return np.sort(likely)
        names = self.itos
        return np.array(sorted(likely.tolist(), key=lambda at: (names[at].casefold(), names[at])))

    def _line(self, index: int, width: int, full: float, both: bool) -> Line:
        p, here = float(self.odds[index]), index == self.here
        q = None if self.bigram is None else float(self.bigram[index])
        cells = min(WORD, width // 3) if self.words else LABEL
        name = shown(self.itos[index]) if self.words else target(self.itos[index])
        room = width - 2 - cells - MODEL - BIGRAM * both
        label = ("▸ " if here else "  ") + fit(name, cells)
        if self.words:
            label, room = f"{label} ", room - 1
        pieces: list[Piece] = [(label, "here" if here else "plain")]
        pieces += bar(p / full, None if q is None else q / full, room, here=here)
        pieces.append((percent(p).rjust(MODEL), "here" if here else "plain"))
        if both and q is not None:
            pieces.append((percent(q).rjust(BIGRAM), "quiet"))
        return Line(tuple(pieces), index)


def percent(p: float) -> str:
    """A probability in per cent: `41.2`; what is small is not said to be nothing."""
    return "<0.1" if 0 < p < 0.0005 else f"{100 * p:.1f}"
