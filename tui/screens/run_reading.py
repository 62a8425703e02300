"""How the list of runs comes by what it shows: read in threads, shown as it comes.

Apart from the view, so that no thread touches a widget: threads read and post, this takes it in.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from core.catalogue import Listed, look, looked
from core.errors import UserError
from tui.comparing.board import Board
from tui.comparing.reading import Found, Job, Shelf
from tui.screens.run_keys import RunKeys

TOGETHER = 0.08
"""Seconds over which what was read is gathered before it is shown."""
LOOKS_EVERY = 3.0
"""Seconds after which live runs are looked at again."""


class RunReading(RunKeys):
    """Reads the folder once, what is live again and again, and curves when they are wanted."""

    class Seen(Message):
        """Some runs were looked at."""

        def __init__(self, runs: list[Listed], *, all_of_them: bool = False) -> None:
            super().__init__()
            self.runs, self.all_of_them = runs, all_of_them

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
        """What is live goes on; ages grow."""
        live = [run.directory for run in self.board.runs.values() if run.live]
        if live and not self.listing:
            self._look_at(live)
        self.show_again(aged=True)

    @work(thread=True, exclusive=True, group="list", exit_on_error=False)
    def _look_at(self, directories: list[Path]) -> None:
        found = [look(each) for each in directories]
        self.post_message(self.Seen([run for run in found if run.live or run.directory.exists()]))

    @on(Seen)
    def take_runs(self, event: Seen) -> None:
        event.stop()
        runs = [run for run in event.runs if self.listing or run.directory in self.board.runs]
        for run in runs:
            before = self.board.runs.get(run.directory)
            if before is not None and (before.step, before.moment) != (run.step, run.moment):
                self.shelf.renew(run.directory)
        self.listing = self.listing and not event.all_of_them
        self.board.take(runs)
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
