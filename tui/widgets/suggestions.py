"""The rates that a range test suggests, each named for what it is, and what taking one would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.finder.finding import RULES
from tui.telling import printable


@dataclass(frozen=True)
class Listed:
    """What the list says."""

    rates: tuple[tuple[str, float], ...] = ()
    """Name of the rule, and its rate."""
    here: int | None = None
    """The one that the cursor stands on, counted from 0."""
    instead: str = ""
    """What stands there where nothing is suggested."""


class Suggestions(Widget):
    """A line for each suggestion, with the number that marks it on the curve."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "suggestions--number",
        "suggestions--name",
        "suggestions--rate",
        "suggestions--rule",
    }

    DEFAULT_CSS = """
    Suggestions {
        height: auto;
        min-height: 3;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        .suggestions--number { color: $text-warning; text-style: bold; }
        .suggestions--name { color: $foreground; }
        .suggestions--rate { color: $foreground; text-style: bold; }
        .suggestions--rule { color: $text-muted; }
    }
    """

    listed: reactive[Listed] = reactive(Listed(), layout=True)
    """What is shown."""

    @dataclass
    class Picked(Message):
        """Posted when a suggestion is clicked."""

        index: int

    def on_click(self, event: Click) -> None:
        """Say which suggestion was hit."""
        event.stop()
        at = event.get_content_offset(self)
        if at is not None and at.y < len(self.listed.rates):
            self.post_message(self.Picked(at.y))

    def render(self) -> Text:
        """Number, rule, rate, and half a sentence on the rule."""
        number, name, rate, rule = (
            self.get_component_rich_style(f"suggestions--{part}")
            for part in ("number", "name", "rate", "rule")
        )
        lines = [
            Text.assemble(
                ("▸" if index == self.listed.here else " ", name),
                (f"{index + 1} ", number),
                (f"{printable(told):<20}", name),
                (f"{value:<10.3g}", rate),
                (RULES.get(told, ""), rule),
            )
            for index, (told, value) in enumerate(self.listed.rates)
        ]
        return Text("\n").join(lines) if lines else Text(self.listed.instead, rule)
