"""Lines of text with bars in them: what the inspector's panes are drawn from.

Apart from Textual: a line is a value, and a widget gives its roles their colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from rich.cells import cell_len, set_cell_size

from core.words import BOUNDARY
from tui.embedding.symbols import shown

Role = Literal[
    "plain", "quiet", "here", "bar", "bar-here", "mark", "over", "over-here", "bad", "title", "rule"
]
"""What a piece of a line is; `over` is a mark on a bar."""

Piece = tuple[str, Role]

PARTS = " ▏▎▍▌▋▊▉"
"""Of a cell, in eighths from the left."""
MARK = "┃"
NEAR = 0.25
"""Cells from the beginning within which no mark is drawn."""
END = "end"
"""How the boundary is called where it is predicted."""


class Line(NamedTuple):
    """One row of a pane."""

    pieces: tuple[Piece, ...]
    place: int | None = None
    """What a click on it means, to whoever made the line."""


class Drawn(Protocol):
    """What can be drawn in a pane."""

    def lines(self, width: int, height: int) -> list[Line]:
        """At most `height` lines of `width` cells."""
        ...


@dataclass(frozen=True, eq=False)
class Titled:
    """Something drawn below a rule with a title."""

    title: str
    below: Drawn

    def lines(self, width: int, height: int) -> list[Line]:
        """The title first."""
        rule = max(width - cell_len(self.title) - 3, 0)
        pieces: tuple[Piece, ...] = (
            ("─", "rule"),
            (f" {self.title} ", "title"),
            ("─" * rule, "rule"),
        )
        return [Line(pieces), *self.below.lines(width, height - 1)]


def bar(value: float, mark: float | None, width: int, *, here: bool = False) -> tuple[Piece, ...]:
    """A bar of `value` and a mark at `mark`, both as shares of `width` cells."""
    eighths = round(8 * width * _share(value))
    whole, part = divmod(eighths, 8)
    cells = ("█" * whole + PARTS[part] * (part > 0)).ljust(width)
    kind: Role = "bar-here" if here else "bar"
    # A mark that is as good as at the beginning would only be noise.
    if mark is None or _share(mark) * width < NEAR:
        return ((cells, kind),)
    at = min(int(_share(mark) * width), width - 1)
    over: Role = "over-here" if here else "over"
    on: Role = over if at < whole else "mark"
    return ((cells[:at], kind), (MARK, on), (cells[at + 1 :], kind))


def rounded_up(most: float, steps: Sequence[float]) -> float:
    """The first of `steps` that `most` fits under, so that bars do not breathe with every step."""
    return next((step for step in steps if step >= most), max(most, steps[-1]))


def target(symbol: str) -> str:
    """A symbol that is predicted: there the boundary means that the word ends."""
    return END if symbol == BOUNDARY else shown(symbol)


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: cut with `…`, or filled with blanks."""
    if cell_len(text) > width > 0:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, max(width, 0))


def fit_left(text: str, width: int) -> str:
    """As `fit`, but of a long text the end stays."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return f"…{text}"


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and cell_len(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [fit(line, width) for line in lines]


def _share(value: float) -> float:
    if math.isnan(value):
        return 0.0
    return min(max(value, 0.0), 1.0)
