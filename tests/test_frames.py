"""What a frame costs: where nothing changed, nothing; and what the dashboard says of it itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyte
import pytest
from textual.app import App, ComposeResult
from textual.driver import Driver
from textual.pilot import Pilot
from textual.screen import Screen

from core.dataset import Dataset, load
from core.protocol import Clock, Heartbeat
from tests.conftest import Engine, MakeRun
from tests.test_chart import falling, view_of
from tests.test_history import act, config, running, steps
from tests.wire import Wire, play, wire_of
from tui.app import SteermoreApp
from tui.chart.axis import Axis
from tui.chart.look import Look
from tui.chart.view import ChartView
from tui.cost import AFFORDABLE, FEWEST_FRAMES, FRAMES, Cost, cost_text
from tui.mailbox import Mailbox
from tui.screens.training import TrainingScreen
from tui.standing import LinkChanged
from tui.widgets.chart import LossChart
from tui.widgets.cost_line import CostLine


class Watching(App[None]):
    """The screen of a run without an engine: the test says what is heard."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(driver_class=Wire)
        self.training = TrainingScreen(config(), dataset)

    def get_default_screen(self) -> Screen[None]:
        return self.training


class Dashboard(SteermoreApp):
    def get_driver_class(self) -> type[Driver]:
        return Wire


class Chart(App[None]):
    """Nothing but the chart."""

    def compose(self) -> ComposeResult:
        yield LossChart()


@pytest.fixture
def dataset(names: Path) -> Dataset:
    return load(names, 3)


async def until(pilot: Pilot[None], true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        await pilot.pause(0.01)


async def quiet(pilot: Pilot[None], wire: Wire) -> None:
    """Until nothing has been sent for half a second, and through as many turns of the loop: while
    a busy machine lets nobody turn, nothing is sent either.
    """
    sent, turns = -1, 0
    deadline = time.monotonic() + 20
    while turns < 25:
        assert time.monotonic() < deadline
        turns = turns + 1 if wire.sent == sent else 0
        sent = wire.sent
        await pilot.pause(0.02)


async def something_more(pilot: Pilot[None], wire: Wire) -> None:
    sent = wire.sent
    await until(pilot, lambda: wire.sent > sent)
    await pilot.pause()


async def one_frame(pilot: Pilot[None], training: TrainingScreen) -> None:
    drawn = training.cost.drawn
    await until(pilot, lambda: training.cost.drawn > drawn)
    await pilot.pause()


Scenario = Callable[[Pilot[None], TrainingScreen, Wire], Awaitable[None]]


def on_screen(dataset: Dataset, scenario: Scenario) -> None:
    """Let a scenario play on the screen of a run, once it stands still."""
    app = Watching(dataset)

    async def begin(pilot: Pilot[None]) -> None:
        training = app.training
        await until(pilot, lambda: training.is_mounted and training.query_one(LossChart).plot_width)
        training.take_link(LinkChanged("live"))
        training.take([running(False), steps(0, falling(3_100).tolist())])
        await one_frame(pilot, training)
        await quiet(pilot, wire_of(app))
        await scenario(pilot, training, wire_of(app))

    asyncio.run(play(app, begin))


def test_a_frame_in_which_nothing_changed_paints_nothing(dataset: Dataset) -> None:
    async def scenario(pilot: Pilot[None], training: TrainingScreen, wire: Wire) -> None:
        sent = wire.sent
        for seq in range(3):
            # It tells nothing that is to be seen.
            training.take([Clock(seq=9 + seq, branch=0, step=3_100, time=0.0, seconds=1.0)])
            await one_frame(pilot, training)
        assert wire.sent == sent, wire.newest

    on_screen(dataset, scenario)


def test_a_frame_of_some_more_losses_paints_little_of_the_screen(dataset: Dataset) -> None:
    async def scenario(pilot: Pilot[None], training: TrainingScreen, wire: Wire) -> None:
        sent = wire.sent
        training.refresh()
        await something_more(pilot, wire)
        await quiet(pilot, wire)
        whole, sent = wire.sent - sent, wire.sent
        training.take([steps(3_100, falling(3_100)[-20:].tolist())])
        await one_frame(pilot, training)
        assert 0 < wire.sent - sent < whole / 4

    on_screen(dataset, scenario)


def test_a_heartbeat_of_a_paused_run_draws_no_frame(dataset: Dataset) -> None:
    async def scenario(pilot: Pilot[None], training: TrainingScreen, wire: Wire) -> None:
        drawn, turns = training.cost.drawn, training.cost.turns
        training.take([Heartbeat(step=3_100, running=False)])
        await until(pilot, lambda: training.cost.turns >= turns + 5)
        assert training.cost.drawn == drawn

    on_screen(dataset, scenario)


async def live(app: Dashboard, pilot: Pilot[None]) -> TrainingScreen:
    """The screen of a run, once its engine answers."""
    training = app.screen_stack[0]
    assert isinstance(training, TrainingScreen)
    await until(pilot, lambda: training.link == "live")
    return training


def test_a_paused_dashboard_sends_nothing_for_a_second_of_frames(
    make_run: MakeRun, start: Callable[[Path], Engine], dataset: Dataset
) -> None:
    engine = start(make_run())
    app = Dashboard(engine.directory, dataset)

    async def scenario(pilot: Pilot[None]) -> None:
        training = await live(app, pilot)
        await quiet(pilot, wire_of(app))
        sent, turns = wire_of(app).sent, training.cost.turns
        # The engine's heart beats meanwhile.
        await until(pilot, lambda: training.cost.turns >= turns + FRAMES + 2)
        assert wire_of(app).sent == sent

    asyncio.run(play(app, scenario))


def test_what_was_painted_in_parts_is_what_is_painted_as_a_whole() -> None:
    """Of a curve that grows, with other titles, limits, marks and dots now and then."""
    app, loss = Chart(driver_class=Wire), falling(6_000)

    def changes() -> Iterator[ChartView]:
        for number, known in enumerate(range(100, 6_000, 150)):
            view = view_of(loss[:known], axis=Axis(0, 6_000), subtitle=f"minibatch {known}")
            if number % 5 == 4:
                view = replace(view, look=Look(log_y=True), title=f"Loss {number}")
            if number % 3:
                view = replace(view, marks=((known // 2, f"rate {number}"),), dev=((known, 2.5),))
            if number % 7 == 6:
                view = replace(view, y_limits=(0.5, 3.0), references=((2.0, "uniform"),))
            yield view

    async def scenario(pilot: Pilot[None]) -> None:
        chart, wire = app.query_one(LossChart), wire_of(app)
        wire.screen = pyte.Screen(90, 24)
        app.refresh()
        await quiet(pilot, wire)
        for view in changes():
            chart.view = view
            await something_more(pilot, wire)
            parts = seen(wire.screen)
            chart.refresh()
            await something_more(pilot, wire)
            assert seen(wire.screen) == parts

    asyncio.run(play(app, scenario, (90, 24)))


def seen(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Every cell, with its colours."""
    rows = range(screen.lines)
    return [[tuple(screen.buffer[y][x]) for x in range(screen.columns)] for y in rows]


def test_C_says_what_the_dashboard_costs_and_says_it_no_more(
    make_run: MakeRun, start: Callable[[Path], Engine], dataset: Dataset
) -> None:
    engine = start(make_run())
    app = Dashboard(engine.directory, dataset)

    async def scenario(pilot: Pilot[None]) -> None:
        training = await live(app, pilot)
        line = training.query_one(CostLine)
        assert not line.display
        await pilot.press("C")
        await pilot.press("space")
        await until(pilot, lambda: training.cost.frame)
        await until(pilot, lambda: "ms" in line.text and "– ms" not in line.text)
        assert line.display
        assert "% of a core" in line.text
        assert "in updates" in line.text
        await pilot.press("C")
        await until(pilot, lambda: not line.display)

    asyncio.run(play(app, scenario))


def test_shares_are_taken_of_the_last_seconds() -> None:
    cost = Cost()
    for tick in range(100):
        now = tick / FRAMES
        # Idle for long, then busy.
        used = max(now - 8, 0) * 0.25
        cost.tick(now, used, now * 0.9)
        if tick % 2:
            cost.draws(now, used)
            cost.took(0.012)
    assert cost.share == pytest.approx(0.25)
    assert cost.training == pytest.approx(0.9)
    assert cost.frames_per_second == pytest.approx(FRAMES / 2, rel=0.1)
    told = "dashboard: frame 12.0 ms · 4 frames/s · 25 % of a core"
    assert cost_text(cost, running=False) == told
    assert cost_text(cost, running=True) == f"{told} · engine: 90 % of its time in updates"
    assert cost_text(Cost(), running=False).startswith("dashboard: frame – ms")


def test_a_dear_frame_is_followed_by_a_pause_and_a_cheap_one_is_not() -> None:
    cost, beat = Cost(), 1 / FRAMES
    assert cost.affords(0.0, 5.0)
    cost.draws(0.0, 5.0)
    assert cost.affords(beat, 5.0 + 0.9 * AFFORDABLE * beat)
    assert not cost.affords(beat, 5.0 + 1.1 * AFFORDABLE * beat)
    assert cost.affords(1 / FEWEST_FRAMES, 50.0)


def test_what_flows_waits_in_the_mailbox_and_nothing_overtakes() -> None:
    box = Mailbox()
    first, second, third = steps(0, [1.0]), act(1, learning_rate=(0.1, 0.2)), steps(1, [2.0])
    assert not box.put([first])
    assert box.put([second, third])
    assert [event for _, event in box.take_flow()] == [first]
    assert box.take_flow() == []
    assert box.take() == [second, third]
    assert box.take() == []
    assert not box.put([third])
    assert [event for _, event in box.take_flow()] == [third]
