"""Leaving the run that is shown: for the shell, for a fork of it, or for another run.

Apart from the app, which holds the connection; what becomes of the engine is decided here.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from core.dataset import Dataset
from core.errors import UserError
from core.launch import called, load_data, new_run, words_path
from core.options import Beginning
from core.protocol import AnyCommand, Point, Resume, Shutdown, TakeSnapshot
from core.record import is_served, read_config
from core.story import read_story, updates_on
from tui.asking import Asking
from tui.chart.companions import read_companion
from tui.screens.quit import Choice, Quit

if TYPE_CHECKING:
    from tui.screens.run_deeds import RunDeeds

SAVING_SECONDS = 3.0
"""How long quitting waits for the engine to save; the engine goes on saving without us."""


@dataclass(frozen=True)
class NextRun:
    """The run that the dashboard is to be opened on when it has left this one."""

    directory: Path
    commands: tuple[AnyCommand, ...] = ()
    begin: bool = False
    """Start its engine first, and send it `commands`."""
    behind: Path | None = None
    """A run whose curve is to stand behind its own."""
    data: Dataset | None = None
    """Its list, if that was read already."""


class Parting(Asking):
    """The actions that lead away from the run, and those that look at others."""

    _directory: Path
    _engine: subprocess.Popen[bytes] | None
    _behind: Path | None
    """The run that was shown before this one was begun in its place."""
    _clients: int
    """Dashboards on this run, this one included."""
    _forking: int | None = None
    """The id of the command that saves the state from which to fork."""
    _fork_trains = True
    """Whether the run was training when it was forked: a fork of a paused one waits for `space`."""
    next_run: NextRun | None = None
    """Where to go from here; None: to the shell."""

    # --- other runs -------------------------------------------------------------------------------

    def action_fork(self) -> None:
        """Save the present state, and begin a run of its own from it."""
        self._fork_trains = self.history.running and not self.history.finished
        self._forking = self.send(TakeSnapshot(name="forked from here"))

    @work(thread=True, exclusive=True, group="fork")
    def _fork(self, point: Point) -> None:
        from core.forking import fork

        directory = self._directory
        try:
            made = fork(directory, directory.parent, step=point.step)
        except UserError as error:
            self._say_from_thread(error)
        else:
            self.call_from_thread(self._begin_next, made, train=self._fork_trains)

    def _begin_next(self, run: Path, behind: Path | None = None, *, train: bool = True) -> None:
        """Save and end this run, and go on with `run` instead."""
        commands = (Resume(),) if train else ()
        self.next_run = NextRun(run, commands, begin=True, behind=behind)
        self._stop_and_save()

    def action_restart(self) -> None:
        """Begin a new run with other sizes, seed, device or list."""
        from tui.restarting import Origin
        from tui.screens.restart import Restart

        if self._training.leaving:
            return
        history = self._training.history
        words = words_path(self._directory, history.config)
        origin = Origin(history.config, history.knobs, history.settings, words)
        self.push_screen(Restart(origin), self._restart)

    def _restart(self, beginning: Beginning | None) -> None:
        if beginning is not None:
            self._make(beginning)

    @work(thread=True, exclusive=True, group="restart")
    def _make(self, beginning: Beginning) -> None:
        runs = self._directory.resolve().parent
        try:
            made = new_run(runs, beginning.config, beginning.words.raw)
        except UserError as error:
            self._say_from_thread(error)
        else:
            self.call_from_thread(self._begin_next, made, self._directory)

    def action_runs(self) -> None:
        """Look at the other runs: open one, resume it, or show its curve behind this one."""
        from tui.screens.runs import Runs

        training = self._training
        shown = {companion.directory.resolve() for companion in training.companions}
        examples = training.dataset.splits["train"].examples
        config = training.history.config
        runs = Runs(self._directory, training.facts, shown, config, examples)
        self.push_screen(runs, self._turn_to)

    def _turn_to(self, choice: tuple[str, Path] | None) -> None:
        match choice:
            case ("show", directory):
                self._show_behind(directory)
            case ("hide", directory):
                self._training.hide_companion(directory)
            case ("open" | "resume" as what, directory):
                self._open(directory, resume=what == "resume")
            case ("fork", directory):
                self._fork_that(directory)
            case _:
                pass

    def on_run_deeds_moved(self, message: RunDeeds.Moved) -> None:
        """A run was renamed or deleted: so is its curve."""
        if message.now is None:
            self._training.hide_companion(message.before)
        else:
            self._training.move_companion(message.before, message.now)

    def _fork_that(self, directory: Path) -> None:
        """Begin a run of its own from the end of another, or from this one as it is."""
        if directory.resolve() != self._directory.resolve():
            self._fork_other(directory)
        elif self._training.link == "live":
            self.action_fork()
        else:
            self.notify("This run has no engine: r starts one, then x forks it.")

    @work(thread=True, exclusive=True, group="fork")
    def _fork_other(self, directory: Path) -> None:
        from core.forking import fork

        try:
            made = fork(directory, directory.parent)
            data = load_data(made, read_config(made))
        except UserError as error:
            self._say_from_thread(error)
            return
        config = read_config(made)
        begins = config.parent.step if config.parent else 0
        # At its step limit there is nothing to train: it waits for a higher one.
        commands = (Resume(),) if begins < config.settings.step_limit else ()
        self.next_run = NextRun(made, commands, begin=True, data=data)
        self.call_from_thread(self._leave)

    @work(thread=True, group="companion")
    def _show_behind(self, directory: Path, note: str = "") -> None:
        try:
            companion = read_companion(directory, note)
        except UserError as error:
            self._say_from_thread(error)
        else:
            self.call_from_thread(self._training.show_companion, companion)

    def show_kin_behind(self) -> None:
        """Show the curves of the run that this one was forked from, if that is still there, and of
        the one in whose place it was begun, if that was trained.
        """
        if self._behind is not None and updates_on(self._behind, 0):
            self._show_behind(self._behind, "the run before")
        parent = self._training.history.config.parent
        if parent is not None:
            from core.renaming import find_called

            directory = find_called(self._directory.resolve().parent, parent.run)
            if directory is not None:
                self._show_behind(directory, "the parent")

    def action_take_home(self) -> None:
        """Write the run, or what it drew, to a file."""
        from tui.screens.take_home import TakeHome

        run, level = self._directory.resolve().name, self.history.config.data.level
        self.push_screen(TakeHome(run, level), self._take_home)

    def _take_home(self, chosen: tuple[str, Path] | None) -> None:
        if chosen is not None:
            self._write(*chosen)

    @work(thread=True, group="export")
    def _write(self, kind: str, file: Path) -> None:
        from core.exporting import SAMPLES, WRITERS, opened

        try:
            story = read_story(self._directory)
            with opened(str(file), force=False) as out:
                (SAMPLES if kind == "samples" else WRITERS[kind])(story, out)
        except UserError as error:
            self._say_from_thread(error)
        else:
            self.call_from_thread(self.notify, f"written: {file}", markup=False)

    @work(thread=True, exclusive=True, group="open")
    def _open(self, directory: Path, *, resume: bool) -> None:
        try:
            # Here a mistake is a sentence; when this screen is gone it would be the end.
            data = load_data(directory, read_config(directory))
            begin = resume and not is_served(directory)
        except UserError as error:
            self._say_from_thread(error)
            return
        commands = (Resume(),) if begin else ()
        self.next_run = NextRun(directory, commands, begin=begin, data=data)
        self.call_from_thread(self._leave)

    def _say_from_thread(self, error: UserError) -> None:
        """Show why something in a worker was not done."""
        self.call_from_thread(self.notify, str(error), severity="error", markup=False)

    # --- leaving ----------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Ask what is to become of the run; the second time leave at once."""
        training = self._training
        if training.leaving or training.link in ("gone", "resting") or self._clients > 1:
            self._leave()
        elif training.history.finished or training.link == "loading":
            self._stop_and_save()
        elif not isinstance(self.screen, Quit):
            quit = Quit(called(self._directory), running=training.history.running)
            self.push_screen(quit, self._part)

    def _part(self, choice: Choice | None) -> None:
        if choice == "keep":
            self._leave()
        elif choice == "stop":
            self._stop_and_save()

    def action_stop_and_save(self) -> None:
        """Have the engine save and end, then leave."""
        self._stop_and_save()

    def _stop_and_save(self) -> None:
        if self._training.link in ("gone", "resting"):
            self._leave()
            return
        self._training.leaving = True
        self._training.refresh_bindings()
        self.set_timer(SAVING_SECONDS, self._leave)
        if self._training.link in ("live", "silent"):
            self.send(Shutdown())

    def _leave(self, code: int = 0) -> None:
        if self._training.link == "loading" and self._engine is not None:
            # It never heard of us, so it could not be asked to end.
            self._engine.terminate()
        self.leave(code)
