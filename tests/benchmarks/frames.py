"""Frames and memory of a dashboard whose losses are made up, so that a long past is soon there."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.dataset import load
from core.options import shipped_names
from core.protocol import AnyEvent, Point, StateChanged, StepsDone
from core.words import read_words
from tests.test_history import act, back
from tests.wire import Wire, play
from tui.chart.view import chart_view
from tui.history.history import History
from tui.screens.training import TrainingScreen

NO_END = 10**9
LONG, UNDOS, MEMORY_STEPS = 1_000_000, 100, 10_000_000
FRAMES_TIMED = 30


def configuration() -> RunConfig:
    """The lecture's recipe on the shipped list, without an end."""
    words, chosen = read_words(shipped_names()), PRESETS["lecture"]
    return RunConfig(
        created=time.time(),
        version="benchmark",
        preset="lecture",
        data=DataConfig(path=str(shipped_names()), sha256=words.sha256),
        model=ModelConfig(),
        knobs=chosen.knobs,
        settings=msgspec.structs.replace(chosen.settings, step_limit=NO_END),
    )


def losses(first: int, count: int) -> np.ndarray:
    """As a run of the lecture has them."""
    at = np.arange(first, first + count)
    noise = np.random.default_rng(first).normal(0, 0.2, count)
    return (2.1 + 25 * np.exp(-at / 800) + np.exp(-at / 3e4) + noise).astype("<f4")


def steps(history: History, count: int) -> StepsDone:
    """The next updates of the present branch."""
    column = losses(history.step, count).tobytes()
    return StepsDone(
        branch=history.branch, first_step=history.step, loss=column, seconds=history.step / 1e4
    )


def long_run(history: History) -> Iterator[AnyEvent]:
    """A million steps."""
    for _ in range(20):
        yield steps(history, LONG // 20)


def undone_run(history: History) -> Iterator[AnyEvent]:
    """The rate changed and changed back by undo, a hundred times."""
    newest = -1
    for number in range(UNDOS):
        yield steps(history, 1_000)
        step, branch, seq = history.step, history.branch, 2 * number + 2
        change = act(step, seq=seq, after=newest, learning_rate=(0.1, 0.01))
        yield msgspec.structs.replace(change, branch=branch)
        yield steps(history, 1_000)
        yield back(Point(newest, step), Point(seq, history.step), seq + 1, branch + 1)
        newest = seq + 1


class Watching(App[None]):
    """The screen of a run whose losses the benchmark makes up."""

    def __init__(self) -> None:
        super().__init__(driver_class=Wire)
        self.training = TrainingScreen(configuration(), load(shipped_names(), 3))

    def get_default_screen(self) -> Screen[None]:
        return self.training


def frame_seconds(lived: Callable[[History], Iterator[AnyEvent]]) -> float:
    """Processor time of a frame at 120×36 with such a past, until it is sent."""
    app, found = Watching(), []

    async def scenario(pilot: Pilot[None]) -> None:
        training = app.training
        training.take([StateChanged(seq=1, branch=0, step=0, time=0.0, running=True)])
        for event in lived(training.history):
            training.history.apply(event, time.monotonic())
        training.action_toggle_cost()
        begun = training.cost.drawn
        while training.cost.drawn < begun + FRAMES_TIMED + 5:
            training.take([steps(training.history, 300)])
            await pilot.pause(0.03)
        found.append(training.cost.frame)

    asyncio.run(play(app, scenario))
    assert found[0] is not None
    return float(found[0])


def resident() -> float:
    """MB of this process that lie in memory."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def history_megabytes() -> float:
    """What a history of ten million steps takes, drawn as it grows."""
    history = History(configuration())
    history.apply(steps(history, 20_000), 0.0)
    view = chart_view(history, 80)
    before, most = resident(), 0.0
    while history.step < MEMORY_STEPS:
        history.apply(steps(history, 20_000), 0.0)
        view = chart_view(history, 80, previous=view)
        most = max(most, resident())
    return most - before
