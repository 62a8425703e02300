"""The other runs of the folder: open one, resume it, or show its curve behind this one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from core.catalogue import Listed, ago, listed
from core.differing import Facts
from core.errors import UserError
from tui.chart.companions import differences_text, read_facts
from tui.screens.dialog import Dialog
from tui.telling import loss, printable

HINT = "Enter opens · v its curve behind this one · r resumes · Escape leaves"


class Runs(Dialog[tuple[str, Path] | None]):
    """Dismissed with `open`, `resume`, `show` or `hide` and a run's directory, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "show", "curve behind", show=False),
        Binding("r", "choose('resume')", "resume", show=False),
    ]

    DEFAULT_CSS = """
    Runs {
        #box { width: 92; height: 26; }
        DataTable { height: 1fr; background: $surface; }
        #differences { height: 5; margin-top: 1; color: $text-muted; }
    }
    """

    def __init__(self, here: Path, ours: Facts, shown: Collection[Path]) -> None:
        """`here` is the run on the screen, `ours` what it can differ in; `shown`: curves that
        stand behind it now.
        """
        super().__init__()
        self._here, self._ours, self._shown = here.resolve(), ours, shown
        self._found: dict[str, Listed] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Runs"
            yield DataTable[Text](cursor_type="row")
            yield Static("reading the records …", id="differences", markup=False)
            yield Static(HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        table: DataTable[Text] = self.query_one(DataTable)
        table.add_columns("run", "state", "step", "best dev", "age", "")
        self._read()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self) -> None:
        try:
            found = listed(self._here.parent)
        except UserError as error:
            self.app.call_from_thread(self._say, str(error))
        else:
            self.app.call_from_thread(self._fill, found)

    def _fill(self, found: list[Listed]) -> None:
        table: DataTable[Text] = self.query_one(DataTable)
        for run in found:
            directory = run.directory.resolve()
            self._found[str(directory)] = run
            mark = "this one" if directory == self._here else ""
            mark = "curve shown" if directory in self._shown else mark
            cells = (
                printable(run.run),
                run.state,
                "" if run.step is None else f"{run.step:>11,}",
                "" if run.dev_loss is None else loss(run.dev_loss),
                ago(run.age_seconds),
                mark,
            )
            table.add_row(*map(Text, cells), key=str(directory))
        # The row of this run says nothing new: begin on the next.
        first = next((i for i, run in enumerate(found) if not self._is_here(run)), 0)
        table.move_cursor(row=first)
        self._tell(table.cursor_row)

    def _is_here(self, run: Listed) -> bool:
        return run.directory.resolve() == self._here

    @on(DataTable.RowHighlighted)
    def tell_what_differs(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self._tell(event.cursor_row)

    def _tell(self, row: int) -> None:
        runs = list(self._found.values())
        if row >= len(runs):
            return
        run = runs[row]
        if run.why:
            self._say(run.why)
        elif self._is_here(run):
            self._say("This is the run on the screen.")
        else:
            try:
                theirs = read_facts(run.directory)
            except UserError as error:
                self._say(str(error))
            else:
                self._say(f"Here: {differences_text(self._ours, theirs)}")

    def _say(self, text: str) -> None:
        self.query_one("#differences", Static).update(Text(printable(text)))

    @on(DataTable.RowSelected)
    def open_it(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_choose("open")

    def action_show(self) -> None:
        """Show the curve behind this run's, or take it away."""
        run = self._highlighted()
        if run is not None:
            self.action_choose("hide" if run.directory.resolve() in self._shown else "show")

    def action_choose(self, what: str) -> None:
        """Leave with the highlighted run, if it is another one and can be read."""
        run = self._highlighted()
        if run is None or run.state == "unreadable":
            return
        if self._is_here(run):
            self.dismiss(None)
        else:
            self.dismiss((what, run.directory))

    def _highlighted(self) -> Listed | None:
        table: DataTable[Text] = self.query_one(DataTable)
        runs = list(self._found.values())
        return runs[table.cursor_row] if table.cursor_row < len(runs) else None
