"""What the list of runs asks before it renames or deletes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from core.catalogue import Listed
from core.deleting import in_short
from core.errors import UserError
from tui.screens.confirm import Question
from tui.screens.dialog import Dialog
from tui.telling import printable


class AskRunName(Dialog[str | None]):
    """Dismissed with a name that the run can have, or with None where the person leaves."""

    DEFAULT_CSS = """
    AskRunName {
        #box { width: 74; }
        Input { margin: 1 0 0 0; }
        #error { min-height: 2; }
    }
    """

    def __init__(self, directory: Path, check: Callable[[Path, str], None]) -> None:
        """`check` raises UserError for a name that the run cannot have."""
        super().__init__()
        self._directory, self._check = directory, check

    def compose(self) -> ComposeResult:
        name = self._directory.name
        with Vertical(id="box") as box:
            box.border_title = "Rename"
            yield Static(f"Run {printable(name)} is to be called", markup=False)
            yield Input(printable(name), select_on_focus=True, max_length=200)
            yield Static("", id="error", markup=False)
            yield Static("Enter renames · Escape leaves", id="hint", markup=False)

    @on(Input.Changed)
    def forget_the_error(self) -> None:
        self.query_one("#error", Static).update("")

    @on(Input.Submitted)
    def take_name(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        try:
            self._check(self._directory, name)
        except UserError as error:
            self.query_one("#error", Static).update(f"✗ {printable(str(error))}")
        else:
            self.dismiss(name)


class Delete(Question[bool]):
    """Dismissed with True if the person means it."""

    def __init__(self, run: Listed) -> None:
        lost = "its record cannot be read" if run.step is None else in_short(run)
        super().__init__(
            "Delete",
            f"Run {printable(run.run)} ({lost}) would be deleted for good: its record, its losses"
            " and its checkpoints. Forks of it stay as they are.",
            {"keep it": None, "delete it": True},
        )
