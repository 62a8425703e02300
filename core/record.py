"""How a run stands on disk, and how it is written so that nothing confirmed is lost.

    runs/<id>/  config.json     what the run starts from (RunConfig); never changes
                words.txt       the list it learns from, byte for byte
                events.jsonl    acts and notes in order, one JSON object a line
                loss-<b>.f32    minibatch loss of every update of branch b, float32, little-endian
                start.safetensors  of a fork: the state of its parent that it begins from
                checkpoints/    training states (core/checkpoint.py)
                former-names.json  of a renamed run: how it was called before (core/renaming.py)
                engine.json     while an engine serves the run: its socket, key and pid
                engine.lock     held by that engine with flock
                engine.log      what that engine and its libraries printed

Order of writing: the column's bytes of all updates before an act, then the act's line, both synced,
and only then is the act confirmed to anyone.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from core.config import FORMAT, RunConfig
from core.errors import UserError
from core.protocol import Act, AnyRecorded, decode_line, encode_line

START = "start.safetensors"
"""The state that a fork begins from, within its run directory."""


class RunError(UserError):
    """A run that cannot be found or read; the message names the run, the trouble and the cure."""


class RecordWriter:
    """Appends to a run's record. One engine per run: opening it takes the run's lock for good."""

    def __init__(self, directory: Path) -> None:
        """Cut what a crash left unfinished, and read the rest.

        Raises RunError if another engine holds the run, or if the record is damaged.
        """
        self.directory = directory
        self._lock = (directory / "engine.lock").open("ab")
        if not _take(self._lock):
            self._lock.close()
            raise RunError(f"run {directory.name}: another engine already serves it")
        path = directory / "events.jsonl"
        _cut(path, _whole_lines(path))
        self.events = read_events(directory)
        """What the record held when it was opened."""
        branch = max((event.branch for event in self.events), default=0)
        column = column_path(directory, branch)
        _cut(column, _size(column) // 4 * 4)
        self._events = path.open("ab", buffering=0)
        self._column = column.open("ab", buffering=0)
        self._pending = bytearray()
        self._unsynced = False

    def append_losses(self, losses: bytes) -> None:
        """Add float32 losses of the present branch; they reach the system with the next flush."""
        self._pending += losses

    def append(self, event: AnyRecorded) -> None:
        """Write `event`. When this returns, an act is safe against a loss of power."""
        self.flush()
        _write_all(self._events, encode_line(event) + b"\n")
        self._unsynced = True
        if isinstance(event, Act):
            self.sync()

    def flush(self) -> None:
        """Hand the column's bytes to the system, where other processes can read them."""
        if self._pending:
            _write_all(self._column, self._pending)
            self._pending.clear()
            self._unsynced = True

    def sync(self) -> None:
        """Make all up to here safe against a loss of power: the column first, then the lines."""
        self.flush()
        if self._unsynced:
            os.fsync(self._column.fileno())
            os.fsync(self._events.fileno())
            self._unsynced = False

    def begin_branch(self, branch: int) -> None:
        """Make the column that is left safe, and let losses go to that of `branch` from now on."""
        self.sync()
        self._column.close()
        self._column = column_path(self.directory, branch).open("wb", buffering=0)

    @property
    def column_bytes(self) -> int:
        """Length of the present branch's loss column, pending bytes included."""
        return os.fstat(self._column.fileno()).st_size + len(self._pending)

    def close(self) -> None:
        """Sync, close, and give the run's lock back."""
        self.sync()
        for file in (self._column, self._events, self._lock):
            file.close()


def column_path(directory: Path, branch: int) -> Path:
    """Where the losses of `branch` stand."""
    return directory / f"loss-{branch}.f32"


def read_config(directory: Path) -> RunConfig:
    """What the run starts from; raises RunError with a sentence if it cannot be read."""
    path = directory / "config.json"
    try:
        data = path.read_bytes()
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            raise RunError(
                f"run {directory.name}: its format is {found}, this steermore reads {FORMAT};"
                " use the version that made it"
            )
        return msgspec.json.decode(data, type=RunConfig)
    except FileNotFoundError:
        raise RunError(f"{directory}: not a run (there is no config.json)") from None
    except OSError as error:
        raise RunError(f"run {directory.name}: cannot read config.json: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunError(f"run {directory.name}: config.json is damaged: {error}") from None


class _Format(msgspec.Struct):
    format: int


def read_events(directory: Path, last: int | None = None) -> list[AnyRecorded]:
    """All recorded events, or those up to sequence number `last`; a torn last line is left out.

    Raises RunError at a damaged line.
    """
    try:
        lines = (directory / "events.jsonl").read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    events: list[AnyRecorded] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            event = decode_line(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RunError(
                f"run {directory.name}: events.jsonl, line {number} is damaged: {error}"
            ) from None
        if last is not None and event.seq > last:
            break
        events.append(event)
    return events


def read_column(directory: Path, branch: int, size: int | None = None) -> np.ndarray:
    """Losses of `branch`, float32 (updates,): all, or those in the first `size` bytes."""
    try:
        with column_path(directory, branch).open("rb") as file:
            data = file.read(-1 if size is None else size)
    except FileNotFoundError:
        data = b""
    return np.frombuffer(data[: len(data) // 4 * 4], dtype="<f4")


def read_losses(directory: Path, branch: int, first: int, updates: int) -> np.ndarray:
    """Losses of `branch` from its element `first` on, float32, at most `updates` of them."""
    try:
        with column_path(directory, branch).open("rb") as file:
            file.seek(4 * first)
            data = file.read(4 * updates)
    except FileNotFoundError:
        data = b""
    return np.frombuffer(data[: len(data) // 4 * 4], dtype="<f4")


def find_run(runs: Path, name: str) -> Path:
    """The run that `name` means: a path, an id or the beginning of one in `runs`, or `last`.

    Raises RunError if there is none or more than one.
    """
    if os.sep in name or name in (".", ".."):
        directory = Path(name)
        read_config(directory)
        return directory
    known = sorted(path.parent for path in runs.glob("*/config.json"))
    if name == "last":
        if not known:
            raise RunError(f"{runs}: there is no run here yet; `steermore fit` makes one")
        return max(known, key=lambda path: (path / "config.json").stat().st_mtime)
    found = [path for path in known if path.name == name]
    found = found or [path for path in known if path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found[:4])
        raise RunError(f"{name}: more than one run begins so ({names} …); type more of it")
    raise RunError(f"{name}: no run of that name in {runs}; `last` means the newest")


def is_served(directory: Path) -> bool:
    """Whether an engine holds the run's lock at this moment."""
    try:
        with (directory / "engine.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a reader sees all of it or nothing, also after a loss of power."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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
