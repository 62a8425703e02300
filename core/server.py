"""The engine's sockets: one non-blocking turn between chunks of training accepts, reads and writes.

No threads and no locks. Frames are those of `multiprocessing.connection.Connection` (four bytes of
length, then the message), so that a client can use that class. A stranger must show the key in its
first frame. Whoever sends what cannot be right, or does not read what it is sent, is dropped; a
dropped dashboard attaches again by itself.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import selectors
import shutil
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE

import msgspec

from core.client import Endpoint
from core.errors import harmless
from core.protocol import MAX_FRAME
from core.record import write_whole

MAX_OUTBOX = 1024 * 1024
"""Bytes that may wait for a client that takes nothing; one message can be larger."""

PATIENCE = 2.0
"""Seconds that a stranger has to show the key, and a client to take something of too much."""

SOCKET = "engine"
USUAL = ("/tmp", "/var/tmp")
LENGTH = struct.Struct("!i")


class Peer:
    """One connection, as the server sees it."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.since = time.monotonic()
        self.known = False
        """It has shown the key."""
        self.name = ""
        """What it called itself in its Hello; events are for those that have said it."""
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.took = 0.0
        """When it last took something, or had nothing to take."""
        self.left = False
        """It takes no more; what it sent before is still to be read."""
        self.gone = False

    def frames(self, key: bytes) -> Iterator[bytes]:
        """Whole messages that have come in; the key is taken out on the way."""
        while len(self.inbox) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.inbox)
            if not 0 <= length <= (MAX_FRAME if self.known else 256):
                self.gone = True
                return
            if len(self.inbox) < LENGTH.size + length:
                return
            frame = bytes(self.inbox[LENGTH.size : LENGTH.size + length])
            del self.inbox[: LENGTH.size + length]
            if self.known:
                yield frame
            elif hmac.compare_digest(frame, key):
                self.known = True
            else:
                self.gone = True
                return

    def read(self) -> None:
        """Take in what has come, without waiting, but no more than one turn's share."""
        try:
            data = self.end.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.inbox += data
        self.gone |= not data

    def write(self) -> None:
        """Send on what waits, as far as it goes without waiting."""
        while self.outbox and not self.gone:
            try:
                del self.outbox[: self.end.send(self.outbox)]
                self.took = time.monotonic()
            except BlockingIOError:
                late = self.took < time.monotonic() - PATIENCE
                self.gone = late and len(self.outbox) > MAX_OUTBOX
                return
            except OSError:
                # It may have left with a word, such as to end, that nobody has read yet.
                self.left = True
                self.outbox.clear()

    def put(self, message: bytes) -> None:
        """Queue one message."""
        if self.left:
            return
        if not self.outbox:
            self.took = time.monotonic()
        # However fast they come: what may wait stays bounded.
        self.gone |= len(self.outbox) > MAX_FRAME
        self.outbox += LENGTH.pack(len(message)) + message


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen(16)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _listening() -> tuple[Path, socket.socket]:
    """A private folder, and the socket that listens in it; raises OSError.

    Where TMPDIR names a folder that is gone, or a path too long for a socket, in the usual one.
    """
    failed: OSError | None = None
    for parent in (tempfile.gettempdir(), *USUAL):
        try:
            folder = Path(tempfile.mkdtemp(prefix="steermore-", dir=parent))
        except OSError as error:
            failed = failed or error
            continue
        try:
            return folder, _bound(folder / SOCKET)
        except OSError as error:
            failed = failed or error
            shutil.rmtree(folder, ignore_errors=True)
    assert failed is not None
    raise failed


class Server:
    """Listens on a Unix socket in a private folder of its own, and says where in `engine.json`."""

    def __init__(self, directory: Path) -> None:
        """Announce the endpoint for the run in `directory`: from now on clients can connect."""
        self._key = secrets.token_hex(32)
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, Peer] = {}
        self._announcement = directory / "engine.json"
        self._stale = False
        """What is announced is an address of ours that is no more."""
        self._listen_at(*_listening())
        write_whole(self._announcement, self._endpoint, mode=0o600)

    def _listen_at(self, folder: Path, listener: socket.socket) -> None:
        self._folder, self._socket, self._listener = folder, folder / SOCKET, listener
        self._selector.register(listener, EVENT_READ)
        endpoint = Endpoint(socket=str(self._socket), key=self._key, pid=os.getpid())
        self._endpoint = msgspec.json.encode(endpoint)

    def stay_reachable(self) -> None:
        """Listen elsewhere if the socket was removed, as by whoever tidies up temporary folders,
        and announce the endpoint again if that was.
        """
        with contextlib.suppress(OSError):
            # A disk that is full now may have room the next time.
            if not self._socket.exists():
                # Where the run was moved away, another may be announced now.
                announced = self._is_announced()
                elsewhere = _listening()
                self._stale |= announced
                self._selector.unregister(self._listener)
                self._listener.close()
                shutil.rmtree(self._folder, ignore_errors=True)
                self._listen_at(*elsewhere)
            if self._stale or not self._announcement.exists():
                write_whole(self._announcement, self._endpoint, mode=0o600)
                self._stale = False

    def _is_announced(self) -> bool:
        try:
            return self._announcement.read_bytes() == self._endpoint
        except FileNotFoundError:
            return False

    @property
    def clients(self) -> list[Peer]:
        """Those that have shown the key and said Hello."""
        return [peer for peer in self._peers.values() if peer.name and not peer.gone]

    def admit(self, peer: Peer, wanted: str) -> str:
        """Give a peer that has said Hello a name that no other client has."""
        taken = {other.name for other in self.clients}
        wished = harmless(wanted, 64) or "client"
        name, number = wished, 2
        while name in taken:
            name, number = f"{wished}-{number}", number + 1
        peer.name = name
        return name

    def wake_on(self, descriptor: int) -> None:
        """Let a byte on this descriptor end a turn's waiting (signals arrive so)."""
        self._selector.register(descriptor, EVENT_READ)

    def turn(self, wait: float) -> list[tuple[Peer, bytes]]:
        """Accept, write and read, waiting up to `wait` seconds for something to come.

        Returns the messages of peers that have shown the key, in order.
        """
        self._write()
        for peer in self._peers.values():
            # What a socket did not take at once is not to wait for something else to happen.
            awaited = EVENT_READ | EVENT_WRITE if peer.outbox else EVENT_READ
            if self._selector.get_key(peer.end).events != awaited:
                self._selector.modify(peer.end, awaited)
        frames: list[tuple[Peer, bytes]] = []
        for key, _ in self._selector.select(wait):
            if key.fileobj is self._listener:
                self._accept()
            elif isinstance(key.fileobj, int):
                os.read(key.fileobj, 64)
            elif peer := self._peers.get(key.fileobj):  # type: ignore[call-overload]
                peer.read()
                frames += [(peer, frame) for frame in peer.frames(self._key.encode())]
        self._drop()
        return frames

    def broadcast(self, message: bytes) -> None:
        """Queue one message for every client."""
        for peer in self.clients:
            peer.put(message)

    def close(self) -> None:
        """Send what still waits, for at most half a second, then close and remove every trace."""
        with contextlib.suppress(OSError):
            # Where the run was moved away, another may stand now; a folder may be read-only.
            if self._is_announced():
                self._announcement.unlink(missing_ok=True)
        self.drop_all()
        self._selector.close()
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def drop_all(self) -> None:
        """Part from everyone, once they have what waits for them, or half a second is over."""
        deadline = time.monotonic() + 0.5
        while any(peer.outbox for peer in self.clients) and time.monotonic() < deadline:
            self.turn(0.01)
        for peer in self._peers.values():
            peer.gone = True
        self._drop()

    def _accept(self) -> None:
        try:
            end, _ = self._listener.accept()
        except OSError:
            return
        end.setblocking(False)
        self._peers[end] = Peer(end)
        self._selector.register(end, EVENT_READ)

    def _write(self) -> None:
        for peer in self._peers.values():
            if peer.outbox:
                peer.write()
        self._drop()

    def _drop(self) -> None:
        late = time.monotonic() - PATIENCE
        for peer in list(self._peers.values()):
            if peer.gone or (not peer.known and peer.since < late):
                peer.gone = True
                self._selector.unregister(peer.end)
                peer.end.close()
                del self._peers[peer.end]
