"""Overfitting one minibatch, the test split, and the guard's question, by their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from textual.widgets import OptionList, Static

from core.launch import load_data
from core.protocol import GuardTripped
from core.record import read_config
from tests.conftest import Engine, MakeRun
from tests.test_dashboard import Hands
from tui.app import SteermoreApp
from tui.history.history import History
from tui.screens.confirm import AfterTrip, LookAtTest
from tui.widgets.chart import LossChart

Start = Callable[[Path], Engine]
Scenario = Callable[[Hands], Awaitable[None]]


def play(directory: Path, start: Start, scenario: Scenario, size: tuple[int, int]) -> None:
    """Open the dashboard on the live engine of a run, paused, and let a scenario play."""
    start(directory)

    async def show() -> None:
        app = SteermoreApp(directory, load_data(directory, read_config(directory)))
        async with app.run_test(size=size) as pilot:
            hands = Hands(app, pilot)
            await hands.live()
            await scenario(hands)

    asyncio.run(show())


def has_looked(history: History, looks: int) -> bool:
    return history.test_looks == looks


def has_settled(hands: Hands, trip: GuardTripped | None, step: int) -> bool:
    """It trains beyond that step, or has tripped and asked again."""
    history = hands.training.history
    asks = history.trip is not trip and isinstance(hands.app.screen, AfterTrip)
    return history.step > step or asks


def test_b_learns_one_minibatch_by_heart_and_says_how_low_it_can_go(
    make_run: MakeRun, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("B")
        await hands.until(lambda: any("cannot go below" in line for line in hands.log))
        assert any("fixed batch off" in line for line in hands.log)
        await hands.press("space")
        chart = hands.training.query_one(LossChart)
        await hands.until(
            lambda: any("lowest for this minibatch" in label for _, label in chart.view.references)
        )
        floor = chart.view.references[-1][0]
        await hands.until(
            lambda: (
                hands.training.history.step > 500
                and (hands.training.history.latest(0.9) or 9.0) < floor + 0.1
            )
        )
        await hands.press("e")
        await hands.until(lambda: "by heart" in chart.view.title)
        await hands.press("u")
        await hands.until(lambda: hands.training.history.knobs.fixed_batch is None)
        await hands.press("B")
        await hands.until(lambda: hands.training.history.knobs.fixed_batch is not None)
        await hands.press("B")
        await hands.until(lambda: hands.training.history.knobs.fixed_batch is None)
        assert len(chart.view.references) >= 1

    constant = {"schedule": "constant", "drops": ()}
    directory = make_run(knobs=constant, model={"hidden_size": 64}, settings={"step_limit": 10**9})
    play(directory, start, scenario, (120, 36))


def test_the_test_split_is_looked_at_after_a_question_and_counted(
    make_run: MakeRun, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("T")
        await hands.open(LookAtTest)
        # Enter alone, out of habit, must not spend a look.
        await hands.press("enter")
        await hands.until(lambda: hands.app.screen is hands.training)
        assert hands.training.history.test_looks == 0
        for looks in (1, 2):
            await hands.press("T")
            await hands.open(LookAtTest)
            await hands.press("down", "enter")
            await hands.until(partial(has_looked, hands.training.history, looks))
        assert "look 2 at the test split" in "\n".join(hands.log)
        await hands.until(lambda: "2 looks" in hands.seen("#dataset Static"))

    play(make_run(), start, scenario, (120, 36))


def test_after_a_trip_the_dashboard_says_what_happened_and_asks(
    make_run: MakeRun, start: Start
) -> None:
    async def explode(hands: Hands) -> AfterTrip:
        await hands.press("l")
        await hands.until(lambda: hands.app.screen is not hands.training)
        await hands.type("Input", "300")
        await hands.press("enter")
        await hands.open(AfterTrip)
        screen = hands.app.screen
        assert isinstance(screen, AfterTrip)
        return screen

    async def scenario(hands: Hands) -> None:
        history = hands.training.history
        await hands.press("space")
        await hands.until(lambda: history.step > 300)
        screen = await explode(hands)
        text = str(screen.query_one("#text", Static).render())
        trip = history.trip
        assert trip is not None
        assert f"Step {trip.step:,}" in text
        assert "at rate 300" in text
        assert not history.running
        answers = screen.query_one(OptionList)
        prompts = [str(answers.get_option_at_index(i).prompt) for i in range(answers.option_count)]
        assert prompts[0].startswith("go on at base rate 30,")
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)
        assert history.knobs.learning_rate == 0.1
        assert not history.running
        assert any("guard: the loss" in line for line in hands.log)
        # As it was: it trips again. A tenth of that, and a tenth of that, until it holds.
        await hands.press("space")
        await explode(hands)
        await hands.press("down", "enter")
        await hands.until(partial(has_settled, hands, trip, history.step + 2_000))
        while isinstance(hands.app.screen, AfterTrip):
            trip = history.trip
            await hands.press("enter")
            await hands.until(partial(has_settled, hands, trip, history.step + 2_000))
        assert history.knobs.learning_rate < 300

    constant = {"schedule": "constant", "drops": ()}
    directory = make_run(knobs=constant, settings={"step_limit": 10**9})
    play(directory, start, scenario, (120, 36))
