"""The loop of an engine process: a Run between its sockets.

Turn the sockets, obey, do one piece of work of a few milliseconds, send: nothing that can block
stands in it.
"""

from __future__ import annotations

import contextlib
import sys
import time

import msgspec

from core.commands import obey
from core.errors import harmless
from core.protocol import (
    PROTOCOL,
    AnyCommand,
    Heartbeat,
    Hello,
    Shutdown,
    Welcome,
    decode_command,
    encode_wire,
)
from core.run import Run
from core.server import Peer, Server
from core.termination import Termination

HEARTBEAT_SECONDS = 1.0

GRACE_SECONDS = 30.0
"""How long a fresh engine waits for its first client before it counts as alone."""

LINGER_FINISHED, LINGER_PAUSED = 60.0, 600.0
"""Seconds after which an engine without a client saves and ends; while it trains it goes on."""


class Service:
    """Serves one run to its clients until it ends."""

    def __init__(
        self,
        run: Run,
        server: Server,
        termination: Termination,
        waiting: tuple[tuple[AnyCommand, str], ...] = (),
    ) -> None:
        """`waiting` are commands that came before the run was opened, with who asks."""
        self.run = run
        self.server = server
        self._beat = 0.0
        self._waiting = [*waiting]
        """Commands that came while the run was still opening, in order."""
        self._alone_since = time.monotonic() + GRACE_SECONDS
        self._termination = termination

    def serve(self) -> None:
        """Until the run ends: listen, work, tell."""
        wait = 0.0
        while not self.run.ended:
            for peer, frame in self.server.turn(min(wait, HEARTBEAT_SECONDS / 4)):
                self._hear(peer, frame)
            if self._waiting and not self._opening:
                waiting, self._waiting = self._waiting, []
                for command, client in waiting:
                    obey(self.run, command, client)
            if self._termination.asked:
                self.run.end("terminated")
            if not self.run.ended:
                wait = self.run.work()
            self.run.journal.settle()
            self._tell()
            self._mind_the_time()

    def _hear(self, peer: Peer, frame: bytes) -> None:
        try:
            message = decode_command(frame)
        except msgspec.MsgspecError as error:
            # Not one of our clients: an answer could not be read, and the rest cannot be trusted.
            with contextlib.suppress(OSError):
                told = harmless(str(error))
                print(f"dropped a client that sent no command: {told}", file=sys.stderr)
            peer.gone = True
            return
        if isinstance(message, Hello):
            self._welcome(peer, message)
        elif peer.name:
            if self._opening and not isinstance(message, Shutdown):
                self._waiting.append((message, peer.name))
            elif not self.run.ended:
                obey(self.run, message, peer.name)
        else:
            peer.gone = True

    @property
    def _opening(self) -> bool:
        errand = self.run.errand
        return errand is not None and errand.what == "opening"

    def _welcome(self, peer: Peer, hello: Hello) -> None:
        """Join files and stream at one point: all before it is on disk, all after it is sent."""
        run, journal = self.run, self.run.journal
        journal.flush()
        self._tell()
        welcome = Welcome(
            protocol=PROTOCOL,
            client=self.server.admit(peer, hello.client),
            seq=journal.seq,
            branch=journal.branch,
            step=run.step,
            column_bytes=journal.record.column_bytes,
            running=run.running,
            finished=run.finished,
            seconds=journal.seconds,
        )
        peer.put(encode_wire(welcome))

    def _tell(self) -> None:
        by_name = {peer.name: peer for peer in self.server.clients}
        for event, to in self.run.journal.take():
            message = encode_wire(event)
            if to is None:
                self.server.broadcast(message)
            elif to in by_name:
                by_name[to].put(message)

    def _mind_the_time(self) -> None:
        now, run = time.monotonic(), self.run
        if now - self._beat >= HEARTBEAT_SECONDS:
            self._beat = now
            beat = Heartbeat(step=run.step, running=run.running, clients=len(self.server.clients))
            self.server.broadcast(encode_wire(beat))
            self.server.stay_reachable()
        if self.server.clients:
            self._alone_since = now
        elif run.finished and now - self._alone_since > LINGER_FINISHED:
            run.end("finished, and nobody is watching")
        elif not run.running and now - self._alone_since > LINGER_PAUSED:
            run.end("paused, and nobody is watching")
