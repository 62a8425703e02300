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

import errno
import fcntl
import os
import re
from pathlib import Path

import msgspec
import numpy as np

from core.config import FORMAT, RunConfig
from core.decoding import soundly
from core.errors import UserError, harmless
from core.protocol import AnyRecorded, decode_line
from core.soundness import check_line

START = "start.safetensors"
"""The state that a fork begins from, within its run directory."""


class RunError(UserError):
    """A run that cannot be found or read; the message names the run, the trouble and the cure."""


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where nothing more can be written."""


def cure(error: OSError) -> str:
    """Why a file could not be written, and what a person can do about it."""
    reason = error.strerror or str(error)
    if error.errno in NO_ROOM:
        return f"{reason}; make room"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{reason}; make it writable"
    return f"{reason}; mend that"


def output_lost(error: OSError) -> str:
    """Why the standard output could not be written, and the cure, as a sentence."""
    return f"standard output: cannot be written: {cure(error)}"


def column_path(directory: Path, branch: int) -> Path:
    """Where the losses of `branch` stand."""
    return directory / f"loss-{branch}.f32"


def read_config(directory: Path) -> RunConfig:
    """What the run starts from; raises RunError with a sentence if it cannot be read."""
    path = directory / "config.json"
    check_files(directory)
    try:
        data = path.read_bytes()
        found = _decode_format(data).format
        if found != FORMAT:
            raise RunError(
                f"run {directory.name}: its format is {found}, this steermore reads {FORMAT};"
                " use the version that made it"
            )
        return _decode_config(data)
    except FileNotFoundError:
        raise RunError(f"{directory}: not a run (there is no config.json)") from None
    except OSError as error:
        raise RunError(f"run {directory.name}: cannot read config.json: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise RunError(f"run {directory.name}: config.json is damaged: {error}") from None


class _Format(msgspec.Struct):
    format: int


_decode_format = soundly(msgspec.json.Decoder(_Format).decode)
_decode_config = soundly(msgspec.json.Decoder(RunConfig).decode)

OURS = re.compile(
    r"(config|engine)\.json|events\.jsonl|engine\.lo(ck|g)|words\.txt|loss-\d+\.f32|.*\.safetensors"
)
"""Files of a run, here and in its folder of checkpoints."""


def check_files(directory: Path) -> None:
    """Raise RunError unless the run's files are plain files of its own.

    Written to, a link would change what it leads to, wherever that is; read, a FIFO would make
    everybody wait who lists the runs. The run's directory itself may be a link.
    """
    try:
        for folder in (directory, directory / "checkpoints"):
            for entry in os.scandir(folder) if folder.is_dir() else ():
                plain = entry.is_file(follow_symlinks=False)
                if entry.name == "checkpoints":
                    plain = entry.is_dir(follow_symlinks=False)
                elif OURS.fullmatch(entry.name) is None or entry.is_dir(follow_symlinks=False):
                    continue
                if not plain:
                    raise RunError(
                        f"run {directory.name}: {entry.name} is a link or a device, where only a"
                        " plain file of the run's own is opened; put a copy in its place"
                    )
    except OSError as error:
        raise RunError(f"run {directory.name}: cannot be read: {error.strerror}") from None


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
            check_line(event, number - 1)
        except ValueError as error:
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
    if not name.strip():
        # The beginning of every run's name: `rm ""` must not mean the only one there is.
        raise RunError("the name of the run is empty; `last` means the newest")
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
    name = harmless(name, 80)
    if found:
        names = ", ".join(path.name for path in found[:4])
        raise RunError(f"{name}: more than one run begins so ({names} …); type more of it")
    raise RunError(f"{name}: no run of that name in {runs}; `last` means the newest")


def is_served(directory: Path) -> bool:
    """Whether an engine holds the run's lock at this moment."""
    try:
        return is_held(directory / "engine.lock")
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Whether a process has locked this file at this moment; raises OSError where there is none."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a reader sees all of it or nothing, also after a loss of power."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        # On a full disk, what was written of it is room for others.
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
