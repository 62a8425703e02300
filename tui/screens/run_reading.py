"""How the list of runs comes by what it shows: read in threads, shown as it comes.

Apart from the view, so that no thread touches a widget: threads read and post, this takes it in.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from core.catalogue import Listed, changed, looked
from core.errors import UserError
from tui.comparing.board import Board
from tui.comparing.reading import Found, Job, Shelf
from tui.screens.run_keys import RunKeys

TOGETHER = 0.08
"""Seconds over which what was read is gathered before it is shown."""
LOOKS_EVERY = 3.0
"""Seconds after which the folder and its live runs are looked at again."""


class RunReading(RunKeys):
    """Reads the folder, then what changes in it, and curves when they are wanted."""

    class Seen(Message):
        """Some runs were looked at."""

        def __init__(self, runs: list[Listed], *, all_of_them: bool = False) -> None:
            super().__init__()
            self.runs, self.all_of_them = runs, all_of_them

    class Changed(Message):
        """Runs were begun, trained on, or are there no more."""

        def __init__(self, runs: list[Listed], gone: list[Path]) -> None:
            super().__init__()
            self.runs, self.gone = runs, gone

    class Read(Message):
        """Sparklines and curves were read; `last`: nothing more was wanted."""

        def __init__(self, found: list[Found], *, last: bool = False) -> None:
            super().__init__()
            self.found, self.last = found, last

    def __init__(self, board: Board, shelf: Shelf) -> None:
        super().__init__(board)
        self.shelf = shelf
        self.listing = True
        """Not all runs of the folder are known yet."""
        self.reading = False
        """Curves are being read."""

    def on_mount(self) -> None:
        self._list()
        self.set_interval(LOOKS_EVERY, self._look_again)
        self.call_after_refresh(self.show_board)

    @work(thread=True, exclusive=True, group="list", exit_on_error=False)
    def _list(self) -> None:
        worker = get_current_worker()
        some: list[Listed] = []
        told = time.monotonic()
        try:
            for run in looked(self.board.here.parent):
                some.append(run)
                if worker.is_cancelled:
                    return
                if time.monotonic() - told > TOGETHER:
                    self.post_message(self.Seen(some))
                    some, told = [], time.monotonic()
        except UserError as error:
            self.post_message(self.Said(str(error), wrong=True))
        self.post_message(self.Seen(some, all_of_them=True))

    def _look_again(self) -> None:
        """What is live goes on, runs come and go; ages grow."""
        if not self.listing:
            self._look_around(dict(self.board.runs))
        self.show_again(aged=True)

    @work(thread=True, exclusive=True, group="list", exit_on_error=False)
    def _look_around(self, known: dict[Path, Listed]) -> None:
        with suppress(UserError):  # It could be read before, and may be again.
            found = self.Changed(*changed(self.board.here.parent, known))
            if not get_current_worker().is_cancelled:
                self.post_message(found)

    @on(Seen)
    def take_runs(self, event: Seen) -> None:
        event.stop()
        self.listing = self.listing and not event.all_of_them
        self.board.take(event.runs)
        self.show_again()

    @on(Changed)
    def take_changes(self, event: Changed) -> None:
        event.stop()
        board = self.board
        # What a person renamed or deleted meanwhile is so already; an engine can outlive its run.
        begun = [run for run in event.runs if run.live or run.directory.exists()]
        board.add([run for run in begun if run.directory not in board.runs])
        for run in begun:
            before = board.runs[run.directory]
            if (before.step, before.moment) != (run.step, run.moment):
                self.shelf.renew(run.directory)
        board.take(begun)
        for directory in event.gone:
            if directory != board.here and not directory.exists():
                board.forget(directory)
        self.show_again()

    @work(thread=True, group="details", exit_on_error=False)
    def _read(self) -> None:
        worker, shelf = get_current_worker(), self.shelf
        some: list[Found] = []
        done: set[Job] = set()
        told = time.monotonic()
        while not worker.is_cancelled and (job := shelf.next_job(done)) is not None:
            some.append(shelf.read(job))
            done.add(job)
            if time.monotonic() - told > TOGETHER:
                self.post_message(self.Read(some))
                some, told = [], time.monotonic()
        self.post_message(self.Read(some, last=True))

    @on(Read)
    def take_what_was_read(self, event: Read) -> None:
        event.stop()
        for found in event.found:
            self.shelf.put(found)
        self.reading = self.reading and not event.last
        self.show_again()

    def want(self, curves: Sequence[Path], sparks: Sequence[Path]) -> None:
        """Have read what is to be seen now."""
        if self.shelf.want(curves, sparks) and not self.reading:
            self.reading = True
            self._read()
