"""A table that makes a row only when it is looked at; so it may have millions of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.cells import cell_len

from tui.inspector.bars import Line, Piece, fit


class Table(Protocol):
    """Rows below a head that stays."""

    def head(self, width: int) -> Line:
        """What the columns are."""
        ...

    def count(self, width: int) -> int:
        """How many rows there are where one has `width` cells."""
        ...

    def row(self, at: int, width: int) -> Line:
        """One of them, in `width` cells."""
        ...


def share_text(share: float) -> str:
    """`22.1 %`, or `<0.1 %` where that would round to nothing."""
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def fitted(pieces: Sequence[Piece], width: int) -> tuple[Piece, ...]:
    """The pieces in exactly `width` cells: cut with `…`, or filled with blanks."""
    made: list[Piece] = []
    for text, role in pieces:
        room = width - sum(cell_len(done) for done, _ in made)
        if cell_len(text) > room:
            return (*made, (fit(text, room), role)) if room else tuple(made)
        made.append((text, role))
    room = width - sum(cell_len(done) for done, _ in made)
    return (*made, (" " * room, "plain")) if room else tuple(made)
