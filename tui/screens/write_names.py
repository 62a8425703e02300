"""Where names or texts are to be written; a file that is there is left alone, or asked about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from core.config import Level
from core.errors import UserError, harmless
from tui.samples.writing import path_of, write_names
from tui.screens.confirm import Question
from tui.screens.dialog import Dialog
from tui.screens.take_home import free_file


class WriteNames(Dialog[str | None]):
    """Dismissed with the file that was written, as it was typed, or with None."""

    DEFAULT_CSS = """
    WriteNames {
        #box { width: 76; }
        Input { margin: 1 0 0 0; }
        #error { min-height: 2; }
    }
    """

    def __init__(
        self, what: str, names: Sequence[str], file: str, level: Level = "character"
    ) -> None:
        """`what` they are, in words; `file` is the name that is suggested."""
        super().__init__()
        self._what, self._names, self._file, self._level = what, names, file, level

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Write to a file"
            how = "one a line" if self._level == "character" else "a blank line after paragraphs"
            yield Static(f"{self._what}, {how}.", markup=False)
            yield Input(free_file(self._file).name)
            yield Static("", id="error", markup=False)
            hint = f"Enter writes into {harmless(str(Path.cwd()))} · Escape leaves"
            yield Static(hint, id="hint", markup=False)

    @on(Input.Changed)
    def forget_the_error(self) -> None:
        self.query_one("#error", Static).update("")

    @on(Input.Submitted)
    def write_or_ask(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            path = path_of(event.value)
        except UserError as error:
            self._complain(str(error))
            return
        if path.exists():
            self.app.push_screen(
                Question(
                    "The file is there already",
                    f"{harmless(path.name)} holds {path.stat().st_size:,} bytes.",
                    {"leave it as it is": None, "overwrite it": True},
                ),
                partial(self._write_over, path),
            )
        else:
            self._write(path, over=False)

    def _write_over(self, path: Path, confirmed: bool | None) -> None:
        if confirmed:
            self._write(path, over=True)

    def _write(self, path: Path, *, over: bool) -> None:
        try:
            write_names(self._names, path, over=over, level=self._level)
        except UserError as error:
            self._complain(str(error))
        else:
            self.dismiss(harmless(str(path)))

    def _complain(self, reason: str) -> None:
        self.query_one("#error", Static).update(f"✗ {reason}")
