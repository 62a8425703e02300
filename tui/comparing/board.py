"""What the list of runs shows: which of them, in which order, and which are compared.

No Textual, no files: the screen tells it what was read and what was pressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.catalogue import Listed
from core.errors import UserError
from core.fields import Order, field_of
from core.filtering import Filter, parse_filter, readable_part
from tui.chart.companions import LETTERS


class Board:
    """The runs known so far."""

    def __init__(self, here: Path) -> None:
        """`here` is the run on the screen, which is compared with the others."""
        self.here = here
        self.runs: dict[Path, Listed] = {}
        """By directory, as they were read: the newest first."""
        self.shown: list[Listed] = []
        """Those that the filter means, in order."""
        self.at: Path | None = None
        """The run that the cursor is on."""
        self.marked: tuple[Path, ...] = ()
        self.order: Order | None = None
        """None: the newest first."""
        self._filter = Filter()
        self._chosen = False
        """The person has moved the cursor."""

    def take(self, runs: Iterable[Listed]) -> None:
        """Take in runs that were read, or read anew."""
        for run in runs:
            self.runs[run.directory] = run
        self._arrange()

    def add(self, runs: Sequence[Listed]) -> None:
        """Runs that were begun while the list was looked at; the cursor stays where it is."""
        at = self.at
        self.runs = {**{run.directory: run for run in runs}, **self.runs}
        self._arrange()
        if any(run.directory == at for run in self.shown):
            self.at = at

    def forget(self, directory: Path) -> None:
        """A run is no more; the cursor goes to its neighbour."""
        at = self.row or 0
        self.runs.pop(directory, None)
        self.marked = tuple(each for each in self.marked if each != directory)
        self._arrange()
        if self.at is None and self.shown:
            self.at = self.shown[min(at, len(self.shown) - 1)].directory

    def replace(self, before: Path, now: Listed) -> None:
        """A run has another name."""
        items = [(now.directory, now) if key == before else (key, run)
                 for key, run in self.runs.items()]  # fmt: skip
        self.runs = dict(items)
        self.marked = tuple(now.directory if each == before else each for each in self.marked)
        self.at = now.directory if self.at == before else self.at
        self._arrange()

    def narrow(self, text: str) -> None:
        """Show only what a filter means; raises UserError, and then goes by the rest of it."""
        self._filter = readable_part(text)
        self._arrange()
        parse_filter(text)

    @property
    def narrowed(self) -> bool:
        """Whether there is a filter."""
        return bool(self._filter.terms)

    def sort_by(self, name: str) -> None:
        """By this column; by the one it is sorted by already, the other way."""
        if self.order is not None and self.order.field.name == name:
            self.reverse()
        else:
            self.order = Order(field_of(name))
            self._arrange()

    def next_order(self, names: Sequence[str], by: int) -> None:
        """By the next column, or the one before; before the first and after the last: by age."""
        keys = [None, *names]
        now = self.order.field.name if self.order is not None else None
        key = keys[(keys.index(now) + by) % len(keys) if now in keys else 0]
        self.order = None if key is None else Order(field_of(key))
        self._arrange()

    def reverse(self) -> None:
        """The other way about."""
        if self.order is None:
            # The newest first is, of all ages, the lowest first.
            self.order = Order(field_of("age"))
        self.order = Order(self.order.field, not self.order.reverse)
        self._arrange()

    @property
    def row(self) -> int | None:
        """Where the cursor is."""
        return next((i for i, run in enumerate(self.shown) if run.directory == self.at), None)

    @property
    def run(self) -> Listed | None:
        """The run that the cursor is on."""
        return self.runs.get(self.at) if self.at is not None else None

    def move(self, by: int) -> None:
        """The cursor, as far as there are rows."""
        if self.shown:
            self.go((self.row or 0) + by)

    def go(self, row: int) -> None:
        """The cursor, to a row."""
        self._chosen = True
        if self.shown:
            self.at = self.shown[min(max(row, 0), len(self.shown) - 1)].directory

    def mark(self) -> None:
        """Compare the run under the cursor, or no more; raises UserError if it cannot be."""
        run = self.run
        if run is None:
            return
        if run.directory in self.marked:
            self.marked = tuple(each for each in self.marked if each != run.directory)
        elif self.is_here(run):
            raise UserError("this is the run on the screen: it is compared with those you mark")
        elif run.state == "unreadable":
            raise UserError(run.why)
        elif len(self.marked) + 1 == len(LETTERS):
            most = len(LETTERS) - 1
            raise UserError(f"{most} runs are marked, more curves could not be told apart")
        else:
            self.marked = (*self.marked, run.directory)

    def is_here(self, run: Listed) -> bool:
        """Whether it is the run on the screen."""
        return run.directory == self.here

    @property
    def letters(self) -> dict[Path, str]:
        """The runs compared, each with its letter: the run on the screen, and those marked; where
        none is, the one under the cursor.
        """
        run = self.run
        chosen = self.marked
        if not chosen and run is not None and run.state != "unreadable":
            chosen = (run.directory,)
        others = [each for each in chosen if each != self.here]
        return dict(zip([self.here, *others], LETTERS, strict=False))

    def _arrange(self) -> None:
        kept = [run for run in self.runs.values() if self._filter.keeps(run)]
        self.shown = self.order.sort(kept) if self.order is not None else kept
        if self.row is None:
            self.at = None
        if not self.shown or (self.at is not None and self._chosen):
            return
        if self.at is None or not self._chosen:
            # The row of this run says nothing new: begin on another.
            others = (run for run in self.shown if not self.is_here(run))
            self.at = next(others, self.shown[0]).directory
