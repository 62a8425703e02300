"""Ask what is to become of the run when the person leaves."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.screens.dialog import Dialog
from tui.widgets.choices import Choices

Choice = Literal["stop", "keep"]


class Quit(Dialog[Choice | None]):
    """Dismissed with what the person chose, or with None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,s", "dismiss('stop')", "stop and save", show=False),
        Binding("k", "dismiss('keep')", "keep training", show=False),
    ]

    DEFAULT_CSS = """
    Quit {
        #box { width: 72; }
        #hint { margin-top: 1; }
    }
    """

    def __init__(self, called: str = "", *, running: bool) -> None:
        """`called`: how the run is named on the command line."""
        super().__init__()
        self._called, self._trains = called, running

    def compose(self) -> ComposeResult:
        keep = "keep training without me" if self._trains else "leave it paused (10 minutes)"
        with Vertical(id="box") as box:
            box.border_title = "Quit"
            yield Choices(
                Option("stop and save  (q)", id="stop"),
                Option(f"{keep}  (k)", id="keep"),
                Option("stay here  (Escape)", id="stay"),
                classes="choices",
            )
            yield Static(f"Come back: `steermore attach {self._called}`", id="hint", markup=False)

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        match event.option.id:
            case "stop":
                self.dismiss("stop")
            case "keep":
                self.dismiss("keep")
            case _:
                self.dismiss(None)
