"""The dashboard: the one holder of the engine.

It sends what the keys ask, and tells the screen what the engine says.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState, get_current_worker

from core import record
from core.client import Attached, Client, EngineGone
from core.dataset import Dataset
from core.dials import DIALS, KNOB_NAMES, Value
from core.protocol import (
    AnyCommand,
    AnyEvent,
    CommandRejected,
    Decay,
    EngineFailed,
    EngineStopped,
    Evaluate,
    Nudge,
    Pause,
    Resume,
    Sample,
    SetKnobs,
    SetSetting,
    Shutdown,
    StateChanged,
    Step,
)
from tui.keys import GROUPS, KEYS, NEED_ENGINE
from tui.reader import News, read
from tui.screens.ask import AskValue
from tui.screens.help import Help
from tui.screens.schedule import AskSchedule
from tui.screens.training import TrainingScreen
from tui.standing import LinkChanged

SAVING_SECONDS = 3.0
"""How long quitting waits for the engine to save; the engine goes on saving without us."""


class SteermoreApp(App[None]):
    """Watches and steers the run in one directory."""

    TITLE = "steermore"
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    class Heard(Message):
        """What the reader heard, in its order."""

        def __init__(self, news: list[News]) -> None:
            super().__init__()
            self.news = news

    def __init__(
        self,
        run_directory: Path,
        dataset: Dataset,
        *,
        start_paused: bool = False,
        engine: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """`engine` is its process, if the caller started it: its early death is then noticed."""
        super().__init__()
        self._client = Client(run_directory, "dashboard", engine)
        self._training = TrainingScreen(record.read_config(run_directory), dataset)
        self._may_begin = not start_paused
        self._engine = engine
        self._mending = False

    def get_default_screen(self) -> Screen[None]:
        return self._training

    def on_mount(self) -> None:
        # SIGTERM must not leave the terminal in the alternate screen. SIGHUP stays at its default:
        # a handler that exits hangs once the terminal is gone.
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, partial(self._leave, 128 + signal.SIGTERM)
        )
        self._listen()

    def run(self, *args: object, **kwargs: object) -> None:
        """Run until the person leaves; whatever hangs on the way out is ended by the alarm."""
        try:
            super().run(*args, **kwargs)  # type: ignore[arg-type]
        finally:
            signal.alarm(0)

    @work(thread=True, exclusive=True, exit_on_error=False, group="engine")
    def _listen(self) -> None:
        worker = get_current_worker()

        def post(news: list[News]) -> None:
            self.post_message(self.Heard(news))

        read(self._client, post, lambda: worker.is_cancelled)

    @on(Heard)
    def tell_the_screen(self, message: Heard) -> None:
        """Show what was heard; events that came together are shown together."""
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
        if self._training.history.gap and not self._mending:
            # Something was lost: the reader then attaches anew, and all of it comes again.
            self._mending = True
            self._client.close()
        if any(isinstance(item, (Attached, StateChanged)) for item in message.news):
            self._training.refresh_bindings()

    @on(Worker.StateChanged)
    def show_a_dead_reader(self, event: Worker.StateChanged) -> None:
        if event.worker.group == "engine" and event.state == WorkerState.ERROR:
            reason = f"the dashboard's reader failed: {event.worker.error!r}"
            self._take_link(LinkChanged("gone", reason))

    def _begin(self, attached: Attached) -> None:
        """Set a fresh run going, once; a run that was ever started or stopped keeps its state."""
        untouched = attached.welcome.step == 0 and not attached.welcome.running
        known = any(isinstance(event, StateChanged) for event in attached.events)
        if self._training.leaving:
            self._send(Shutdown())
        elif self._may_begin and untouched and not known:
            self._send(Resume())
        self._may_begin = False

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
            elif isinstance(event, EngineFailed):
                self.notify(event.reason, severity="error", markup=False, timeout=15)
            elif isinstance(event, EngineStopped) and self._training.leaving:
                self._leave()

    def _send(self, command: AnyCommand) -> None:
        try:
            self._client.send(command)
        except EngineGone as gone:
            self.notify(str(gone), severity="error", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what is impossible now."""
        history, link = self._training.history, self._training.link
        if action in NEED_ENGINE and (link != "live" or self._training.leaving):
            return None
        if action == "step" and (history.running or history.finished):
            return None
        return True

    def action_toggle_training(self) -> None:
        history = self._training.history
        self._send(Pause() if history.running and not history.finished else Resume())

    def action_step(self) -> None:
        self._send(Step())

    def action_nudge(self, name: str, rungs: int, fine: bool = False) -> None:
        self._send(Nudge(name=name, rungs=rungs, fine=fine))

    def action_decay(self) -> None:
        self._send(Decay())

    def action_evaluate(self) -> None:
        self._send(Evaluate())

    def action_sample(self) -> None:
        self._send(Sample())

    def action_ask(self, name: str) -> None:
        """Let the person type a value for a knob or a setting."""
        history = self._training.history
        current = getattr(history.knobs if name in KNOB_NAMES else history.settings, name)
        self.push_screen(AskValue(DIALS[name], current), partial(self._set, name))

    def _set(self, name: str, value: Value) -> None:
        if value is not None:
            knob = name in KNOB_NAMES
            self._send(
                SetKnobs(values={name: value}) if knob else SetSetting(name=name, value=value)
            )

    def action_ask_schedule(self) -> None:
        history = self._training.history
        self.push_screen(
            AskSchedule(history.knobs, history.settings, history.step),
            lambda values: self._send(SetKnobs(values=values)) if values else None,
        )

    def action_help(self) -> None:
        self.push_screen(Help(GROUPS))

    def action_help_quit(self) -> None:
        """Ctrl-C is a key here: the run is too easily lost to a habit."""
        self.notify("Press q to quit.")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key's action by name, then Textual's own."""
        for binding in KEYS:
            if self.check_action(binding.action.partition("(")[0], ()):
                run: Callable[[], object] = partial(self.run_action, binding.action)
                yield SystemCommand(binding.description.capitalize(), binding.tooltip, run)
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Screenshot"):
                yield command

    async def action_quit(self) -> None:
        """Have the engine save and end, then leave; the second time leave at once."""
        if self._training.leaving or self._training.link == "gone":
            self._leave()
            return
        self._training.leaving = True
        self._training.refresh_bindings()
        self.set_timer(SAVING_SECONDS, self._leave)
        if self._training.link in ("live", "silent"):
            self._send(Shutdown())

    def _leave(self, code: int = 0) -> None:
        if self._training.link == "loading" and self._engine is not None:
            # It never heard of us, so it could not be asked to end.
            self._engine.terminate()
        if not self.is_headless:
            signal.alarm(3)
        self.exit(return_code=code)
