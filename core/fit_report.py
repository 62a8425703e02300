"""What is heard of a run that trains without a screen, and how it is told: lines as it goes, and a
report at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from core.client import EngineGone
from core.config import Level, RunConfig
from core.dataset import Dataset
from core.dials import show
from core.errors import harmless
from core.guard import tenth, trip_text
from core.protocol import (
    AnyEvent,
    Clock,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    Evaluated,
    GuardTripped,
    KnobsChanged,
    RolledBack,
    SettingChanged,
    SnapshotTaken,
    Stalled,
    StateChanged,
    StepsDone,
    TestEvaluated,
)
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
                    # Where a person does so, a client is named.
                    self.gave_up = event.old == "act" and not event.client
                change = f"{event.name.replace('_', ' ')} {show(event.old)} → {show(event.new)}"
                self.news.append(f"step {event.step:>9,}  {change}")
            case RolledBack(reason="resume"):
                where = "" if event.differs is None else f" the loss of step {event.differs:,}"
                knobs = ", ".join(
                    f"{name.replace('_', ' ')} {show(old)} → {show(new)}"
                    for name, (old, new) in event.changes.items()
                )
                self.news.append(
                    f"step {event.step:>9,}  this machine computes{where} otherwise: the run goes"
                    f" on from step {event.step:,}, not from {event.before.step:,}"
                    + (f", with the knobs of there: {knobs}" if knobs else "")
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


@contextmanager
def progress(console: Console, limit: int) -> Iterator[Callable[[Fit], None]]:
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


def report_of(
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


def summary(report: dict[str, Any], directory: Path, fit: Fit) -> Iterator[str]:
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


def trip_report(trip: GuardTripped, fit: Fit, directory: Path) -> str:
    """Why the guard stopped the run, and how to go on."""
    again = f"{tenth(trip.learning_rate):g}"
    way = "" if fit.gave_up else ", or give --guard act"
    return (
        f"{trip_text(trip)}, at step {trip.step:,}; the run is saved as it was at step"
        f" {fit.step:,}. Go on with `steermore resume {harmless(str(directory))} --learning-rate"
        f" {again} --headless`{way}"
    )


def _loss(loss: float | None) -> str:
    return "not measured" if loss is None else f"{loss:.4f}"
