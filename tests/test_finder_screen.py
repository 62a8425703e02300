"""The finder's screen: asks, draws what comes, suggests, and lets a person pick or leave."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input, Static

from core.dataset import load
from core.protocol import (
    AnyCommand,
    Cancel,
    Cancelled,
    CommandRejected,
    FinderFinished,
    FindLearningRate,
    KnobsChanged,
    LearningRateProbed,
    SetKnobs,
    Shutdown,
)
from core.record import read_config
from core.smoothing import Floats
from core.suggesting import Probes
from tests import quick_engines
from tests.conftest import MakeRun
from tests.test_dashboard import Hands, shown
from tui.app import SteermoreApp
from tui.cells import Cells, Role
from tui.chart.scale import Range
from tui.finder.finding import RULES
from tui.finder.view import CURSOR, SUGGESTION, FinderView, draw, finder_frame, loss_limits
from tui.history.history import History
from tui.reader import News
from tui.screens.finder import Finder
from tui.screens.training import TrainingScreen
from tui.standing import LinkChanged
from tui.widgets.finder_plot import FinderPlot
from tui.widgets.suggestions import Suggestions

SUGGESTED = {"half of the minimum": 0.05, "valley": 0.02, "steepest": 0.004}


def valley(steps: int = 1_000) -> Floats:
    """From 27 down to 3 at rate 0.1, and up to 500 at rate 1, as with the lecture's weights."""
    exponents = np.linspace(-3, 0, steps)
    loss = (
        3 + 24 * np.clip(-(exponents + 1), 0, 2) ** 2 / 4 + 497 * np.clip(exponents + 1, 0, 1) ** 6
    )
    return (loss * np.random.default_rng(0).uniform(0.9, 1.1, steps)).astype(np.float32)


def probed(loss: Floats, first: int = 0) -> LearningRateProbed:
    column = loss.astype("<f4").tobytes()
    return LearningRateProbed(low=1e-3, high=1.0, steps=1_000, first=first, loss=column)


def finished(suggestions: dict[str, float] = SUGGESTED, tried: int = 1_000) -> FinderFinished:
    return FinderFinished(
        seq=1, branch=0, step=0, time=0.0, low=1e-3, high=1.0, steps=1_000, probed=tried,
        suggestions=suggestions,
    )  # fmt: skip


class Bench(App[None]):
    """An app with nothing but a history and the finder; what the engine says is up to the test."""

    class Heard(Message):
        def __init__(self, news: list[News]) -> None:
            super().__init__()
            self.news = news

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history
        self.sent: list[AnyCommand] = []
        self.left_with: list[float | None] = []

    def on_mount(self) -> None:
        self.push_screen(Finder(lambda: self.history, self.send), self.left_with.append)

    def on_bench_heard(self, message: Heard) -> None:
        for item in message.news:
            if isinstance(item, msgspec.Struct):
                self.history.apply(item, 0.0)

    def send(self, command: AnyCommand) -> int:
        self.sent.append(command)
        return len(self.sent)


class Person:
    """Who sits before the bench."""

    def __init__(self, app: Bench, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def hear(self, *news: News, then: str = "✓") -> None:
        """Let the engine say something, and wait until the screen says `then` of the test."""
        self.app.post_message(Bench.Heard(list(news)))
        deadline = time.monotonic() + 20
        while then not in self.says("#state"):
            assert time.monotonic() < deadline, self.says("#state")
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def says(self, selector: str) -> str:
        return shown(self.app.screen.query_one(selector))

    @property
    def view(self) -> FinderView:
        view = self.app.screen.query_one(FinderPlot).view
        assert view is not None
        return view


Scene = Callable[[Person], Awaitable[None]]


@pytest.fixture
def bench(make_run: MakeRun) -> Callable[..., None]:
    """A function that plays a scene on a bench."""

    def play(scene: Scene, size: tuple[int, int] = (120, 36), **knobs: Any) -> None:
        async def show() -> None:
            app = Bench(History(read_config(make_run(knobs=knobs))))
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                async with asyncio.timeout(20):
                    while not (app.sent and "asking" in shown(app.screen.query_one("#state"))):
                        await pilot.pause(0.01)
                await scene(Person(app, pilot))

        asyncio.run(show())

    return play


def test_it_asks_at_once_as_in_the_lecture_and_draws_while_losses_come(
    bench: Callable[..., None],
) -> None:
    async def scene(person: Person) -> None:
        assert person.app.sent == [FindLearningRate(low=1e-3, high=1.0, steps=1_000)]
        assert "asking" in person.says("#state")
        loss = valley()
        await person.hear(probed(loss[:300]), then="300 of 1,000")
        early = person.says("FinderPlot")
        await person.hear(probed(loss[300:600], first=300), then="600 of 1,000")
        assert person.says("FinderPlot") != early
        assert "Escape gives the test up" in person.says("#hint")
        await person.press("enter")
        assert "at work" in person.says("#error")
        assert not person.app.left_with

    bench(scene)


def test_suggestions_are_named_and_marked_and_the_cursor_stands_on_ours(
    bench: Callable[..., None],
) -> None:
    async def scene(person: Person) -> None:
        await person.hear(probed(valley()), finished())
        lines = person.says("Suggestions").splitlines()
        for line, (name, rate) in zip(lines, SUGGESTED.items(), strict=True):
            assert name in line
            assert f"{rate:g}" in line
        assert lines[0].startswith("▸1")
        cells = draw(person.view, 110, 22)
        marked = cells.glyphs[cells.roles == SUGGESTION]
        assert sorted(map(chr, marked)) == ["1", "2", "3"]
        assert person.view.cursor == pytest.approx(0.05)
        await person.press("down")
        assert person.view.cursor == pytest.approx(0.02)
        await person.press("3")
        assert person.view.cursor == pytest.approx(0.004)
        assert "0.004: loss" in person.says("#apply")
        await person.press("enter")
        assert person.app.left_with == [0.004]

    bench(scene)


def test_the_cursor_moves_by_keys_and_by_a_click_and_stays_where_rates_were_tried(
    bench: Callable[..., None],
) -> None:
    async def scene(person: Person) -> None:
        await person.press("right")
        assert person.view.cursor is None
        await person.hear(probed(valley()[:900]), finished(tried=900))
        await person.press("right")
        assert person.view.cursor == pytest.approx(10**-1.25)
        await person.press("right")
        assert person.view.cursor == pytest.approx(10**-1.2)
        await person.press("shift+left")
        assert person.view.cursor == pytest.approx(10**-1.45)
        await person.press("end")
        assert person.view.cursor == pytest.approx(person.view.probes.rates[-1])
        await person.press("right")
        assert person.view.cursor == pytest.approx(person.view.probes.rates[-1])
        await person.press("home")
        assert person.view.cursor == pytest.approx(1e-3)
        plot = person.app.screen.query_one(FinderPlot)
        await person.pilot.click(FinderPlot, offset=(6 + (plot.size.width - 6) // 3, 5))
        await person.pilot.pause()
        assert person.view.cursor == pytest.approx(1e-2, rel=0.1)
        cells = draw(person.view, plot.size.width, plot.size.height)
        assert (cells.roles == CURSOR).any()

    bench(scene)


def test_enter_says_what_a_schedule_makes_of_the_rate(bench: Callable[..., None]) -> None:
    async def scene(person: Person) -> None:
        await person.hear(probed(valley()), finished())
        text = person.says("#apply")
        assert "the base rate 0.2 → 0.05" in text
        assert "factor is 0.25 now: effective rate 0.0125" in text

    bench(scene, learning_rate=0.2, schedule="linear", warmup=4)


def test_another_range_is_checked_and_tried(bench: Callable[..., None]) -> None:
    async def scene(person: Person) -> None:
        await person.hear(probed(valley()), finished())
        low, _, steps = person.app.screen.query(Input)
        low.focus()
        for typed, complaint in (("2", "must be above 2"), ("0", "above 0"), ("e", "number")):
            low.value = typed
            await person.press("enter")
            assert complaint in person.says("#error")
            assert len(person.app.sent) == 1
        low.value, steps.value = "1e-4", "500"
        await person.press("enter")
        assert person.app.sent[1:] == [FindLearningRate(low=1e-4, high=1.0, steps=500)]
        assert person.view.cursor is None
        await person.press("r")
        assert person.app.sent[2:] == [Cancel(), person.app.sent[1]]

    bench(scene)


def test_what_becomes_of_a_test_that_does_not_end_well_is_said(bench: Callable[..., None]) -> None:
    async def scene(person: Person) -> None:
        refusal = CommandRejected(answers=1, command="FindLearningRate", reason="not [now]")
        await person.hear(refusal, then="not done: not [now]")
        await person.press("enter")
        assert "no rate to apply" in person.says("#error")
        await person.press("r")
        given_up = Cancelled(answers=9, what="finding")
        await person.hear(probed(valley()[:200]), given_up, then="given up")
        await person.press("r")
        gone = LinkChanged("gone", "killed by signal 9")
        await person.hear(probed(valley()[:200]), gone, then="killed by signal 9")
        sent = len(person.app.sent)
        await person.press("escape")
        assert person.app.left_with == [None]
        assert len(person.app.sent) == sent

    bench(scene)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36), (200, 60), (20, 6)])
def test_everything_has_its_place(size: tuple[int, int], bench: Callable[..., None]) -> None:
    async def scene(person: Person) -> None:
        await person.hear(probed(valley()), finished())
        if size >= (60, 18):
            for kind in (FinderPlot, Suggestions, Static):
                for widget in person.app.screen.query(kind):
                    assert widget.region.bottom < size[1] or not widget.display
            assert "1" in person.says("FinderPlot")
            assert "Escape leaves" in person.says("#hint")
        await person.press("left", "escape")
        assert person.app.left_with == [None]

    bench(scene, size, schedule="linear", warmup=4)


def drawn(loss: Floats, width: int = 100, height: int = 24, **changes: Any) -> Cells:
    probes = Probes(1e-3, 1.0, 1_000, loss)
    return draw(replace(FinderView(probes, loss_limits(probes, None)), **changes), width, height)


def test_neither_the_first_losses_nor_the_blow_up_flatten_the_valley() -> None:
    loss = valley()
    limits = loss_limits(Probes(1e-3, 1.0, 1_000, loss), None)
    assert limits is not None
    assert limits[0] < 3 < limits[1] < 15
    cells = drawn(loss)
    rows = np.flatnonzero((cells.roles == Role.CURVE).any(axis=1))
    assert np.ptp(rows) > 15
    text = "\n".join(row.tobytes().decode("utf-32-le") for row in cells.glyphs)
    assert "↑ 2" in text
    assert " ↑" in text


def test_only_what_is_finite_is_drawn() -> None:
    nan, inf = float("nan"), float("inf")
    bad = [nan, inf, -inf, 0.0, -1.0, 1e30, -1e30, 1e-30, 3e38]
    columns = [[], [2.5], [nan], [inf], [0.0], [-1.0] * 50, [1e30], bad, bad * 100, [2.5] * 1_000,
               [nan] * 1_000, [*valley()[:500], *bad], [*bad, *valley()[:900]]]  # fmt: skip
    sizes = ((100, 24), (54, 6), (8, 3), (7, 2), (3, 1))
    rates = (0.05, 1e-9, 1e6)
    for column, (width, height) in itertools.product(columns, sizes):
        loss = np.array(column, np.float32)
        cells = drawn(loss, width, height, suggestions=rates, cursor=0.1, present=1e3)
        assert cells.glyphs.shape == (height, width)
    hole = valley()
    hole[400:450] = nan
    cells = drawn(hole)
    columns_of = np.flatnonzero(np.isin(cells.roles, (Role.CURVE, Role.RAW)).any(axis=0))
    assert np.diff(columns_of).max() >= 4


def test_limits_settle_while_losses_come() -> None:
    loss = valley()
    limits: Range | None = None
    seen = set()
    for end in range(10, 1_001, 10):
        limits = loss_limits(Probes(1e-3, 1.0, 1_000, loss[:end]), limits)
        seen.add(limits)
    assert len(seen) < 30
    view = FinderView(Probes(1e-3, 1.0, 1_000, loss), limits)
    assert finder_frame(view, 100, 24) is not None


def test_the_real_engine_is_asked_and_confirms_the_rate(make_run: MakeRun, names: Path) -> None:
    directory = make_run(knobs={"schedule": "constant", "drops": ()})
    engine = quick_engines.start(directory)

    async def show() -> None:
        app = SteermoreApp(directory, load(names, 3, 42), engine=engine)
        async with app.run_test(size=(100, 30)) as pilot:
            hands = Hands(app, pilot)
            await hands.live()
            await hands.until(lambda: "paused" in hands.status)
            await hands.press("f")
            await hands.open(Finder)
            state = app.screen.query_one("#state")
            await hands.until(lambda: "✓" in shown(state))
            listed = app.screen.query_one(Suggestions).listed
            assert [name for name, _ in listed.rates] == list(RULES)
            assert listed.here == 0
            wanted = listed.rates[0][1]
            await hands.press("enter")
            await hands.open(TrainingScreen)
            await hands.until(lambda: hands.training.history.knobs.learning_rate == wanted)
            act = hands.training.history.acts[-1]
            assert isinstance(act, KnobsChanged)
            assert act.changes.keys() == {"learning_rate"}
            assert act.step == 0

            # A long test, left before its end: given up, and the rate as it was.
            await hands.press("f")
            await hands.open(Finder)
            state = app.screen.query_one("#state")
            await hands.until(lambda: "✓" in shown(state))
            *_, steps = app.screen.query(Input)
            steps.focus()
            steps.value = "100000"
            await hands.press("enter")
            await hands.until(lambda: "of 100,000" in shown(state))
            await hands.press("escape")
            await hands.open(TrainingScreen)
            await hands.until(lambda: "finding given up" in hands.log[0])
            assert hands.training.history.acts[-1] is act

            # Somebody else's test: ours is refused, that is said, and theirs is watched.
            app.send(FindLearningRate(steps=100_000))
            # Known before it opens: so what r asks is all that is refused.
            await hands.until(lambda: hands.training.history.finding)
            await hands.press("f")
            await hands.open(Finder)
            await hands.until(lambda: "of 100,000" in shown(app.screen.query_one("#state")))
            await hands.press("r")
            await hands.until(lambda: any("finder" in t.message for t in app._notifications))
            app.send(Cancel())
            await hands.until(lambda: "✗" in shown(app.screen.query_one("#state")))
            await hands.press("escape")
            await hands.open(TrainingScreen)
            app.send(SetKnobs(values={"learning_rate": 0.5}))
            await hands.until(lambda: hands.training.history.knobs.learning_rate == 0.5)
            app.send(Shutdown())

    try:
        asyncio.run(show())
    finally:
        engine.terminate()
        engine.wait(60)
