"""Delete a run for good: what may be deleted, and what is lost with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.catalogue import Listed, holds_record
from core.record import RunError
from core.stopping import is_live


def check_deletable(directory: Path, name: str = "") -> None:
    """Raise RunError unless this is a run that no engine serves; `name` is how it was called."""
    if not holds_record(directory):
        raise RunError(f"{directory}: this does not look like a run; delete it by other means")
    if is_live(directory):
        run = directory.resolve().name
        stop = f"`steermore stop {name or run}`"
        raise RunError(f"run {run}: an engine serves it; {stop} ends that first")


def delete(directory: Path) -> None:
    """Delete the run's directory, or the link that leads to it; raises RunError."""
    check_deletable(directory)
    try:
        if directory.is_symlink():
            # What it leads to may belong to another folder of runs.
            directory.unlink()
        else:
            shutil.rmtree(directory)
    except OSError as error:
        raise RunError(f"{directory}: cannot be deleted: {error.strerror}") from None


def in_short(about: Listed) -> str:
    """What is lost: `step 3,000, dev 2.1490`."""
    if about.step is None:
        return "unreadable"
    dev = "" if about.dev_loss is None else f", dev {about.dev_loss:.4f}"
    return f"step {about.step:,}{dev}"
