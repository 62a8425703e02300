"""What a run does when its guard trips, and when its autopilot sees a plateau."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING

from core.dials import Value
from core.guard import Guard, Trip, may_try, tenth, watch, way_back
from core.plateau import is_plateau
from core.protocol import GuardTripped, KnobsChanged, Point, RolledBack
from core.schedule import effective_rate
from core.smoothing import Floats
from core.steering import significant
from core.story import pieces
from core.travel import roll_back

if TYPE_CHECKING:
    from core.run import Run


def begin_watch(run: Run, step: int) -> Guard:
    """A guard that has seen every loss of the run's present lineage before `step`."""
    run.journal.record.flush()
    acts = run.journal.acts
    path = acts.path(run.journal.point(step))
    seen = ((piece.knobs, piece.losses) for piece in pieces(run.directory, acts, path))
    return watch(run.data.vocab_size, path, seen)


def after_trip(run: Run, trip: Trip, loss: float, rest: Floats) -> Generator[None, None, None]:
    """Stop, say what happened, and go back to where the weights were sound.

    The record has every loss up to that of the trip; `rest` are those of the updates that the
    trainer has made beyond it.
    """
    journal, knobs = run.journal, run.trainer.knobs
    end = run.step
    step = end - 1
    path = journal.acts.path(journal.point(end))
    to = way_back(path, step)
    acting = run.settings.guard == "act" and to is not None
    if acting and not may_try(journal.acts.list, to, knobs.learning_rate):
        # A person has to look at it.
        run.change_setting("guard", "stop")
        acting = False
    if not acting and run.running:
        run.set_running(False)
    run.single_steps = 0
    journal.add(
        GuardTripped,
        step,
        loss=loss if math.isfinite(loss) else None,
        average=trip.average if math.isfinite(trip.average) else None,
        lowest=trip.lowest if math.isfinite(trip.lowest) else None,
        learning_rate=knobs.learning_rate,
        rate=effective_rate(knobs, step),
        to=to,
    )
    branch = journal.branch
    try:
        if to is not None:
            lower = tenth(knobs.learning_rate)
            wanted: dict[str, Value] = {"learning_rate": lower} if acting else {}
            left = journal.point(end)
            yield from roll_back(run, to, "guard", by="guard", left=left, wanted=wanted)
    finally:
        if journal.branch == branch:
            # Still here: then all that was trained belongs to the run.
            journal.add_losses(end, rest)


def heed_plateau(run: Run) -> None:
    """Where the autopilot is on and the dev loss has stopped falling: decay the base rate."""
    settings, base = run.settings, run.trainer.knobs.learning_rate
    if settings.autopilot == "off" or not run.running:
        return
    since = run.journal.point(run.step).seq
    dev = [loss for at, loss in run.dev_losses if at.seq == since]
    lower = significant(base * settings.autopilot_factor)
    if is_plateau(dev, settings.patience) and lower >= settings.autopilot_minimum:
        run.change_knobs({"learning_rate": lower}, by="autopilot")


def give_way(run: Run, undone: Point) -> None:
    """Who undoes an act of the guard or the autopilot does not want it to act again."""
    for act in reversed(run.journal.acts.list):
        if isinstance(act, (KnobsChanged, RolledBack)) and act.before == undone:
            if act.by in ("guard", "autopilot"):
                run.change_setting(act.by, "off")
            return
