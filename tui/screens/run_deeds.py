"""What can be done to a run from the list: open, resume, fork, show, rename, delete, stop it.

Apart from the keys that only look: these change runs, and say why not where they cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import on, work
from textual.binding import Binding
from textual.message import Message

from core.catalogue import Listed, look
from core.deleting import delete
from core.differing import Facts
from core.errors import UserError
from core.forking import check_saved
from core.renaming import check_name, rename
from core.stopping import stop
from tui.chart.companions import not_comparable
from tui.comparing.board import Board
from tui.screens.dialog import LargeDialog
from tui.screens.run_questions import AskRunName, Delete
from tui.telling import printable


def key(name: str, action: str, words: str, tooltip: str, shown: str | None = None) -> Binding:
    """A key of this view, told in one of the two lines at its foot."""
    id = f"runs_{words.replace(' ', '_')}"
    return Binding(name, action, words, key_display=shown, tooltip=tooltip, id=id)


DOING = (
    key("enter", "choose('open')", "open", "Look at it, live or as it ended", "Enter"),
    key("r", "choose('resume')", "resume", "Train it on"),
    key("x", "fork", "fork", "Begin a new run from its end"),
    key("b", "show", "curve", "Its curve behind the run on the screen, or not"),
    key("n", "rename", "rename", "Give it another name"),
    key("d,delete", "delete", "delete", "Delete it for good, after a question"),
    key("Q", "stop", "stop", "Have its engine save and end"),
    key("escape", "leave", "back", "Back to the run", "Esc"),
)


class RunDeeds(LargeDialog[tuple[str, Path] | None]):
    """Acts on the run under the cursor of its board."""

    class Said(Message):
        """Something was done to a run, or could not be."""

        def __init__(self, text: str, *, wrong: bool = False) -> None:
            super().__init__()
            self.text, self.wrong = text, wrong

    class Moved(Message):
        """A run has another directory now, or none any more; for whoever shows its curve."""

        def __init__(self, before: Path, now: Path | None) -> None:
            super().__init__()
            self.before, self.now = before, now

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board
        self.said = ""
        """What the last key did, until the next."""
        self.wrong = False
        """That it could not be done."""

    def show_board(self, said: str = "", *, wrong: bool = False, aged: bool = False) -> None:
        """Show how things stand; `said` tells what the last key did. `aged`: show the ages anew."""
        raise NotImplementedError

    def show_again(self, *, aged: bool = False) -> None:
        """With what was said last."""
        self.show_board(self.said, wrong=self.wrong, aged=aged)

    @on(Said)
    def tell(self, event: Said) -> None:
        event.stop()
        self._refuse(event.text) if event.wrong else self.show_board(printable(event.text))

    # --- leaving with a run -----------------------------------------------------------------------

    def action_choose(self, what: str) -> None:
        """Leave for the run under the cursor."""
        run = self._readable()
        if run is None:
            return
        if self.board.is_here(run):
            self.dismiss(None)
        else:
            self.dismiss((what, run.directory))

    def action_show(self) -> None:
        """Show its curve behind this run's, or take it away."""
        run = self._readable()
        if run is None:
            return
        if self.board.is_here(run):
            self._refuse("this is the run on the screen")
        elif run.state == "empty":
            self._refuse(f"run {run.run}: nothing is recorded of it yet")
        elif why := not_comparable(run.run, self.ours, run.facts):
            self._refuse(why)
        else:
            shown = run.directory.resolve() in self.shown
            self.dismiss(("hide" if shown else "show", run.directory))

    def action_fork(self) -> None:
        """Leave for a new run that begins where this one is."""
        run = self._readable()
        if run is None:
            return
        if not self.board.is_here(run):
            if run.live:
                self._refuse(
                    f"run {run.run}: an engine serves it; stop it first (Q), or open it and fork"
                    " it there"
                )
                return
            try:
                check_saved(run.directory)
            except UserError as error:
                self._refuse(str(error))
                return
        self.dismiss(("fork", run.directory))

    @property
    def ours(self) -> Facts:
        """What the run on the screen can differ in from others."""
        raise NotImplementedError

    @property
    def shown(self) -> frozenset[Path]:
        """The runs whose curves stand behind the one on the screen."""
        raise NotImplementedError

    def _readable(self) -> Listed | None:
        run = self.board.run
        if run is not None and run.state == "unreadable":
            self._refuse(run.why)
            return None
        return run

    # --- changing it ------------------------------------------------------------------------------

    def action_rename(self) -> None:
        """Ask for another name."""
        if (run := self._at_rest("renamed")) is not None:
            self.app.push_screen(AskRunName(run.directory, check_name), self._rename(run))

    def action_delete(self) -> None:
        """Delete it, if the person means it."""
        if (run := self._at_rest("deleted")) is not None:
            self.app.push_screen(Delete(run), self._delete(run))

    def action_stop(self) -> None:
        """Have its engine save and end."""
        run = self.board.run
        if run is None:
            return
        if self.board.is_here(run):
            self._refuse("this is the run on the screen: Q stops it there")
        elif not run.live:
            self._refuse(f"run {run.run}: no engine serves it, so there is nothing to stop")
        else:
            self.show_board(f"run {printable(run.run)}: its engine saves and ends …")
            self._stop(run.directory)

    def _at_rest(self, what: str) -> Listed | None:
        """The run under the cursor, if it may be changed."""
        run = self.board.run
        if run is None:
            return None
        if self.board.is_here(run):
            self._refuse(f"this is the run on the screen: it cannot be {what} while it is shown")
        elif run.live:
            self._refuse(f"run {run.run}: an engine serves it; stop it first (Q)")
        else:
            return run
        return None

    def _rename(self, run: Listed) -> Callable[[str | None], None]:
        def then(name: str | None) -> None:
            if name is None:
                return
            try:
                now = rename(run.directory, name)
            except UserError as error:
                self._refuse(str(error))
                return
            self.board.replace(run.directory, look(now))
            self.app.post_message(self.Moved(run.directory, now))
            self.show_board(f"run {printable(run.run)} is called {now.name} now")

        return then

    def _delete(self, run: Listed) -> Callable[[bool | None], None]:
        def then(meant: bool | None) -> None:
            if meant:
                self._delete_it(run.directory)

        return then

    @work(thread=True, group="deeds", exit_on_error=False)
    def _delete_it(self, directory: Path) -> None:
        # A run with many checkpoints takes a moment.
        try:
            delete(directory)
        except UserError as error:
            self.post_message(self.Said(str(error), wrong=True))
        else:
            self.app.call_from_thread(self._forget, directory)

    def _forget(self, directory: Path) -> None:
        self.board.forget(directory)
        self.app.post_message(self.Moved(directory, None))
        self.show_board(f"deleted run {printable(directory.name)}")

    @work(thread=True, group="deeds", exit_on_error=False)
    def _stop(self, directory: Path) -> None:
        try:
            said = stop(directory)
        except UserError as error:
            self.post_message(self.Said(str(error), wrong=True))
        else:
            self.app.call_from_thread(self.board.take, [look(directory)])
            self.post_message(self.Said(said))

    def _refuse(self, reason: str) -> None:
        self.show_board(f"✗ {printable(reason)}", wrong=True)
