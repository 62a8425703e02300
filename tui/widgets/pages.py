"""The line of pages in a small terminal: which panel stands below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

PAGES = {"samples": "Samples", "events": "Log", "rate": "Learning rate", "dataset": "Dataset"}
"""The panels' ids, and their names."""


class PageLine(Widget):
    """The names of the pages with the keys that lead to them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pages--here", "pages--there", "pages--key"}

    DEFAULT_CSS = """
    PageLine {
        height: 1;
        padding: 0 1;
        .pages--here { color: $text-primary; text-style: bold reverse; }
        .pages--there { color: $text-muted; }
        .pages--key { color: $text-accent; }
    }
    """

    page: reactive[str] = reactive("samples")
    """The id of the panel shown."""

    @dataclass
    class Chosen(Message):
        """Posted when the person clicks a name."""

        page: str

    def render(self) -> Text:
        """`1 Samples  2 Log …`, the present one reversed."""
        line = Text()
        for number, (page, name) in enumerate(PAGES.items(), start=1):
            here = page == self.page
            line.append(f" {number} ", self._style("here" if here else "key"))
            line.append(f"{name} ", self._style("here" if here else "there")).append(" ")
        return line

    def on_click(self, event: Click) -> None:
        """Find the name under the pointer."""
        event.stop()
        at = event.x - self.styles.padding.left
        for page, name in PAGES.items():
            at -= len(name) + 5
            if at < 0:
                self.post_message(self.Chosen(page))
                return

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"pages--{part}")
