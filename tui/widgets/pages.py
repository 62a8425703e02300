"""The line of pages, where not everything fits: which page stands below it."""

from __future__ import annotations

from collections.abc import Mapping
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
    """The names of the pages, with the keys that lead to them if those are numbers."""

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
    """The id of the page shown."""
    pages: reactive[Mapping[str, str]] = reactive(PAGES)
    """By id, the name of each."""

    @dataclass
    class Chosen(Message):
        """Posted when the person clicks a name."""

        page: str

    def __init__(self, *, id: str, numbered: bool = True) -> None:
        super().__init__(id=id)
        self._numbered = numbered

    def render(self) -> Text:
        """`1 Samples  2 Log …`, the present one reversed."""
        line = Text()
        for number, (page, name) in enumerate(self.pages.items(), start=1):
            here = page == self.page
            key = f" {number} " if self._numbered else " "
            line.append(key, self._style("here" if here else "key"))
            line.append(f"{name} ", self._style("here" if here else "there")).append(" ")
        return line

    def on_click(self, event: Click) -> None:
        """Find the name under the pointer."""
        event.stop()
        at = event.x - self.styles.padding.left
        for page, name in self.pages.items():
            at -= len(name) + (5 if self._numbered else 3)
            if at < 0:
                self.post_message(self.Chosen(page))
                return

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"pages--{part}")
