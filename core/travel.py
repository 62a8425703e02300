"""The ways of a run to a state that it was in before: rolling back, and opening after anything.

Each is a generator that yields every few milliseconds and owns what it changes: closed midway, it
leaves the run as it found it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from core.config import Knobs, with_changes
from core.dials import Value
from core.errand import Errand
from core.errors import UserError
from core.lineage import Lineage, settings_after
from core.protocol import (
    Act,
    AnyRecorded,
    By,
    Evaluated,
    Point,
    Reaching,
    RollbackReason,
    SamplesDrawn,
    TestEvaluated,
)
from core.reaching import StepDiffers, TakeLosses, comparing, reach

if TYPE_CHECKING:
    from core.run import Run

PROGRESS_SECONDS = 1 / 10


def roll_back(
    run: Run,
    to: Point,
    reason: RollbackReason,
    *,
    answers: int | None = None,
    client: str = "",
    by: By = "person",
    left: Point | None = None,
    wanted: Mapping[str, Value] = MappingProxyType({}),
) -> Generator[None, None, None]:
    """Put the state of `to` in force, with the knobs `wanted` changed, and begin a new branch from
    it (RECORD: RolledBack).

    `left` is the point that is left, where the trainer has gone on beyond it.
    """
    trainer, journal = run.trainer, run.journal
    here = trainer.snapshot()
    if left is None:
        left = journal.point(trainer.step)
        run.snapshots.keep(left, here)
    journal.flush()
    path = journal.acts.path(to)
    arrived = False
    try:
        start = run.snapshots.restore_nearest(trainer, path)
        yield from _reach(run, path, start, comparing(run.directory, journal.acts))
        arrived = True
    except StepDiffers as differs:
        reason_not = f"{differs}; the run stays where it was"
        journal.reject(reason.capitalize(), answers or 0, reason_not, client or None)
    finally:
        if not arrived:
            trainer.restore(here)
    if arrived:
        knobs = with_changes(trainer.knobs, dict(wanted))
        changes = difference(trainer.knobs, knobs)
        trainer.set_knobs(knobs)
        journal.roll_back(
            to, left, reason=reason, changes=changes, answers=answers, client=client, by=by
        )
        run.arrived()


def take_up(run: Run, events: list[AnyRecorded]) -> None:
    """Go on where the record ends: notes give the settings here, acts the state, on the way."""
    acts, reached = run.journal.acts, 0
    for event in events:
        reached = max(reached, event.step, event.before.step if isinstance(event, Act) else 0)
        match event:
            case Evaluated(dev=float(dev)):
                run.dev_losses.append((acts.point_of(event), dev))
            case SamplesDrawn():
                run.drawings += 1
            case TestEvaluated():
                run.test_looks = event.looks
            case _:
                pass
    run.settings = settings_after(run.settings, events)
    run.snapshots.take_note(acts, events)
    head = acts.head(run.journal.record.column_bytes // 4)
    run.plan.skip_done(acts, max(reached, head.step))
    run.errand = Errand("opening", head.step, opening(run))


def opening(run: Run) -> Generator[None, None, None]:
    """Bring the trainer to the newest state that the record tells of.

    Losses that a crash cost are computed and appended. Where a recorded loss is computed
    differently, as on another machine, the run goes on from the checkpoint, and says so; or, opened
    as recorded, raises UserError.
    """
    trainer, journal = run.trainer, run.journal
    acts, recorded = journal.acts, journal.record.column_bytes // 4
    first = acts.first_step(acts.branch)
    head = acts.head(recorded)
    path = acts.path(head)
    compare = comparing(run.directory, acts)

    def take(branch: int, step: int, losses: np.ndarray) -> None:
        compare(branch, step, losses)
        known = first + recorded
        if branch == acts.branch and step + len(losses) > known:
            journal.add_losses(max(step, known), losses[max(known - step, 0) :])

    start = run.snapshots.restore_nearest(trainer, path)
    try:
        yield from _reach(run, path, start, take)
    except StepDiffers as differs:
        if run.as_recorded:
            raise UserError(
                f"{differs}, so the run's end cannot be computed here; `steermore resume` goes on"
                f" from step {start.step:,}"
            ) from None
        start = run.snapshots.restore_nearest(trainer, path)
        changes = difference(trainer.knobs, path[-1].knobs)
        trainer.set_knobs(path[-1].knobs)
        journal.roll_back(
            start,
            head,
            reason="resume",
            changes=changes,
            differs=differs.step,
            by="command line",
        )
    if start == head:
        run.snapshots.stands_at(head)
    run.arrived()
    run.say_started()


def _reach(run: Run, path: Lineage, start: Point, take: TakeLosses) -> Generator[None, None, None]:
    to = Point(path[-1].act.seq, path[-1].end)
    total, told = to.step - start.step, time.monotonic()
    for done in reach(run.trainer, path, start, take):
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            run.journal.tell(Reaching(to=to, done=done, total=total))
        yield


def difference(old: Knobs, new: Knobs) -> dict[str, tuple[Value, Value]]:
    """The knobs that differ: {name: (old, new)}."""
    before, after = msgspec.structs.asdict(old), msgspec.structs.asdict(new)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}
