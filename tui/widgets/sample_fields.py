"""What a drawing is steered by, in a line of fields; of texts in two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from core.config import Level
from core.protocol import Sample
from core.words import LONGEST_WORD
from tui.samples.wishing import FIELDS, NAMES, Texts

PLACEHOLDERS = {"beginning": "any", "seed": "new"}
LONGEST: dict[Level, int] = {"character": Sample().max_length, "word": LONGEST_WORD}
"""Symbols that a field takes."""


class SampleFields(Vertical):
    """Beginning, count, temperature, top-k, seed, of texts their length; Enter in any draws."""

    DEFAULT_CSS: ClassVar[str] = """
    SampleFields {
        height: auto;
        Horizontal { height: 1; }
        Label { color: $text-muted; }
        Input { width: 5; margin: 0 2 0 1; background: $foreground 8%; }
        #beginning { width: 9; }
        #seed { width: 7; margin: 0 0 0 1; }
        #of-texts #beginning { width: 1fr; margin: 0 0 0 1; }
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

    def __init__(self, texts: Texts, level: Level) -> None:
        super().__init__()
        self._texts, self._level = texts, level

    def compose(self) -> ComposeResult:
        first, *others = FIELDS[self._level]
        if self._level == "word":
            # How a text begins may take a whole line.
            with Horizontal(id="of-texts"):
                yield from self._field(first)
        with Horizontal():
            for name in others if self._level == "word" else (first, *others):
                yield from self._field(name)

    def _field(self, name: str) -> ComposeResult:
        yield Label(NAMES[name])
        yield Input(
            getattr(self._texts, name),
            id=name,
            compact=True,
            select_on_focus=True,
            max_length=LONGEST[self._level],
            placeholder=PLACEHOLDERS.get(name, ""),
        )

    @property
    def texts(self) -> Texts:
        """What stands in them."""
        names = FIELDS[self._level]
        return Texts(**dict.fromkeys(NAMES, "") | {name: self._value(name) for name in names})

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

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
