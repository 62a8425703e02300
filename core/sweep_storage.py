"""A study's storage, and how it knows that a worker has died.

In a database every worker's heartbeat says that it is alive. A journal file has none: there each
worker holds a lock for as long as it lives, which the system frees whatever ends it. Either way it
is Optuna that asks which trials are stale, and `lost` that has their values tried again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import optuna
from optuna import Study
from optuna.exceptions import OptunaError, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from core.errors import UserError
from core.record import RunError, cure, is_held
from core.stopping import is_live, stop
from core.sweep_place import HOST, Place, run_of, without_password

SILENCE = 3
"""Heartbeats without which a worker is taken for dead."""
UNSIGNED = timedelta(minutes=1)
"""After which a trial that no worker has signed is stale: its worker died within that moment."""
WORKER, TRIES = "worker", "tries"
"""What a trial says of itself: who makes it, and how often its values were tried by now."""
MAKING_TRIES, MAKING_SECONDS = 3, 0.5
"""How often the tables of a database are asked for, and the pause between."""
MOST_TRIES = 3
"""Of the same values, where workers die over them."""


def opened(place: Place, study: str) -> BaseStorage:
    """The storage of a study, made if it is not there; raises UserError."""
    # It tells everything on standard error; what matters is told otherwise.
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with in_sentences(place, study, DAMAGE), warnings.catch_warnings():
        # Of heartbeats, that Optuna may change them; its version is bounded.
        warnings.simplefilter("ignore")
        if not place.url:
            try:
                place.folder.mkdir(parents=True, exist_ok=True)
                return Journal(place, study)
            except OSError as error:
                raise RunError(f"{place.folder}: no study can be kept: {cure(error)}") from None
        return _database(place)


def _database(place: Place) -> RDBStorage:
    """Its tables made, if it has none; two that make them at once are in each other's way."""
    for tries_left in range(MAKING_TRIES - 1, -1, -1):
        try:
            return _storage(place)
        except (IntegrityError, ProgrammingError, StorageInternalError):
            if not tries_left:
                raise
            time.sleep(MAKING_SECONDS)
    raise AssertionError


def _storage(place: Place) -> RDBStorage:
    return RDBStorage(
        place.url,
        engine_kwargs={
            "pool_pre_ping": True,
            "connect_args": {"connect_timeout": 10},
            "hide_parameters": True,
        },
        heartbeat_interval=place.heartbeat,
        grace_period=SILENCE * place.heartbeat,
        heartbeat_stale_trial_callback=partial(lost, place),
    )


class Journal(JournalStorage, BaseHeartbeat):
    """A journal file, whose trials are stale once the lock of their worker is free."""

    def __init__(self, place: Place, study: str) -> None:
        self._place = place
        super().__init__(JournalFileBackend(str(place.journal(study))))

    def record_heartbeat(self, trial_id: int) -> None:
        # The lock is sign enough, and the file stays small.
        pass

    def get_heartbeat_interval(self) -> int:
        return self._place.heartbeat

    def get_heartbeat_stale_trial_callback(self) -> Callable[[Study, FrozenTrial], None]:
        return partial(lost, self._place)

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        running = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        return [trial._trial_id for trial in running if self._is_stale(trial)]

    def _is_stale(self, trial: FrozenTrial) -> bool:
        worker, host = trial.user_attrs.get(WORKER), trial.user_attrs.get(HOST)
        if worker is None:
            begun = trial.datetime_start
            return begun is not None and datetime.now() - begun > UNSIGNED
        # Of another machine's processes nothing can be known.
        return host == socket.gethostname() and not is_alive(self._place.folder, str(worker))


LIBRARIES: tuple[type[Exception], ...] = (OptunaError, SQLAlchemyError)
DAMAGE: tuple[type[Exception], ...] = (*LIBRARIES, OSError, ValueError, KeyError)
"""What is raised where a journal file is damaged, too."""


@contextmanager
def in_sentences(
    place: Place, study: str, kinds: tuple[type[Exception], ...] = LIBRARIES
) -> Iterator[None]:
    """Say in a sentence what the storage cannot do."""
    try:
        yield
    except kinds as error:
        if isinstance(error, UserError):
            raise
        cause = error.__cause__ or error
        lines = str(getattr(cause, "orig", None) or cause).strip().splitlines()
        reason = without_password(place, lines[0] if lines else type(cause).__name__)
        cures = "see that the address is right and the database up" if place.url else "mend it"
        raise UserError(f"study {study} in {place.told(study)}: {reason}; {cures}") from None


# --- whether a worker is alive --------------------------------------------------------------------


@contextmanager
def alive(folder: Path, study: str) -> Iterator[str]:
    """Hold a lock for as long as this worker lives; yields the name by which it is known."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{study}-{os.getpid()}-{secrets.token_hex(4)}.worker"
    path = folder / name
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield name
        finally:
            path.unlink(missing_ok=True)


def is_alive(folder: Path, name: str) -> bool:
    """Whether the worker of that name holds its lock."""
    try:
        return is_held(folder / Path(name).name)
    except OSError:
        return False


# --- a trial whose worker died --------------------------------------------------------------------


def lost(place: Place, study: Study, trial: FrozenTrial) -> None:
    """End the engine of a trial whose worker died, and have its values tried again."""
    directory = run_of(place, trial.user_attrs)
    if directory is not None:
        with contextlib.suppress(UserError, OSError):
            if is_live(directory):
                stop(directory)
    if (tries := tries_of(trial)) < MOST_TRIES:
        try_again(study, trial, tries + 1)


def try_again(study: Study, trial: FrozenTrial, tries: int) -> None:
    """Have a worker take the values of this trial before any others."""
    fixed = trial.system_attrs.get("fixed_params", {}) | trial.params
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            system_attrs={"fixed_params": fixed},
            user_attrs={TRIES: tries},
        )
    )


def tries_of(trial: FrozenTrial) -> int:
    """How often its values were tried, this time included."""
    tries = trial.user_attrs.get(TRIES, 1)
    return tries if isinstance(tries, int) else 1
