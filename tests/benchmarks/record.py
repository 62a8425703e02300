"""What the record costs: training while it is written, and opening a long run again.

Recorded and bare training alternate, and so do a long and a short run, so that a noisy machine
disturbs all alike.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch

from core import catalogue
from core.client import Client, read_run
from core.commands import obey
from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.launch import new_run, start_engine
from core.options import shipped_names
from core.pacing import Pacing
from core.protocol import AnyEvent, EngineStarted, Resume, SetKnobs, Shutdown, Undo
from core.run import Run
from core.trainer import Trainer
from core.words import read_words
from tests.benchmarks.figure import Figure
from tests.benchmarks.rounds import spread
from tui.chart.view import chart_view
from tui.history.history import History

ROUNDS, UPDATES = 60, 2_000
"""Many short rounds rather than few long ones: the machine's own speed wanders by seconds."""

LONG, SHORT = 1_000_000, 1_000
OPENINGS = 5
NEVER = 10**12


def make_run(runs: Path, model: ModelConfig, **changes: dict[str, Any]) -> Path:
    """A run of the lecture's recipe on the shipped list, far from its limit."""
    words, chosen = read_words(shipped_names()), PRESETS["lecture"]
    settings = {"step_limit": NEVER} | changes.get("settings", {})
    config = RunConfig(
        created=time.time(),
        version="benchmark",
        preset="lecture",
        data=DataConfig(path=str(shipped_names()), sha256=words.sha256),
        model=model,
        knobs=msgspec.structs.replace(chosen.knobs, **changes.get("knobs", {})),
        settings=msgspec.structs.replace(chosen.settings, **settings),
    )
    return new_run(runs, config, words.raw)


def drive(run: Run, to: int) -> None:
    """Work as the engine does between two turns of its sockets, until the run is at this step."""
    while run.step < to or run.errand is not None:
        run.work()
        run.journal.settle()
        run.journal.take()


def advance(trainer: Trainer, pacing: Pacing, to: int) -> None:
    """Make the same updates in chunks of the same size, and nothing else."""
    while trainer.step < to:
        before = time.perf_counter()
        trainer.advance(pacing.chunk)
        pacing.did(pacing.chunk, time.perf_counter() - before)


def measure_writing(runs: Path) -> list[Figure]:
    """How much slower a recorded run trains than a trainer alone."""
    run = Run(make_run(runs, ModelConfig(), settings={"evaluation_interval": NEVER}))
    obey(run, Resume())
    alone = Trainer(run.data, run.config.model, run.config.knobs, run.config.seed)
    pacing = Pacing()
    drive(run, UPDATES)
    advance(alone, pacing, UPDATES)
    speeds: dict[str, list[float]] = {"bare": [], "recorded": []}
    outside = []
    for number in range(ROUNDS):
        # Whoever comes first may find another machine than who comes second.
        for name in list(speeds)[:: 1 if number % 2 else -1]:
            first, inside, before = (alone.step, run.step), run.journal.seconds, time.perf_counter()
            if name == "bare":
                advance(alone, pacing, alone.step + UPDATES)
            else:
                drive(run, run.step + UPDATES)
            seconds = time.perf_counter() - before
            speeds[name].append((alone.step + run.step - sum(first)) / seconds)
            if name == "recorded":
                outside.append(100 * (1 - (run.journal.seconds - inside) / seconds))
    run.close()
    pairs = zip(speeds["bare"], speeds["recorded"], strict=True)
    slower = [100 * (bare / recorded - 1) for bare, recorded in pairs]
    return [
        Figure("writing the record: training is slower by", spread(slower, ".1f", " %")),
        Figure(
            "time of a recorded run outside its updates",
            spread(outside, ".1f", " %"),
            "under 2 %",
            statistics.median(outside) < 2,
        ),
    ]


def train_long(runs: Path, steps: int) -> Path:
    """A run of so many steps, steered now and then, of a model so small that it is soon done."""
    small = ModelConfig(embedding_size=2, hidden_size=8)
    run = Run(make_run(runs, small, knobs={"batch_size": 1}))
    obey(run, Resume())
    for part in range(1, 11):
        drive(run, steps * part // 10)
        if part < 10:
            obey(run, SetKnobs(values={"learning_rate": 0.1 - part / 100}))
        if part % 3 == 0:
            drive(run, run.step + steps // 50)
            obey(run, Undo())
    run.end("trained")
    run.close()
    return run.directory


def reopen(directory: Path) -> None:
    """What the engine does once torch is loaded."""
    run = Run(directory)
    while run.errand is not None:
        run.work()
    run.close()


def show(directory: Path) -> None:
    """What the dashboard does before it can show the whole run."""
    found = read_run(directory)
    history = History(found.config)
    history.load(found.events, found.losses, found.welcome, 0.0)
    chart_view(history, 100)
    history.smoothed(0.98)


def attach(directory: Path) -> None:
    """From no process to an engine that can be told to train, and the whole history of its run."""
    process = start_engine(directory)
    client = Client(directory, "benchmark", process)
    events = list[AnyEvent](client.attach(60).events)
    # Welcome may come while the engine still opens the run.
    while not any(isinstance(e, EngineStarted) and e.pid == process.pid for e in events):
        events += client.receive(1)
    client.send(Shutdown())
    process.wait()
    client.close()


def milliseconds(task: Callable[[Path], object], directory: Path) -> float:
    before = time.perf_counter()
    task(directory)
    return (time.perf_counter() - before) * 1e3


def measure_opening(runs: Path) -> list[Figure]:
    """What a run of a million steps takes to be opened, listed and shown."""
    long, short = train_long(runs, LONG), train_long(runs, SHORT)
    tasks: dict[str, Callable[[Path], object]] = {
        "opened by an engine, torch loaded": reopen,
        "read and drawn by the dashboard": show,
        "looked at by the list of runs": catalogue.look,
        "engine started, opened, ended": attach,
    }
    rows = []
    for name, task in tasks.items():
        taken = [(milliseconds(task, long), milliseconds(task, short)) for _ in range(OPENINGS)]
        middle = statistics.median(long for long, _ in taken)
        more = statistics.median(long - short for long, short in taken)
        measured = f"median {middle:.0f} ms, {more:+.0f} ms to a run of {SHORT:,} steps"
        rows.append(Figure(f"a run of {LONG:,} steps: {name}", measured))
    return rows


def figures() -> list[Figure]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        return [*measure_writing(Path(folder)), *measure_opening(Path(folder))]
