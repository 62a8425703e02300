"""A picture of the inside of the model: the histogram of the hidden layer, or ratios over steps."""

from __future__ import annotations

from typing import ClassVar, Protocol

from rich.style import Style
from textual.reactive import reactive

from tui.cells import Cells, Role
from tui.widgets.canvas import Canvas

_CLASSES = {
    Role.AXIS: "inside--axis",
    Role.LABEL: "inside--axis",
    Role.REFERENCE: "inside--guide",
    Role.TRAIN: "inside--first",
    Role.CURVE: "inside--second",
    Role.DEV: "inside--third",
    Role.MARK_LABEL: "inside--saturated",
}


class Drawable(Protocol):
    """What knows how to draw itself."""

    def draw(self, width: int, height: int) -> Cells:
        """The picture in so many cells."""


class InsidePlot(Canvas):
    """Draws the view that it is given."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_CLASSES.values())

    DEFAULT_CSS = """
    InsidePlot {
        .inside--axis { color: $text-muted; }
        .inside--guide { color: $success 70%; }
        .inside--first { color: $text-warning; }
        .inside--second { color: $text-primary; }
        .inside--third { color: $text-success; }
        .inside--saturated { color: $text-error; }
    }
    """

    view: reactive[Drawable | None] = reactive(None, repaint=False)
    """What is drawn. A new value draws anew, and paints what differs."""

    def watch_view(self) -> None:
        self.repaint()

    def picture(self, width: int, height: int) -> Cells:
        """The picture of the view."""
        return self.view.draw(width, height) if self.view else Cells(width, height)

    def paint_of(self, code: int) -> Style:
        """Roles have the colours of the theme."""
        ground: Style = self.rich_style
        if code not in _CLASSES:
            return ground
        return ground + self.get_component_rich_style(_CLASSES[Role(code)])
