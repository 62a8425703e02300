"""The list of runs: rows made when they are seen, one with the cursor, and a head to sort by."""

from __future__ import annotations

from dataclasses import dataclass

from textual.events import Click
from textual.message import Message

from tui.comparing.table import RunTable
from tui.widgets.rows import RowsPane


class RunsList(RowsPane):
    """Knows which rows are in view, and which column of the head was clicked."""

    DEFAULT_CSS = """
    RunsList { border-top: none; }
    """

    @dataclass
    class HeadPicked(Message):
        """Posted when a column's heading is clicked."""

        field: str

    @dataclass
    class Scrolled(Message):
        """Posted when other rows come into view."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, focusable=False)

    @property
    def in_view(self) -> range:
        """The rows that can be seen."""
        top = round(self.scroll_target_y)
        return range(top, top + self.rows_shown)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    def on_click(self, event: Click) -> None:
        """Sort by a heading; of a row its place is told."""
        at = event.get_content_offset(self)
        if at is not None and at.y == 0 and isinstance(self.table, RunTable):
            event.stop()
            field = self.table.column_at(at.x, self._width)
            if field is not None:
                self.post_message(self.HeadPicked(field))
            event.prevent_default()
