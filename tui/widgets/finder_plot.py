"""The curve of a range test, with its cursor; a click moves that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.cells import Cells, Role
from tui.chart.view import GUTTER
from tui.finder.view import CURSOR, SUGGESTION, FinderView, draw
from tui.widgets.canvas import painted

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


class FinderPlot(Widget, can_focus=True):
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

    view: reactive[FinderView | None] = reactive(None)
    """What is drawn. A new value draws anew."""

    @dataclass
    class Picked(Message):
        """Posted when a place of the curve is clicked."""

        share: float
        """Of the axis, from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self._strips: list[Strip] = []
        self._drawn: tuple[FinderView | None, int, int] | None = None

    def notify_style_update(self) -> None:
        """A change of theme paints anew."""
        super().notify_style_update()
        self._drawn = None

    def render_line(self, y: int) -> Strip:
        """One row; the picture is made once for each view, size and theme."""
        width, height = self.content_size
        if self._drawn != (self.view, width, height):
            cells = draw(self.view, width, height) if self.view else Cells(width, height)
            self._strips = [painted(cells, row, self._style) for row in range(cells.height)]
            self._drawn = (self.view, width, height)
        return self._strips[y] if y < len(self._strips) else Strip.blank(width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Ask for the cursor to come here."""
        event.stop()
        width = self.content_size.width - GUTTER
        if width > 0 and event.x >= GUTTER:
            self.post_message(self.Picked(min((event.x - GUTTER + 0.5) / width, 1.0)))

    def _style(self, role: int) -> Style:
        ground: Style = self.rich_style
        if role not in _CLASSES:
            return ground
        return ground + self.get_component_rich_style(_CLASSES[Role(role)])
