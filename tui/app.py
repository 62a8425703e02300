"""The dashboard: the one holder of the engine.

It sends what the keys ask, and tells the screen what the engine says.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState, get_current_worker

from core import record
from core.client import Attached, Client, EngineGone, read_run
from core.dataset import Dataset
from core.errors import UserError
from core.launch import start_engine
from core.protocol import (
    Act,
    AnyCommand,
    AnyEvent,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    Heartbeat,
    Resume,
    RolledBack,
    Shutdown,
    SnapshotTaken,
    Stalled,
    StateChanged,
)
from tui.ascii import Ascii
from tui.hosting import Hosting
from tui.keys import KEYS
from tui.mailbox import Mailbox
from tui.reader import News, read
from tui.screens.training import TrainingScreen
from tui.standing import LinkChanged

if TYPE_CHECKING:
    from tui.learning.progress import Progress


class SteermoreApp(Hosting):
    """Watches and steers the run in one directory."""

    TITLE = "steermore"
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    class Heard(Message):
        """There is news that should not wait for a frame."""

        def __init__(self) -> None:
            super().__init__()
            self.news: list[News] = []
            """What it was, in its order, once it is taken from the mailbox."""

    def __init__(
        self,
        run_directory: Path,
        dataset: Dataset,
        *,
        commands: tuple[AnyCommand, ...] = (),
        engine: subprocess.Popen[bytes] | None = None,
        behind: Path | None = None,
        in_ascii: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """`commands` are sent once the engine answers.

        `engine` is its process, if the caller started it: its early death is then noticed. Without
        one, and with none at work on the run, the run is shown as it ended. `behind` is the run
        that was shown before, if its curve is to stand behind this one. `in_ascii`: draw with
        nothing else, but for the words themselves. `progress`: of the walk through the lecture.
        """
        super().__init__()
        self._directory = run_directory
        self._behind = behind
        self._commands = commands
        self._clients = 1
        self._client = Client(run_directory, "dashboard", engine)
        self._mailbox = Mailbox()
        config = record.read_config(run_directory)
        self._training = TrainingScreen(config, dataset, self._take_flow, progress)
        self._engine = engine
        self._mending = False
        self._client_name = ""
        self._spelling = (Ascii(dataset.words.itos),) if in_ascii else ()

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._spelling]

    def get_default_screen(self) -> Screen[None]:
        return self._training

    def on_mount(self) -> None:
        # SIGTERM must not leave the terminal in the alternate screen. SIGHUP stays at its default:
        # a handler that exits hangs once the terminal is gone.
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, partial(self._leave, 128 + signal.SIGTERM)
        )
        # Of the screen that it left, the terminal has kept nothing.
        self.app_resume_signal.subscribe(self, lambda app: app.refresh(layout=True))
        if self._engine is None and not record.is_served(self._directory):
            self.call_after_refresh(self._show_as_it_ended)
        else:
            self._listen()

    def _show_as_it_ended(self) -> None:
        try:
            ended = read_run(self._directory)
        except UserError as error:
            self._take_link(LinkChanged("gone", str(error)))
        else:
            self._training.follow(ended.config, ended.events, ended.losses, ended.welcome)
            self._take_link(LinkChanged("resting"))
            self.show_kin_behind()

    @work(thread=True, exclusive=True, exit_on_error=False, group="engine")
    def _listen(self) -> None:
        worker = get_current_worker()

        def post(news: list[News]) -> None:
            if self._mailbox.put(news):
                self.post_message(self.Heard())

        read(self._client, post, lambda: worker.is_cancelled)

    @on(Heard)
    def tell_the_screen(self, message: Heard) -> None:
        """Show what was heard; events that came together are shown together."""
        if not self.is_running:
            # It is being taken down, and its panels go first.
            return
        self._take_flow()
        message.news = self._mailbox.take()
        events: list[AnyEvent] = []
        for item in message.news:
            if isinstance(item, Attached):
                self._training.follow(item.config, item.events, item.losses, item.welcome)
                self._mending = self._training.history.gap
                self._begin(item)
            elif isinstance(item, LinkChanged):
                self._take_link(item)
            else:
                events.append(item)
        if events:
            self._training.take(events)
            self._react(events)
        self._mend()
        if any(isinstance(item, (Attached, StateChanged, Act)) for item in message.news):
            self._training.refresh_bindings()

    def _take_flow(self) -> None:
        """Take in what waited for a frame."""
        for heard, event in self._mailbox.take_flow():
            self._training.take([event], heard)
            self._react([event])
        self._mend()

    def _mend(self) -> None:
        if self._training.history.gap and not self._mending:
            # Something was lost: the reader then attaches anew, and all of it comes again.
            self._mending = True
            self._client.close()

    @on(Worker.StateChanged)
    def show_a_dead_reader(self, event: Worker.StateChanged) -> None:
        if event.worker.group == "engine" and event.state == WorkerState.ERROR:
            reason = f"the dashboard's reader failed: {event.worker.error!r}"
            self._take_link(LinkChanged("gone", reason))

    def _begin(self, attached: Attached) -> None:
        """Send what was to be sent once the engine answers, once."""
        commands = (Shutdown(),) if self._training.leaving else self._commands
        self._commands = ()
        if not self._client_name:
            self.show_kin_behind()
        self._client_name = attached.welcome.client
        for command in commands:
            self.send(command)

    def _take_link(self, change: LinkChanged) -> None:
        self._training.take_link(change)
        if change.link == "gone" and self._training.leaving:
            self._leave()
        elif change.link == "gone":
            self.notify(change.reason, severity="error", markup=False, timeout=15)

    def _react(self, events: list[AnyEvent]) -> None:
        for event in events:
            if isinstance(event, CommandRejected):
                self.notify(event.reason, severity="warning", markup=False)
            elif isinstance(event, (EngineFailed, Stalled)):
                self.notify(event.reason, severity="error", markup=False, timeout=15)
            elif isinstance(event, EngineStopped) and self._training.leaving:
                self._leave()
            elif isinstance(event, RolledBack) and event.reason == "guard":
                self._after_guard()
            elif isinstance(event, Heartbeat):
                self._clients = event.clients
            elif isinstance(event, SnapshotTaken) and self._is_fork(event):
                self._forking = None
                self._fork(self.history.all_acts.point_of(event))

    def _after_guard(self) -> None:
        history = self.history
        if history.trip is not None and history.settings.guard == "stop":
            self.ask_after_trip(history.trip)

    def _is_fork(self, taken: SnapshotTaken) -> bool:
        return taken.client == self._client_name and taken.answers == self._forking

    def send(self, command: AnyCommand) -> int | None:
        """Send to the engine; the id under which it answers, or None if it is gone."""
        try:
            return self._client.send(command)
        except EngineGone as gone:
            self.notify(str(gone), severity="error", markup=False)
            return None

    def action_resume_engine(self) -> None:
        """Start an engine for a run that has none, and train on."""
        if not record.is_served(self._directory):
            try:
                self._engine = start_engine(self._directory)
            except UserError as error:
                self.notify(str(error), severity="error", markup=False, timeout=15)
                return
            self._commands = (Resume(),)
            self._client = Client(self._directory, "dashboard", self._engine)
            self._take_link(LinkChanged("loading"))
            self._listen()
