"""A pane of rows that are made only when they are seen: it scrolls through millions of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.dataset.rows import Table
from tui.inspector.bars import Line, Role

ROLES: tuple[Role, ...] = ("plain", "quiet", "here", "bar", "bar-here")
"""Those that a table of rows uses."""
COUNTING: Line = Line((("counting …", "quiet"),))


class RowsPane(ScrollView, can_focus=True):
    """A head that stays and the rows of a table below it; one of them may be chosen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"rows--{role}" for role in ROLES), "rows--cursor"}

    DEFAULT_CSS = """
    RowsPane {
        height: 1fr;
        border-top: solid $primary 60%;
        border-title-color: $text-primary;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        scrollbar-background-hover: $surface;
        overflow-x: hidden;
        overflow-y: auto;
        &:focus { border-top: solid $primary; border-title-style: bold; }
        .rows--plain { color: $foreground; }
        .rows--quiet { color: $text-muted; }
        .rows--here { color: $text-success; text-style: bold; }
        .rows--bar { color: $primary; }
        .rows--bar-here { color: $success; }
        .rows--cursor { background: $primary-muted; text-style: bold; }
    }
    """

    table: reactive[Table | None] = reactive(None, repaint=False)
    """None while it is being counted."""
    cursor: reactive[int | None] = reactive(None, repaint=False)
    """The row chosen."""

    @dataclass
    class Picked(Message):
        """Posted when a row is clicked."""

        pane: RowsPane
        row: int

        @property
        def control(self) -> RowsPane:
            """The pane."""
            return self.pane

    def __init__(self, title: str, *, id: str, focusable: bool = True) -> None:
        super().__init__(id=id)
        self.border_title = f" {title} "
        self.can_focus = focusable
        self._ground: Style | None = None
        """How an empty cell looks; Textual would work it out anew for each row."""

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ground = None

    def watch_table(self, before: Table | None, now: Table | None) -> None:
        width = self._width
        if before is None or now is None or before.count(width) != now.count(width):
            self._measure()
            return
        # Another table of as many rows mostly differs in few of those that are seen.
        for y in range(self.rows_shown + 1):
            if self._line(before, y) != self._line(now, y):
                self.refresh_line(y + self.scroll_offset.y)

    def watch_cursor(self, before: int | None, now: int | None) -> None:
        for row in (before, now):
            if row is not None:
                self.refresh_line(row + 1)
        if now is not None:
            self.show_row(now)

    def on_resize(self, event: Resize) -> None:
        self._measure()
        if self.cursor is not None:
            self.show_row(self.cursor)

    @property
    def rows_shown(self) -> int:
        """How many fit below the head."""
        return max(self.scrollable_content_region.height - 1, 1)

    @property
    def is_scrollable_here(self) -> bool:
        """Whether it is to be seen, and has more rows than that."""
        return self.display and self.max_scroll_y > 0

    def show_row(self, at: int) -> None:
        """Scroll as little as needed to see a row."""
        top = round(self.scroll_target_y)
        wanted = min(max(top, at - self.rows_shown + 1), at)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    def on_click(self, event: Click) -> None:
        """Say which row was hit."""
        event.stop()
        at = event.get_content_offset(self)
        if at is None or self.table is None or at.y == 0:
            return
        row = at.y - 1 + self.scroll_offset.y
        if row < self.table.count(self._width):
            self.post_message(self.Picked(self, row))

    def render_line(self, y: int) -> Strip:
        """The head, or one of the rows."""
        line = self._line(self.table, y)
        if self._ground is None:
            self._ground = self.rich_style
        chosen = y > 0 and y - 1 + self.scroll_offset.y == self.cursor
        over = self.get_component_rich_style("rows--cursor", partial=True) if chosen else Style()
        pieces = [
            Segment(text, self.get_component_rich_style(f"rows--{role}") + over)
            for text, role in line.pieces
        ]
        return Strip(pieces).adjust_cell_length(self._width + 1, self._ground + over)

    def _line(self, table: Table | None, y: int) -> Line:
        """What a table says in one line of the pane."""
        width, row = self._width, y - 1 + self.scroll_offset.y
        if table is None:
            return COUNTING if y == 0 else Line(())
        if y == 0:
            return table.head(width)
        return table.row(row, width) if row < table.count(width) else Line(())

    @property
    def _width(self) -> int:
        # One less: figures that touch a scrollbar or the edge are hard to read.
        return max(self.scrollable_content_region.width - 1, 0)

    def _measure(self) -> None:
        rows = 0 if self.table is None else self.table.count(self._width)
        # As long as all rows are seen it is one size: another would arrange the whole screen anew.
        least = self.scrollable_content_region.height
        self.virtual_size = Size(self._width, max(rows + 1, least))
        self.refresh()
