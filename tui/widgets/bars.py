"""A pane of lines with bars in them; a click says which line was meant."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar, get_args

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.inspector.bars import Drawn, Line, Role

ROLES: tuple[Role, ...] = get_args(Role)


class Bars(Widget):
    """Draws whatever makes lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bars--{role}" for role in ROLES}

    DEFAULT_CSS = """
    Bars {
        height: 1fr;
        .bars--plain { color: $foreground; }
        .bars--quiet { color: $text-muted; }
        .bars--here { color: $text-success; text-style: bold; }
        .bars--bar { color: $primary; }
        .bars--bar-here { color: $success; }
        .bars--mark { color: $text-warning; }
        .bars--over { color: $surface; background: $primary; text-style: bold; }
        .bars--over-here { color: $surface; background: $success; text-style: bold; }
        .bars--title { color: $text-primary; }
        .bars--rule { color: $primary 60%; }
        .bars--bad { color: $text-error; }
    }
    """

    view: reactive[Drawn | None] = reactive(None, repaint=False)
    """What is drawn. A new value draws anew what differs."""

    @dataclass
    class Picked(Message):
        """Posted when a line that means a place is clicked."""

        bars: Bars
        place: int

        @property
        def control(self) -> Bars:
            """The pane."""
            return self.bars

    def __init__(self, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn: list[Line] = []
        self._made_for = (-1, -1)
        """Columns and rows that the lines were made for."""
        self._paints: dict[Role, Style] = {}

    def watch_view(self) -> None:
        """Paint the lines that differ: of a live view, most figures stay as they are."""
        before, size = self._drawn, self._made_for
        self._make()
        if self._made_for != size:
            self.refresh()
            return
        pairs = zip_longest(before, self._drawn)
        rows = [y for y, (old, new) in enumerate(pairs) if old != new]
        if rows:
            self.refresh(*(Region(0, y, self._made_for[0], 1) for y in rows))

    def notify_style_update(self) -> None:
        """A change of theme paints anew."""
        super().notify_style_update()
        self._paints = {}

    def render_line(self, y: int) -> Strip:
        """One line, each piece in the colour of its role."""
        if self._made_for != self.content_size:
            self._make()
        width = self._made_for[0]
        if y >= len(self._drawn):
            return Strip.blank(width, self.rich_style)
        pieces = self._drawn[y].pieces
        strip = Strip([Segment(text, self._style(role)) for text, role in pieces if text])
        return strip.adjust_cell_length(width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Say which line was hit."""
        event.stop()
        at = event.get_content_offset(self)
        if at is None or at.y >= len(self._drawn):
            return
        if (place := self._drawn[at.y].place) is not None:
            self.post_message(self.Picked(self, place))

    def _make(self) -> None:
        width, height = self.content_size
        self._made_for = width, height
        self._drawn = self.view.lines(width, height) if self.view else []

    def _style(self, role: Role) -> Style:
        if role not in self._paints:
            self._paints[role] = self.get_component_rich_style(f"bars--{role}")
        return self._paints[role]
