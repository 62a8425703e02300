"""The runs in a folder, and how each of them stands.

Read from the records alone, without an engine, so that it costs milliseconds and works on runs that
no engine could open any more: one that cannot be read is listed as such.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from core.client import read_endpoint
from core.coherence import acts_of
from core.differing import Facts, facts
from core.lineage import on_path, settings_after
from core.processes import engines
from core.protocol import (
    AnyRecorded,
    EngineStarted,
    EngineStopped,
    Evaluated,
    SettingChanged,
    StateChanged,
)
from core.record import RunError, is_served, read_config, read_events
from core.story import updates_on

State = Literal["training", "paused", "finished", "stopped", "crashed", "empty", "unreadable"]
"""`training`, `paused`, or at the step limit `finished`: an engine serves the run.
`finished` or `stopped`: its engine ended in good order, at the step limit or before it.
`crashed`: its engine ended otherwise; opening the run again mends what that left.
`empty`: nothing is recorded yet; its engine is loading, or did not start (see engine.log).
`unreadable`: damaged, or of another version; `why` says so."""


@dataclass(frozen=True)
class Listed:
    """One run as a list shows it."""

    run: str
    """Its id, the name of its directory."""
    directory: Path
    state: State
    step: int | None
    """Updates done on the present lineage; None if unreadable."""
    dev_loss: float | None
    """The best on the present lineage, nats per symbol; None if none was measured."""
    age_seconds: float
    """Since the last thing that is recorded of it happened."""
    started: float
    """When it was made, in seconds since 1970."""
    pid: int | None
    """Of the engine that serves it."""
    why: str = ""
    """What keeps it from being read."""
    last_dev: float | None = None
    """Of the newest evaluation on the present lineage, nats per symbol."""
    train_loss: float | None = None
    """Of the same evaluation."""
    preset: str = ""
    parent: str = ""
    """Of a fork: the run that it comes from, as that was called then."""
    facts: Facts = field(default_factory=dict, hash=False)
    """Its sizes and seeds, and what is in force in it now; empty if unreadable."""
    moment: float = 0.0
    """When the last thing that is recorded of it happened, in seconds since 1970."""
    written: int = 0
    """Bytes of its events, or more by now."""

    @property
    def live(self) -> bool:
        """Whether an engine serves it, or is loading to do so."""
        return self.pid is not None or self.state in ("training", "paused")


def listed(runs: Path) -> list[Listed]:
    """Every run in the folder `runs`, the newest first, as `last` means it.

    An engine whose directory was deleted from `runs` is listed too, as an unreadable run: it must
    not be lost from sight. Raises RunError only if the folder itself cannot be read.
    """
    return list(looked(runs))


def looked(runs: Path) -> Iterator[Listed]:
    """As `listed`, each as soon as it is read."""
    directories = _directories(runs)
    alive = engines()
    yield from _orphans(runs, directories, alive)
    for path in sorted(directories, key=_made, reverse=True):
        yield look(path, alive)


def changed(runs: Path, known: Mapping[Path, Listed]) -> tuple[list[Listed], list[Path]]:
    """What has become of a folder that was listed: the runs that are new in it, that were written
    to since they were `known`, or that an engine serves or did then, the newest first; and what of
    those is there no more.

    Raises RunError if the folder cannot be read.
    """
    directories = _directories(runs)
    alive = engines()
    moved = [
        path
        for path in directories
        if path not in known
        or known[path].live
        or known[path].written != _written(path)
        or path.resolve() in alive
        or _served_out_of_sight(path)
    ]
    moved.sort(key=_made, reverse=True)
    orphans = list(_orphans(runs, directories, alive))
    there = {*directories, *(orphan.directory for orphan in orphans)}
    found = [*orphans, *(look(path, alive) for path in moved)]
    return found, [path for path in known if path not in there]


def _orphans(
    runs: Path, directories: Iterable[Path], alive: Mapping[Path, int]
) -> Iterator[Listed]:
    """Engines of this folder whose directory is not in it any more."""
    there, home = {path.resolve() for path in directories}, runs.resolve()
    for path, pid in alive.items():
        if path.parent == home and path not in there:
            why = f"its directory is gone, but its engine, process {pid}, is alive"
            yield _unreadable(path, pid, why)


def _served_out_of_sight(directory: Path) -> bool:
    try:
        return is_served(directory)
    except OSError:
        return False


def _directories(runs: Path) -> list[Path]:
    try:
        return [path for path in runs.iterdir() if _may_be_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"{runs}: cannot list the runs here: {error.strerror};"
            " choose another folder with --runs-dir"
        ) from None


def look(directory: Path, alive: Mapping[Path, int] | None = None) -> Listed:
    """How the run in `directory` stands; `alive` is what `engines()` found, if that was called.

    Never raises for what is wrong with the run.
    """
    alive = engines() if alive is None else alive
    pid = alive.get(directory.resolve())
    # Before it is read: what comes after that is news.
    written = _written(directory)
    return replace(_looked_at(directory, pid), written=written)


def _written(directory: Path) -> int:
    try:
        return (directory / "events.jsonl").stat().st_size
    except OSError:
        return 0


def _looked_at(directory: Path, pid: int | None) -> Listed:
    try:
        served = is_served(directory)
        if served and pid is None:
            pid = announced_pid(directory)
        return _read(directory, served, pid)
    except RunError as error:
        return _unreadable(directory, pid, str(error))
    except OSError as error:
        return _unreadable(directory, pid, f"cannot be read: {error.strerror or error}")


def _read(directory: Path, served: bool, pid: int | None) -> Listed:
    config = read_config(directory)
    events = read_events(directory)
    acts = acts_of(directory, config, events)
    step, dev_loss, newest = config.parent.step if config.parent else 0, None, None
    knobs = config.knobs
    state: State = "paused" if served or pid else "empty"
    if events:
        head = acts.head(updates_on(directory, acts.branch))
        step, path = head.step, acts.path(head)
        knobs = path[-1].knobs
        measured = [each for each in events if isinstance(each, Evaluated) and each.dev is not None]
        # The lowest of all is nearly always on the path, which is then walked once.
        measured.sort(key=lambda each: each.dev or 0.0)
        best = (each.dev for each in measured if on_path(path, acts.point_of(each)))
        dev_loss = next(best, None)
        measured.sort(key=lambda each: each.seq, reverse=True)
        newest = next((each for each in measured if on_path(path, acts.point_of(each))), None)
        if served:
            state = _live_state(events, pid)
        elif isinstance(events[-1], EngineStopped):
            limit = _step_limit(events, config.settings.step_limit)
            state = "finished" if step >= limit else "stopped"
        else:
            state = "crashed"
    moment = events[-1].time if events else config.created
    return Listed(
        run=_name(directory),
        directory=directory,
        state=state,
        step=step,
        dev_loss=dev_loss,
        age_seconds=_age(moment),
        started=config.created,
        pid=pid if state in ("training", "paused") or served else None,
        last_dev=newest.dev if newest else None,
        train_loss=newest.train if newest else None,
        preset=config.preset,
        parent=config.parent.run if config.parent else "",
        facts=facts(config, knobs, settings_after(config.settings, events)),
        moment=moment,
    )


def _live_state(events: list[AnyRecorded], pid: int | None) -> State:
    """An engine begins paused, whatever the one before it did, and then says what it does.

    By the order of the record, not by its times: a clock may be set back.
    """
    said: StateChanged | None = None
    for event in reversed(events):
        if isinstance(event, StateChanged):
            said = said or event
        if isinstance(event, EngineStarted):
            if said is None or pid not in (None, event.pid):
                return "paused"
            return "finished" if said.finished else "training" if said.running else "paused"
    return "paused"


def _step_limit(events: list[AnyRecorded], limit: int) -> int:
    for event in events:
        if isinstance(event, SettingChanged) and event.name == "step_limit":
            limit = int(event.new)  # type: ignore[arg-type]
    return limit


def announced_pid(directory: Path) -> int | None:
    """The process id in `engine.json`, if there is one; after a crash it may be a stranger's."""
    endpoint = read_endpoint(directory)
    return endpoint.pid if endpoint else None


def holds_record(directory: Path) -> bool:
    """Whether this is surely a run, sound or not.

    A damaged `config.json` alone is no proof: many programs call a file so.
    """
    ours = ("events.jsonl", "engine.lock", "loss-0.f32")
    if any((directory / name).exists() for name in ours):
        return (directory / "config.json").exists() or (directory / "checkpoints").is_dir()
    try:
        read_config(directory)
    except RunError:
        return False
    return True


def _may_be_run(path: Path) -> bool:
    try:
        names = ("config.json", "events.jsonl")
        return path.is_dir() and any((path / name).exists() for name in names)
    except OSError:
        # A folder that we may not look into could well be a run.
        return True


def _made(directory: Path) -> tuple[int, str]:
    for path in (directory / "config.json", directory):
        try:
            return path.stat().st_mtime_ns, directory.name
        except OSError:
            continue
    return 0, directory.name


def _unreadable(directory: Path, pid: int | None, why: str) -> Listed:
    made = _made(directory)[0] / 1e9 or time.time()
    age, name = _age(made), _name(directory)
    return Listed(name, directory, "unreadable", None, None, age, made, pid, why, moment=made)


def _name(directory: Path) -> str:
    # Of a link its own, under which it is found; `.` has none.
    return directory.name if directory.name not in ("", "..") else directory.resolve().name


def _age(when: float) -> float:
    return max(time.time() - when, 0.0)


def ago(seconds: float) -> str:
    """How long something is past, in one unit."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:,.0f} {unit}"
    return f"{seconds:.0f} s"
