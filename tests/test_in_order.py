"""Keys that come faster than their effects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

from tests.stage import until
from tui.in_order import InOrder
from tui.screens.confirm import LookAtTest


class Ask(ModalScreen[str]):
    """Dismissed with what stands in its field."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "leave")]

    def compose(self) -> ComposeResult:
        yield Input("0.0504", select_on_focus=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Typist(InOrder):
    """Notes what it is told."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("l", "ask", "ask"),
        ("s", "note('s')", "note"),
        ("plus", "note('+')", "note"),
        ("q", "question", "question"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[object] = []

    def action_ask(self) -> None:
        self.push_screen(Ask(), self.noted.append)

    def action_question(self) -> None:
        self.push_screen(LookAtTest(1), self.noted.append)

    def action_note(self, what: str) -> None:
        self.noted.append(what)


def keys(*typed: str) -> Iterator[Key | Paste]:
    for key in typed:
        if key.startswith("paste "):
            yield Paste(key.removeprefix("paste "))
        else:
            yield Key(key, key if len(key) == 1 else None)


@pytest.mark.parametrize(
    ("typed", "noted"),
    [
        (("l", *"0.25", "enter", "s"), ["0.25", "s"]),
        (("l", "right", *["backspace"] * 9, *"0.1", "enter"), ["0.1"]),
        (("l", *"13", "left", "2", "end", "4", "enter"), ["1234"]),
        (("l", *"12", "ctrl+u", "3", "enter"), ["3"]),
        (("l", "7", "backspace", "paste 0.5", "backspace", "6", "enter"), ["0.6"]),
        (("l", "1", "enter", "l", "2", "enter", "s"), ["1", "2", "s"]),
        (("l", "1", "escape", "s", *["plus"] * 20), [None, "s", *["+"] * 20]),
        (("q", "enter", "enter", "s"), [None, "s"]),
    ],
)
def test_each_has_its_effect_before_the_next(typed: tuple[str, ...], noted: list[object]) -> None:
    async def play() -> None:
        app = Typist()
        async with app.run_test() as pilot:
            for event in keys(*typed):
                app.post_message(event)
            await until(pilot, lambda: len(app.noted) >= len(noted))
            assert app.noted == noted
            await until(pilot, lambda: len(app.screen_stack) == 1)

    asyncio.run(play())


def test_a_question_is_answered_once() -> None:
    async def play() -> None:
        app = Typist()
        async with app.run_test() as pilot:
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, LookAtTest))
            question = app.screen
            answers = question.query_one(OptionList)
            # As a double click sends it.
            for _ in range(2):
                answers.action_select()
            await until(pilot, lambda: len(app.screen_stack) == 1)
            app.action_note("s")
            await until(pilot, lambda: "s" in app.noted)
            assert app.noted == [None, "s"]

    asyncio.run(play())
