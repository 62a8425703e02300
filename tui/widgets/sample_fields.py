"""What a drawing is steered by, in five fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from core.protocol import Sample
from tui.samples.wishing import NAMES, Texts

PLACEHOLDERS = {"beginning": "any", "seed": "new"}


class SampleFields(Horizontal):
    """Beginning, count, temperature, top-k, seed; Enter in any of them draws."""

    DEFAULT_CSS: ClassVar[str] = """
    SampleFields {
        height: 1;
        Label { color: $text-muted; }
        Input { width: 5; margin: 0 2 0 1; background: $foreground 8%; }
        #beginning { width: 9; }
        #seed { width: 7; margin: 0 0 0 1; }
        Input:focus { background: $primary 30%; }
        Input.-wrong { background: $error 40%; }
    }
    """

    @dataclass
    class Edited(Message):
        """Posted when something is typed."""

        texts: Texts

    class Submitted(Message):
        """Posted when these names are to be drawn."""

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts

    def compose(self) -> ComposeResult:
        for name, label in NAMES.items():
            yield Label(label)
            yield Input(
                getattr(self._texts, name),
                id=name,
                compact=True,
                select_on_focus=True,
                max_length=Sample().max_length,
                placeholder=PLACEHOLDERS.get(name, ""),
            )

    @property
    def texts(self) -> Texts:
        """What stands in them."""
        return Texts(*(self.query_one(f"#{name}", Input).value for name in NAMES))

    def blame(self, name: str) -> None:
        """Show which field is wrong; empty: none."""
        for field in self.query(Input):
            field.set_class(field.id == name, "-wrong")

    @on(Input.Changed)
    def tell_of_the_edit(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self.texts))

    @on(Input.Submitted)
    def tell_of_the_wish(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())
