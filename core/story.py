"""What led to a run's present weights, update by update, as its record tells it.

For those who read a run in order and as a whole, in pieces, so that a million updates need no more
memory than some thousands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.coherence import acts_of
from core.config import Knobs, RunConfig
from core.lineage import Acts, Lineage, Stretch
from core.protocol import AnyRecorded, Point, Recorded
from core.record import RunError, column_path, read_config, read_events, read_losses
from core.schedule import factor

PIECE = 65_536
"""Updates that are in memory at a time."""


@dataclass(frozen=True)
class Story:
    """All that is recorded of a run, and the lineage that led to its weights."""

    directory: Path
    config: RunConfig
    events: tuple[AnyRecorded, ...]
    acts: Acts
    path: Lineage

    @property
    def step(self) -> int:
        """Updates done."""
        return self.path[-1].end

    @property
    def point(self) -> Point:
        """The present state."""
        return Point(self.path[-1].act.seq, self.step)

    @cached_property
    def _by_act(self) -> dict[int, Stretch]:
        return {stretch.act.seq: stretch for stretch in self.path}

    def on_lineage(self, event: Recorded) -> bool:
        """Whether the present weights came by the state in which this happened."""
        point = self.acts.point_of(event)
        stretch = self._by_act.get(point.seq)
        return stretch is not None and stretch.start <= point.step <= stretch.end

    def pieces(self) -> Iterator[Piece]:
        """Every update of the lineage in order."""
        return pieces(self.directory, self.acts, self.path)


def pieces(directory: Path, acts: Acts, path: Lineage) -> Iterator[Piece]:
    """Every update of `path` in order."""
    for stretch in path:
        begin = acts.first_step(stretch.branch)
        for first in range(stretch.start, stretch.end, PIECE):
            steps = range(first, min(first + PIECE, stretch.end))
            yield Piece(directory, stretch, begin, steps)


@dataclass(frozen=True)
class Piece:
    """Some consecutive updates under the same knobs."""

    directory: Path
    stretch: Stretch
    begin: int
    """The step of the first state of their branch."""
    steps: range
    """The states that they lead from."""

    @property
    def knobs(self) -> Knobs:
        """In force for all of them."""
        return self.stretch.knobs

    @cached_property
    def losses(self) -> np.ndarray:
        """float32 (updates,); NaN also where a crash cost one."""
        losses = np.full(len(self.steps), np.nan, "<f4")
        first = self.steps.start - self.begin
        known = read_losses(self.directory, self.stretch.branch, first, len(losses))
        losses[: len(known)] = known
        return losses

    @cached_property
    def factors(self) -> np.ndarray:
        """What the schedule multiplied the base rate by, float64 (updates,)."""
        knobs, steps = self.knobs, self.steps
        since = steps.start - knobs.schedule_start
        over = knobs.schedule in ("constant", "step") or since >= knobs.schedule_length
        begin = factor(knobs, steps.start)
        # Where it cannot move, or only in a drop that is not here, one value tells all.
        if since >= knobs.warmup and over and factor(knobs, steps[-1]) == begin:
            return np.full(len(steps), begin)
        return np.array([factor(knobs, step) for step in steps])

    @property
    def rates(self) -> np.ndarray:
        """Effective learning rates, float64 (updates,), bit for bit those that were used."""
        return self.knobs.learning_rate * self.factors


def read_story(directory: Path) -> Story:
    """Read the record of a run, live or ended. Raises RunError if it cannot be told."""
    name = directory.resolve().name
    config = read_config(directory)
    try:
        events, updates = _read_consistently(directory, config)
        acts = acts_of(directory, config, events)
        if events:
            path = acts.path(acts.head(updates))
            return Story(directory, config, tuple(events), acts, path)
    except RunError:
        raise
    except OSError as error:
        raise RunError(f"run {name}: its record cannot be read: {error.strerror}") from None
    raise RunError(f"run {name}: nothing is recorded of it yet")


def _read_consistently(directory: Path, config: RunConfig) -> tuple[list[AnyRecorded], int]:
    """Events, and the updates on their last branch; no act before one of these is missing."""
    events = read_events(directory)
    while True:
        branch = acts_of(directory, config, events).branch
        updates = updates_on(directory, branch)
        # A live engine may have written an act, and updates after it, since the lines were read.
        events = read_events(directory)
        if acts_of(directory, config, events).branch == branch:
            return events, updates


def updates_on(directory: Path, branch: int) -> int:
    """How many updates stand in the loss column of `branch`."""
    try:
        return column_path(directory, branch).stat().st_size // 4
    except FileNotFoundError:
        return 0
