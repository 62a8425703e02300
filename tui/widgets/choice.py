"""One of a few words, turned by the arrow keys: for what must not be typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """Shows the word that is chosen, between two arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "the one before", show=False),
        Binding("right,space", "turn(1)", "the next", show=False),
    ]

    DEFAULT_CSS = """
    Choice {
        height: 1;
        &:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """

    value: reactive[str] = reactive("")
    """The word that is chosen."""

    @dataclass
    class Changed(Message):
        """Posted when the person has turned to another word."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            """The choice that was turned."""
            return self.choice

    def __init__(self, words: tuple[str, ...], value: str, *, id: str) -> None:
        super().__init__(id=id)
        assert value in words
        self._words = words
        self.set_reactive(Choice.value, value)

    def render(self) -> Text:
        return Text(f"‹ {self.value} ›", no_wrap=True)

    def action_turn(self, by: int) -> None:
        """Choose the word so many further on; after the last comes the first."""
        at = self._words.index(self.value) + by
        self.value = self._words[at % len(self._words)]
        self.post_message(self.Changed(self, self.value))

    def on_click(self) -> None:
        self.action_turn(1)
