"""The curve of a range test, with its cursor; a click moves that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive

from tui.cells import Cells, Role
from tui.chart.view import GUTTER
from tui.finder.view import CURSOR, SUGGESTION, FinderView, draw
from tui.widgets.canvas import Canvas

_CLASSES = {
    Role.AXIS: "finder--axis",
    Role.MARK: "finder--line",
    Role.RAW: "finder--raw",
    Role.CURVE: "finder--curve",
    SUGGESTION: "finder--suggestion",
    Role.LABEL: "finder--axis",
    Role.MARK_LABEL: "finder--present",
    CURSOR: "finder--cursor",
}


class FinderPlot(Canvas, can_focus=True):
    """Draws a FinderView."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_CLASSES.values())

    DEFAULT_CSS = """
    FinderPlot {
        .finder--axis { color: $text-muted; }
        .finder--line { color: $warning 60%; }
        .finder--raw { color: $primary 70%; }
        .finder--curve { color: $foreground; text-style: bold; }
        .finder--suggestion { color: $text-warning; text-style: bold reverse; }
        .finder--present { color: $text-secondary; }
        .finder--cursor { color: $text-success; text-style: bold; }
    }
    """

    view: reactive[FinderView | None] = reactive(None, repaint=False)
    """What is drawn. A new value draws anew."""

    @dataclass
    class Picked(Message):
        """Posted when a place of the curve is clicked."""

        share: float
        """Of the axis, from 0 to 1."""

    def watch_view(self) -> None:
        self.repaint()

    def picture(self, width: int, height: int) -> Cells:
        """The picture of the view."""
        return draw(self.view, width, height) if self.view else Cells(width, height)

    def paint_of(self, code: int) -> Style:
        """Roles have the colours of the theme."""
        ground: Style = self.rich_style
        if code not in _CLASSES:
            return ground
        return ground + self.get_component_rich_style(_CLASSES[Role(code)])

    def on_click(self, event: Click) -> None:
        """Ask for the cursor to come here."""
        event.stop()
        width = self.content_size.width - GUTTER
        if width > 0 and event.x >= GUTTER:
            self.post_message(self.Picked(min((event.x - GUTTER + 0.5) / width, 1.0)))
