"""The settings of several runs side by side, those in which they differ first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from core.catalogue import Listed
from core.differing import Facts
from tui.chart.companions import fact
from tui.inspector.bars import Line, Piece, fit
from tui.telling import dial_name, loss, printable

DIFFERS = "≠"
"""Stands before the name of what is not the same in all."""
_NAME = 20
"""Cells of the longest name, `evaluation interval`, and the gap behind it."""
_LEAST = 6
_GAP = 2


@dataclass(frozen=True)
class Side:
    """One of the runs compared."""

    letter: str
    run: Listed
    facts: Facts


@dataclass(frozen=True)
class Row:
    """One quantity, and its values in the order of the sides."""

    name: str
    values: tuple[str, ...]
    differs: bool = False


@dataclass(frozen=True, eq=False)
class SettingsTable:
    """Rows below the letters of the runs."""

    sides: Sequence[Side]
    whole: bool
    """With what is the same in all."""

    @cached_property
    def rows(self) -> list[Row]:
        """What the runs are and came to; then what differs, and what does not."""
        found = [
            Row("run", tuple(printable(side.run.run) for side in self.sides)),
            Row("step", tuple(_step(side.run) for side in self.sides)),
            Row("best dev", tuple(_loss(side.run.dev_loss) for side in self.sides)),
            Row("train", tuple(_loss(side.run.train_loss) for side in self.sides)),
        ]
        compared = [_compared(name, self.sides) for name in _names(self.sides)]
        found += [row for row in compared if row.differs]
        if self.whole:
            found += [row for row in compared if not row.differs]
        return found

    @property
    def differing(self) -> int:
        """In how many settings any two differ."""
        return sum(row.differs for row in self.rows)

    def count(self, width: int) -> int:
        return len(self.rows)

    def head(self, width: int) -> Line:
        """The letters."""
        pieces: list[Piece] = [(" " * (_NAME + 2), "quiet")]
        for side, cells in zip(self.sides, self._widths(width), strict=True):
            pieces.append((fit(side.letter, cells) + " " * _GAP, "here"))
        return Line(tuple(pieces))

    def row(self, at: int, width: int) -> Line:
        """One quantity in all runs."""
        row = self.rows[at]
        sign = DIFFERS if row.differs else " "
        role = "plain" if row.differs or at < 4 else "quiet"
        pieces: list[Piece] = [(f"{sign} ", "here"), (fit(row.name, _NAME), "quiet")]
        for value, cells in zip(row.values, self._widths(width), strict=True):
            if row.name == "run":
                # What tells one from another stands at the end of a name.
                value = value if cell_len(value) <= cells else f"…{value[1 - cells :]}"
            pieces.append((fit(value, cells) + " " * _GAP, "plain" if role == "plain" else "quiet"))
        return Line(tuple(pieces))

    def _widths(self, width: int) -> list[int]:
        """As wide as the values; where that is too much, the widest give way."""
        columns = list(zip(*(row.values for row in self.rows), strict=True))
        widths = [max(_LEAST, *map(cell_len, column)) for column in columns]
        room = width - _NAME - 2 - _GAP * len(widths)
        while sum(widths) > room and max(widths, default=0) > _LEAST:
            widths[widths.index(max(widths))] -= 1
        return widths


def _names(sides: Sequence[Side]) -> list[str]:
    """Of all settings that any of them has, in the order in which runs tell them."""
    return list(dict.fromkeys(name for side in sides for name in side.facts))


def _compared(name: str, sides: Sequence[Side]) -> Row:
    known = [side.facts[name] for side in sides if name in side.facts]
    texts = (fact(name, side.facts[name]) if name in side.facts else "-" for side in sides)
    # What only some have says nothing: the shape of a schedule that is constant elsewhere.
    return Row(dial_name(name), tuple(texts), any(value != known[0] for value in known[1:]))


def _step(run: Listed) -> str:
    return "-" if run.step is None else f"{run.step:,}"


def _loss(value: float | None) -> str:
    return "-" if value is None else loss(value)
