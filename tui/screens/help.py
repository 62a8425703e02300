"""What is in front, explained; the keys that work there; and on the training screen every panel.

Drawn from the tables of explanations and of keys, with the keys that are in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, Self

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from tui.explaining import PANELS, VIEWS, Explanation, cited
from tui.keymap import shown_key
from tui.keys import GROUPS
from tui.screens.dialog import Dialog
from tui.screens.training import TrainingScreen

USUAL = "loss"
"""The panel that is explained where none has the keyboard."""


@dataclass(frozen=True)
class Line:
    """Keys and what they do."""

    keys: str
    words: str
    more: str = ""


HANDED_ON = ("scroll_", "page_", "submit")
"""Actions of Textual's widgets that come to the view in the end, if it binds the key too."""
EVERYWHERE = {
    "app.focus_next": "next field",
    "app.focus_previous": "field before",
    "dismiss(None)": "leave",
    "app.help": "help",
    "app.command_palette": "palette",
    "app.screenshot": "screenshot",
}
"""What every view has."""
WIDTH, BESIDE, LEAST = 80, 8, 20
"""Cells of the box; of its border, padding and scrollbar; that a text has at least."""
MOST = 4
"""Keys of one action that are all named."""

Groups = Mapping[str, tuple[Line, ...]]


class Help(Dialog[None]):
    """Something to read; Escape, `?`, F1 or `q` leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q,enter", "dismiss(None)", "leave"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--group", "help--key", "help--source"}

    DEFAULT_CSS = """
    Help {
        #box {
            width: 80;
            border-subtitle-color: $text-muted;
            padding: 0 2;
            scrollbar-size-vertical: 1;
        }
        #keys { text-wrap: nowrap; margin-top: 1; }
        #panels { margin-top: 1; }
        .help--group { color: $text-primary; text-style: bold; }
        .help--key { color: $text-accent; text-style: bold; }
        .help--source { color: $text-muted; }
    }
    """

    def __init__(
        self, front: Explanation | None, groups: Groups, others: Iterable[Explanation] = ()
    ) -> None:
        """`front` is what is explained first, `others` what comes after the keys."""
        super().__init__()
        self._front, self._groups, self._others = front, groups, tuple(others)

    @classmethod
    def about(cls, screen: Screen[object], keys: Mapping[str, str]) -> Self:
        """Help for a screen as it stands, with the keys in force by their ids."""
        if not isinstance(screen, TrainingScreen):
            names = (kind.__name__ for kind in type(screen).__mro__)
            front = next((VIEWS[name] for name in names if name in VIEWS), None)
            return cls(front, {"Keys here": tuple(_lines_of(screen))})
        focused = screen.focused.ancestors_with_self if screen.focused else ()
        here = next((node.id for node in focused if node.id in PANELS), None) or USUAL
        groups = {
            title: tuple(
                Line(shown_key(keys[binding.id or ""]), binding.description, binding.tooltip)
                for binding in bindings
            )
            for title, bindings in GROUPS.items()
        }
        return cls(PANELS[here], groups, (PANELS[id] for id in PANELS if id != here))

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box") as box:
            box.border_title = f"Help · {self._front.title}" if self._front else "Help"
            box.border_subtitle = "↑ ↓ scroll · Escape leaves"
            yield Static(id="front")
            yield Static(id="keys")
            yield Static(id="panels")

    def on_mount(self) -> None:
        front, panels = self.query_one("#front"), self.query_one("#panels")
        front.display, panels.display = self._front is not None, bool(self._others)
        if self._front:
            self.say("#front", _told(self._front, self._style("source")))
        self.say("#keys", self._table())
        self.say("#panels", self._panels())

    def _table(self) -> Text:
        group, key = self._style("group"), self._style("key")
        rows = [row for rows in self._groups.values() for row in rows]
        keys = max((cell_len(row.keys) for row in rows), default=0)
        words = max((cell_len(row.words) for row in rows), default=0)
        indent = 2 + keys + 2 + words + 1
        room = max(min(WIDTH, self.app.size.width) - BESIDE - indent, LEAST)
        table = Text()
        for title, lines in self._groups.items():
            table.append(f"{title}\n", group)
            for line in lines:
                table.append("  ").append(line.keys, key)
                table.append(" " * (keys - cell_len(line.keys) + 2))
                more = f"\n{' ' * indent}".join(wrap(line.more, room))
                table.append(f"{line.words:<{words}} {more}".rstrip() + "\n")
        table.right_crop(1)
        return table

    def _panels(self) -> Text:
        told = [
            Text.assemble((f"{other.title}\n", self._style("group")))
            + _told(other, self._style("source"))
            for other in self._others
        ]
        return Text("\n\n").join(told)

    def _style(self, part: str) -> Style:
        # Without its background: what is muted is so only in a style that has one.
        style = self.get_component_rich_style(f"help--{part}")
        return Style(color=style.color, bold=style.bold)


def _told(explanation: Explanation, source: Style) -> Text:
    return Text.assemble(explanation.text, "\n", (cited(explanation.sources), source))


def _bound_by(node: DOMNode) -> dict[str, Binding]:
    """What our own classes bind in a view or a widget, by key."""
    ours = (kind for kind in type(node).__mro__ if kind.__module__.startswith("tui."))
    bindings = [binding for kind in ours for binding in kind.__dict__.get("BINDINGS", ())]
    return {binding.key: binding for binding in reversed([*Binding.make_bindings(bindings)])}


def _lines_of(screen: Screen[object]) -> list[Line]:
    """The keys of a view and of what has the keyboard in it, each action once; last those that
    every view has.
    """
    found: dict[tuple[str, str], tuple[list[str], Binding]] = {}
    own = _bound_by(screen)
    for key, (node, binding, enabled, _) in screen.active_bindings.items():
        # Of what Textual binds in a field or a list, people know the keys; there are dozens.
        actions = {bound.action for bound in _bound_by(node).values()}
        ours = binding.action in actions or binding.action in EVERYWHERE
        if not ours and key in own and binding.action.startswith(HANDED_ON):
            ours, binding = True, own[key]
        if ours and enabled and binding.description:
            action, words = binding.action, binding.description.lower()
            if key.isdigit():
                # One of a row of keys that do alike.
                action, words = action.partition("(")[0], words.rstrip("0123456789 ")
            found.setdefault((action, words), ([], binding))[0].append(key)
    lines = {
        (action in EVERYWHERE, place): Line(
            shown_key(",".join(keys)) if len(keys) <= MOST else f"{keys[0]} … {keys[-1]}",
            EVERYWHERE.get(action) or words,
            binding.tooltip,
        )
        for place, ((action, words), (keys, binding)) in enumerate(found.items())
    }
    return [lines[place] for place in sorted(lines)]
