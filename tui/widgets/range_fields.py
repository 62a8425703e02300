"""The range of a range test, in three fields."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from core.protocol import FindLearningRate
from tui.finder.finding import FIELDS, wish_of
from tui.telling import typed


class RangeFields(Horizontal):
    """Lowest rate, highest rate, how many; Enter in any of them tries."""

    DEFAULT_CSS: ClassVar[str] = """
    RangeFields {
        height: 1;
        Label { color: $text-muted; }
        Input { width: 10; margin: 0 1; background: $foreground 8%; }
        Input:focus { background: $primary 30%; }
    }
    """

    class Edited(Message):
        """Posted when something is typed."""

    class Submitted(Message):
        """Posted when the range is to be tried."""

    def compose(self) -> ComposeResult:
        usual = FindLearningRate()
        values = (usual.low, usual.high, usual.steps)
        for name, word, value in zip(FIELDS, ("from", "to", "in"), values, strict=True):
            yield Label(word)
            field = Input(
                typed(value), id=name, compact=True, select_on_focus=True, restrict=r"[0-9eE+._-]*"
            )
            field.tooltip = FIELDS[name].help
            yield field
        yield Label("steps")

    def wish(self) -> FindLearningRate:
        """What stands in the fields; raises ConfigError."""
        return wish_of(*(self.query_one(f"#{name}", Input).value for name in FIELDS))

    @on(Input.Changed)
    def tell_of_the_edit(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited())

    @on(Input.Submitted)
    def tell_of_the_wish(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())
