"""What an engine does while its record cannot be written, as on a full disk: it waits to be told
that there is room.

The Run is closed then, and what it had not yet confirmed is forgotten. Newcomers are shown the
record as it stands on disk; Resume has the run opened anew, as after a crash.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from core.client import read_run
from core.protocol import (
    AnyCommand,
    CommandRejected,
    Heartbeat,
    Hello,
    Resume,
    Shutdown,
    Stalled,
    decode_command,
    encode_wire,
)
from core.record import RunError
from core.recording import holding
from core.server import Peer, Server
from core.service import HEARTBEAT_SECONDS, LINGER_PAUSED
from core.termination import Termination


class Stall:
    """Serves a run that nobody can write to, to whoever watches."""

    def __init__(
        self, directory: Path, server: Server, termination: Termination, reason: str
    ) -> None:
        self._directory, self._server, self._termination = directory, server, termination
        self._reason = reason
        self._step = 0
        self._beat = 0.0
        self._alone_since = time.monotonic()

    def wait(self) -> tuple[AnyCommand, str] | None:
        """Until somebody asks to train on: what they ask, and who. None: the engine is to end."""
        with holding(self._directory) as held:
            return self._wait() if held else None

    def _wait(self) -> tuple[AnyCommand, str] | None:
        # They may have been sent losses that are not on disk, so they attach anew.
        self._server.broadcast(encode_wire(Stalled(reason=self._reason)))
        self._server.drop_all()
        while not self._termination.asked:
            for peer, frame in self._server.turn(HEARTBEAT_SECONDS / 4):
                try:
                    message = decode_command(frame)
                except msgspec.MsgspecError:
                    peer.gone = True
                    continue
                match message:
                    case Hello():
                        self._welcome(peer, message)
                    case Resume() if peer.name:
                        return message, peer.name
                    case Shutdown() if peer.name:
                        return None
                    case _:
                        name = type(message).__name__
                        told = CommandRejected(
                            answers=message.id, command=name, reason=self._reason
                        )
                        peer.put(encode_wire(told))
            if self._is_forgotten():
                return None
        return None

    def _welcome(self, peer: Peer, hello: Hello) -> None:
        try:
            welcome = read_run(self._directory).welcome
        except (RunError, OSError):
            peer.gone = True
            return
        self._step = welcome.step
        name = self._server.admit(peer, hello.client)
        # Nothing has finished while something is left to be written.
        said = msgspec.structs.replace(welcome, client=name, finished=False)
        peer.put(encode_wire(said))
        peer.put(encode_wire(Stalled(reason=self._reason)))

    def _is_forgotten(self) -> bool:
        """Whether nobody has watched for a while; those who watch are told that we are alive."""
        now = time.monotonic()
        if now - self._beat >= HEARTBEAT_SECONDS:
            self._beat = now
            count = len(self._server.clients)
            beat = Heartbeat(step=self._step, running=False, clients=count)
            self._server.broadcast(encode_wire(beat))
            self._server.stay_reachable()
        if self._server.clients:
            self._alone_since = now
        return now - self._alone_since > LINGER_PAUSED
