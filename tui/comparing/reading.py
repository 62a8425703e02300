"""What the view of runs reads beside their list: sparklines, and the curves of those compared.

Read by one thread, the most wanted first, and kept while the view is open; only as much of it is
kept at a time as a few long runs need.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.config import RunConfig
from core.errors import UserError
from core.launch import load_data
from core.record import read_config
from tui.chart.companions import read_companion
from tui.comparing.overlay import Entrant
from tui.comparing.sparks import Spark, read_spark

KEPT = 12
"""Runs whose curves stay in memory: of a million steps one takes some 8 MB."""

Job = tuple[str, Path]
"""`curve` or `spark`, and of which run."""


@dataclass
class Found:
    """What came of a job; a run that cannot be read has a reason instead."""

    job: Job
    spark: Spark = ()
    entrant: Entrant | None = None
    why: str = ""


@dataclass
class Shelf:
    """What was read, and what is wanted next. The thread only asks `next_job`."""

    train_examples: int
    """Of the list of the run on the screen."""
    list_of: tuple[object, ...]
    """That list, as `list_key` tells it."""
    sparks: dict[Path, Spark] = field(default_factory=dict)
    entrants: dict[Path, Entrant] = field(default_factory=dict)
    reasons: dict[Path, str] = field(default_factory=dict)
    """Why the curve of a run cannot be had."""
    _wanted: tuple[Job, ...] = ()
    _stale: set[Job] = field(default_factory=set)
    """What was read, but has changed since."""

    def want(self, curves: Sequence[Path], sparks: Sequence[Path]) -> bool:
        """What is to be seen now; whether any of it is still to be read."""
        self._wanted = (
            *(("curve", path) for path in curves),
            *(("spark", path) for path in sparks),
        )
        return self.next_job() is not None

    def next_job(self, done: Container[Job] = ()) -> Job | None:
        """The most wanted of what was not read yet; of `done` the screen has not heard yet."""
        for kind, path in self._wanted:
            if (kind, path) in done:
                continue
            curve = path in self.entrants or path in self.reasons
            known = curve if kind == "curve" else path in self.sparks
            if not known or (kind, path) in self._stale:
                return kind, path
        return None

    def put(self, found: Found) -> None:
        """Keep it; the curves that were wanted longest ago make room."""
        kind, path = found.job
        self._stale.discard(found.job)
        if kind == "spark":
            self.sparks[path] = found.spark
        elif found.entrant is None:
            self.reasons[path] = found.why
        else:
            self.entrants.pop(path, None)
            self.reasons.pop(path, None)
            self.entrants[path] = found.entrant
            needed = {path for kind, path in self._wanted if kind == "curve"}
            for old in list(self.entrants)[:-KEPT]:
                if old not in needed:
                    del self.entrants[old]

    def renew(self, directory: Path) -> None:
        """The run has gone on: read it again when it is wanted next."""
        self._stale |= {("spark", directory), ("curve", directory)}

    def read(self, job: Job) -> Found:
        """Do it, in the thread; never raises for what is wrong with the run."""
        kind, path = job
        try:
            if kind == "spark":
                return Found(job, spark=read_spark(path))
            return Found(job, entrant=self._read_entrant(path))
        except (UserError, OSError, LookupError, ValueError, AssertionError) as error:
            return Found(job, why=str(error))

    def _read_entrant(self, path: Path) -> Entrant:
        companion, config = read_companion(path), read_config(path)
        if list_key(config) == self.list_of:
            return Entrant(companion, self.train_examples)
        try:
            return Entrant(companion, load_data(path, config).splits["train"].examples)
        except UserError:
            return Entrant(companion, None)


def list_key(config: RunConfig) -> tuple[object, ...]:
    """What decides how many examples a run's train split has."""
    data = config.data
    if data.level == "word":
        return data.sha256, data.level, data.splitting
    return data.sha256, data.split_seed, data.dealing


def with_letters(shelf: Shelf, letters: dict[Path, str], known: dict[Path, Entrant]) -> None:
    """Put into `known` the entrants that were read, each with its letter; one stays the same as
    long as its letter does.
    """
    for path in [path for path in known if path not in letters or path not in shelf.entrants]:
        del known[path]
    for path, letter in letters.items():
        entrant = shelf.entrants.get(path)
        if entrant is None:
            continue
        now = known.get(path)
        same = now is not None and now.companion.loss is entrant.companion.loss
        if not same or now is None or now.companion.letter != letter:
            companion = replace(entrant.companion, letter=letter)
            known[path] = Entrant(companion, entrant.train_examples)
