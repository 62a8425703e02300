"""Train without a screen: a client of the same engine that the dashboard uses.

So a run trained here is like any other, and what is measured here is what the dashboard's users
get.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from core.answering import READY_SECONDS
from core.client import Client, EngineGone
from core.config import Level, RunConfig
from core.dataset import Dataset
from core.dials import show
from core.errors import harmless
from core.guard import tenth, trip_text
from core.launch import load_data, start_engine
from core.lineage import settings_after
from core.protocol import (
    AnyCommand,
    AnyEvent,
    Clock,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    Evaluated,
    GuardTripped,
    KnobsChanged,
    Resume,
    RolledBack,
    SettingChanged,
    Shutdown,
    SnapshotTaken,
    Stalled,
    StateChanged,
    StepsDone,
    TestEvaluated,
)
from core.record import NO_ROOM, RunError, output_lost, read_config
from core.stand_ins import give_up_output
from core.units import perplexity, perplexity_text


@dataclass
class Fit:
    """What has been heard of the run so far."""

    step: int = 0
    loss: float = float("nan")
    """Of the minibatches, smoothed for display only."""
    evaluated: Evaluated | None = None
    seconds: float = 0.0
    weights_sha256: str = ""
    finished: bool = False
    tripped: GuardTripped | None = None
    """The guard stopped the run, and went back."""
    guard: str = "stop"
    gave_up: bool = False
    """The guard has acted too often, and only stops now."""
    level: Level = "character"
    news: list[str] = field(default_factory=list)
    """Lines to print, oldest first."""

    def hear(self, event: AnyEvent) -> None:
        """Take in one event."""
        match event:
            case StepsDone():
                column = np.frombuffer(event.loss, "<f4")
                self.step = event.first_step + len(column)
                mean = float(column.mean())
                known = np.isfinite(self.loss)
                self.loss = 0.9 * self.loss + 0.1 * mean if known else mean
            case Evaluated():
                self.evaluated = event
                best = ", best so far" if event.best else ""
                told = f"{_loss(event.dev)}{perplexity_text(event.dev, self.level)}"
                losses = f"train {_loss(event.train)}  dev {told}{best}"
                self.news.append(f"step {event.step:>9,}  {losses}")
            case KnobsChanged():
                for name, (old, new) in event.changes.items():
                    words = name.replace("_", " ")
                    self.news.append(f"step {event.step:>9,}  {words} {show(old)} → {show(new)}")
            case Clock():
                self.seconds = event.seconds
            case SnapshotTaken():
                self.weights_sha256 = event.weights_sha256
            case StateChanged():
                self.finished = event.finished
            case TestEvaluated():
                told = f"test {_loss(event.loss)}{perplexity_text(event.loss, self.level)}"
                told += f" (look {event.looks:,} at the test split)"
                self.news.append(f"step {event.step:>9,}  {told}")
            case GuardTripped():
                self.news.append(f"step {event.step:>9,}  {trip_text(event)}")
                acts = self.guard == "act" and event.to is not None
                self.tripped = None if acts else event
            case RolledBack(reason="guard"):
                changes = event.changes.values()
                rates = "".join(f", on at rate {show(new)}" for _, new in changes)
                self.news.append(f"step {event.before.step:>9,}  back to {event.to.step:,}{rates}")
            case SettingChanged():
                if event.name == "guard":
                    self.guard = str(event.new)
                    self.gave_up = event.old == "act"
                change = f"{event.name.replace('_', ' ')} {show(event.old)} → {show(event.new)}"
                self.news.append(f"step {event.step:>9,}  {change}")
            case RolledBack(reason="resume"):
                self.news.append(
                    f"step {event.step:>9,}  this machine computes otherwise: the run goes on from"
                    f" here, not from {event.before.step:,}"
                )
            case CommandRejected():
                self.news.append(f"refused: {event.reason}")
            case EngineFailed():
                raise EngineGone(f"the engine failed: {event.reason}")
            case Stalled():
                raise RecordStalled(event.reason)
            case EngineStopped():
                self.step = event.step
            case _:
                pass


class RecordStalled(Exception):
    """The engine stands still, since its record cannot be written."""


def train_and_report(
    directory: Path, commands: Sequence[AnyCommand] = (Resume(),), *, as_json: bool
) -> int:
    """Serve the run in `directory` to its end, tell how it goes, and return the exit code.

    `commands` are sent first. 0: finished. 1: the engine was lost, or the guard stopped the run,
    which is saved. 130: stopped by Ctrl-C or SIGTERM, and saved. Raises RunError where the standard
    output has no room; the run is saved then too.
    """
    started = time.monotonic()
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: interrupted.set())
    client = Client(directory, "fit", start_engine(directory))
    try:
        return _train(client, commands, interrupted, started, as_json=as_json)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _end(client)
        give_up_output()
        saved = f"the run is saved, as far as it came, in {directory}"
        raise RunError(f"{output_lost(error)}; {saved}") from None


def _train(
    client: Client,
    commands: Sequence[AnyCommand],
    interrupted: threading.Event,
    started: float,
    *,
    as_json: bool,
) -> int:
    directory = client.directory
    # With --json the standard output is the object's alone.
    console = Console(stderr=as_json, highlight=False)
    config = read_config(directory)
    data = load_data(directory, config)
    fit = Fit(level=config.data.level)
    try:
        attached = client.attach(READY_SECONDS)
        fit.guard = config.settings.guard
        for recorded in attached.events:
            fit.hear(recorded)
        fit.tripped = None
        fit.news.clear()
        fit.step = first = attached.welcome.step
        fit.finished = False
        for command in commands:
            client.send(command)
        limit = settings_after(config.settings, attached.events).step_limit
        with _progress(console, limit) as show_progress:
            for event in until_stopped(client, interrupted, fit):
                fit.hear(event)
                show_progress(fit)
    except RecordStalled as stalled:
        # Nobody is there to say that there is room; what was confirmed is saved.
        _end(client)
        again = f"`steermore resume {directory.name} --headless`"
        print(f"steermore: {stalled}, with {again}", file=sys.stderr)
        return 1
    except (EngineGone, TimeoutError) as error:
        print(f"steermore: {harmless(str(error))}", file=sys.stderr)
        return 1
    finally:
        client.close()
    seconds = fit.seconds - attached.welcome.seconds
    speed = (fit.step - first) / seconds if seconds > 0 else None
    report = _report(fit, config, data, directory.name, time.monotonic() - started, speed)
    if as_json:
        print(json.dumps(report), flush=True)
    else:
        for line in _summary(report, directory, fit):
            console.print(harmless(line), markup=False, soft_wrap=True)
    if fit.tripped and not fit.finished:
        again = show(tenth(fit.tripped.learning_rate))
        way = "" if fit.gave_up else ", or give --guard act"
        print(
            f"steermore: {trip_text(fit.tripped)}, at step {fit.tripped.step:,}; the run is saved"
            f" as it was at step {fit.step:,}. Go on with `steermore resume"
            f" {harmless(str(directory))} --learning-rate {again} --headless`{way}",
            file=sys.stderr,
        )
        return 1
    return 0 if fit.finished else 130


def _end(client: Client) -> None:
    """Have the engine save what can be saved, and wait for its end."""
    if client.process is not None:
        client.process.terminate()
        client.process.wait()


def until_stopped(client: Client, interrupted: threading.Event, fit: Fit) -> Iterator[AnyEvent]:
    """Every event until the engine has stopped, which it is asked to do at the end of the run, or
    where the guard stopped it and has gone back.
    """
    asked = False
    while True:
        for event in client.receive(0.1):
            yield event
            finished = isinstance(event, StateChanged) and event.finished
            lost = isinstance(event, GuardTripped) and event.to is None
            back = isinstance(event, RolledBack) and event.reason == "guard" and fit.tripped
            if (finished or lost or back) and not asked:
                client.send(Shutdown())
                asked = True
            if isinstance(event, EngineStopped):
                return
        if interrupted.is_set() and not asked:
            client.send(Shutdown())
            asked = True


@contextmanager
def _progress(console: Console, limit: int) -> Iterator[Callable[[Fit], None]]:
    """A function that shows how far a Fit has come: a bar on a terminal, lines elsewhere."""
    columns = (
        BarColumn(),
        TextColumn("{task.completed:>9,.0f} of {task.total:,.0f} steps  {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("", total=limit, loss="")
    with bar:

        def show_progress(fit: Fit) -> None:
            while fit.news:
                bar.console.print(harmless(fit.news.pop(0)), markup=False)
            bar.update(task, completed=fit.step, loss=f"loss {fit.loss:.3f}")

        yield show_progress


def _report(
    fit: Fit,
    config: RunConfig,
    data: Dataset,
    run: str,
    wall_seconds: float,
    speed: float | None,
) -> dict[str, Any]:
    """What `--json` prints."""
    # Losses of other weights than those that were saved would be no result of this run.
    last = fit.evaluated if fit.evaluated and fit.evaluated.step == fit.step else None
    words = {"dev_perplexity": perplexity(last.dev if last else None)}
    return {
        "run": run,
        "steps": fit.step,
        "parameters": config.model.parameters(data.vocab_size),
        "examples": {name: split.examples for name, split in data.splits.items()},
        "train_loss": last.train if last else None,
        "dev_loss": last.dev if last else None,
        **(words if fit.level == "word" else {}),
        "seconds": round(fit.seconds, 3),
        "wall_seconds": round(wall_seconds, 3),
        "steps_per_second": None if speed is None else round(speed, 1),
        "weights_sha256": fit.weights_sha256,
    }


def _summary(report: dict[str, Any], directory: Path, fit: Fit) -> Iterator[str]:
    """The report for people."""
    dev = report["dev_loss"]
    yield (
        f"{'finished' if fit.finished else 'stopped'} at step {report['steps']:,}: "
        f"train {_loss(report['train_loss'])}, dev {_loss(dev)}{perplexity_text(dev, fit.level)}, "
        f"{report['parameters']:,} parameters"
    )
    rate = report["steps_per_second"]
    yield f"{report['seconds']:.2f} s inside updates" + (f", {rate:,.0f} steps/s" if rate else "")
    yield f"saved in {directory} (weights {report['weights_sha256'][:12]}…)"
    drawn = "names from it" if fit.level == "character" else "a text from it"
    yield f"draw {drawn}: steermore sample {directory}"


def _loss(loss: float | None) -> str:
    return "not measured" if loss is None else f"{loss:.4f}"
