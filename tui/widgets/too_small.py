"""What stands in place of the panels where a terminal is too small for them."""

from __future__ import annotations

from textual.events import Resize
from textual.widgets import Static


class TooSmall(Static):
    """Says how large the terminal is, and how large it should be."""

    DEFAULT_CSS = """
    TooSmall {
        width: 1fr;
        height: 1fr;
        content-align: center middle;
        text-align: center;
    }
    """

    def on_resize(self, event: Resize) -> None:
        columns, rows = self.app.size
        self.update(
            f"steermore needs at least 80×24;\nthis terminal is {columns}×{rows}.\n\n"
            "The run goes on meanwhile."
        )
