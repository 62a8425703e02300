"""Every key and what it does, grouped; drawn from the same table as the footer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.keys import SHOWN
from tui.screens.dialog import Dialog


class Help(Dialog[None]):
    """A list to read; Escape, `?` or `q` leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "dismiss(None)", "leave"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--group", "help--key"}

    DEFAULT_CSS = """
    Help {
        #box {
            width: 80;
            border-subtitle-color: $text-muted;
            padding: 0 2;
            text-wrap: nowrap;
            scrollbar-size-vertical: 1;
        }
        .help--group { color: $text-primary; text-style: bold; }
        .help--key { color: $text-accent; text-style: bold; }
    }
    """

    def __init__(self, groups: Mapping[str, Sequence[Binding]]) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "Escape leaves"
            yield Static(id="keys")

    def on_mount(self) -> None:
        self.query_one("#keys", Static).update(self._table())

    def _table(self) -> Text:
        group_style, key_style = (
            self.get_component_rich_style(f"help--{part}", partial=True)
            for part in ("group", "key")
        )
        table = Text()
        for title, bindings in self._groups.items():
            table.append(f"{title}\n", group_style)
            for binding in bindings:
                keys = " ".join(SHOWN.get(key, key) for key in binding.key.split(","))
                table.append(f"  {keys:<9}", key_style)
                table.append(f"{binding.description:<14} ").append(binding.tooltip)
                table.append("\n")
        table.right_crop(1)
        return table
