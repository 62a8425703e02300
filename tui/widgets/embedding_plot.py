"""The embedding map on the screen; a click follows the symbol nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.events import Click, Resize
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.cells import Role
from tui.embedding.map import FOLLOWED, GRID, KIND_ROLES, LEADER, MORE, NEAR, TRAIL, Picture
from tui.embedding.symbols import Kind, Symbols
from tui.widgets.canvas import painted

_CLASSES = {
    KIND_ROLES[Kind.VOWEL]: "map--vowel",
    KIND_ROLES[Kind.CONSONANT]: "map--consonant",
    KIND_ROLES[Kind.OTHER]: "map--other",
    FOLLOWED: "map--followed",
    TRAIL: "map--trail",
    LEADER: "map--leader",
    GRID: "map--grid",
    MORE: "map--axis",
    Role.AXIS: "map--axis",
}
_NEAR = Style(underline=True)


class EmbeddingPlot(Widget, can_focus=True):
    """Paints a picture that was drawn for its size."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_CLASSES.values())

    DEFAULT_CSS = """
    EmbeddingPlot {
        .map--vowel { color: $text-warning; text-style: bold; }
        .map--consonant { color: $text-primary; }
        .map--other { color: $foreground; }
        .map--followed { color: $text-success; text-style: bold reverse; }
        .map--trail { color: $success 70%; }
        .map--leader { color: $text-muted; }
        .map--grid { color: $foreground 25%; }
        .map--axis { color: $text-muted; }
    }
    """

    picture: reactive[Picture | None] = reactive(None)
    """What is painted."""

    @dataclass
    class Picked(Message):
        """Posted when a place of the map is clicked."""

        column: int
        row: int

    class Resized(Message):
        """Posted when a picture of another size is wanted."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__()
        self._symbols = symbols

    def render_line(self, y: int) -> Strip:
        """One row of the picture."""
        width = self.content_size.width
        if self.picture is None or y >= self.picture.cells.height:
            return Strip.blank(width, self.rich_style)
        strip = painted(self.picture.cells, y, self._style, self._symbols.decoded)
        return strip.adjust_cell_length(width, self.rich_style)

    def on_resize(self, event: Resize) -> None:
        self.post_message(self.Resized())

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Picked(event.x, event.y))

    def _style(self, role: int) -> Style:
        ground: Style = self.rich_style
        plain = Role(role % NEAR)
        if plain in _CLASSES:
            ground += self.get_component_rich_style(_CLASSES[plain])
        return ground + _NEAR if role >= NEAR else ground
