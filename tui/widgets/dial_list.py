"""The list of knobs and settings: the arrow keys choose one and move it, Enter types it.

It knows the values that the engine confirmed, and posts what the person asks; it never changes a
value itself. A list of our own: a frame in which no value changed costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.dial_rows import Row
from tui.rate_text import LIST_CELLS

LIT_SECONDS = 1.0
"""How long a value that has changed stands out."""


class DialList(ScrollView, can_focus=True):
    """Rows of a name and a value, under headings; one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "the row above", show=False),
        Binding("down", "move(1)", "the row below", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
        Binding("home", "move(-1000)", "the first row", show=False),
        Binding("end", "move(1000)", "the last row", show=False),
        Binding("left", "turn(-1)", "a rung down", show=False),
        Binding("right", "turn(1)", "a rung up", show=False),
        Binding("shift+left", "turn(-1, True)", "finely down", show=False),
        Binding("shift+right", "turn(1, True)", "finely up", show=False),
        Binding("enter", "type", "type a value", show=False),
        Binding("escape", "leave", "leave the panel", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "dials--heading",
        "dials--name",
        "dials--value",
        "dials--lit",
        "dials--arrow",
        "dials--chosen",
        "dials--idle",
    }

    DEFAULT_CSS = """
    DialList {
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        overflow-x: hidden;
        .dials--heading { color: $text-muted; }
        .dials--name { color: $text-muted; }
        .dials--value { color: $foreground; }
        .dials--lit { color: $text-accent; text-style: bold; }
        .dials--arrow { color: $text-primary; text-style: bold; }
        .dials--idle { color: $text-disabled; }
        .dials--chosen {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
    }
    """

    rows: reactive[tuple[Row, ...]] = reactive(())
    """What stands in it, headings included; the values are those that the engine confirmed."""

    chosen: reactive[str] = reactive("")
    """The name of the dial that the arrow keys move."""

    live: reactive[bool] = reactive(True)
    """There is an engine that can be asked."""

    @dataclass
    class Chosen(Message):
        """Posted when another dial is chosen."""

        name: str

    @dataclass
    class Nudged(Message):
        """Posted when the person moves a dial along its ladder."""

        name: str
        rungs: int
        fine: bool = False

    @dataclass
    class Typed(Message):
        """Posted when the person wants to type a value."""

        name: str

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lit: Counter[str] = Counter()

    @property
    def names(self) -> Sequence[str]:
        """The dials in it, from the top."""
        return [row.name for row in self.rows if row.name]

    def watch_rows(self, before: tuple[Row, ...], rows: tuple[Row, ...]) -> None:
        texts = {row.name: row.text for row in before}
        self._light({row.name for row in rows if texts.get(row.name, row.text) != row.text})
        if self.chosen not in self.names:
            # It matters no more, or nothing was chosen yet: take what stands in its place.
            places = [row.name for row in before if row.name]
            place = places.index(self.chosen) if self.chosen in places else 0
            self.chosen = self.names[min(place, len(self.names) - 1)] if self.names else ""
        self._measure()
        self.refresh()

    def watch_chosen(self, chosen: str) -> None:
        self.post_message(self.Chosen(chosen))
        self._show_chosen()
        self.refresh()

    def watch_live(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Row y of the visible part."""
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if index >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[index]
        strip = self._dial(row) if row.name else self._heading(row)
        return strip.adjust_cell_length(width, self.rich_style)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        self._measure()
        # From the top again: what a smaller size had scrolled away has room now.
        self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self._show_chosen()

    def on_click(self, event: Click) -> None:
        """Choose a row; on the chosen one, press its arrows or type its value."""
        event.stop()
        offset = event.get_content_offset(self)
        if offset is None or offset.y + self.scroll_offset.y >= len(self.rows):
            return
        row = self.rows[offset.y + self.scroll_offset.y]
        if not row.name or offset.x >= self._row_width:
            return
        if row.name != self.chosen:
            self.chosen = row.name
            return
        caption, before, value, _ = self._pieces(row)
        at = offset.x - cell_len(caption)
        if row.has_ladder and 0 <= at < len(before):
            self.action_turn(-1)
        elif row.has_ladder and at >= len(before) + cell_len(value):
            self.action_turn(1)
        elif at >= 0 or event.chain > 1:
            self.action_type()

    def action_move(self, by: int) -> None:
        """Choose the row so many further down."""
        if self.names:
            place = self.names.index(self.chosen) + by
            self.chosen = self.names[min(max(place, 0), len(self.names) - 1)]
            self._show_chosen()

    def action_page(self, pages: int) -> None:
        """Choose the row a page further down."""
        self.action_move(pages * max(self.scrollable_content_region.height - 1, 1))

    def action_turn(self, rungs: int, fine: bool = False) -> None:
        """Ask for the chosen dial to be moved along its ladder."""
        row = next((row for row in self.rows if row.name == self.chosen), None)
        finely = row.way(rungs, fine=fine) if row and row.name and self.live else None
        if finely is not None:
            self._show_chosen()
            self.post_message(self.Nudged(self.chosen, rungs, finely))

    def action_type(self) -> None:
        """Ask for the chosen dial to be typed."""
        if self.chosen and self.live:
            self.post_message(self.Typed(self.chosen))

    def action_leave(self) -> None:
        """Give the keyboard back."""
        self.screen.set_focus(None)

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.rows))

    def _show_chosen(self) -> None:
        """Scroll so far that the chosen row, and a heading just above it, can be seen."""
        place = next((i for i, row in enumerate(self.rows) if row.name == self.chosen), 0)
        first = place - (place > 0 and not self.rows[place - 1].name)
        region = Region(0, first, 1, place - first + 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def _light(self, changed: set[str]) -> None:
        if changed:
            self._lit.update(changed)
            self.set_timer(LIT_SECONDS, partial(self._dim, changed))

    def _dim(self, changed: set[str]) -> None:
        self._lit.subtract(changed)
        self.refresh()

    @property
    def _row_width(self) -> int:
        return min(self.scrollable_content_region.width, LIST_CELLS)

    def _pieces(self, row: Row) -> tuple[str, str, str, str]:
        """The caption, what stands before the value, the value, and what stands behind it."""
        before, after = "  ", "  "
        if row.name == self.chosen and self.live and row.has_ladder:
            before = "‹ " if row.way(-1) is not None else before
            after = " ›" if row.way(1) is not None else after
        elif row.name == self.chosen and self.live:
            after = " …"
        room = self._row_width - cell_len(row.text)
        if cell_len(row.caption) + 5 > room:
            before, after = before.strip() or " ", after.strip() or " "
        return set_caption(row.caption, room - len(before + after)), before, row.text, after

    def _dial(self, row: Row) -> Strip:
        caption, before, value, after = self._pieces(row)
        lit = "dials--lit" if self._lit[row.name] > 0 else "dials--value"
        styles = ["dials--name", "dials--arrow", lit, "dials--arrow"]
        if not self.live:
            styles = ["dials--idle"] * 4
        chosen = ("dials--chosen",) if row.name == self.chosen and self.has_focus else ()
        pieces = zip((caption, before, value, after), styles, strict=True)
        return Strip(
            Segment(text, self.get_component_rich_style(style, *chosen)) for text, style in pieces
        ).crop(0, self._row_width)

    def _heading(self, row: Row) -> Strip:
        text = f"─ {row.caption} ".ljust(self._row_width, "─")
        return Strip([Segment(text, self.get_component_rich_style("dials--heading"))])


def set_caption(caption: str, width: int) -> str:
    """`caption` in exactly `width` cells, with a blank at its end, cut with an ellipsis."""
    if cell_len(caption) < width:
        return set_cell_size(caption, width)
    return set_cell_size(caption, max(width - 2, 0)) + "… "[: max(width, 0)]
