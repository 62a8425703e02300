"""One command to the engine of a run, and its answer: for those who come, ask, and go."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from core.client import Client, EngineGone
from core.launch import start_engine
from core.protocol import (
    AnyCommand,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    Recorded,
    Shutdown,
    Stalled,
)
from core.record import RunError, is_served

READY_SECONDS = 120.0
"""How long a loaded machine may take to load torch before we give up."""

Answer = TypeVar("Answer", bound=Recorded)


def answer(
    directory: Path, command: AnyCommand, kind: type[Answer], name: str, *, start: bool = False
) -> Answer:
    """Have the engine of a run obey `command`, and return the event of `kind` that answers.

    `name` is who asks. `start`: where no engine serves the run, start one, and end it afterwards.
    Raises RunError, also for what the engine refuses.
    """
    begun = start and not is_served(directory)
    # Whoever only asks is not to move the run.
    process = start_engine(directory, as_recorded=True) if begun else None
    client = Client(directory, name, process)
    try:
        me = client.attach(READY_SECONDS).welcome.client
        asked = client.send(command)
        found = _wait_for(client, kind, asked, me, directory.name)
        if begun:
            client.send(Shutdown())
            _until_stopped(client)
        return found
    except (EngineGone, TimeoutError) as error:
        raise RunError(f"run {directory.name}: {error}") from None
    finally:
        client.close()


def _wait_for(client: Client, kind: type[Answer], asked: int, me: str, run: str) -> Answer:
    while True:
        for event in client.receive(1.0):
            if isinstance(event, CommandRejected) and event.answers == asked:
                raise RunError(f"run {run}: {event.reason}")
            if isinstance(event, Stalled):
                raise RunError(event.reason)
            if isinstance(event, EngineFailed):
                raise RunError(f"run {run}: {event.reason}")
            if isinstance(event, kind) and (event.client, event.answers) == (me, asked):
                return event


def _until_stopped(client: Client) -> None:
    while not any(isinstance(event, EngineStopped) for event in client.receive(1.0)):
        pass
