"""The same names side by side, as the model learns: a column for every step they were drawn at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len

from tui.inspector.bars import fit
from tui.samples.desk import Desk
from tui.samples.drawings import Column, spread
from tui.samples.lines import POINTER, Line, Piece, Place, Role, figure, glyph, said, window
from tui.samples.marks import STAR, told

LOSS = 4
FIXED = 2 + 1 + LOSS
"""Cells of a column that are no name: glyph, blank, loss."""
GAP = 2
NAME_ROOMS = (16, 14, 12, 10, 8)
"""Cells of a name, the first with which enough columns fit."""
ENOUGH = 4
"""Columns that show a model learning."""
FOOT = 3
LOW = 9
"""Lines below which the names need them all."""
NOTHING = (
    "Here the same names stand side by side, drawn with one seed at different steps:"
    " so one sees the model learn."
)
ONE_STEP = (
    "One step so far. As training goes on, a draws the same seed again, and e lets that happen by"
    " itself: then one sees the model learn."
)

_Part = Callable[[Column], str]
"""What a head or a foot says of a column."""


@dataclass(frozen=True, eq=False)
class StepsView:
    """The columns of a series; which of them, depends on the room."""

    desk: Desk

    def shown(self, width: int) -> list[int]:
        """Which columns stand in a pane so wide."""
        room, desk = self._fitting(width)[0], self.desk
        if desk.every:
            return list(window(len(desk.columns), desk.here, room))
        steps = [column.step for column in desk.columns]
        return spread(steps, room, desk.newest, desk.here)

    def title(self, width: int) -> str:
        """What is seen, and how much more there is."""
        shown, count = len(self.shown(width)), len(self.desk.columns)
        title = "Same seed, step by step"
        if shown == count:
            return title
        how = "← → scroll" if self.desk.every else "spread out"
        return f"{title} · {shown:,} of {count:,} steps, {how}"

    def lines(self, width: int, height: int) -> list[Line]:
        """Two heads, as many names as fit around the one looked at, and what they are together."""
        desk = self.desk
        if not desk.columns:
            return said(NOTHING, width)[:height]
        places, shown = desk.places, self.shown(width)
        foot = height > LOW
        room = max(height - 2 - FOOT * foot, 1)
        rows = [places[row] for row in window(len(places), places.index(desk.name), room)]
        name_room = self._fitting(width)[1]
        lines = [self._line("", [self._head(index, part, name_room) for index in shown])
                 for part in (step_of, dev_of)]  # fmt: skip
        for place in rows:
            cells = [self._cell(index, place, name_room) for index in shown]
            lines.append(self._line(f"{place + 1:,}", cells, place == desk.name))
        if foot:
            lines.append((Piece(""),))
            lines += [
                self._line(label, [self._head(index, part, name_room, quiet=True)
                                   for index in shown])
                for label, part in (("mean", _mean), ("new", self._new))
            ]  # fmt: skip
        if len(desk.columns) == 1:
            lines += [(Piece(""),), *said(ONE_STEP, width)]
        return lines[:height]

    def _fitting(self, width: int) -> tuple[int, int]:
        """How many columns fit, and the room for a name in them."""
        columns = self.desk.columns
        longest = max(
            (cell_len(told(name)) for column in columns for name in column.drawn.names), default=4
        )
        longest = max(longest, 6)
        for most in NAME_ROOMS:
            name_room = min(most, longest)
            fit_in = (width - self._gutter + GAP) // (FIXED + name_room + GAP)
            if fit_in >= min(len(columns), ENOUGH):
                break
        return max(fit_in, 1), name_room

    @property
    def _gutter(self) -> int:
        """Cells of the numbers at the left: pointer, number or label, two blanks."""
        count = max((len(column.drawn.names) for column in self.desk.columns), default=0)
        return 2 + max(len(f"{count:,}"), 4) + 2

    def _line(self, label: str, cells: list[list[Piece]], here: bool = False) -> Line:
        left = f"{POINTER if here else ' '} {label:>{self._gutter - 4}}"
        pieces = [Piece(left, "here" if here else "quiet")]
        for cell in cells:
            pieces += [Piece(" " * GAP), *cell]
        return tuple(pieces)

    def _head(self, index: int, part: _Part, name_room: int, quiet: bool = False) -> list[Piece]:
        column = self.desk.columns[index]
        role: Role = "here" if index == self.desk.here else "quiet" if quiet else "head"
        text = fit(part(column), FIXED + name_room)
        return [Piece(text, role, Place(self.desk.name, column.drawn.seq))]

    def _cell(self, index: int, place: int, name_room: int) -> list[Piece]:
        column = self.desk.columns[index]
        drawn = column.drawn
        if place >= len(drawn.names):
            return [Piece(fit("  ·", FIXED + name_room), "quiet")]
        name = drawn.names[place]
        loss = figure(drawn.losses[place]) if drawn.losses else " " * LOSS
        here = index == self.desk.here and place == self.desk.name
        sign, role = glyph(self.desk.marks.of(name))
        if name in self.desk.kept:
            sign, role = STAR, "star"
        at = Place(place, drawn.seq)
        return [
            Piece(f"{sign} ", role, at, here),
            Piece(fit(told(name), name_room), "plain" if name else "quiet", at, here),
            Piece(f" {loss}", "quiet", at, here),
        ]

    def _new(self, column: Column) -> str:
        names = column.drawn.names
        new = sum(self.desk.marks.of(name) == "new" for name in names)
        return f"{new:,} of {len(names):,}"


def step_of(column: Column) -> str:
    """The first line of a column's head."""
    return f"step {column.step:,}"


def dev_of(column: Column) -> str:
    """The second one."""
    if column.undone:
        return "↶ undone"
    if column.dev is None:
        return "dev –"
    return f"dev {'~' * column.nearby}{column.dev:.3f}"


def _mean(column: Column) -> str:
    return "–" if column.mean is None else f"{column.mean:.2f}"
