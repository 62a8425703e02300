"""What watching costs: frames, the dashboard's share of a core, training beside it, keys, memory.

The program runs in a real terminal with its real engine. Where two things are compared they take
turns, and processor time is measured rather than the clock, since other work may share the machine.
`python -m tests.benchmarks.dashboard`
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from core.client import Client, EngineGone
from core.launch import new_run, start_engine
from core.options import shipped_names
from core.protocol import KnobsChanged, Resume, StepsDone
from core.words import read_words
from tests.benchmarks.figure import Figure
from tests.benchmarks.frames import (
    MEMORY_STEPS,
    NO_END,
    UNDOS,
    configuration,
    frame_seconds,
    history_megabytes,
    long_run,
    undone_run,
)
from tests.benchmarks.latency import first_seen
from tests.terminal import PROGRAM, ROOT, Dashboard, Terminal, processes_naming

WINDOW, PAIRS, PRESSES, KEY_SECONDS = 3.0, 7, 100, 0.3
TICKS = os.sysconf("SC_CLK_TCK")


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
        self.changes: list[tuple[float, float]] = []
        """Of each change of knobs: when the engine made it, by the clock on the wall, and when
        that was heard.
        """

    def run(self) -> None:
        with contextlib.suppress(EngineGone):
            while True:
                events = self._client.receive(1)
                now = time.monotonic()
                changes = [event for event in events if isinstance(event, KnobsChanged)]
                self.changes += [(change.time, now) for change in changes]


def press_keys(of: Dashboard) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds from a key to its effect in the engine, to the engine's word of it, and to the
    screen.
    """
    # While a terminal is drawn here, the ear would else wait for the interpreter: 5 ms each time.
    sys.setswitchinterval(1e-4)
    ear = Ear(of.run)
    ear.start()
    made, heard, screen = [], [], []
    for number in range(PRESSES):
        of.pump(random.uniform(0.02, 0.15))
        before, known = of.effective, len(ear.changes)
        begun, clock = time.monotonic(), time.time()
        of.press("+-"[number % 2])
        screen += first_seen(of, begun, KEY_SECONDS, {"": partial(shows_another_rate, before)})
        for change, word in ear.changes[known : known + 1]:
            made.append(1e3 * (change - clock))
            heard.append(1e3 * (word - begun))
    return made, heard, screen


def shows_another_rate(before: float, of: Dashboard) -> bool:
    """Than the one that stood on the screen."""
    return of.effective != before


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
            watched.append(speed(client, partial(drain, opened)))
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
        made, heard, screen = press_keys(of)
        of.press("space")
        of.wait_for("paused")
        drain(of, 2)
        paused = share(of, 2 * WINDOW)
    finally:
        of.close()
    return [
        below("the dashboard's share of a core, training", 100 * training, 15, "%"),
        below("the same, paused", 100 * paused, 1, "%"),
        below("key to its effect in the engine, 99 %", quantile(made, 0.99), 20, "ms"),
        Figure("the same, and the engine's word of it back", f"{quantile(heard, 0.99):.1f} ms"),
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
