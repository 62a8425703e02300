"""The trials of a sweep as a table: a row each, as many settings as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.sweep_standing import Standing, Tried
from tui.comparing.sparks import spark_text
from tui.inspector.bars import Line, Piece, Role, fit
from tui.telling import dial_name, loss

BEST = "★"
WIDTHS = {"trial": 6, "state": 11, "dev": 6}
SPARK, SPARK_CELLS = "dev as it fell", 14
WIDEST = 14
"""Cells of a setting at most."""


@dataclass(frozen=True, eq=False)
class TrialTable:
    """Rows that are made when they are seen."""

    standing: Standing
    trials: Sequence[Tried]
    """In the order in which they are shown."""
    best_first: bool = False
    _names: dict[int, list[tuple[str, int]]] = field(default_factory=dict)

    def count(self, width: int) -> int:
        return len(self.trials)

    def head(self, width: int) -> Line:
        """What the columns are, and by which they are sorted."""
        sorted_by = "dev" if self.best_first else "trial"
        pieces: list[Piece] = [("  ", "quiet")]
        for name, cells in WIDTHS.items():
            text = f"{name}▲" if name == sorted_by else name
            pieces += _cell(text, cells, "plain" if name == sorted_by else "quiet", name == "state")
        for name, cells in self._settings(width):
            pieces += _cell(dial_name(name), cells, "quiet")
        return Line((*pieces, (fit(SPARK, SPARK_CELLS), "quiet")))

    def row(self, at: int, width: int) -> Line:
        """One trial."""
        trial = self.trials[at]
        best = self.standing.best is not None and trial.number == self.standing.best.number
        live = trial.state in ("finished", "running")
        role: Role = "here" if best else "plain" if live else "quiet"
        pieces: list[Piece] = [(f"{BEST if best else ' '} ", role)]
        pieces += _cell(str(trial.number), WIDTHS["trial"], role)
        pieces += _cell(trial.state, WIDTHS["state"], role, left=True)
        pieces += _cell("-" if trial.dev is None else loss(trial.dev), WIDTHS["dev"], role)
        for name, cells in self._settings(width):
            pieces += _cell(self._value(trial, name), cells, role)
        values = [dev for _, dev in trial.course]
        return Line((*pieces, (fit(spark_text(values, SPARK_CELLS), SPARK_CELLS), "bar")))

    def _value(self, trial: Tried, name: str) -> str:
        value = trial.values.get(name)
        return "-" if value is None else self.standing.sweep.ranges[name].short(value)

    def _settings(self, width: int) -> list[tuple[str, int]]:
        """Those that fit beside the rest, and how wide; the least important leave first."""
        if width not in self._names:
            known = {
                name: min(max(len(dial_name(name)), *(len(end) for end in each.ends), 8), WIDEST)
                for name, each in self.standing.sweep.ranges.items()
            }
            wanted = [name for name, _ in self.standing.importance if name in known]
            room = width - 2 - sum(cells + 1 for cells in WIDTHS.values()) - SPARK_CELLS
            kept: set[str] = set()
            for name in dict.fromkeys([*wanted, *known]):
                room -= known[name] + 1
                if room < 0:
                    break
                kept.add(name)
            self._names[width] = [(name, known[name]) for name in known if name in kept]
        return self._names[width]


def _cell(text: str, cells: int, role: Role, left: bool = False) -> list[Piece]:
    """The text in its cells, and the blank behind it."""
    return [(fit(text if left else text.rjust(cells), cells), role), (" ", "plain")]
