"""The list of runs as a table: its columns, as many as fit, the most telling ones first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue import Listed, ago
from core.fields import Order, field_of
from tui.comparing.sparks import POINTS, Spark, spark_text
from tui.inspector.bars import Line, Piece, Role, fit
from tui.telling import compact, loss, printable

MARKS = 2
"""Cells for the letter of a run that is compared, and the sign of a curve shown."""
BEHIND = "⠒"
"""Stands beside a run whose curve is shown behind the run on the screen."""
_SPARK = "loss"


@dataclass(frozen=True)
class Column:
    """One of them; its name is that of a field, but for the curve."""

    name: str
    heading: str
    width: int
    rank: int
    """The higher, the sooner it makes room for others."""
    left: bool = False


COLUMNS = (
    Column("run", "run", 20, 0, left=True),
    Column("state", "state", 10, 2, left=True),
    Column("step", "step", 9, 3),
    Column("dev", "best", 6, 0),
    Column("last", "last", 6, 6),
    Column("train", "train", 6, 5),
    Column("learning_rate", "rate", 7, 1),
    Column("batch_size", "batch", 6, 7),
    Column("block_size", "block", 6, 9),
    Column("embedding_size", "emb", 5, 8),
    Column("hidden_size", "hidden", 7, 4),
    Column("age", "age", 6, 3),
    Column(_SPARK, "loss", 8, 2, left=True),
)
_FIRST = ("dev", "step", "learning_rate")
SORTED_BY = (
    *_FIRST,
    *(column.name for column in COLUMNS if column.name not in (*_FIRST, _SPARK, "run")),
    "run",
)
"""The most wanted first: it is gone through by a key."""


@dataclass(frozen=True, eq=False)
class RunTable:
    """Rows that are made when they are seen."""

    runs: Sequence[Listed]
    order: Order | None
    letters: Mapping[Path, str]
    """Of those that are compared."""
    behind: frozenset[Path]
    """Those whose curves stand behind the run on the screen."""
    here: Path
    sparks: Mapping[Path, Spark]
    """A mapping of its own, as they are now."""
    now: Callable[[], float]
    """Seconds since 1970, for the ages."""
    _columns: dict[int, list[tuple[Column, int]]] = field(default_factory=dict)
    """By the width that they were made for."""

    def shows_the_same(self, other: RunTable) -> bool:
        """But for the ages."""
        return (
            self.runs is other.runs
            and self.order == other.order
            and self.letters == other.letters
            and self.behind == other.behind
            and self.sparks == other.sparks
        )

    def count(self, width: int) -> int:
        return len(self.runs)

    def head(self, width: int) -> Line:
        """What the columns are, and by which the list is sorted."""
        pieces: list[Piece] = [(" " * MARKS, "quiet")]
        for column, cells in self.columns(width):
            by = self.order is not None and self.order.field.name == column.name
            arrow = "" if not by or self.order is None else "▼" if self.order.reverse else "▲"
            pieces += _cell(column.heading + arrow, column, cells, "plain" if by else "quiet")
        return Line(tuple(pieces))

    def row(self, at: int, width: int) -> Line:
        """One run."""
        run = self.runs[at]
        role: Role = "here" if run.directory == self.here else "plain"
        behind = BEHIND if run.directory in self.behind else " "
        pieces: list[Piece] = [(f"{self.letters.get(run.directory, ' ')}{behind}", "here")]
        for column, cells in self.columns(width):
            if column.name == _SPARK:
                text = spark_text(self.sparks.get(run.directory, ()), cells)
                pieces += _cell(text, column, cells, "bar")
            else:
                quiet = column.name in ("state", "age") and role == "plain"
                text = self._text(run, column, cells)
                pieces += _cell(text, column, cells, "quiet" if quiet else role)
        return Line(tuple(pieces))

    def columns(self, width: int) -> list[tuple[Column, int]]:
        """Those that fit, and how wide they are."""
        if width not in self._columns:
            self._columns[width] = self._fitting(width)
        return self._columns[width]

    def _fitting(self, width: int) -> list[tuple[Column, int]]:
        kept = list(COLUMNS)
        while len(kept) > 1 and _taken(kept) > width:
            kept.remove(max(kept, key=lambda column: column.rank))
        spare = max(width - _taken(kept), 0)
        longest = max((len(printable(run.run)) for run in self.runs), default=0)
        wider = {"run": min(max(longest - COLUMNS[0].width, 0), spare)}
        wider[_SPARK] = min(spare - wider["run"], POINTS - COLUMNS[-1].width)
        return [(column, column.width + wider.get(column.name, 0)) for column in kept]

    def column_at(self, x: int, width: int) -> str | None:
        """The field of the column that a cell of the head belongs to."""
        right = MARKS
        for column, cells in self.columns(width):
            right += cells + 1
            if x < right:
                return column.name if column.name in SORTED_BY else None
        return None

    def _text(self, run: Listed, column: Column, cells: int) -> str:
        value = field_of(column.name).of(run)
        if value is None:
            return "-"
        if column.name == "age":
            return ago(age(run, self.now()))
        if column.name in ("dev", "last", "train") and isinstance(value, float):
            return loss(value)
        if column.name == "learning_rate" and isinstance(value, float):
            texts = (f"{value:.{digits}g}" for digits in (6, 4, 3, 2))
            return next((text for text in texts if len(text) <= cells), f"{value:.0e}")
        if isinstance(value, (int, float)):
            whole = f"{value:,.0f}"
            return whole if len(whole) <= cells else compact(value)
        return printable(str(value))


def age(run: Listed, now: float) -> float:
    """Seconds since the run last did something."""
    return max(now - run.moment, 0.0)


def _taken(columns: Sequence[Column]) -> int:
    return MARKS + sum(column.width + 1 for column in columns) - 1


def _cell(text: str, column: Column, cells: int, role: Role) -> list[Piece]:
    """The text in the column's cells, and the blank behind it."""
    text = fit(text if column.left else text.rjust(cells), cells)
    return [(text, role), (" ", "plain")]
