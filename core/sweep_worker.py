"""A worker of a sweep: it asks the study for values, trains them, and tells what came of it.

A process of its own, so that one can die without the others. It is told by one line of JSON on its
standard input what to do (an address in its arguments could be read by everybody), and ends in good
order when that input ends: then whoever started it is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import warnings
from functools import partial

import msgspec
import optuna
from optuna import Trial, TrialPruned
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from core.config import RunConfig
from core.dials import ConfigError
from core.errors import UserError
from core.launch import new_run
from core.sweep_begin import words_of
from core.sweep_place import HOST, RUN, Order
from core.sweep_ranges import Chosen, Interval, Range
from core.sweep_standing import UNCOUNTED
from core.sweep_storage import WORKER, alive, in_sentences, tries_of, try_again
from core.sweep_study import OUTCOME, WHY, join, state_of, wanted, with_search
from core.sweep_trial import Ending, train

IDLE_SECONDS = 1.0
"""Between two looks at the trials that others still make: one of them may die."""


class NotMade(Exception):
    """A trial without a result; what it was is told already."""


class Worker:
    """Makes one trial after the other."""

    def __init__(self, order: Order, name: str, stop: threading.Event) -> None:
        """`name` is the one by which others know that it is alive. Raises UserError."""
        self._place, self._name, self._stop = order.place, name, stop
        self._study, self._sweep = join(self._place, order.study)
        self._broken: Exception | None = None
        """Why the study could not be told of a trial."""
        self._last = -1
        """The trial made last, by Optuna's own number."""
        self._words = words_of(self._sweep, order.data)
        first = next(self._sweep.corners(self._words))
        with_search(self._study, self._sweep, first.settings.step_limit)

    def work(self) -> None:
        """Until all trials are made, here or elsewhere, or `stop` is set; raises UserError."""
        study = self._study
        while not self._stop.is_set():
            with in_sentences(self._place, study.study_name):
                if self._trials_left():
                    try:
                        study.optimize(self._make, n_trials=1, catch=(NotMade,))
                    except Exception:
                        if self._broken is not None:
                            # Optuna stumbles over what it could not write.
                            raise self._broken from self._broken.__cause__
                        # So it does when we were taken for dead, as after a long sleep.
                        if not self._was_taken():
                            raise
                elif study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                    optuna.storages.fail_stale_trials(study)
                    self._stop.wait(IDLE_SECONDS)
                else:
                    return

    def _trials_left(self) -> bool:
        trials = self._study.get_trials(deepcopy=False)
        counted = sum(state_of(trial) not in UNCOUNTED for trial in trials)
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        return waiting or counted < wanted(self._study)

    def _was_taken(self) -> bool:
        """Whether others have given up our last trial, and make it again."""
        last = self._study._storage.get_trial(self._last)
        return last.state.is_finished() and state_of(last) == "lost"

    def _make(self, trial: Trial) -> float:
        """Make one trial: its lowest dev loss. Raises TrialPruned or NotMade for any other end."""
        self._last = trial._trial_id
        trial.set_user_attr(HOST, socket.gethostname())
        trial.set_user_attr(WORKER, self._name)
        before = (
            each for each in self._study.get_trials(deepcopy=False) if each.number < trial.number
        )
        if sum(state_of(each) not in UNCOUNTED for each in before) >= wanted(self._study):
            # Two have asked for the last one at the same moment.
            raise self._not_made(trial, "surplus", "")
        try:
            return self._made(trial)
        except (TrialPruned, NotMade, UserError):
            raise
        except (SQLAlchemyError, StorageInternalError) as error:
            self._broken = error
            raise
        except Exception as error:
            # A mistake of ours must not look like a worker that died: that is tried again.
            with contextlib.suppress(UpdateFinishedTrialError):
                self._not_made(trial, "failed", f"{type(error).__name__}: {error}")
            raise

    def _made(self, trial: Trial) -> float:
        ranges = self._sweep.ranges
        values = {name: suggested(trial, name, each) for name, each in ranges.items()}
        try:
            config = self._sweep.config(self._words, values)
        except ConfigError as error:
            raise self._not_made(trial, "failed", str(error)) from None
        try:
            ending = self._train(trial, config)
        except UserError as error:
            # A full disk, say: not the values' fault, and no other trial would fare better.
            self._again(trial)
            self._not_made(trial, "interrupted", str(error))
            raise
        return self._told(trial, ending)

    def _train(self, trial: Trial, config: RunConfig) -> Ending:
        name = f"{self._study.study_name}-{trial.number:03}"
        directory = new_run(self._place.runs, config, self._words.raw, name=name)
        trial.set_user_attr(RUN, directory.name)

        def report(step: int, dev: float) -> bool:
            trial.report(dev, step)
            return trial.should_prune()

        return train(directory, report, self._stop, self._sweep.max_seconds)

    def _told(self, trial: Trial, ending: Ending) -> float:
        if ending.outcome in ("pruned", "diverged"):
            # Both teach where not to look: what failed for other reasons does not.
            trial.set_user_attr(OUTCOME, ending.outcome)
            trial.set_user_attr(WHY, ending.why)
            raise TrialPruned
        if ending.outcome == "interrupted":
            self._again(trial)
        if ending.outcome != "finished":
            raise self._not_made(trial, ending.outcome, ending.why)
        if ending.why:
            trial.set_user_attr(WHY, ending.why)
        assert ending.dev is not None
        return ending.dev

    def _not_made(self, trial: Trial, outcome: str, why: str) -> NotMade:
        trial.set_user_attr(OUTCOME, outcome)
        trial.set_user_attr(WHY, why)
        return NotMade(why)

    def _again(self, trial: Trial) -> None:
        frozen = self._study._storage.get_trial(trial._trial_id)
        try_again(self._study, frozen, tries_of(frozen))


def suggested(trial: Trial, name: str, each: Range) -> Chosen:
    """The value that a trial is to have."""
    if isinstance(each, Interval) and each.whole:
        return trial.suggest_int(name, int(each.low), int(each.high), log=each.log)
    if isinstance(each, Interval):
        return trial.suggest_float(name, each.low, each.high, log=each.log)
    return str(trial.suggest_categorical(name, each.texts))


def main() -> int:
    """Work as told on the standard input; the exit code: 2 with a sentence on standard error."""
    warnings.simplefilter("ignore")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    # Ctrl-C is for the one who started us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = msgspec.json.decode(_first_line(), type=Order)
    threading.Thread(target=partial(_listen, stop), daemon=True).start()
    try:
        with alive(order.place.folder, order.study) as name:
            Worker(order, name, stop).work()
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        return 2
    return 0


def _first_line() -> bytes:
    # Unbuffered: a thread that waits in a buffered read may not be left behind at the end.
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _listen(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
