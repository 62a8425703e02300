"""Before a sweep: the study is made or joined, and everything that could be wrong is looked at."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna import Study

from core.dials import ConfigError
from core.errors import UserError, harmless
from core.launch import dealt
from core.options import ALIASES, shipped_names
from core.sweep import Sweep, fitting_workers, flags_of
from core.sweep_place import Place
from core.sweep_ranges import ranges
from core.sweep_storage import in_sentences
from core.sweep_study import TRIALS, create, exists, join
from core.words import DatasetError, WordList, read_words

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
USUAL_TRIALS = 20


@dataclass(frozen=True)
class Begun:
    """A sweep that can go on."""

    place: Place
    study: Study
    sweep: Sweep
    workers: int
    """As many as the cores are enough for."""


def begun(
    place: Place,
    name: str | None,
    given: Mapping[str, Any],
    *,
    trials: int | None,
    max_seconds: float | None,
    prune: bool | None,
) -> Begun:
    """The study of that name, made if it is not there, and what was given for it; raises UserError.

    What is None was not given.
    """
    flags, asked = flags_of(given), name
    name = checked_name(name)
    if exists(place, name):
        study, sweep = join(place, name)
        _check_same(name, sweep, flags, max_seconds, prune)
        if trials is not None:
            with in_sentences(place, name):
                study.set_user_attr(TRIALS, trials)
        words = words_of(sweep, given["data"])
    else:
        words = read_words(shipped_names() if given["data"] is None else given["data"])
        sweep = Sweep(
            flags={flag: text for flag, text in flags.items() if flag not in ("data", "runs_dir")},
            data=None if given["data"] is None else str(given["data"]),
            sha256=words.sha256,
            max_seconds=max_seconds,
            prune=prune is not False,
        )
        if not ranges(sweep.given):
            cure = "give a range, as in --learning-rate 0.01:1:log or --hidden-size 50,100,200"
            if asked is not None:
                # It may be another's, only misspelt.
                cure += f", or a study that is there: in {place.told(name)} is none called {name}"
            raise UserError(f"nothing is searched; {cure}")
        _check_corners(sweep, words)
        study, sweep = create(place, name, sweep, USUAL_TRIALS if trials is None else trials)
    threads = max(config.threads for config in sweep.corners(words))
    return Begun(place, study, sweep, fitting_workers(threads))


def checked_name(name: str | None) -> str:
    """The name of a study, which files are called by; None: a new one. Raises ConfigError."""
    if name is None:
        return time.strftime("sweep-%Y%m%d-%H%M%S")
    if not NAME.fullmatch(name):
        cure = "must be letters, digits, dots, dashes and _, at most 60, the first no dot or dash"
        raise ConfigError("study", name, cure)
    return name


def words_of(sweep: Sweep, data: Path | str | None) -> WordList:
    """The list that a sweep learns from, `data` on this machine; raises DatasetError."""
    path = data or sweep.data or shipped_names()
    words = read_words(path)
    if words.sha256 != sweep.sha256:
        raise DatasetError(
            f"{path}: is not the list that the study was begun with, as its sha256 shows; name"
            " that with --data"
        )
    return words


def _check_corners(sweep: Sweep, words: WordList) -> None:
    """Raise what is wrong with any run at the ends of the ranges, or with the list."""
    config = list(sweep.corners(words))[-1]
    dealt(words, config)


def _check_same(
    name: str,
    sweep: Sweep,
    flags: Mapping[str, Any],
    max_seconds: float | None,
    prune: bool | None,
) -> None:
    """Raise UserError where a flag says otherwise than the study: it could not be told apart."""
    for flag, text in flags.items():
        if flag not in ("data", "runs_dir") and sweep.flags.get(flag) != text:
            known = sweep.given[flag]
            there = "does not name it" if known is None else f"has {harmless(str(known), 40)}"
            option = ALIASES.get(flag, f"--{flag.replace('_', '-')}")
            raise UserError(
                f"{option} {harmless(str(text), 40)}: study {name} {there}; leave it out to go on"
                " with that study, or choose another name with --study"
            )
    for option, value, known in (
        ("--max-seconds", max_seconds, sweep.max_seconds),
        ("--prune", prune, sweep.prune),
    ):
        if value is not None and value != known:
            raise UserError(
                f"{option}: study {name} was begun otherwise; leave it out to go on with that"
                " study, or choose another name with --study"
            )
