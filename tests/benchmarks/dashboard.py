"""What watching costs: frames, the dashboard's share of a core, training beside it, keys, memory.

The program runs in a real terminal with its real engine. Where two things are compared they take
turns, and processor time is measured rather than the clock, since other work may share the machine.
`python -m tests.benchmarks.dashboard`
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from core.client import Client, EngineGone
from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.dataset import load
from core.launch import new_run, start_engine
from core.options import shipped_names
from core.protocol import AnyEvent, KnobsChanged, Point, Resume, RolledBack, StateChanged, StepsDone
from core.words import read_words
from tests.benchmarks.figure import Figure
from tests.benchmarks.latency import first_seen, record
from tests.terminal import PROGRAM, ROOT, Dashboard, Terminal, processes_naming
from tests.wire import Wire, play
from tui.chart_view import chart_view
from tui.history import History
from tui.screens.training import TrainingScreen

NO_END = 10**9
LONG, UNDOS, MEMORY_STEPS = 1_000_000, 100, 10_000_000
FRAMES_TIMED = 30
WINDOW, PAIRS, PRESSES, KEY_SECONDS = 3.0, 7, 100, 0.3
TICKS = os.sysconf("SC_CLK_TCK")


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


# --- frames and memory, in this process ----------------------------------------------------------


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
        fields = {"branch": branch, "step": step, "time": 0.0, "before": Point(newest, step)}
        yield KnobsChanged(seq=seq, changes={"learning_rate": (0.1, 0.01)}, **fields)
        yield steps(history, 1_000)
        fields |= {"branch": branch + 1, "before": Point(seq, history.step)}
        yield RolledBack(seq=seq + 1, to=Point(newest, step), reason="undo", **fields)
        newest = seq + 1


class Watching(App[None]):
    """The screen of a run whose losses the benchmark makes up."""

    def __init__(self) -> None:
        super().__init__(driver_class=Wire)
        self.training = TrainingScreen(configuration(), load(shipped_names(), 3))

    def get_default_screen(self) -> Screen[None]:
        return self.training


def frame_seconds(lived: Callable[[History], Iterator[AnyEvent]]) -> float:
    """Processor time of a frame at 120×36 with such a past, from the first look to the last byte."""
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


# --- the program in a terminal -------------------------------------------------------------------


def used(process: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def share(of: Terminal, seconds: float) -> float:
    """Of a core that the dashboard takes while its output is read."""
    before, begun = used(of.process.pid), time.monotonic()
    drain(of, seconds)
    return (used(of.process.pid) - before) / (time.monotonic() - begun)


def drain(of: Terminal, seconds: float) -> None:
    """Read what the program writes, and forget it."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        of.read(left)


class Ear(threading.Thread):
    """Hears what the engine says, and when."""

    def __init__(self, run: Path) -> None:
        super().__init__(daemon=True)
        self._client = Client(run, "benchmark")
        self._client.attach(20)
        self.changes: list[float] = []
        """When the engine told of a change of knobs."""

    def run(self) -> None:
        with contextlib.suppress(EngineGone):
            while True:
                events = self._client.receive(1)
                now = time.monotonic()
                self.changes += [now for event in events if isinstance(event, KnobsChanged)]


def press_keys(of: Dashboard) -> tuple[list[float], list[float]]:
    """Milliseconds from a key to the engine's word of it, and to the screen."""
    ear = Ear(of.run)
    ear.start()
    engine, screen = [], []
    for number in range(PRESSES):
        of.pump(random.uniform(0.02, 0.15))
        before, heard, begun = of.effective, len(ear.changes), time.monotonic()
        of.press("+-"[number % 2])
        screen += first_seen(of, begun, KEY_SECONDS, {"": lambda d, b=before: d.effective != b})
        engine += [1e3 * (moment - begun) for moment in ear.changes[heard : heard + 1]]
    return engine, screen


def speeds(runs: Path) -> tuple[list[float], list[float]]:
    """Steps a second of one engine, without and with a dashboard beside it, by turns."""
    config = configuration()
    directory = new_run(runs, config, read_words(shipped_names()).raw)
    process = start_engine(directory)
    client = Client(directory, "benchmark", process)
    client.attach(60)
    client.send(Resume())
    alone, watched = [], []
    try:
        reached(client)
        for _ in range(PAIRS):
            alone.append(speed(client, time.sleep))
            opened = Terminal(
                [*PROGRAM, "attach", str(directory)], environment={"PYTHONPATH": str(ROOT)}
            )
            opened.wait_for("▶ training", 30)
            drain(opened, 1)
            watched.append(speed(client, lambda seconds, of=opened: drain(of, seconds)))
            opened.close()
    finally:
        client.close()
        for pid in processes_naming(directory.resolve()):
            os.kill(pid, 9)
        process.wait()
    return alone, watched


def speed(client: Client, wait: Callable[[float], None]) -> float:
    """Steps a second while we wait."""
    step, begun = reached(client), time.monotonic()
    wait(WINDOW)
    return (reached(client) - step) / (time.monotonic() - begun)


def reached(client: Client) -> int:
    """The step at which the engine is now."""
    while True:
        events = client.receive(1)
        ends = [e.first_step + len(e.loss) // 4 for e in events if isinstance(e, StepsDone)]
        if ends:
            return ends[-1]


# --- figures -------------------------------------------------------------------------------------


def quantile(values: list[float], part: float) -> float:
    """The value below which that part of them lies."""
    return float(np.quantile(values, part))


def below(what: str, value: float, limit: float, unit: str, form: str = ".1f") -> Figure:
    """A figure that is not to exceed a limit."""
    return Figure(what, f"{value:{form}} {unit}", f"at most {limit:g} {unit}", value <= limit)


def frame_figures() -> list[Figure]:
    """How long a frame takes."""
    pasts = {"a million steps of history": long_run, f"{UNDOS} undos behind it": undone_run}
    return [
        below(f"frame at 120×36, {past}", 1e3 * frame_seconds(lived), 15, "ms")
        for past, lived in pasts.items()
    ]


def terminal_figures(runs: Path) -> list[Figure]:
    """The dashboard's share of a core, and its keys."""
    of = Dashboard(runs / "shown", "--steps", str(NO_END))
    try:
        of.wait_until_it_trains()
        drain(of, 2)
        training = share(of, 3 * WINDOW)
        engine, screen = press_keys(of)
        of.press("space")
        of.wait_for("paused")
        drain(of, 2)
        paused = share(of, 2 * WINDOW)
    finally:
        of.close()
    return [
        below("the dashboard's share of a core, training", 100 * training, 15, "%"),
        below("the same, paused", 100 * paused, 1, "%"),
        below("key to the engine and back, 99 %", quantile(engine, 0.99), 20, "ms"),
        below("key to the screen, 99 %", quantile(screen, 0.99), 100, "ms", ".0f"),
    ]


def speed_figure(runs: Path) -> Figure:
    """How fast training is with the dashboard open."""
    alone, watched = speeds(runs)
    ratios = [100 * with_it / without for without, with_it in zip(alone, watched, strict=True)]
    middle = statistics.median(ratios)
    spread = f"{middle:.0f} % ({min(ratios):.0f} to {max(ratios):.0f})"
    return Figure("training speed with it open, of without", spread, "at least 95 %", middle >= 95)


def memory_figure() -> Figure:
    """What a long history takes."""
    # Two columns of float32, losses and averages, and a little to draw with.
    bound = 2 * 4 * MEMORY_STEPS / 1e6 + 10
    return below(f"memory of {MEMORY_STEPS:,} steps", history_megabytes(), bound, "MB", ".0f")


def figures() -> list[Figure]:
    """All of them; some two minutes."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        found = [memory_figure(), *frame_figures(), *terminal_figures(runs)]
        return [*found, speed_figure(runs / "speeds")]


def main() -> None:
    """Print them."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for figure in figures():
        verdict = {True: "holds", False: "MISSED", None: ""}[figure.holds]
        print(f"{figure.what:<46} {figure.measured:>20}   {figure.goal:<16} {verdict}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
