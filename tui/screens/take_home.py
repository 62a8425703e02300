"""What of a run is to be written to a file: what it drew, its table, or all of it as JSON."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.config import Level
from tui.screens.dialog import Dialog
from tui.widgets.choices import Choices

KINDS = {
    "samples": ("every {} drawn, as text", "-{}s.txt"),
    "csv": ("losses, rates and acts, as a table", ".csv"),
    "json": ("all of it, as JSON", ".json"),
}
"""What can be written, and how the file's name ends; what is drawn is a name or a text."""


class TakeHome(Dialog[tuple[str, Path] | None]):
    """Dismissed with a key of KINDS and a file that does not exist yet, or with None."""

    DEFAULT_CSS = """
    TakeHome {
        #box { width: 76; }
        #hint { margin-top: 1; }
    }
    """

    def __init__(self, run: str, level: Level = "character") -> None:
        super().__init__()
        drawn = "text" if level == "word" else "name"
        self._words = {kind: words.format(drawn) for kind, (words, _) in KINDS.items()}
        self._files = {
            kind: free_file(f"{run}{end.format(drawn)}") for kind, (_, end) in KINDS.items()
        }

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Write to a file"
            yield Choices(
                *(
                    Option(f"{words:<36}{self._files[kind].name}", id=kind)
                    for kind, words in self._words.items()
                ),
                classes="choices",
            )
            yield Static(f"Enter writes into {Path.cwd()} · Escape leaves", id="hint", markup=False)

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        kind = str(event.option.id)
        self.dismiss((kind, self._files[kind]))


def free_file(name: str) -> Path:
    """A file of that name here, numbered if there is one already."""
    path, number = Path.cwd() / name, 2
    while path.exists():
        path = Path.cwd() / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path
