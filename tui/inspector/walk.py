"""A walk through a word or a text, as lines: how much each of its symbols surprises the model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from core.dataset import Dataset
from core.protocol import Scored
from core.text import Text
from core.units import perplexity
from tui.embedding.symbols import shown
from tui.inspector.bars import END, Line, Piece, Role, bar, fit, fit_left, rounded_up, wrap
from tui.inspector.odds import NOT_FINITE, WORD
from tui.inspector.pairs import AnyPairs
from tui.inspector.reading import read, written
from tui.telling import compact

SCALE = (2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 1e3, 1e4)
"""Nats that a full bar may stand for."""
FIGURE = 7
"""Cells of a surprise."""
CONTEXT = 8
"""Cells that a context may take; of a longer one the end is shown."""
ROOMY = 34
"""Cells from which the arrow has blanks around it."""
SENTENCES = 3
"""Lines at most for what it all means."""


@dataclass(frozen=True, eq=False)
class WalkView:
    """A word or a text, and its surprises in nats."""

    steps: tuple[tuple[str, str], ...]
    """Context and target of each of its symbols, as shown; of a text, whose words stand below each
    other in any case, no contexts.
    """
    model: NDArray[np.float64]
    """(n,): of each step."""
    bigram: NDArray[np.float64] | None
    """The same; None where there is none to compare with."""
    vocab_size: int
    here: int | None = None
    """Where the person stands: before the target of step `here`."""
    ended: bool = False
    """Whether the last step is the end of the word."""
    words: bool = False
    """Whether the symbols are words."""

    @classmethod
    def told(
        cls, answer: Scored, data: Dataset, pairs: AnyPairs | None, ends: bool, here: int | None
    ) -> WalkView:
        """As the engine answered of one; `ends`: if it is a word, it is whole, its end counts."""
        (text,), (column,) = answer.words, answer.surprises
        symbols, words = read(text, data).symbols, isinstance(data, Text)
        ended = ends and not words
        count = len(symbols) + ended
        return cls(
            _words(symbols, data) if words else _symbols(symbols, data, ended),
            np.frombuffer(column, "<f4").astype(np.float64)[:count],
            pairs.surprises(list(symbols))[:count] if pairs else None,
            data.vocab_size,
            here,
            ended,
            words,
        )

    def lines(self, width: int, height: int) -> list[Line]:
        """A row for each symbol, those around `here` where not all fit; then what it adds up to.

        A line's place is the place in the word before its symbol.
        """
        figures = FIGURE * (1 if self.bigram is None else 2)
        sums = self._sums(width)
        rows = max(height - 1 - len(sums), 1)
        most = max(_most(self.model), 0.0 if self.bigram is None else _most(self.bigram))
        full = rounded_up(most, SCALE)
        first = _first(len(self.model), rows, self.here or 0)
        last = min(first + rows, len(self.model))
        labels = [self._label(at, " → " if width >= ROOMY else "→") for at in range(first, last)]
        most = WORD if self.words else width
        label = min(max(map(cell_len, labels), default=0), width - figures - 5, most)
        cut = last - first < len(self.model)
        words = f"  {first + 1:,}-{last:,} of {len(self.model):,}" if cut else "  nats"
        heads = "model".rjust(FIGURE) + "bigram".rjust(FIGURE) * (self.bigram is not None)
        lines = [Line(((fit(words, width - figures) + heads, "quiet"),))]
        for at, told in enumerate(labels, first):
            lines.append(self._line(at, fit(told, label), width - figures, full))
        if len(lines) + len(sums) < height:
            lines.append(Line((("  " + "─" * (width - 2), "quiet"),)))
        return [*lines, *sums][: max(height, 0)]

    def _label(self, at: int, arrow: str) -> str:
        context, goal = self.steps[at]
        return f"{fit_left(context, CONTEXT)}{arrow}{goal}" if context else goal

    def _line(self, at: int, label: str, width: int, full: float) -> Line:
        here = at == self.here
        nats = float(self.model[at])
        other = None if self.bigram is None else float(self.bigram[at])
        role: Role = "here" if here else "plain"
        pieces: list[Piece] = [(f"{'▸' if here else ' '} {label} ", role)]
        room = max(width - 3 - cell_len(label), 0)
        pieces += bar(nats / full, None if other is None else other / full, room, here=here)
        pieces.append((figure(nats), role))
        if other is not None:
            pieces.append((figure(other), "quiet"))
        return Line(tuple(pieces), at)

    def _sums(self, width: int) -> list[Line]:
        count = len(self.model)
        if not count:
            return []
        columns = [self.model] if self.bigram is None else [self.model, self.bigram]
        room = width - FIGURE * len(columns)
        counted = f"total of {count:,}" + (", the end too" if self.ended and room > 24 else "")
        means = [float(column.mean()) for column in columns]
        sums = [
            (counted, [figure(float(column.sum())) for column in columns]),
            ("per word" if self.words else "per symbol", [figure(mean) for mean in means]),
        ]
        if self.words:
            sums.append(("perplexity", [_perplexity(mean) for mean in means]))
        lines = [
            Line(((fit(f"  {name}", room), "plain"), *_figures(values))) for name, values in sums
        ]
        told, role = verdict(self.model, self.bigram, self.vocab_size)
        said = wrap(told, width - 2)[:SENTENCES]
        return lines + [Line(((f"  {line}", role),)) for line in said]


def verdict(
    model: NDArray[np.float64], bigram: NDArray[np.float64] | None, vocab_size: int
) -> tuple[str, Role]:
    """What a walk means: which model finds the word likelier, and how much."""
    if not np.isfinite(model).all():
        return NOT_FINITE, "bad"
    if bigram is None:
        mean, guess = float(model.mean()), math.log(vocab_size)
        than = "likelier" if mean < guess else "less likely"
        told = f"the model finds it {than} than a guess does (ln {vocab_size:,} = {guess:.2f})"
        return told, "here" if mean < guess else "mark"
    gain = float(bigram.sum() - model.sum())
    if gain == math.inf:
        return "the model finds it likelier: the bigram gives it no chance at all", "here"
    if abs(gain) < math.log(1.05):
        return "the model and the bigram find it about equally likely", "plain"
    first, second = ("model", "bigram") if gain > 0 else ("bigram", "model")
    told = f"the {first} finds it {times(abs(gain))} likelier than the {second} does"
    return told, "here" if gain > 0 else "mark"


def times(nats: float) -> str:
    """How often e to the `nats` is: `2.7 times`."""
    if nats > math.log(9.99e14):
        return f"10^{nats / math.log(10):.0f} times"
    factor = math.exp(nats)
    return f"{factor:.1f} times" if factor < 99.95 else f"{compact(factor)} times"


def figure(nats: float) -> str:
    """A surprise in its column."""
    text = f"{nats:.2f}" if abs(nats) < 1e4 else f"{nats:.0e}"
    return (text if math.isfinite(nats) else "∞" if nats > 0 else "–").rjust(FIGURE)


def _perplexity(mean: float) -> str:
    found = perplexity(mean)
    if found is None or not found < 1e4:
        return figure(math.inf if found is None else found)
    return f"{found:.1f}".rjust(FIGURE)


def _symbols(symbols: tuple[int, ...], data: Dataset, ended: bool) -> tuple[tuple[str, str], ...]:
    """Steps through a word."""
    targets = [shown(data.itos[index]) for index in symbols] + [END] * ended
    return tuple((written(symbols[:at], data), goal) for at, goal in enumerate(targets))


def _words(symbols: tuple[int, ...], data: Dataset) -> tuple[tuple[str, str], ...]:
    """Steps through a text."""
    return tuple(("", shown(data.itos[index])) for index in symbols)


def _figures(values: list[str]) -> tuple[Piece, ...]:
    roles: tuple[Role, ...] = ("here", "quiet")
    return tuple(zip(values, roles, strict=False))


def _most(column: NDArray[np.float64]) -> float:
    return float(column[np.isfinite(column)].max(initial=0.0))


def _first(count: int, rows: int, here: int) -> int:
    """The first row shown of `count`, where only `rows` fit: `here` stands in the middle."""
    return min(max(here - rows // 2, 0), max(count - rows, 0))
