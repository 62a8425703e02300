"""A panel of figures: one block of text, drawn anew when its value, size or theme changes."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widgets import Static


class FiguresPanel(VerticalScroll):
    """Its subclasses say in `draw` what stands in it, and call that when their value changes."""

    DEFAULT_CSS = """
    FiguresPanel {
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-title-style: bold;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: round $primary; }
        Static { text-wrap: nowrap; text-overflow: ellipsis; width: 1fr; }
    }
    """

    def __init__(self, title: str, *, id: str, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self.border_title = title
        self.figures = Static()

    def compose(self) -> ComposeResult:
        yield self.figures

    def on_resize(self, event: Resize) -> None:
        self.draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        # The colours of the parts come after those of the whole.
        self.call_later(self.draw)

    def draw(self) -> None:
        """Put into `figures` what is known. It may be called before the first layout."""
        raise NotImplementedError
