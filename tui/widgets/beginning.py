"""The line in which a word is written to be looked at, whose cursor is a place in the word."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input
from textual.widgets.input import Selection


class Beginning(Input):
    """An input that shows a word ready to be walked through: what is typed takes its place."""

    # Textual's own, under words that help can show.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cursor_left", "symbol before", show=False),
        Binding("right", "cursor_right", "symbol after", show=False),
    ]

    DEFAULT_CSS = """
    Beginning { width: 1fr; background: $boost; }
    """

    def __init__(self, *, longest: int) -> None:
        super().__init__(
            placeholder="type a beginning",
            compact=True,
            select_on_focus=False,
            max_length=longest,
        )

    def show(self, word: str) -> None:
        """Put `word` here, all of it chosen, the cursor before its first symbol."""
        self.value = word
        self.selection = Selection(len(word), 0)

    def action_cursor_right(self, select: bool = False) -> None:
        """One symbol on, also from a chosen word: there Textual would go to its end."""
        if not select:
            self.selection = Selection.cursor(self.cursor_position)
        super().action_cursor_right(select)
