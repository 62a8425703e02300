"""What lies below a dialog, dimmed, at a price that lets it be painted often.

Textual mixes the colours of every piece of text anew at each painting, 1,500 pieces of some 50
styles, although a key in a dialog changes nothing below it.
"""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.css.styles import RulesMap
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import Screen
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

Row = tuple[Segment, ...]


class Dimmed(Visual):
    """The rows of a screen with `color` laid over them; rows that stayed as they were are kept."""

    def __init__(self) -> None:
        self._screen: Screen[object] | None = None
        self._color = Color(0, 0, 0)
        self._ground = RichStyle()
        self._rows: dict[Row, Strip] = {}

    def of(self, below: BackgroundScreen) -> Dimmed:
        """Show this screen in this colour from now on."""
        if self._color != below.color:
            self._color, self._rows = below.color, {}
        self._screen = below.screen
        return self

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        assert self._screen is not None
        rows = [tuple(strip) for strip in self._screen._compositor.render_strips()]
        if self._ground != style.rich_style:
            self._ground, self._rows = style.rich_style, {}
        self._rows = {row: self._rows.get(row) or self._dim(row) for row in rows}
        # While the terminal is being resized the screen below may still have its old size.
        strips = [self._rows[row].adjust_cell_length(width) for row in rows[:height]]
        return strips + [Strip.blank(width)] * ((height or 0) - len(strips))

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return 0 if self._screen is None else self._screen.size.height

    def _dim(self, row: Row) -> Strip:
        return Strip(
            Segment(text, style if control else self._ground + _dimmed(style, self._color), control)
            for text, style, control in row
        )


@lru_cache(maxsize=1024)
def _dimmed(style: RichStyle | None, color: Color) -> RichStyle:
    (segment,) = BackgroundScreen.process_segments([Segment("", style)], color)
    return segment.style or RichStyle()
