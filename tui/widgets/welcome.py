"""What to press, said once in a person's life, above the panels and in nobody's way.

No dialog: that would take the first key, and somebody who starts to train should see it train. Any
key takes this away and does at the same time what it always does, so that a first `space` pauses,
and whoever reads nothing has lost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.events import Click, Key
from textual.message import Message
from textual.widgets import Static

from tui.keymap import key_of

LINES = (
    (("toggle_training",), "pause, and train on", ("sample",), "draw names, or a text, from it"),
    (("rate_up", "rate_down"), "change how fast it learns", ("undo",), "take back a change"),
    (("help",), "what each panel is about, and every key", ("quit",), "leave"),
)
"""Ids and what their keys do, two on a line."""
HALF = 50
"""Cells that the left one of them takes."""


class Welcome(Static):
    """Goes with the first key, or when it is clicked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"welcome--key"}

    DEFAULT_CSS = """
    Welcome {
        layer: above;
        dock: bottom;
        width: 100%;
        height: auto;
        margin: 0 2 2 2;
        padding: 0 2;
        border: round $accent;
        border-title-color: $text-accent;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        background: $surface;
        .welcome--key { color: $text-accent; text-style: bold; }
    }
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        """`keys` are those in force, by their ids."""
        super().__init__()
        self._keys = keys

    def on_mount(self) -> None:
        self.border_title = "Welcome to steermore"
        self.border_subtitle = "any key goes on, and does what it does"
        # Every key comes to the app first, whatever has the keyboard.
        self.app.message_signal.subscribe(self, self._take)

    def render(self) -> Text:
        """A sentence, and the keys that one needs; in two columns where there is room."""
        text = Text("A small model learns your names, or text: the line on the chart is its loss,")
        text.append(" and lower is better. Whatever you change can be taken back.\n")
        room = self.content_size.width >= 2 * HALF
        for first, does, second, also in LINES:
            before = text.cell_len
            self._hint(text, first, does)
            text.append(" " * max(HALF - (text.cell_len - before), 1) if room else "\n")
            self._hint(text, second, also)
            text.append("\n")
        text.right_crop(1)
        return text

    def on_click(self, event: Click) -> None:
        event.stop()
        self.remove()

    def _take(self, message: Message) -> None:
        if isinstance(message, Key):
            self.remove()

    def _hint(self, text: Text, ids: tuple[str, ...], words: str) -> None:
        keys = " ".join(key_of(id, self._keys) for id in ids)
        style = self.get_component_rich_style("welcome--key", partial=True)
        text.append(f"{keys}{' ' * max(7 - cell_len(keys), 1)}", style).append(words)
