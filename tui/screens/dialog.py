"""What every dialog has in common: a box in the middle of the dimmed screen, and Escape.

And what those have that fill the screen and follow the engine while they are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import on
from textual.app import RenderResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.keys import key_to_character
from textual.message import Message
from textual.reactive import Reactive
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.hints import key_at
from tui.keymap import shown_key
from tui.keys import KEYS
from tui.reader import News
from tui.screens.dimmed import Dimmed

Result = TypeVar("Result")
EVERYWHERE = ("help", "palette", "screenshot")
"""The ids of keys that work in a dialog too; but where text is typed, a symbol is text."""


class Dialog(ModalScreen[Result]):
    """Its one child with the id `box` is the box; Escape dismisses it with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave"),
        *(
            replace(binding, action=f"app.{binding.action}")
            for binding in KEYS
            if binding.id in EVERYWHERE
        ),
    ]

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        #box {
            width: 62;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            border: round $primary;
            border-title-color: $text-primary;
            border-title-style: bold;
            background: $surface;
            padding: 1 2;
        }
        .choices, .choices:focus {
            height: auto;
            border: none;
            padding: 0;
            background: $surface;
        }
        #hint { color: $text-muted; }
        #error { color: $text-error; }
    }
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Fields paint themselves when the focus moves; not, as Textual has it, the whole screen."""

    _dimmed: Dimmed | None = None

    def render(self) -> RenderResult:  # type: ignore[override]  # as Widget has it, not Screen
        below = super().render()
        if isinstance(below, BackgroundScreen):
            self._dimmed = self._dimmed or Dimmed()
            return self._dimmed.of(below)
        return below

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Leave with an answer; once it has left, as at a double click, nothing more."""
        # Textual would answer again, and take away whichever screen is in front by then.
        if self.is_current:
            return super().dismiss(result)
        nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
        return nothing

    @on(Click, "#hint")
    def press_what_was_hit(self, event: Click) -> None:
        """A click on a hint presses its key."""
        event.stop()
        told = self.query_one("#hint", Static)
        at = event.get_content_offset(told)
        key = key_at(str(told.content), at.x) if at is not None and at.y == 0 else None
        if key is not None:
            # By the app: what this screen itself sent would not come back up to it.
            self.app.call_later(self.app.simulate_key, key)

    def say(self, selector: str, text: str | Text) -> None:
        """Put a text into a Static, if it is not there yet: mostly nothing is new."""
        tell(self.query_one(selector, Static), text)


def tell(told: Static, text: str | Text) -> None:
    """Put a text into `told`; where it takes as many rows as before, nothing else is painted."""
    if told.content == text:
        return
    size = told.content_size
    before = told.get_content_height(size, size, size.width)
    told.update(text, layout=False)
    if _wide_as_its_text(told) or told.get_content_height(size, size, size.width) != before:
        told.refresh(layout=True)


def _wide_as_its_text(widget: Static) -> bool:
    """Whether its text decides on a width: its own, or that of what it fills."""
    for node in widget.ancestors_with_self:
        if node.styles.width is not None:
            return node.styles.width.is_auto
    return False


class LargeDialog(Dialog[Result]):
    """A dialog as large as the screen."""

    DEFAULT_CSS = """
    LargeDialog {
        #box {
            width: 100%;
            height: 100%;
            padding: 0 1;
            border-subtitle-color: $text-muted;
        }
        #hint { text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012

    explains = ""
    """Ends the title: which key says what the view is about."""

    def on_mount(self) -> None:
        box = self.query_one("#box")
        bound = (key for key, active in self.active_bindings.items() if active.binding.id == "help")
        # Where text is typed, a symbol is text.
        keys = sorted(bound, key=lambda key: key_to_character(key) is not None)
        self.explains = f" · {shown_key(keys[0])} explains" if keys else ""
        if box.border_title:
            box.border_title = f"{box.border_title}{self.explains}"


class LiveDialog(LargeDialog[Result]):
    """One that follows the run: `overhear` is told what the engine says meanwhile."""

    def on_mount(self) -> None:
        # What the engine says comes to the app, which tells the history before it publishes this.
        self.app.message_signal.subscribe(self, self._take)

    def overhear(self, news: Sequence[News]) -> None:
        """Take in what the engine said, once the history knows it."""
        raise NotImplementedError

    def _take(self, message: Message) -> None:
        if news := getattr(message, "news", ()):
            self.overhear(news)
