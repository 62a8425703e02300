"""A sweep without a screen: its workers, and a line for every trial that changes."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import UserError, harmless
from core.launch import called
from core.sweep_begin import Begun
from core.sweep_place import Order
from core.sweep_report import lines_since, summary
from core.sweep_standing import Standing, State
from core.sweep_study import read
from core.sweep_workers import Workers

LOOKS_SECONDS = 0.5


def order_of(begun: Begun, data: str | None) -> Order:
    """What the workers of this machine are told."""
    place = begun.place
    runs = str(place.runs.resolve())
    return Order(runs, begun.study.study_name, place.url, place.heartbeat, data)


@contextmanager
def working(begun: Begun, count: int, data: str | None) -> Iterator[Workers]:
    """The workers of this machine; at the end none is left."""
    log = begun.place.folder / f"{begun.study.study_name}.log"
    workers = Workers(order_of(begun, data), count, log)
    try:
        yield workers
    finally:
        workers.end()


def run_and_report(begun: Begun, count: int, data: str | None) -> int:
    """Sweep until all trials are made, telling how it goes; the exit code.

    0: all trials are made. 1: the workers gave up. 130: ended by Ctrl-C or SIGTERM.
    """
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: interrupted.set())
    name, place = begun.study.study_name, begun.place
    told: dict[int, State] = {}
    print(f"study {name} in {place.told(name)}, {count} worker{'s' * (count != 1)}", flush=True)
    with working(begun, count, data) as workers:
        while workers.tend() and not interrupted.wait(LOOKS_SECONDS):
            told = _tell(begun, told)
        if interrupted.is_set():
            print("saving the trials under way …", file=sys.stderr, flush=True)
    told = _tell(begun, told)
    return farewell(begun, workers, ended=interrupted.is_set())


def farewell(begun: Begun, workers: Workers, *, ended: bool) -> int:
    """Say how it stands and how to go on; the exit code."""
    standing = read(begun.place, begun.study, begun.sweep)
    name = begun.study.study_name
    print(summary(standing))
    if standing.best is not None and standing.best.directory is not None:
        print(f"open the best: steermore attach {harmless(called(standing.best.directory))}")
    if standing.done >= standing.wanted:
        return 0
    print(f"go on: steermore sweep --study {name}{' --storage …' if begun.place.url else ''}")
    if workers.failure:
        print(f"steermore: {harmless(workers.failure)}", file=sys.stderr)
        return 1
    return 130 if ended else 1


def _tell(begun: Begun, before: dict[int, State]) -> dict[int, State]:
    try:
        standing = read(begun.place, begun.study, begun.sweep)
    except UserError:
        # A database that is away for a moment; the workers say so if it is for long.
        time.sleep(LOOKS_SECONDS)
        return before
    for line in lines_since(before, standing):
        print(harmless(line), flush=True)
    return states(standing)


def states(standing: Standing) -> dict[int, State]:
    """How each trial stands, by number."""
    return {each.number: each.state for each in standing.trials if each.run}
