"""What every dialog has in common: a box in the middle of the dimmed screen, and Escape."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """Its one child with the id `box` is the box; Escape dismisses it with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "leave")]

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        #box {
            width: 62;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            border: round $primary;
            border-title-color: $text-primary;
            border-title-style: bold;
            background: $surface;
            padding: 1 2;
        }
        #hint { color: $text-muted; }
        #error { color: $text-error; }
    }
    """
