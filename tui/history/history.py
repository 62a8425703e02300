"""What the screen knows of a run: fed by the engine's events alone, asked by widgets.

Apart from Textual and from plotext, so that it can be tested without a screen, and so that what is
shown never differs from what the engine confirmed. What it tells runs along the lineage: the path
that led to the present weights. What was undone is told apart from it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import assert_never

import msgspec
import numpy as np

from core.config import Knobs, RunConfig
from core.lineage import Acts, Lineage
from core.protocol import (
    Act,
    AnyEvent,
    AnyRecorded,
    Cancelled,
    Clock,
    CommandRejected,
    DiagnosticsTaken,
    Embedded,
    EngineFailed,
    EngineStarted,
    EngineStopped,
    Evaluated,
    FinderFinished,
    GuardTripped,
    Heartbeat,
    KnobsChanged,
    LearningRateProbed,
    Point,
    Predicted,
    Reaching,
    RolledBack,
    RunOpened,
    SamplesDrawn,
    Scored,
    SettingChanged,
    SnapshotTaken,
    Stalled,
    StateChanged,
    StepsDone,
    Surprising,
    TestEvaluated,
    Welcome,
)
from core.smoothing import Floats
from core.suggesting import Probes
from tui.history.branches import Abandoned, Branch, Branches
from tui.history.course import Course, LaterAct, Way
from tui.history.lines import clocks_along, line_of_epochs, line_of_seconds
from tui.history.reduction import Curves, Edges
from tui.history.speed import Speed
from tui.history.timeline import IN_STEPS, Timeline, Unit

ROLLBACKS = ("Undo", "Redo", "Restore", "Guard")
"""Commands that lead to an earlier state, as a rejection calls them."""


class History:
    """A run as far as its events have come; `load` once after each attach, then `apply`.

    Times `now` are seconds of any clock that never goes back (`time.monotonic`).
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self._begin()

    def _begin(self) -> None:
        self._course = Course(self.config)
        self._branches = Branches(self._course.all_acts.first_step(0))
        self.settings = self.config.settings
        """In force now; never undone."""
        self.running = False
        self.finished = False
        self.seconds = 0.0
        """Spent inside updates since the run began, undone ones included."""
        self.stalled = False
        """The engine cannot write the record, and stands still."""
        self.gap = False
        """A piece of the losses never came: attach again, and `load`."""
        self.reaching: tuple[int, float] | None = None
        """While an earlier state is being computed again: its step, and the share that is done."""
        self.samples: tuple[SamplesDrawn, ...] = ()
        """All, in the order in which they were drawn."""
        self.snapshots: tuple[SnapshotTaken, ...] = ()
        """Every saved state that was told of, in order; each can be restored."""
        self.tests: tuple[TestEvaluated, ...] = ()
        """Every look at the test split, undone ones included: they cannot be unseen."""
        self.probes: Probes | None = None
        """What the newest range test has found so far."""
        self.finding = False
        """A range test is under way, and training stands still."""
        self.trip: GuardTripped | None = None
        """The newest trip of the guard."""
        self._speed = Speed()
        self._lines: dict[Hashable, tuple[object, Timeline]] = {}
        """By unit and branch, with what the present branch was like."""
        self._undone_end: tuple[Hashable, float] = (None, -math.inf)

    @property
    def test_looks(self) -> int:
        """How often the test split was looked at, in this run and those it was forked from."""
        return self.tests[-1].looks if self.tests else self.config.test_looks

    def load(
        self,
        events: Iterable[AnyRecorded],
        losses: Mapping[int, Floats],
        welcome: Welcome,
        now: float,
    ) -> None:
        """Begin again from the whole record up to now, as an attach returns it."""
        self._begin()
        for event in events:
            if isinstance(event, Act):
                self._add(event)
            elif isinstance(event, Evaluated):
                self._course.note(event)
            else:
                self.apply(event, now)
        for number, column in losses.items():
            self._branches.fill(number, column)
        self._follow()
        self.apply(welcome, now)

    def apply(self, event: AnyEvent, now: float) -> None:
        """Take in one event that arrived at `now`; a piece of losses that is known is passed by."""
        match event:
            case StepsDone():
                self.reaching, self.finding = None, False
                self._place(event)
                self._speed.arrive(now, self.step)
            case KnobsChanged():
                self._course.change(event)
            case RolledBack():
                self._roll_back(event)
            case RunOpened():
                self._add(event)
                self._follow()
            case Reaching():
                self.reaching = (event.to.step, event.done / max(event.total, 1))
            case Cancelled():
                self.reaching, self.finding = None, False
            case CommandRejected():
                if event.command in ROLLBACKS:
                    self.reaching = None
            case SettingChanged():
                self.settings = msgspec.structs.replace(self.settings, **{event.name: event.new})
            case StateChanged():
                self._turn(event.running, event.finished, now)
            case Welcome():
                self._turn(event.running, event.finished, now)
                self.seconds = event.seconds
                known = 4 * len(self._branches.present)
                self.gap = self.gap or (event.branch, event.column_bytes) != (self.branch, known)
            case Heartbeat():
                if event.running:
                    self._speed.arrive(now, self.step)
            case Evaluated():
                self._course.evaluate(event)
            case TestEvaluated():
                self.tests += (event,)
            case LearningRateProbed():
                if self.probes is None or event.first == 0:
                    self.probes = Probes(event.low, event.high, event.steps)
                self.probes, self.finding = self.probes.extended(event), True
            case FinderFinished():
                self.finding = False
            case GuardTripped():
                self.trip = event
            case SamplesDrawn():
                self.samples += (event,)
            case Clock():
                self.seconds = max(self.seconds, event.seconds)
                self._branches.clock(event.branch, event.step, event.seconds)
            case Stalled():
                self.stalled = True
                self._turn(False, False, now)
            case EngineStarted() | EngineStopped() | EngineFailed():
                self.stalled = False
                self.reaching, self.finding = None, False
                self._turn(False, self.finished, now)
            case SnapshotTaken():
                self.snapshots += (event,)
            case Predicted() | Scored() | Surprising() | Embedded() | DiagnosticsTaken():
                # Looks inside the model, for the screen that asked.
                pass
            case _:
                assert_never(event)

    @property
    def branch(self) -> int:
        """The present branch."""
        return self._branches.number

    @property
    def first(self) -> int:
        """The step of the run's first state: 0, or where it was forked."""
        return self._branches.first

    @property
    def step(self) -> int:
        """The step of the present state, as far as its losses have come."""
        return self._branches.step

    @property
    def knobs(self) -> Knobs:
        """In force for the next update."""
        return self._course.knobs

    @property
    def lineage(self) -> Lineage:
        """How the present state came about."""
        return self._course.lineage(self.step)

    @property
    def acts(self) -> tuple[LaterAct, ...]:
        """The acts of the lineage after its first, in order."""
        return self._course.acts

    @property
    def all_acts(self) -> Acts:
        """Of the lineage or not."""
        return self._course.all_acts

    @property
    def undo(self) -> Way | None:
        """What an undo would do; None if there is nothing to undo."""
        return self._course.undo

    @property
    def redo(self) -> Way | None:
        """What a redo would do; None if there is nothing to redo."""
        return self._course.redo

    @property
    def evaluations(self) -> tuple[Evaluated, ...]:
        """Those on the lineage."""
        return self._course.evaluations

    def dev_at(self, point: Point) -> float | None:
        """The dev loss of one state, on the lineage or not; None where it was not evaluated."""
        return self._course.dev_at(point)

    @property
    def best(self) -> Evaluated | None:
        """The evaluation with the lowest dev loss on the lineage."""
        return self._course.best

    @property
    def abandoned(self) -> tuple[Abandoned, ...]:
        """What was trained and is not on the lineage, in the order in which it began."""
        return self._branches.abandoned

    @property
    def loss(self) -> Floats:
        """The minibatch loss before every update of the lineage from `first` on, not smoothed; NaN
        where it was not finite.
        """
        return self._branches.loss

    def smoothed(self, smoothing: float) -> Floats:
        """The debiased average of `loss` at every step: 0 is off, 0.98 the usual choice.

        Brought up to date when asked, so it costs what is new; another `smoothing` computes anew.
        """
        return self._branches.smoothed(smoothing)

    def latest(self, smoothing: float) -> float | None:
        """The smoothed loss now, or None before the first finite loss."""
        latest = self._branches.latest(smoothing)
        return latest if np.isfinite(latest) else None

    def curves(self, edges: Edges, smoothing: float) -> Curves:
        """Raw extremes and smoothed loss of the steps between each two of `edges`."""
        return self._branches.curves(edges, smoothing)

    def at(self, step: int, smoothing: float) -> tuple[float, float]:
        """The loss of the minibatch at one step of the lineage, and the average there; NaN where
        there is none.
        """
        return self._branches.at(step, smoothing)

    def line(self, unit: Unit, train_examples: int, branch: Branch | None = None) -> Timeline:
        """Where the steps that led to the end of `branch` (the present one) fall in that unit.

        Equal lines are one object, so that what was made with one can be kept.
        """
        if unit == "steps":
            return IN_STEPS
        present = self._branches.present
        branch = branch or present
        # What was left does not change any more.
        clocks = len(present.clocks) if unit == "seconds" else 0
        state = (len(self.all_acts.list), clocks) if branch is present else None
        key = (unit, train_examples, branch.number)
        known = self._lines.get(key)
        if known is None or known[0] != state:
            made = (
                line_of_seconds(self.first, clocks_along(branch))
                if unit == "seconds"
                else line_of_epochs(self._course.path(branch.number, branch.end), train_examples)
            )
            known = self._lines[key] = (state, made)
        return known[1]

    def undone_end(self, unit: Unit, train_examples: int) -> float:
        """How far what was undone ever came, in that unit; minus infinity where nothing was."""
        key = (unit, train_examples, len(self.all_acts.list))
        if self._undone_end[0] != key:
            ends = (
                float(self.line(unit, train_examples, part.branch).values_at(part.end))
                for part in self.abandoned
            )
            self._undone_end = (key, max(ends, default=-math.inf))
        return self._undone_end[1]

    @property
    def examples(self) -> int:
        """Examples consumed until now, by a fork's parent too, whatever the batch sizes were."""
        return self._course.examples(self.step)

    def epoch(self, train_examples: int) -> float:
        """Passes over a train split of that many examples."""
        return self.examples / max(train_examples, 1)

    @property
    def steps_per_second(self) -> float:
        """By the wall clock, over the last second or so of training; 0 while it stands still."""
        return self._speed.steps_per_second if self.running and not self.finished else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to the step limit at the present speed, or None if there is no telling."""
        left = self.settings.step_limit - self.step
        if left <= 0:
            return 0.0
        speed = self.steps_per_second
        return left / speed if speed > 0 else None

    def _add(self, act: Act) -> None:
        """Take in an act; `_follow` must come before anything is asked."""
        self._course.add(act)
        if isinstance(act, RunOpened):
            self._branches = Branches(act.step)
        elif isinstance(act, RolledBack):
            self._branches.begin(act.branch, act.step, self.all_acts.at(act.to.seq).branch)

    def _follow(self) -> None:
        self._branches.join()
        self._course.follow(self.step)

    def _roll_back(self, event: RolledBack) -> None:
        missing = self.step < event.before.step or event.branch != self.branch + 1
        self.gap = self.gap or missing
        self._add(event)
        self._follow()
        self.reaching, self.finding = None, False
        self._speed.restart()

    def _place(self, event: StepsDone) -> None:
        loss = np.frombuffer(event.loss, dtype="<f4").astype(np.float32)
        if event.branch != self.branch:
            # Of an earlier branch everything is known.
            self.gap = self.gap or event.branch > self.branch
            return
        missing = event.first_step - self.step
        if missing > 0:
            self.gap = True
            self._branches.append(np.full(missing, np.nan, np.float32))
        # What is known of the piece (negative `missing` counts it) does not come again.
        self._branches.append(loss[max(-missing, 0) :])
        self.seconds = max(self.seconds, event.seconds)

    def _turn(self, running: bool, finished: bool, now: float) -> None:
        if running != self.running or finished != self.finished:
            self._speed.restart()
        self.running, self.finished = running, finished
        self._speed.arrive(now, self.step)
