"""End the engine of a run: ask it, and if it does not answer, make it.

An engine that is asked saves first; so does one that gets SIGTERM. Killed, it loses no confirmed
act, and the updates since the last checkpoint are computed again when the run is next opened.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from core.catalogue import announced_pid, look
from core.client import Client, EngineGone
from core.processes import engines
from core.protocol import EngineStopped, Shutdown
from core.record import RunError, is_served, read_events

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Patience:
    """Seconds that each way of ending an engine is given."""

    answer: float = 5.0
    """To let us in: a frozen engine does not."""
    shutdown: float = 30.0
    """To save and end, once it was asked."""
    terminate: float = 10.0
    """To save and end after SIGTERM."""
    kill: float = 5.0
    """To be gone after SIGKILL; only a disk or a system that hangs needs any."""


PATIENCE = Patience()


def is_live(directory: Path) -> bool:
    """Whether an engine serves the run, or is just loading to do so."""
    return is_served(directory) or directory.resolve() in engines()


def stop(directory: Path, patience: Patience = PATIENCE) -> str:
    """End the engine of the run in `directory`; returns a sentence on how and where it ended.

    Raises RunError if there is none, if it cannot be told from other processes, or if nothing
    helps.
    """
    name = directory.resolve().name
    if not is_live(directory):
        raise RunError(f"run {name}: no engine serves it, so there is nothing to stop")
    asked = _ask(directory, patience.answer)
    if _gone(directory, patience.shutdown if asked else 0.0):
        return f"run {name}: {_where_it_ended(directory)}"
    # A process that was suspended takes SIGTERM only once it goes on.
    _signal(directory, name, signal.SIGTERM, signal.SIGCONT)
    if _gone(directory, patience.terminate):
        how = "was terminated"
    else:
        _signal(directory, name, signal.SIGKILL)
        how = "was killed"
        if not _gone(directory, patience.kill):
            raise RunError(f"run {name}: its engine does not end, not even killed")
    return f"run {name}: its engine did not answer and {how}; {_where_it_ended(directory)}"


def _ask(directory: Path, seconds: float) -> bool:
    """Send Shutdown; whether there was someone to take it."""
    client = Client(directory, "stop")
    deadline = time.monotonic() + seconds
    try:
        while is_live(directory) and time.monotonic() < deadline:
            try:
                # In short tries: the engine may end by itself, or still be loading.
                client.attach(min(1.0, seconds))
            except (EngineGone, TimeoutError):
                time.sleep(POLL_SECONDS)
                continue
            except (RunError, OSError):
                # It let us in, only its record cannot be read: it can be told to end all the same.
                pass
            try:
                client.send(Shutdown())
            except EngineGone:
                continue
            return True
    finally:
        client.close()
    return False


def _gone(directory: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_live(directory):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _signal(directory: Path, name: str, *numbers: signal.Signals) -> None:
    """Signal the run's engine, and nobody else."""
    pid = engines().get(directory.resolve())
    if pid is None and is_served(directory):
        told = announced_pid(directory)
        known = f"process {told}, of which engine.json tells, is another" if told else "no trace"
        raise RunError(
            f"run {name}: its engine does not answer, and its process is not to be found"
            f" ({known}); look for core.worker among this machine's processes"
        )
    for number in numbers:
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            except PermissionError:
                raise RunError(
                    f"run {name}: its engine, process {pid}, belongs to somebody else"
                ) from None


def _where_it_ended(directory: Path) -> str:
    try:
        events = read_events(directory)
    except (RunError, OSError):
        return "stopped; its record cannot be read"
    if events and isinstance(events[-1], EngineStopped):
        return f"stopped and saved at step {events[-1].step:,}"
    step = look(directory).step or 0
    return f"its record reaches step {step:,}, from where it can go on"
