"""The acts of a run and the evaluations, sorted by the lineage: which led to the present state.

Apart from the history because it knows no losses; RECORD's rules themselves stand in
core/lineage.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from core.config import Knobs, RunConfig
from core.lineage import Acts, Lineage, Stretch, examples_before, examples_on, knobs_after
from core.protocol import Act, Evaluated, KnobsChanged, Point, RolledBack, RunOpened

LaterAct = KnobsChanged | RolledBack


@dataclass(frozen=True)
class Way:
    """What an undo or a redo would do."""

    step: int
    """Where it would lead."""
    act: Act
    """What would be undone, or brought back; of moves that go together the first."""


class Course:
    """How the present state came about. Acts are added in order; `follow` comes after a rollback
    and after whatever was added by `add`, before anything is asked.
    """

    def __init__(self, config: RunConfig) -> None:
        """Until the record says so itself: a run begins with its configuration."""
        step = config.parent.step if config.parent else 0
        self._open(
            RunOpened(seq=-1, branch=0, step=step, time=0.0, before=Point(-1, step), config=config)
        )

    def _open(self, opened: RunOpened) -> None:
        self.all_acts = Acts([opened])
        """Of the lineage or not."""
        self.evaluations: tuple[Evaluated, ...] = ()
        """Those on the lineage."""
        self.best: Evaluated | None = None
        """The one with the lowest dev loss on the lineage."""
        self._evaluated: list[tuple[Point, Evaluated]] = []
        self.follow(opened.step)

    def follow(self, step: int) -> None:
        """Make the lineage that of the present state, at `step`."""
        last = self.all_acts.list[-1]
        self._path = [*self.all_acts.path(Point(last.seq, max(last.step, step)))]
        before = sum(map(examples_on, self._path[:-1]))
        self._examples = examples_before(self._path) + before
        later = (stretch.act for stretch in self._path)
        self.acts = tuple(act for act in later if isinstance(act, LaterAct))
        """The acts of the lineage after its first."""
        # As on_path says, for many points at once.
        ends: dict[int, float] = {stretch.act.seq: stretch.end for stretch in self._path}
        ends[last.seq] = math.inf
        self.evaluations = tuple(
            event for point, event in self._evaluated if point.step <= ends.get(point.seq, -1)
        )
        self.best = None
        for event in self.evaluations:
            self._compare(event)

    def add(self, act: Act) -> None:
        """Take in an act without following it."""
        if isinstance(act, RunOpened):
            self._open(act)
        else:
            self.all_acts.add(act)

    def change(self, act: KnobsChanged) -> None:
        """Take in a change of knobs, and follow it for little."""
        self.all_acts.add(act)
        last = replace(self._path[-1], end=act.step)
        self._path[-1] = last
        self._examples += examples_on(last)
        self._path.append(Stretch(act, act.step, act.step, knobs_after(act, last.knobs)))
        self.acts += (act,)

    def note(self, event: Evaluated) -> None:
        """Take in an evaluation without comparing it."""
        self._evaluated.append((self.all_acts.point_of(event), event))

    def evaluate(self, event: Evaluated) -> None:
        """Take in an evaluation of the present state."""
        self.note(event)
        self.evaluations += (event,)
        self._compare(event)

    def dev_at(self, point: Point) -> float | None:
        """The dev loss of one state, on the lineage or not; None where it was not evaluated."""
        return next((event.dev for at, event in reversed(self._evaluated) if at == point), None)

    @property
    def knobs(self) -> Knobs:
        """In force for the next update."""
        return self._path[-1].knobs

    def lineage(self, step: int) -> Lineage:
        """How the present state, at `step`, came about."""
        last = self._path[-1]
        return (*self._path[:-1], replace(last, end=max(last.start, step)))

    def path(self, branch: int, step: int) -> Lineage:
        """How the state at `step`, on `branch` after its last act, came about."""
        last = next(act for act in reversed(self.all_acts.list) if act.branch == branch)
        return self.all_acts.path(Point(last.seq, max(last.step, step)))

    def examples(self, step: int) -> int:
        """Examples consumed along the lineage and before it, whatever the batch sizes were."""
        last = self._path[-1]
        return self._examples + max(step - last.start, 0) * last.knobs.batch_size

    @property
    def undo(self) -> Way | None:
        """What an undo would do."""
        if not self.all_acts.undo:
            return None
        to = self.all_acts.undo[-1]
        return Way(to.step, self._act_done_at(to))

    @property
    def redo(self) -> Way | None:
        """What a redo would do."""
        if not self.all_acts.redo:
            return None
        undone, to = self.all_acts.redo[-1]
        return Way(to.step, self._act_done_at(undone))

    def _act_done_at(self, point: Point) -> Act:
        return next(act for act in reversed(self.all_acts.list) if act.before == point)

    def _compare(self, event: Evaluated) -> None:
        best = self.best.dev if self.best is not None else None
        if event.dev is not None and (best is None or event.dev < best):
            self.best = event
