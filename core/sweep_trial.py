"""Train the run of one trial to its end, and say how it ended.

An ordinary run with an ordinary engine, of which this is a client as `fit` is: so it can be
watched, steered, resumed, forked and replayed like any other. Nothing of Optuna here.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.answering import READY_SECONDS
from core.client import Client, EngineGone
from core.errors import harmless
from core.fit import until_stopped
from core.fit_report import Fit, RecordStalled
from core.guard import trip_text
from core.launch import start_engine
from core.protocol import (
    Act,
    AnyEvent,
    CommandRejected,
    EngineStopped,
    Evaluate,
    Evaluated,
    Resume,
    RunOpened,
)
from core.record import RunError

Outcome = Literal["finished", "pruned", "diverged", "failed", "interrupted", "steered"]
ENDING_SECONDS = 30.0
"""What an engine that has said its last word is given to end."""


@dataclass(frozen=True)
class Ending:
    """How a trial ended."""

    outcome: Outcome
    dev: float | None = None
    """The lowest dev loss on the way, as the list of runs shows it."""
    why: str = ""


class Course:
    """One trial on its way: what was heard, and what that means for it."""

    def __init__(self, report: Callable[[int, float], bool], max_seconds: float | None) -> None:
        """`report` is told each dev loss with its step, and says whether the trial is to end."""
        self._report = report
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self.late = False
        """Its time is over; dev is measured once more."""
        self.over = threading.Event()
        """It is to be stopped and saved."""
        self.devs: dict[int, float] = {}
        self.early: Ending | None = None
        """Why it ends before its last step, if it does."""

    def hear(self, event: AnyEvent) -> None:
        """Take in one event."""
        match event:
            case Evaluated(dev=None):
                self._end(Ending("diverged", self.best, f"dev is no number at step {event.step:,}"))
            case Evaluated(step=step, dev=float(dev)) if step > max(self.devs, default=-1):
                self.devs[step] = dev
                if self._report(step, dev):
                    why = f"worse than the median at step {step:,}"
                    self._end(Ending("pruned", self.best, why))
                elif self.late:
                    self._end(Ending("finished", self.best, f"its time was over at step {step:,}"))
            case CommandRejected() if self.late:
                self._end(Ending("finished", self.best, "its time was over"))
            case Act(by="person" | "command line") if not isinstance(event, RunOpened):
                # Its loss says nothing about the values that it began with any more.
                why = f"steered by hand at step {event.step:,}; the run goes on"
                self._end(Ending("steered", self.best, why))
            case _:
                pass

    @property
    def is_late(self) -> bool:
        """Whether its time is over and nothing was done about that yet."""
        past = self._deadline is not None and time.monotonic() > self._deadline
        return past and not self.late and not self.over.is_set()

    @property
    def best(self) -> float | None:
        """The lowest dev loss so far."""
        return min(self.devs.values(), default=None)

    def _end(self, ending: Ending) -> None:
        self.early = self.early or ending
        self.over.set()


def train(
    directory: Path,
    report: Callable[[int, float], bool],
    stop: threading.Event,
    max_seconds: float | None = None,
) -> Ending:
    """Serve the run in `directory` to its end, or until `stop` or `report` says so.

    Raises RunError where the record cannot be written: then no other trial could be either.
    """
    client = Client(directory, "sweep", start_engine(directory))
    fit = Fit()
    try:
        client.attach(READY_SECONDS)
        client.send(Resume())
        course = Course(report, max_seconds)
        for event in until_stopped(client, course.over, fit):
            fit.hear(event)
            course.hear(event)
            if course.early is not None and course.early.outcome == "steered":
                return course.early
            if course.is_late:
                course.late = True
                client.send(Evaluate())
            if stop.is_set():
                course.over.set()
            if isinstance(event, EngineStopped):
                break
    except RecordStalled as stalled:
        _terminate(client)
        raise RunError(f"run {directory.name}: {stalled}") from None
    except (EngineGone, TimeoutError) as error:
        _terminate(client)
        return Ending("failed", None, harmless(str(error)))
    except BaseException:
        # The study cannot be told, say: what nobody waits for is not to be trained.
        _terminate(client)
        raise
    finally:
        client.close()
    _wait(client)
    return _ending(fit, course, stop)


def _terminate(client: Client) -> None:
    assert client.process is not None
    client.process.terminate()
    _wait(client)


def _wait(client: Client) -> None:
    assert client.process is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.process.wait(ENDING_SECONDS)


def _ending(fit: Fit, course: Course, stop: threading.Event) -> Ending:
    if fit.tripped is not None and not fit.finished:
        why = f"{trip_text(fit.tripped)}, at step {fit.tripped.step:,}"
        return Ending("diverged", course.best, why)
    early = course.early
    if early is not None and not (early.outcome == "pruned" and fit.finished):
        ending = early
    elif fit.finished:
        # Perhaps while it was being decided that it was to end.
        ending = Ending("finished", course.best)
    elif stop.is_set():
        return Ending("interrupted", course.best, f"the sweep was ended at step {fit.step:,}")
    else:
        return Ending("steered", course.best, f"stopped by hand at step {fit.step:,}")
    if ending.outcome == "finished" and ending.dev is None:
        return Ending("failed", None, "dev was never measured; give more time, or --steps")
    return ending
