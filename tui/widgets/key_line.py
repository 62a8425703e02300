"""The line of keys at the bottom: as many as fit, whole, and always the last two, help and quit.

Not Textual's Footer, which cuts the last key in half where the terminal ends, and which is composed
anew whenever a key becomes possible or impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.events import Click
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

ALWAYS = 2
"""Hints at the end that stay, however narrow the terminal."""


@dataclass(frozen=True)
class Hint:
    """Keys and what they do."""

    keys: tuple[str, ...]
    """As Textual names them."""
    shown: str
    description: str
    enabled: bool

    @property
    def width(self) -> int:
        """Cells that it takes, with a gap of two behind."""
        return cell_len(self.shown) + 1 + cell_len(self.description) + 2


class KeyLine(Widget):
    """Hints for the keys that work on this screen; a click presses the key."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key", "keys--words", "keys--off"}

    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        padding: 0 1;
        background: $panel;
        text-wrap: nowrap;
        .keys--key { color: $text-accent; text-style: bold; }
        .keys--words { color: $text-muted; }
        .keys--off { color: $text-disabled; text-style: dim; }
    }
    """

    hints: reactive[tuple[Hint, ...]] = reactive(())
    """The most wanted first."""

    def __init__(self, order: Sequence[str], words: Callable[[Binding], str] | None = None) -> None:
        """`order` names the bindings shown, by id; `words` says what a key would do now, where that
        is not its description: nothing leaves the hint out.
        """
        super().__init__()
        self._order = order
        self._words = words or (lambda binding: binding.description)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._take)

    def render(self) -> Text:
        """`space pause  +/- rate …`"""
        line = Text()
        for hint in self._fitting():
            key, words = ("keys--key", "keys--words") if hint.enabled else ("keys--off",) * 2
            line.append(hint.shown, self._style(key))
            line.append(f" {hint.description}", self._style(words)).append("  ")
        return line

    def on_click(self, event: Click) -> None:
        """Press the key whose hint is under the pointer; of two, the one that was hit."""
        event.stop()
        at = event.x - self.styles.padding.left
        for hint in self._fitting():
            if 0 <= at < hint.width - 2 and hint.enabled:
                self.app.simulate_key(hint.keys[min(at // 2, len(hint.keys) - 1)])
                return
            at -= hint.width

    def _take(self, screen: Screen[object]) -> None:
        found = {
            active.binding.id: active
            for active in reversed(screen.active_bindings.values())
            if active.binding.id in self._order
        }
        hints: list[Hint] = []
        for _, binding, enabled, _ in (found[id] for id in self._order if id in found):
            shown = self.app.get_key_display(binding)
            group = binding.group.description if binding.group else self._words(binding)
            if not group:
                continue
            if binding.group and hints and hints[-1].description == group:
                before = hints.pop()
                hints.append(
                    Hint((*before.keys, binding.key), f"{before.shown}/{shown}", group, enabled)
                )
            else:
                hints.append(Hint((binding.key,), shown, group, enabled))
        self.hints = tuple(hints)

    def _fitting(self) -> tuple[Hint, ...]:
        last = self.hints[-ALWAYS:]
        room = self.size.width + 2 - sum(hint.width for hint in last)
        kept = []
        for hint in self.hints[:-ALWAYS]:
            room -= hint.width
            if room < 0:
                break
            kept.append(hint)
        return (*kept, *last)

    def _style(self, component: str) -> Style:
        return self.get_component_rich_style(component)
