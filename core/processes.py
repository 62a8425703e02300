"""Engine processes of this machine, found by their command lines.

Apart from the record, because a process can be there when the record does not say so: one that is
still loading, one whose directory was deleted under it, one that was never told to end. And because
a process id alone is no proof: the system gives it to a stranger once an engine is dead.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

MODULE = ["-m", "core.worker"]
"""How core/launch.py starts an engine; the run's directory follows, resolved."""


def engines() -> dict[Path, int]:
    """The process id of every engine that can be seen, by the directory it was started on.

    An engine of another person, or in another container, may be out of sight.
    """
    found: dict[Path, int] = {}
    for pid, arguments in _command_lines():
        if arguments[-3:-1] == MODULE:
            found[Path(arguments[-1])] = pid
    return found


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    processes = Path("/proc")
    if not (processes / "self" / "cmdline").exists():
        yield from _told_by_ps()
        return
    for folder in processes.iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                # It ended while we looked, or is hidden from us.
                continue
            # A dead process that nobody has waited for has an empty line.
            yield int(folder.name), line.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _told_by_ps() -> Iterator[tuple[int, list[str]]]:
    """On macOS there is no /proc, and arguments come joined by spaces."""
    command = ["ps", "-axww", "-o", "pid=,command="]
    try:
        listing = subprocess.run(command, capture_output=True, check=False).stdout
    except OSError:
        return
    mark = f" {' '.join(MODULE)} "
    for line in listing.decode("utf-8", "surrogateescape").splitlines():
        pid, _, words = line.strip().partition(" ")
        program, found, directory = words.partition(mark)
        if found and pid.isdigit():
            yield int(pid), [program, *MODULE, directory]
