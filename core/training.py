"""What a run does while it trains: updates, a chunk at a time, and all that is due on the way.

Apart from the run, which says what it is doing and does one piece of it at a time.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING

from core import steering
from core.config import PlannedAct
from core.dials import ConfigError
from core.errand import Errand
from core.guarding import after_trip, begin_watch
from core.measuring import evaluating
from core.protocol import SetKnobs
from core.smoothing import Floats
from core.snapshots import EVERY

if TYPE_CHECKING:
    from core.run import Run


def train(run: Run) -> float:
    """Make a chunk of updates; return seconds until there is more to do (0: now)."""
    for act in run.plan.due(run.step):
        _follow(run, act)
    step, settings, pacing = run.step, run.settings, run.pacing
    interval = settings.evaluation_interval
    stops = settings.step_limit, _next(step, interval), _next(step, EVERY), run.plan.next_step
    to_go = int(min(stops)) - step
    if not run.running:
        updates = min(to_go, run.single_steps, pacing.chunk)
    elif (updates := min(to_go, pacing.allowance(settings.pace))) == 0:
        return pacing.wait(settings.pace)
    before = time.perf_counter()
    losses = run.trainer.advance(updates)
    seconds = time.perf_counter() - before
    run.journal.seconds += seconds
    pacing.did(updates, seconds)
    run.single_steps = max(run.single_steps - updates, 0)
    if _trips(run, step, losses):
        return 0.0
    run.journal.add_losses(step, losses)
    if run.step % EVERY == 0:
        run.snapshots.keep(run.journal.point(run.step), run.trainer.snapshot())
    if run.step % interval == 0 and not (run.running and run.step == settings.step_limit):
        run.errand = Errand("evaluating", run.step, evaluating(run))
    run.journal.note_clock(run.step, after=1.0)
    return 0.0


def finishing(run: Run) -> Generator[None, None, None]:
    """At the step limit: measure everything, and save."""
    yield from evaluating(run, whole=True)
    if run.running and run.step >= run.settings.step_limit:
        run.finish()


def _trips(run: Run, first: int, losses: Floats) -> bool:
    """Whether the guard steps in at one of these losses; it then has its errand."""
    if run.settings.guard == "off":
        run.guard = None
        return False
    run.guard = run.guard or begin_watch(run, first)
    trip = run.guard.look(losses)
    if trip is None:
        return False
    end = trip.index + 1
    run.journal.add_losses(first, losses[:end])
    work = after_trip(run, trip, float(losses[trip.index]), losses[end:])
    # Begun at once: given up before its first piece it could not mend what it found.
    run.begin(Errand("going back", first + end, work))
    return True


def _follow(run: Run, act: PlannedAct) -> None:
    wish = SetKnobs(values=act.changes)
    try:
        changes = steering.resolve_knobs(wish, run.trainer.knobs, run.settings, run.step)
        if changes:
            run.change_knobs(changes, by="command line")
    except ConfigError as error:
        # A person has steered elsewhere since the plan was checked; everyone may know.
        run.journal.reject("SetKnobs", 0, f"planned at {act.step:,}: {error}", None)


def _next(step: int, interval: int) -> int:
    """The first multiple of `interval` after `step`."""
    return step - step % interval + interval
