"""A client of an engine: attach, send commands, receive events, notice when the engine is gone.

The dashboard, `fit` and `sample` are all such clients. The engine gives a newcomer the sizes of the
files on disk and queues every later event for it, so that file and stream join without a gap or a
repetition.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import numpy as np

from core import record
from core.coherence import acts_of
from core.config import RunConfig
from core.decoding import soundly
from core.out_of_memory import TOO_LITTLE, ended_so
from core.protocol import (
    MAX_FRAME,
    PROTOCOL,
    AnyCommand,
    AnyEvent,
    AnyRecorded,
    Clock,
    Hello,
    StateChanged,
    Welcome,
    decode_event,
    encode_wire,
)

SEND_TIMEOUT = 2.0
"""Seconds after which a send to a frozen engine gives up: the screen must not freeze with it."""


NO_ROOM = os.EX_IOERR
"""The exit code of an engine that could not write; the reason may not fit into its log either."""


QUOTED = 2_000
"""Bytes at the end of an engine's log in which the reason of its end is looked for."""


class EngineGone(Exception):
    """There is no engine at the other end; the message says what happened."""


class NotAnswering(TimeoutError):
    """An engine is there, and does not let us in: it is suspended, or the machine is."""


class Endpoint(msgspec.Struct, frozen=True):
    """What `engine.json` holds: where the engine listens, and the key that it asks for."""

    socket: str
    key: str
    pid: int


_decode_endpoint = soundly(msgspec.json.Decoder(Endpoint).decode)


def read_endpoint(directory: Path) -> Endpoint | None:
    """Where the engine of a run says that it listens; None if it says nothing that can be read."""
    try:
        return _decode_endpoint((directory / "engine.json").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


@dataclass(frozen=True)
class Attached:
    """Everything that happened in a run until this client attached."""

    config: RunConfig
    welcome: Welcome
    events: tuple[AnyRecorded, ...]
    losses: dict[int, np.ndarray]
    """Per branch, abandoned ones too, float32 (updates,)."""


def read_run(directory: Path) -> Attached:
    """A run as its files tell it, without an engine: standing still at the end of its record.

    Raises RunError if they cannot be read.
    """
    config = record.read_config(directory)
    first = config.parent.step if config.parent else 0
    events = tuple(record.read_events(directory))
    acts = acts_of(directory, config, events)
    losses = _columns(directory, acts.branch, None)
    column = losses[acts.branch]
    states = [event for event in events if isinstance(event, StateChanged)]
    clocks = (event.seconds for event in events if isinstance(event, Clock))
    welcome = Welcome(
        protocol=PROTOCOL,
        client="",
        seq=events[-1].seq if events else -1,
        branch=acts.branch,
        step=acts.head(len(column)).step if acts.list else first,
        column_bytes=column.nbytes,
        running=False,
        finished=bool(states) and states[-1].finished,
        seconds=max(clocks, default=0.0),
    )
    return Attached(config, welcome, events, losses)


def _columns(directory: Path, branch: int, size: int | None) -> dict[int, np.ndarray]:
    """The losses of every branch up to `branch`, of the last one only the first `size` bytes."""
    losses = {earlier: record.read_column(directory, earlier) for earlier in range(branch)}
    losses = {earlier: column for earlier, column in losses.items() if len(column)}
    return losses | {branch: record.read_column(directory, branch, size)}


class Client:
    """One connection to the engine of one run; send from any one thread, receive in another."""

    def __init__(
        self, directory: Path, name: str, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        """`name` says who acts; `process` is the engine, if the caller started it."""
        self.directory = directory
        self.name = name
        self.process = process
        self._connection: Connection | None = None
        self._sending = threading.Lock()
        self._last_id = 0

    def attach(self, timeout: float) -> Attached:
        """Connect, waiting for an engine that is still loading, and read the run's history.

        Raises EngineGone if the engine has ended, TimeoutError if it is not ready in `timeout`
        seconds, NotAnswering if it is there and does not answer in that time, or in a second.
        """
        deadline = time.monotonic() + timeout
        self.close()
        while True:
            connection = self._connect()
            if connection is not None:
                break
            if self.process is not None and self.process.poll() is not None:
                raise EngineGone(self.how_it_ended())
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {self.directory.name}: no engine is ready")
            time.sleep(0.02)
        self._connection = connection
        try:
            connection.send_bytes(encode_wire(Hello(protocol=PROTOCOL, client=self.name)))
            if not connection.poll(max(deadline - time.monotonic(), 1.0)):
                raise NotAnswering(f"run {self.directory.name}: the engine does not answer")
            welcome = decode_event(connection.recv_bytes(MAX_FRAME))
        except NotAnswering:
            self.close()
            raise
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            self.close()
            raise EngineGone(f"the engine did not let us in ({error})") from error
        if not isinstance(welcome, Welcome) or welcome.protocol != PROTOCOL:
            self.close()
            raise EngineGone(
                "the engine is of another version of steermore; stop it and start again"
            )
        return Attached(
            config=record.read_config(self.directory),
            welcome=welcome,
            events=tuple(record.read_events(self.directory, last=welcome.seq)),
            losses=_columns(self.directory, welcome.branch, welcome.column_bytes),
        )

    def send(self, command: AnyCommand) -> int:
        """Send `command` and return the id under which it will be answered; raises EngineGone."""
        with self._sending:
            self._last_id += 1
            numbered = msgspec.structs.replace(command, id=self._last_id)
            connection = self._connection
            if connection is None:
                raise EngineGone("not connected to an engine")
            try:
                connection.send_bytes(encode_wire(numbered))
            except OSError as error:
                raise EngineGone(f"the engine does not take commands ({error})") from error
            return self._last_id

    def receive(self, timeout: float) -> list[AnyEvent]:
        """Every event that has come, waiting up to `timeout` seconds for the first.

        Raises EngineGone.
        """
        connection = self._connection
        if connection is None:
            raise EngineGone("not connected to an engine")
        events: list[AnyEvent] = []
        try:
            while connection.poll(0 if events else timeout):
                events.append(decode_event(connection.recv_bytes(MAX_FRAME)))
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            if events:
                return events
            raise EngineGone(self.how_it_ended()) from error
        return events

    def close(self) -> None:
        """Leave; a receive that waits in another thread returns at once."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # Closing alone would not wake a read that waits.
        end = socket.socket(fileno=os.dup(connection.fileno()))
        with end, contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        connection.close()

    def how_it_ended(self) -> str:
        """Why there is no engine, as far as its process and its log tell."""
        code = None
        if self.process is not None:
            try:
                code = self.process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                return "the engine closed the connection"
        log = self.directory / "engine.log"
        if code in (0, None):
            return "the engine has ended"
        lines = _last_lines(log)
        last = lines[-1] if lines else ""
        if ended_so(lines):
            last = TOO_LITTLE
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        if code == NO_ROOM:
            how = "could not write; is there room on the disk?"
        see = f" (see {log})" if log.exists() else ""
        return f"the engine {how}" + (f": {last}" if last else "") + see

    def _connect(self) -> Connection | None:
        """A connection that has shown its key, or None while no engine listens."""
        endpoint = read_endpoint(self.directory)
        if endpoint is None:
            return None
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.connect(endpoint.socket)
        except (OSError, ValueError):
            # Nobody listens, or it is no path at all.
            end.close()
            return None
        seconds, rest = divmod(SEND_TIMEOUT, 1)
        end.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(seconds), int(rest * 1e6))
        )
        connection = Connection(end.detach())
        try:
            connection.send_bytes(endpoint.key.encode())
        except OSError:
            connection.close()
            return None
        return connection


def _last_lines(log: Path) -> list[str]:
    """The last few lines of an engine's log, if there are any."""
    try:
        with log.open("rb") as file:
            file.seek(-min(QUOTED, log.stat().st_size), os.SEEK_END)
            return file.read().decode("utf-8", "replace").strip().splitlines()[-4:]
    except OSError:
        return []
