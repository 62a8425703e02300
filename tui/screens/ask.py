"""Ask for one value: a knob or a setting, typed or chosen from a few, sent by Enter."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from core.dials import ConfigError, Dial, Value
from tui.dial_rows import accepted, has_ladder
from tui.screens.confirm import Question
from tui.screens.dialog import Dialog
from tui.telling import typed


class AskName(Dialog[str | None]):
    """Dismissed with a name, which may be empty, or with None where the person leaves."""

    DEFAULT_CSS = "AskName Input { margin: 1 0 0 0; }"

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._what
            yield Static("Saves the present state for good; k goes back to it.", markup=False)
            yield Input(placeholder="a name, if you like", max_length=60)
            yield Static("Enter saves · Escape leaves", id="hint", markup=False)

    @on(Input.Submitted)
    def take_name(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value)


Answer = tuple[Value]
"""A value in a shell, since None is one too: it switches an optional dial off."""


class AskValue(Dialog[Answer]):
    """Dismissed with a value that the dial accepts, or with None where the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "nudge(1)", "a rung up", show=False),
        Binding("down", "nudge(-1)", "a rung down", show=False),
    ]

    DEFAULT_CSS = """
    AskValue {
        Input { margin: 1 0 0 0; }
        #range { color: $text-muted; }
        #error { min-height: 2; }
    }
    """

    def __init__(self, dial: Dial, current: Value) -> None:
        super().__init__()
        self._dial = dial
        self._current = current

    def compose(self) -> ComposeResult:
        dial = self._dial
        with Vertical(id="box") as box:
            box.border_title = _title(dial)
            yield Static(dial.help, markup=False)
            yield Static(accepted(dial), id="range", markup=False)
            yield Input(typed(self._current), select_on_focus=True)
            yield Static("", id="error", markup=False)
            rungs = " · ↑ ↓ rungs" if has_ladder(dial) else ""
            yield Static(f"Enter sends · Escape leaves{rungs}", id="hint", markup=False)

    def action_nudge(self, rungs: int) -> None:
        """Put the next rung of the ladder into the field."""
        value = self._parsed()
        if isinstance(value, (int, float)):
            field = self.query_one(Input)
            field.value = typed(float(f"{self._dial.rung(value, rungs):.6g}"))
            field.cursor_position = len(field.value)

    @on(Input.Changed)
    def forget_the_error(self) -> None:
        self.query_one("#error", Static).update("")

    @on(Input.Submitted)
    def send_if_sound(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss((self._dial.parse(event.value),))
        except ConfigError as error:
            self.query_one("#error", Static).update(f"✗ {error}")

    def _parsed(self) -> Value:
        try:
            return self._dial.parse(self.query_one(Input).value)
        except ConfigError:
            return None


class AskChoice(Question[Answer]):
    """Dismissed with another value than the present one, or with None where the person leaves."""

    def __init__(self, dial: Dial, current: Value) -> None:
        answers: dict[str, Answer | None] = {choice: (choice,) for choice in dial.choices}
        answers[str(current)] = None
        super().__init__(_title(dial), dial.help, answers)
        self._current = dial.choices.index(str(current))

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = self._current


def _title(dial: Dial) -> str:
    return dial.name.replace("_", " ").capitalize()
