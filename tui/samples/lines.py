"""Lines of names, as values: what the panes of the view of samples are drawn from."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from tui.inspector.bars import wrap
from tui.samples.marks import GLYPHS, Mark

Role = Literal["plain", "quiet", "head", "here", "new", "known", "star", "bar"]
"""What a piece of a line is, and so its colour."""


class Place(NamedTuple):
    """A name on the screen."""

    name: int
    """Counted as drawn; in the list of favourites as kept."""
    drawing: int = 0
    """Number of the drawing in the record."""


class Piece(NamedTuple):
    """Some cells of a line."""

    text: str
    role: Role = "plain"
    place: Place | None = None
    """What a click on it means."""
    chosen: bool = False
    """It belongs to what the keys are about."""


Line = tuple[Piece, ...]

POINTER = "▸"
"""Stands before the row that the keys are about."""
DEAR = 9.995
"""Nats per symbol from which one digit behind the point is enough."""


class Drawn(Protocol):
    """What can be drawn in a pane."""

    def lines(self, width: int, height: int) -> list[Line]:
        """At most `height` lines of at most `width` cells."""
        ...


def figure(loss: float | None) -> str:
    """Nats per symbol, in four cells."""
    if loss is None:
        return "   –"
    return f"{loss:4.2f}" if loss < DEAR else f"{loss:4.1f}"


def glyph(mark: Mark) -> tuple[str, Role]:
    """The sign of a mark, and its colour."""
    return GLYPHS[mark], "new" if mark == "new" else "known"


def window(count: int, here: int, room: int) -> range:
    """Which `room` of `count` rows to show so that `here` is among them, in the middle."""
    first = min(max(here - room // 2, 0), max(count - room, 0))
    return range(first, min(first + max(room, 1), count))


def text_of(line: Line) -> str:
    """A line without colours."""
    return "".join(piece.text for piece in line)


def said(text: str, width: int) -> list[Line]:
    """A sentence in place of names."""
    return [(Piece(line, "quiet"),) for line in wrap(text, width)]
