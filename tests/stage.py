"""The dashboard with its run in the same process: every frame is the same on every machine.

The run is a real one, and so are its record and its answers; only the process around the engine is
missing, and with it whatever depends on speed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
from rich.segment import Segment
from textual.app import App
from textual.pilot import Pilot

from core.client import read_run
from core.commands import obey
from core.launch import load_data
from core.protocol import AnyCommand
from core.run import Run
from tests.test_time_travel import settle
from tui.app import SteermoreApp
from tui.learning.progress import Progress
from tui.reader import News
from tui.standing import LinkChanged

NAME = "dashboard"
Scene = Callable[["Stage", Pilot[None]], Awaitable[None]]


class Stage(SteermoreApp):
    """Its commands are obeyed at once, and paused it stays."""

    def __init__(
        self, run: Run, *, in_ascii: bool = False, progress: Progress | None = None
    ) -> None:
        data = load_data(run.directory, run.config)
        super().__init__(run.directory, data, in_ascii=in_ascii, progress=progress)
        self._run = run
        self._asked = 0

    def _listen(self) -> None:  # type: ignore[override]
        self.call_after_refresh(self._show_as_it_ended)

    def _show_as_it_ended(self) -> None:
        self._run.journal.take()
        past = read_run(self._directory)
        welcome = msgspec.structs.replace(past.welcome, client=NAME)
        self._hear([replace(past, welcome=welcome), LinkChanged("live")])

    def send(self, command: AnyCommand) -> int | None:
        """Let the run obey, and hear what it says."""
        self._asked += 1
        obey(self._run, msgspec.structs.replace(command, id=self._asked), NAME)
        settle(self._run)
        self._hear([event for event, _ in self._run.journal.take()])
        return self._asked

    def _hear(self, news: list[News]) -> None:
        if self._mailbox.put(news):
            self.post_message(self.Heard())


def play(
    run: Run,
    scene: Scene,
    size: tuple[int, int],
    *,
    in_ascii: bool = False,
    progress: Progress | None = None,
) -> None:
    """Open the dashboard on a run, and let a scene play on it."""

    async def show() -> None:
        app = Stage(run, in_ascii=in_ascii, progress=progress)
        async with app.run_test(size=size) as pilot:
            async with asyncio.timeout(20):
                while app._training.link != "live":
                    await pilot.pause(0.01)
            await scene(app, pilot)

    asyncio.run(show())


async def until(pilot: Pilot[None], true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for what has to become true."""
    async with asyncio.timeout(seconds):
        while not true():
            await pilot.pause(0.02)


def seen(app: App[None]) -> list[list[Segment]]:
    """The screen as it is painted, row by row."""
    return [list(strip) for strip in app.screen._compositor.render_strips()]
