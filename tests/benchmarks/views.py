"""What one frame of every view costs: processor time from a key that changes it until it is sent.

Of the run in tests/test_golden.py, at 120×36, in one process with its engine; what a key costs that
nobody listens to is taken off. `python -m tests.benchmarks.views`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
from textual.pilot import Pilot

from core.commands import obey
from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.launch import new_run
from core.options import shipped_names
from core.protocol import Shutdown
from core.run import Run
from core.words import read_words
from tests.benchmarks.figure import Figure
from tests.stage import Stage
from tests.test_time_travel import reopened, train
from tests.wire import Wire, play

SIZE, TURNS, MOST = (120, 36), 15, 15.0
OTHERS = 12
DEAF = "f12"
"""A key that nobody listens to."""

VIEWS: dict[str, tuple[tuple[str, ...], tuple[str, str]]] = {
    "cursor in the chart": (("left", "j"), ("left", "right")),
    "zoomed chart": (("z", "z", "z"), ("left_square_bracket", "right_square_bracket")),
    "another unit of time": (("v",), ("z", "Z")),
    "log": (("2",), ("up", "down")),
    "knobs": (("3",), ("down", "up")),
    "schedule": (("h",), ("down", "up")),
    "finder": (("f",), ("left", "right")),
    "inspector": (("i", *"maria"), ("left", "right")),
    "embedding map": (("g",), ("right", "left")),
    "dataset, pairs": (("D", "tab"), ("right", "left")),
    "dataset, words": (("D", "tab", "tab"), ("down", "up")),
    "samples": (("s", "s", "s", "S"), ("down", "up")),
    "snapshots": (("k",), ("down", "up")),
    "restart": (("R",), ("down", "up")),
    "other runs": (("o", "down", "space", "space"), ("down", "up")),
    "help": (("question_mark",), ("down", "up")),
}
"""The keys that lead to a view, and two that change it to and fro."""


def lived(folder: Path) -> Run:
    """A run on the shipped list, with some past, among others."""
    for _ in range(OTHERS):
        other = trained(folder, 1_000)
        obey(other, Shutdown())
        other.close()
    return trained(folder, 5_000)


def trained(folder: Path, steps: int) -> Run:
    """A run on the shipped list, and so many steps of it."""
    words, chosen = read_words(shipped_names()), PRESETS["fast"]
    directory = new_run(
        folder,
        RunConfig(
            created=time.time(),
            version="benchmark",
            preset="fast",
            data=DataConfig(path=str(shipped_names()), sha256=words.sha256),
            model=ModelConfig(initialization=chosen.model.initialization),
            knobs=msgspec.structs.replace(chosen.knobs, batch_size=32),
            settings=msgspec.structs.replace(chosen.settings, evaluation_interval=1_000),
        ),
        words.raw,
    )
    run = reopened(directory)
    train(run, steps)
    return run


def milliseconds(run: Run, way: tuple[str, ...], turn: tuple[str, str]) -> float:
    """Of one frame of a view."""
    app, found = Stage(run), []
    app.driver_class = Wire

    async def cost(pilot: Pilot[None], keys: tuple[str, str]) -> float:
        spent = []
        for number in range(2 * TURNS):
            begun = time.thread_time()
            await pilot.press(keys[number % 2])
            await pilot.pause(0.03)
            spent.append(time.thread_time() - begun)
        return statistics.median(spent)

    async def scenario(pilot: Pilot[None]) -> None:
        while app._training.link != "live":
            await pilot.pause(0.01)
        await pilot.pause(0.5)
        for key in way:
            await pilot.press(key)
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        found.append(1e3 * (await cost(pilot, turn) - await cost(pilot, (DEAF, DEAF))))

    asyncio.run(play(app, scenario, SIZE))
    return found[0]


def figures() -> list[Figure]:
    """The dearest view, and that of the middle; some minute."""
    with tempfile.TemporaryDirectory() as folder:
        run = lived(Path(folder))
        costs = {name: milliseconds(run, *how) for name, how in VIEWS.items()}
        run.close()
    for name, cost in costs.items():
        print(f"  {name:<24} {cost:5.1f} ms")
    dearest = max(costs, key=lambda name: costs[name])
    told = f"{costs[dearest]:.1f} ms ({dearest}); median {statistics.median(costs.values()):.1f}"
    return [
        Figure(
            f"frame of the dearest of {len(VIEWS)} other views",
            told,
            f"at most {MOST:g} ms",
            costs[dearest] <= MOST,
        )
    ]


if __name__ == "__main__":
    for figure in figures():
        print(figure)
