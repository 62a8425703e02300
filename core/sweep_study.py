"""A study as steermore keeps it: made, joined, read; which trials there are, and what they say.

The one file, beside the storage and the worker, that knows Optuna. What is read from a study may
come from another machine, and is checked.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
import optuna
from optuna import Study
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from core.errors import UserError, harmless
from core.sweep import Sweep
from core.sweep_place import Place, run_of
from core.sweep_ranges import Chosen, Interval
from core.sweep_standing import Standing, State, Tried
from core.sweep_storage import DAMAGE, in_sentences, opened

SWEEP, TRIALS, OUTCOME, WHY = "sweep", "trials", "outcome", "why"
"""What a study says of itself, and a trial."""
FIRST_WHOLE = 4
"""Trials that are finished before others are held against them."""
WARMUP = 0.2
"""The share of a trial's steps in which none is ended: a low rate begins slowly."""
BEST = 0.25
"""The share of the finished trials by which importance is told."""
MAKING_SECONDS = 10.0
"""How long one process waits for another to write down what a new study is about."""


def create(place: Place, name: str, sweep: Sweep, trials: int) -> tuple[Study, Sweep]:
    """A new study; or, where somebody made it at this moment, that. Raises UserError."""
    storage = opened(place, name)
    with in_sentences(place, name):
        try:
            study = optuna.create_study(study_name=name, storage=storage, direction="minimize")
        except DuplicatedStudyError:
            return join(place, name)
        combinations = every_combination(sweep, trials)
        study.set_user_attr(TRIALS, len(combinations) or trials)
        for values in combinations:
            study.enqueue_trial(values)
        # Last: with this the others begin.
        study.set_user_attr(SWEEP, msgspec.to_builtins(sweep))
    return study, sweep


def every_combination(sweep: Sweep, trials: int) -> list[dict[str, Chosen]]:
    """All combinations of the values, if they are no more than the trials: then each is made once;
    else none, and Optuna chooses.
    """
    lists: list[Sequence[Chosen]] = []
    count = 1
    for each in sweep.ranges.values():
        if isinstance(each, Interval):
            if not each.whole:
                return []
            low, high = int(each.low), int(each.high)
            # Not by `len`, which cannot count as far as seeds reach.
            count *= high - low + 1
            lists.append(range(low, high + 1))
        else:
            count *= len(each.texts)
            lists.append(each.texts)
        if count > trials:
            return []
    return [dict(zip(sweep.ranges, values, strict=True)) for values in product(*lists)]


def exists(place: Place, name: str) -> bool:
    """Whether there is a study of that name; raises UserError."""
    if not place.url and not place.journal(name).exists():
        return False
    storage = opened(place, name)
    with in_sentences(place, name):
        return name in (each.study_name for each in storage.get_all_studies())


def join(place: Place, name: str) -> tuple[Study, Sweep]:
    """A study that is there, and what it is about; raises UserError."""
    if not exists(place, name):
        raise UserError(f"there is no study {harmless(name, 60)} in {place.told(name)}")
    storage = opened(place, name)
    deadline = time.monotonic() + MAKING_SECONDS
    with in_sentences(place, name):
        study = optuna.load_study(study_name=name, storage=storage)
        while (kept := study.user_attrs.get(SWEEP)) is None and time.monotonic() < deadline:
            time.sleep(0.1)
    try:
        sweep = msgspec.convert(kept, Sweep)
    except msgspec.ValidationError:
        raise UserError(
            f"study {name} in {place.told(name)}: it was not made by this steermore; choose"
            " another name with --study"
        ) from None
    return study, sweep


def with_search(study: Study, sweep: Sweep, limit: int) -> None:
    """Give a study what it needs to say which values come next, and which trials end early.

    Median pruning: a trial ends where its best dev loss so far is worse than the median of the
    others' at that step. All trials are measured at equal steps, which is what it compares; halving
    would end the same share of them however close they are, and of a dozen trials leave hardly any
    to learn from.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # What others are trying just now is not tried beside them.
        study.sampler = TPESampler(constant_liar=True)
    pruner: BasePruner = NopPruner()
    if sweep.prune:
        pruner = MedianPruner(FIRST_WHOLE, n_warmup_steps=int(WARMUP * limit))
    study.pruner = pruner


def state_of(trial: FrozenTrial) -> State:
    """How a trial stands."""
    outcome = trial.user_attrs.get(OUTCOME)
    match trial.state:
        case TrialState.COMPLETE:
            return "finished"
        case TrialState.PRUNED:
            return "diverged" if outcome == "diverged" else "pruned"
        case TrialState.RUNNING:
            return "running"
        case TrialState.WAITING:
            return "waiting"
        case _:
            known: tuple[State, ...] = ("failed", "interrupted", "steered", "surplus")
            # Who died could not say so.
            return next((state for state in known if state == outcome), "lost")


def read(place: Place, study: Study, sweep: Sweep) -> Standing:
    """The study as it stands now; raises UserError."""
    with in_sentences(place, study.study_name, DAMAGE):
        trials = study.get_trials(deepcopy=False)
        tried = tuple(_tried(place, sweep, trial) for trial in trials)
        importance = _importance(study, sweep, trials)
        return Standing(study.study_name, sweep, tried, wanted(study), importance)


def wanted(study: Study) -> int:
    """How many trials were asked for."""
    trials = study.user_attrs.get(TRIALS)
    return trials if isinstance(trials, int) else 0


def _tried(place: Place, sweep: Sweep, trial: FrozenTrial) -> Tried:
    attributes: dict[str, Any] = trial.user_attrs
    params = trial.params or trial.system_attrs.get("fixed_params", {})
    course = tuple(
        (step, value)
        for step, value in sorted(trial.intermediate_values.items())
        if math.isfinite(value)
    )
    values = [value for _, value in course]
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        values += [trial.value] if math.isfinite(trial.value) else []
    return Tried(
        number=trial.number,
        state=state_of(trial),
        dev=min(values, default=None),
        values={
            name: params[name]
            for name, each in sweep.ranges.items()
            if name in params and each.holds(params[name])
        },
        course=course,
        run=harmless(str(attributes.get("run", "")), 80),
        directory=run_of(place, attributes),
        host=harmless(str(attributes.get("host", "")), 60),
        why=harmless(str(attributes.get(WHY, "")), 300),
    )


def _importance(
    study: Study, sweep: Sweep, trials: Sequence[FrozenTrial]
) -> tuple[tuple[str, float], ...]:
    """By PED-ANOVA (Watanabe et al. 2023), which needs no other library: how far the best quarter
    of the finished trials agree in each setting, against all that the range has. Of a dozen trials
    the usual tenth would be one.
    """
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    names = [name for name in sweep.ranges if all(name in trial.params for trial in finished)]
    if len(finished) < 2 or not names:
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST, evaluate_on_local=False)
            found = get_param_importances(study, evaluator=evaluator, params=names)
        except (ValueError, RuntimeError, ZeroDivisionError):
            # All losses are alike, or there is one value of each.
            return ()
    return tuple(found.items()) if all(map(math.isfinite, found.values())) else ()
