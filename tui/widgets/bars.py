"""A pane of lines with bars in them; a click says which line was meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, get_args

from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.bars import Drawn, Line, Role

ROLES: tuple[Role, ...] = get_args(Role)


class Bars(Widget):
    """Draws whatever makes lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bars--{role}" for role in ROLES}

    DEFAULT_CSS = """
    Bars {
        height: 1fr;
        text-wrap: nowrap;
        .bars--plain { color: $foreground; }
        .bars--quiet { color: $text-muted; }
        .bars--here { color: $text-success; text-style: bold; }
        .bars--bar { color: $primary; }
        .bars--bar-here { color: $success; }
        .bars--mark { color: $text-warning; }
        .bars--over { color: $surface; background: $primary; text-style: bold; }
        .bars--over-here { color: $surface; background: $success; text-style: bold; }
        .bars--bad { color: $text-error; }
    }
    """

    view: reactive[Drawn | None] = reactive(None)
    """What is drawn. A new value draws anew."""

    @dataclass
    class Picked(Message):
        """Posted when a line that means a place is clicked."""

        bars: Bars
        place: int

        @property
        def control(self) -> Bars:
            """The pane."""
            return self.bars

    def render(self) -> Text:
        """All lines, each piece in the colour of its role."""
        styles = {role: self.get_component_rich_style(f"bars--{role}") for role in ROLES}
        return Text("\n").join(self._text(line, styles) for line in self._lines())

    def on_click(self, event: Click) -> None:
        """Say which line was hit."""
        event.stop()
        at, lines = event.get_content_offset(self), self._lines()
        if at is None or at.y >= len(lines):
            return
        if (place := lines[at.y].place) is not None:
            self.post_message(self.Picked(self, place))

    def _lines(self) -> list[Line]:
        return self.view.lines(*self.content_size) if self.view else []

    @staticmethod
    def _text(line: Line, styles: dict[Role, Style]) -> Text:
        return Text.assemble(*((text, styles[role]) for text, role in line.pieces), no_wrap=True)
