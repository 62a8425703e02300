"""What happens in a run, numbered, written down, and only then told.

Losses stream in packed columns some thirty times a second; any event that carries a step first lets
the losses before it go out, so that whoever listens sees everything in order.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.coherence import acts_of
from core.config import RunConfig
from core.lineage import Acts
from core.protocol import (
    Act,
    AnyEvent,
    Clock,
    CommandRejected,
    Point,
    Recorded,
    RolledBack,
    StepsDone,
)
from core.recording import RecordWriter

STREAM_SECONDS = 1 / 30
"""Losses travel to the dashboards no more often than this."""

R = TypeVar("R", bound=Recorded)


class Journal:
    """The one place through which a run speaks: to its record, and to those who listen."""

    def __init__(self, directory: Path, config: RunConfig | None = None) -> None:
        """Takes the run's lock; raises RunError if another engine has it, or if what is recorded
        cannot be of a run with this configuration.
        """
        self.record = RecordWriter(directory)
        events = self.record.events
        self.acts = acts_of(directory, config, events) if config else Acts(events)
        self.seq = events[-1].seq if events else -1
        """Of the last recorded event."""
        self.seconds = max((e.seconds for e in events if isinstance(e, Clock)), default=0.0)
        """Spent inside updates since the run began."""
        self._clock_noted = time.monotonic()
        self._losses: list[np.ndarray] = []
        self._first_step = 0
        self._streamed = time.monotonic()
        self._synced = time.monotonic()
        self._outbox: list[tuple[AnyEvent, str | None]] = []

    def point(self, step: int) -> Point:
        """The place in the run where `step` updates are done and the last act has taken effect."""
        return Point(self.acts.list[-1].seq if self.acts.list else -1, step)

    @property
    def branch(self) -> int:
        """The present branch."""
        return self.acts.branch

    def add(self, kind: type[R], step: int, **fields: Any) -> R:
        """Record an event of this kind as having happened at `step`, then tell everyone."""
        self._stream()
        fields.setdefault("branch", self.branch)
        if issubclass(kind, Act):
            fields.setdefault("before", self.point(step))
        self.seq += 1
        event = kind(seq=self.seq, step=step, time=time.time(), **fields)
        if isinstance(event, Act):
            self.acts.add(event)
        self.record.append(event)  # type: ignore[arg-type]
        self.tell(event)  # type: ignore[arg-type]
        return event

    def roll_back(self, to: Point, left: Point, **fields: Any) -> RolledBack:
        """Begin a new branch from the state of `to`; `left` is the point that is given up."""
        self._stream()
        branch = self.branch + 1
        self.record.begin_branch(branch)
        return self.add(RolledBack, to.step, branch=branch, to=to, before=left, **fields)

    def add_losses(self, first_step: int, losses: np.ndarray) -> None:
        """Record the losses, float32 (updates,), of the updates from `first_step` on."""
        self.record.append_losses(losses.astype("<f4").tobytes())
        if not self._losses:
            self._first_step = first_step
        self._losses.append(losses)
        if time.monotonic() - self._streamed >= STREAM_SECONDS:
            self._stream()

    def note_clock(self, step: int, after: float = 0.0) -> None:
        """Record the seconds inside updates, unless that was done less than `after` seconds ago."""
        now = time.monotonic()
        if now - self._clock_noted >= after:
            self._clock_noted = now
            self.add(Clock, step, seconds=self.seconds)

    def tell(self, event: AnyEvent, to: str | None = None) -> None:
        """Send an event to the client of that name, or to everyone.

        What is recorded goes through `add`.
        """
        self._outbox.append((event, to))

    def reject(self, command: str, id: int, reason: str, client: str | None) -> None:
        """Tell the asker, and nobody else, why a command changed nothing."""
        self.tell(CommandRejected(answers=id, command=command, reason=reason), to=client)

    def take(self) -> list[tuple[AnyEvent, str | None]]:
        """Events to be sent since the last call, each with its addressee (None: everyone)."""
        taken, self._outbox = self._outbox, []
        return taken

    def settle(self) -> None:
        """Let out losses that have waited long enough, and sync the record once a second."""
        now = time.monotonic()
        if now - self._streamed >= STREAM_SECONDS:
            self._stream()
        if now - self._synced >= 1.0:
            self.record.sync()
            self._synced = now

    def flush(self) -> None:
        """Send every loss so far and hand the record to the system, so that others can read it."""
        self._stream()
        self.record.flush()

    def _stream(self) -> None:
        if self._losses:
            losses = np.concatenate(self._losses).astype("<f4")
            self._losses = []
            self.tell(
                StepsDone(
                    branch=self.branch,
                    first_step=self._first_step,
                    loss=losses.tobytes(),
                    seconds=self.seconds,
                )
            )
        self._streamed = time.monotonic()
