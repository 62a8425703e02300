"""How long a person waits: for the first frame, for training, for a key.

The program runs in a real terminal with its real engine and the shipped list. What it writes is
only stamped as it comes and read afterwards, since a screen that is read takes the time that it
measures.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import statistics
import tempfile
import threading
import time
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from core.client import Client, EngineGone
from core.protocol import StepsDone
from tests.benchmarks.figure import Figure
from tests.terminal import Dashboard

STARTS, PRESSES, CHANGES = 5, 20, 4
START_SECONDS, KEY_SECONDS = 10.0, 1.0
WINDOW = 2.0
NO_END = "5000000"

Seen = Callable[[Dashboard], object]
"""Something that is on the screen, or not."""

FIRST_SEEN: Mapping[str, Seen] = {
    "from the command to the first frame": lambda d: "╭─ Dataset" in d.text and "╰" in d.text,
    "from the command to the dataset's figures": lambda d: " words " in d.text,
    "from the command to the first training step": lambda d: d.step > 0,
}
LIMITS = dict(zip(FIRST_SEEN, (600.0, math.inf, 3_000.0), strict=True))
"""What is aimed at, in milliseconds."""


@contextlib.contextmanager
def dashboard() -> Iterator[Dashboard]:
    """The program, freshly started, with runs of its own."""
    with tempfile.TemporaryDirectory() as folder:
        opened = Dashboard(Path(folder) / "runs", "--steps", NO_END)
        try:
            yield opened
        finally:
            opened.close()


def record(of: Dashboard, until: float) -> list[tuple[float, bytes]]:
    """What the program writes until a moment, each piece with the moment of its arrival."""
    chunks = []
    while (left := until - time.monotonic()) > 0:
        if data := of.read(left):
            chunks.append((time.monotonic(), data))
    return chunks


def first_seen(
    of: Dashboard, since: float, seconds: float, what: Mapping[str, Seen]
) -> list[float]:
    """Milliseconds from `since` to the arrival of what made each thing visible; infinite: it never
    was.
    """
    chunks = record(of, since + seconds)
    found = dict.fromkeys(what, math.inf)
    missing = dict(what)
    for arrived, data in chunks:
        of.feed(data)
        for name in [name for name, seen in missing.items() if seen(of)]:
            found[name] = (arrived - since) * 1e3
            del missing[name]
    return list(found.values())


def press(of: Dashboard, key: str, seen: Seen) -> float:
    """Milliseconds from a key to its effect on the screen."""
    # At any moment between two frames, not always at the same.
    of.pump(random.uniform(0.05, 0.25))
    start = time.monotonic()
    of.press(key)
    return first_seen(of, start, KEY_SECONDS, {key: seen})[0]


def change_rate(of: Dashboard, key: str) -> float:
    before = of.effective
    return press(of, key, lambda d: d.effective != before)


def sample(of: Dashboard) -> float:
    before = of.names
    return press(of, "s", lambda d: d.names != before and len(d.names) == 10)


def measure_keys(of: Dashboard) -> dict[str, list[float]]:
    """Milliseconds of every press of every key."""
    taken: dict[str, list[float]] = {"+": [], "-": [], "d": [], "s": []}
    for _ in range(PRESSES):
        for key in "+-":
            taken[key].append(change_rate(of, key))
        taken["d"].append(change_rate(of, "d"))
        for _ in range(3):
            change_rate(of, "+")
        taken["s"].append(sample(of))
    return taken


class Pulse(threading.Thread):
    """Notes when the engine said that it had reached which step."""

    def __init__(self, run: Path) -> None:
        super().__init__(daemon=True)
        self._client = Client(run, "latency")
        self._client.attach(20)
        self.times: list[float] = []
        self.steps: list[int] = []

    def run(self) -> None:
        with contextlib.suppress(EngineGone):
            while True:
                for event in self._client.receive(1):
                    if isinstance(event, StepsDone):
                        self.times.append(time.monotonic())
                        self.steps.append(event.first_step + len(event.loss) // 4)

    def speed(self, first: float, last: float) -> float:
        """Steps a second between two moments."""
        a, b = bisect(self.times, first), bisect(self.times, last) - 1
        return (self.steps[b] - self.steps[a]) / (self.times[b] - self.times[a])


def measure_speed(of: Dashboard) -> list[tuple[float, float]]:
    """Steps a second in the window before and after a change of the rate."""
    pulse = Pulse(of.run)
    pulse.start()
    moments = [time.monotonic()]
    for key in "+-" * CHANGES:
        record(of, moments[-1] + 2 * WINDOW)
        moments.append(time.monotonic())
        of.press(key)
    record(of, moments[-1] + WINDOW + 0.2)
    return [(pulse.speed(at - WINDOW, at), pulse.speed(at, at + WINDOW)) for at in moments[1:]]


def waits(what: str, values: list[float], limit: float = math.inf) -> Figure:
    """A figure of milliseconds, whose median is to be at most `limit`."""
    middle, worst = statistics.median(values), max(values)
    measured = f"median {middle:,.0f} ms, worst {worst:,.0f} ms"
    if limit == math.inf:
        return Figure(what, measured)
    return Figure(what, measured, f"median at most {limit:,.0f} ms", middle <= limit)


def figures() -> list[Figure]:
    """Of several starts and of one long session."""
    with tempfile.TemporaryDirectory() as bytecode, environment(bytecode):
        with dashboard() as warm:
            warm.wait_until_it_trains()
        return measure()


@contextlib.contextmanager
def environment(bytecode: str) -> Iterator[None]:
    """With room for bytecode, which an installed program has, and a checkout may be forbidden."""
    before = dict(os.environ)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = bytecode
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure() -> list[Figure]:
    starts = []
    for _ in range(STARTS):
        with dashboard() as of:
            starts.append(first_seen(of, of.started, START_SECONDS, FIRST_SEEN))
    columns = zip(*starts, strict=True)
    rows = [
        waits(name, list(values), limit)
        for (name, limit), values in zip(LIMITS.items(), columns, strict=True)
    ]
    with dashboard() as of:
        of.wait_until_it_trains()
        for key, taken in measure_keys(of).items():
            rows.append(waits(f"key `{key}` → its effect on the screen, while training", taken))
        changes = [100 * (after / before - 1) for before, after in measure_speed(of)]
        median = statistics.median(changes)
        rows.append(
            Figure(
                "steps a second after a change of the rate, against before",
                f"median {median:+.1f} % ({min(changes):+.1f} to {max(changes):+.1f})",
            )
        )
    return rows
