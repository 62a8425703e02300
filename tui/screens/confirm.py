"""Questions with a few answers: before the test split is looked at, after the guard stepped in."""

from __future__ import annotations

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.dials import show
from core.guard import tenth, trip_text
from core.protocol import GuardTripped
from tui.screens.dialog import Dialog, Result
from tui.widgets.choices import Choices


class Question(Dialog[Result | None]):
    """Dismissed with the answer that was chosen, or with None where the person leaves."""

    DEFAULT_CSS = """
    Question {
        #box { width: 66; }
        #text { margin-bottom: 1; }
        #hint { margin-top: 1; }
    }
    """

    def __init__(
        self, title: str, text: str, answers: Mapping[str, Result | None], hint: str = ""
    ) -> None:
        super().__init__()
        self._title, self._text, self._hint = title, text, hint
        self._answers = dict(answers)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._title
            yield Static(self._text, id="text", markup=False)
            yield Choices(*map(Option, self._answers), classes="choices")
            yield Static(self._hint or "Enter chooses · Escape leaves", id="hint", markup=False)

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(list(self._answers.values())[event.option_index])


class LookAtTest(Question[bool]):
    """Dismissed with True if the person means it."""

    def __init__(self, looks: int) -> None:
        """`looks`: how often it was looked at until now."""
        so_far = f"{looks:,}" if looks else "none"
        super().__init__(
            "Test split",
            "The test split is for the end: whoever steers by it learns it by heart, and its loss"
            " then says nothing about what is new. Every look is counted:"
            f" {so_far} so far in this run.",
            {"not now": None, "look at it": True},
        )


class AfterTrip(Question[float]):
    """Dismissed with the base rate at which to go on, or with None to stay."""

    def __init__(self, trip: GuardTripped, step: int) -> None:
        """`step` is where the guard went back to."""
        lower = tenth(trip.learning_rate)
        super().__init__(
            "The guard stepped in",
            f"Step {trip.step:,}, {trip_text(trip)}. Training stands at step {step:,} again, where"
            " the weights were sound; what came after stays on the chart.",
            {
                f"go on at base rate {show(lower)}, a tenth": lower,
                f"go on at base rate {show(trip.learning_rate)}, as it was": trip.learning_rate,
                "stay, paused": None,
            },
            hint="Undo goes to where it tripped, and switches the guard off.",
        )
