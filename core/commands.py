"""What each command does to a run, or why it does nothing: never silence, never a false success."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal, assert_never

from core import steering
from core.dials import DIALS, KNOB_NAMES, ConfigError, Value
from core.errand import Errand
from core.errors import UserError
from core.lineage import point_at
from core.looking import finding_surprising, look
from core.lr_finder import check_wish, finding
from core.measuring import evaluating, looking_at_test
from core.protocol import (
    AnyCommand,
    Cancel,
    Cancelled,
    Decay,
    Diagnose,
    Embed,
    Evaluate,
    FindLearningRate,
    FindSurprising,
    Nudge,
    Pause,
    Point,
    Predict,
    Redo,
    Restore,
    Resume,
    Sample,
    Score,
    SetKnobs,
    SetSetting,
    Shutdown,
    Step,
    TakeSnapshot,
    Undo,
)
from core.run import Run
from core.sampled import sample


class Refused(UserError):
    """A command that cannot be obeyed now; the message is the reason."""


def obey(run: Run, command: AnyCommand, client: str = "") -> None:
    """Do what `command` says, and answer: with the event of what changed, or with the reason."""
    try:
        _obey(run, command, client)
    except UserError as error:
        run.journal.reject(type(command).__name__, command.id, str(error), client)


ON_THE_WAY = (Cancel, Shutdown, Resume, Pause, SetSetting)
"""What can be asked for while an earlier state is being computed again."""


def _obey(run: Run, command: AnyCommand, client: str) -> None:
    errand = run.errand
    if errand is not None and errand.what != "evaluating" and not isinstance(command, ON_THE_WAY):
        # Who goes elsewhere does not want to know about here: `Run.go` gives the finder up.
        leaves = isinstance(command, (Undo, Redo, Restore))
        looks = isinstance(command, (Predict, Score, Embed, Diagnose))
        if errand.what == "finding" and not leaves and not looks:
            raise Refused("the finder is at work; wait, or cancel it (Escape)")
        if errand.what != "finding":
            raise Refused("it is on the way to another state; wait, or cancel that")
    match command:
        case Resume():
            if run.running:
                raise Refused(_at_limit(run) if run.finished else "it is training already")
            run.set_running(True, command.id, client)
        case Pause():
            if not run.running:
                raise Refused("it is paused already")
            run.set_running(False, command.id, client)
        case Step():
            _step(run, command)
        case SetKnobs() | Decay():
            _turn_knobs(run, command, client)
        case Nudge(name=name) if name in KNOB_NAMES:
            _turn_knobs(run, command, client)
        case Nudge(name=name):
            value = _setting(run, name)
            nudged = steering.nudged(DIALS[name], value, command.rungs, command.fine)
            _change_setting(run, name, nudged, command.id, client)
        case SetSetting(name=name, value=wanted):
            _change_setting(run, name, wanted, command.id, client)
        case Evaluate(test=test):
            if errand is not None:
                raise Refused("an evaluation is under way already")
            measure = looking_at_test if test else evaluating
            _begin(
                run, "evaluating", measure(run, answers=command.id, client=client), command, client
            )
        case FindLearningRate():
            if errand is not None:
                raise Refused("an evaluation is under way; try again")
            check_wish(command)
            _begin(run, "finding", finding(run, command, client), command, client)
        case Sample():
            _sample(run, command, client)
        case Predict() | Score() | Embed() | Diagnose():
            look(run, command, client)
        case FindSurprising():
            if errand is not None:
                raise Refused("an evaluation is under way; try again")
            _begin(run, "evaluating", finding_surprising(run, command, client), command, client)
        case Undo():
            if not run.journal.acts.undo:
                raise Refused("there is nothing to undo")
            run.go(run.journal.acts.undo[-1], "undo", command.id, client)
        case Redo():
            if not run.journal.acts.redo:
                raise Refused("there is nothing to redo")
            run.go(run.journal.acts.redo[-1][1], "redo", command.id, client)
        case Restore():
            run.go(_where(run, command), "restore", command.id, client)
        case TakeSnapshot(name=name):
            run.save("named", _harmless(name), answers=command.id, client=client)
        case Cancel():
            if errand is None or errand.what == "opening":
                raise Refused("there is nothing to cancel")
            run.give_up(client)
            run.journal.tell(Cancelled(answers=command.id, what=errand.what, client=client))
        case Shutdown():
            run.end(f"asked by {client or 'its driver'}")
        case _:
            assert_never(command)


def _begin(
    run: Run,
    what: Literal["evaluating", "finding"],
    work: Generator[None, None, None],
    command: AnyCommand,
    client: str,
) -> None:
    """Have it done a piece at a time; whoever asked is told if it is given up."""
    name = type(command).__name__
    run.errand = Errand(what, run.step, work, name, command.id, client)


def _where(run: Run, command: Restore) -> Point:
    """The point that a Restore means, if the run has been there."""
    acts, here = run.journal.acts, run.journal.point(run.step)
    if command.point is not None:
        try:
            known = command.point.step <= acts.end(command.point.seq, here.step)
            known = known and command.point.step >= acts.at(command.point.seq).step
        except KeyError:
            known = False
        if not known:
            raise Refused("the run was never at that point")
        to = command.point
    else:
        path = acts.path(here)
        found = None if command.step is None else point_at(path, command.step)
        if found is None:
            steps = f"must be from {path[0].start:,} to {here.step:,}, where it is now"
            raise ConfigError("step", command.step, steps)
        to = found
    if to == here:
        raise Refused(f"it is at step {to.step:,} already")
    return to


def _harmless(name: str) -> str:
    """A name for a snapshot, fit for any screen; raises ConfigError."""
    name = name.strip()
    if len(name) > 60 or not name.isprintable():
        raise ConfigError("name", name[:60], "must be at most 60 printable characters")
    return name


def _at_limit(run: Run) -> str:
    return f"it is at its step limit, {run.settings.step_limit:,}; raise the limit to go on"


def _step(run: Run, command: Step) -> None:
    to_go = run.settings.step_limit - run.step
    if run.running:
        raise Refused("single steps need a pause first (space)")
    if to_go <= 0:
        raise Refused(_at_limit(run))
    if not 1 <= command.count <= 1_000_000:
        raise ConfigError("count", command.count, "must be from 1 to 1,000,000")
    run.single_steps = min(run.single_steps + command.count, to_go)


def _turn_knobs(run: Run, command: SetKnobs | Nudge | Decay, client: str) -> None:
    knobs = run.trainer.knobs
    changes = steering.resolve_knobs(command, knobs, run.settings, run.step)
    if not changes:
        raise Refused(steering.nothing_to_do(command, knobs))
    run.change_knobs(changes, client=client, answers=command.id)


def _setting(run: Run, name: str) -> Value:
    if name not in DIALS or name in KNOB_NAMES:
        raise ConfigError("name", name, "is no setting")
    value: Value = getattr(run.settings, name)
    return value


def _change_setting(run: Run, name: str, value: Value, answers: int, client: str) -> None:
    old = _setting(run, name)
    value = DIALS[name].exact(value)
    if value == old:
        raise Refused(steering.already(name, old))
    run.change_setting(name, value, answers, client)


def _sample(run: Run, wish: Sample, client: str) -> None:
    try:
        sample(run, wish, client)
    except UserError:
        raise
    except ValueError as error:
        raise Refused(str(error)) from None
