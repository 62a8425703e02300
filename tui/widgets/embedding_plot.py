"""The embedding map on the screen; a click follows the symbol nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from rich.style import Style
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.message import Message
from textual.reactive import reactive

from tui.cells import Cells, Role
from tui.embedding.map import FOLLOWED, GRID, KIND_ROLES, LEADER, MORE, NEAR, TRAIL, Picture
from tui.embedding.symbols import Kind, Symbols
from tui.widgets.canvas import Canvas

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


class EmbeddingPlot(Canvas, can_focus=True):
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

    shown: reactive[Picture | None] = reactive(None, repaint=False)
    """What is painted: drawn for the present size, or for the one before."""

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

    def watch_shown(self) -> None:
        self.repaint()

    def picture(self, width: int, height: int) -> Cells:
        """What was drawn, as far as it fits."""
        cells = Cells(width, height)
        if self.shown is not None:
            drawn = self.shown.cells
            part = np.s_[: min(height, drawn.height), : min(width, drawn.width)]
            cells.glyphs[part], cells.roles[part] = drawn.glyphs[part], drawn.roles[part]
        return cells

    def paint_of(self, code: int) -> Style:
        """Symbols have the colour of their kind, and those near the followed one a line below."""
        ground: Style = self.rich_style
        plain = Role(code % NEAR)
        if plain in _CLASSES:
            ground += self.get_component_rich_style(_CLASSES[plain])
        return ground + _NEAR if code >= NEAR else ground

    def spelled(self, text: str) -> str:
        """A cell stands for a symbol, however many characters that has."""
        return self._symbols.decoded(text)

    def on_resize(self, event: Resize) -> None:
        self.post_message(self.Resized())

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Picked(event.x, event.y))

    async def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        await self.run_action("screen.zoom(1)")

    async def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        await self.run_action("screen.zoom(-1)")
