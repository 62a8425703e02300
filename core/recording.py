"""The writing of a run's record, by its engine alone, so that nothing confirmed is lost; the rules,
and the reading, are core/record.py's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.protocol import Act, AnyRecorded, encode_line
from core.record import RunError, column_path, cure, read_events


class RecordGone(RunError):
    """The run's directory is no longer where the engine found it."""


class Unwritten(Exception):
    """The record could not be written; the message says why, and the cure.

    What was confirmed stands on disk. What was not is lost with the Run, which must be opened anew.
    """


class RecordWriter:
    """Appends to a run's record. One engine per run: opening it takes the run's lock for good.

    Where something cannot be written, its methods raise Unwritten, and from then on it writes
    nothing more: half a line may stand at the end, which the next opening cuts.
    """

    def __init__(self, directory: Path) -> None:
        """Cut what a crash left unfinished, and read the rest.

        Raises RunError if another engine holds the run, or if the record is damaged; Unwritten.
        """
        self.directory = directory
        self._path = path = directory / "events.jsonl"
        self._pending = bytearray()
        self._unsynced = self._given_up = False
        with contextlib.ExitStack() as opened, self._writing():
            self._lock = opened.enter_context((directory / "engine.lock").open("ab"))
            if not _take(self._lock):
                raise RunError(f"run {directory.name}: another engine already serves it")
            _cut(path, _whole_lines(path))
            self.events = read_events(directory)
            """What the record held when it was opened."""
            branch = max((event.branch for event in self.events), default=0)
            column = column_path(directory, branch)
            _cut(column, _size(column) // 4 * 4)
            self._events = opened.enter_context(path.open("ab", buffering=0))
            self._column = column.open("ab", buffering=0)
            opened.pop_all()

    def append_losses(self, losses: bytes) -> None:
        """Add float32 losses of the present branch; they reach the system with the next flush."""
        self._pending += losses

    def append(self, event: AnyRecorded) -> None:
        """Write `event`. When this returns, an act is safe against a loss of power."""
        self.flush()
        with self._writing():
            _write_all(self._events, encode_line(event) + b"\n")
        self._unsynced = True
        if isinstance(event, Act):
            self.sync()

    def flush(self) -> None:
        """Hand the column's bytes to the system, where other processes can read them."""
        if self._pending:
            with self._writing():
                _write_all(self._column, self._pending)
            self._pending.clear()
            self._unsynced = True

    def sync(self) -> None:
        """Make all up to here safe against a loss of power: the column first, then the lines.

        Raises RecordGone if nobody will find them, since the directory was deleted or moved.
        """
        self.flush()
        with self._writing():
            if self._unsynced:
                os.fsync(self._column.fileno())
                os.fsync(self._events.fileno())
                self._unsynced = False
            if not self._is_in_place():
                self._given_up = True
                raise RecordGone(
                    f"run {self.directory.name}: its directory was deleted or moved away, so the"
                    " engine ends. Moved, it can be opened where it stands now"
                )

    def begin_branch(self, branch: int) -> None:
        """Make the column that is left safe, and let losses go to that of `branch` from now on."""
        self.sync()
        with self._writing():
            self._column.close()
            self._column = column_path(self.directory, branch).open("wb", buffering=0)

    @property
    def column_bytes(self) -> int:
        """Length of the present branch's loss column, pending bytes included."""
        return os.fstat(self._column.fileno()).st_size + len(self._pending)

    def close(self) -> None:
        """Sync, close, and give the run's lock back; once is enough."""
        try:
            if not self._given_up:
                self.sync()
        finally:
            self._given_up = True
            for file in (self._column, self._events, self._lock):
                file.close()

    def _is_in_place(self) -> bool:
        """Whether the file that is written is the one that others find by its name."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._events.fileno())
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._given_up = True
            raise Unwritten(
                f"run {self.directory.name}: its record cannot be written: {cure(error)}"
            ) from error


@contextlib.contextmanager
def holding(directory: Path) -> Iterator[bool]:
    """Keep engines off a run meanwhile; whether that succeeded: one may serve it already."""
    with contextlib.ExitStack() as opened:
        try:
            held = _take(opened.enter_context((directory / "engine.lock").open("rb")))
        except OSError:
            held = False
        yield held


def _take(lock: BinaryIO) -> bool:
    """Whether the lock could be had; somebody may be testing it at this very moment."""
    for attempt in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01 * (attempt < 9))
        else:
            return True
    return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _whole_lines(path: Path) -> int:
    """The length in bytes of the file's whole lines."""
    return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0


def _cut(path: Path, size: int) -> None:
    if _size(path) > size:
        os.truncate(path, size)


def _write_all(file: BinaryIO, data: bytes | bytearray) -> None:
    """Unbuffered files may write less than asked, as on a disk that is almost full."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
