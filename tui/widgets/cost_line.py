"""A line that says what the dashboard costs, for whoever asks."""

from __future__ import annotations

from textual.reactive import reactive
from textual.widget import Widget


class CostLine(Widget):
    """One line, not to be seen until it is asked for."""

    DEFAULT_CSS = """
    CostLine {
        display: none;
        height: 1;
        padding: 0 1;
        color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &.-asked { display: block; }
    }
    """

    text: reactive[str] = reactive("")
    """What it says."""

    def render(self) -> str:
        return self.text
