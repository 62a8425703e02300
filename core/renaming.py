"""Give a run another name: that of its directory, under which everything finds it.

A fork names its parent in its own `config.json`, which never changes. So a renamed run keeps the
names that it had (`former-names.json`), and nobody else may take one that forks still look for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from core.catalogue import holds_record
from core.errors import harmless
from core.record import RunError, cure, read_config, write_whole
from core.recording import holding
from core.stopping import is_live
from core.sweep_place import FOLDER

FORMER = "former-names.json"
LONGEST = 100
"""Characters of a name; a file system takes 255 bytes."""


TAKEN = ("last", FOLDER)
"""Names that mean something else: the newest run, and where sweeps keep what is theirs."""


class _Former(msgspec.Struct):
    names: tuple[str, ...] = ()
    """The oldest first."""


def rename(directory: Path, name: str) -> Path:
    """Call the run `name` from now on; returns its new directory.

    Raises RunError where the name is none or is taken, or while an engine serves the run.
    """
    # `.` has no name of its own; a link has one.
    old = directory.absolute() if directory.name not in ("", "..") else directory.resolve()
    name = name.strip()
    check_name(old, name)
    new = old.with_name(name)
    if new == old:
        return directory
    try:
        (old / "engine.lock").touch()
        # So that no engine begins meanwhile.
        with holding(old) as held:
            if not held:
                raise RunError(f"run {old.name}: an engine serves it; stop that first")
            known = [each for each in (*former_names(old), old.name) if each != name]
            former = _Former(tuple(dict.fromkeys(known)))
            write_whole(old / FORMER, msgspec.json.encode(former))
            old.rename(new)
    except OSError as error:
        raise RunError(f"run {old.name}: cannot be renamed: {cure(error)}") from None
    return new


def check_name(directory: Path, name: str) -> None:
    """Raise RunError, with the reason, unless the run in `directory` can be called `name` now."""
    told = harmless(name, 40)
    if not name or name.startswith((".", "-")) or os.sep in name or name in TAKEN:
        raise RunError(
            f"{told or 'nothing'} cannot be a run's name: it must be one word or more, without"
            f" {os.sep}, not {' or '.join(TAKEN)}, and not begin with a dot or a dash"
        )
    if not name.isprintable() or len(name) > LONGEST or len(name.encode()) > 255:
        raise RunError(
            f"{told} cannot be a run's name: it must have at most {LONGEST} characters, all of"
            " which can be printed"
        )
    if not holds_record(directory):
        raise RunError(f"{directory}: this does not look like a run")
    if is_live(directory):
        raise RunError(f"run {directory.name}: an engine serves it; stop that first")
    new = directory.with_name(name)
    # Where capitals make no difference, another spelling of its name is its own directory.
    if os.path.lexists(new) and not (new.exists() and new.samefile(directory)):
        raise RunError(f"{told}: there is something of that name already; choose another")
    if name not in (directory.name, *former_names(directory)):
        child = next(iter(children_of(directory.parent, name)), None)
        if child is not None:
            raise RunError(
                f"{told}: run {child.name} is a fork of another run of that name; choose another"
            )


def former_names(directory: Path) -> tuple[str, ...]:
    """How the run was called before, the oldest name first."""
    try:
        return msgspec.json.decode((directory / FORMER).read_bytes(), type=_Former).names
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ()


def children_of(runs: Path, name: str) -> Iterator[Path]:
    """The runs in a folder that name this one as their parent."""
    for path in sorted(runs.glob("*/config.json")):
        try:
            parent = read_config(path.parent).parent
        except RunError:
            continue
        if parent is not None and parent.run == name:
            yield path.parent


def find_called(runs: Path, name: str) -> Path | None:
    """The run in a folder that is called so, or was before it was renamed; None if it is gone."""
    if (runs / name / "config.json").exists():
        return runs / name
    called = (path.parent for path in sorted(runs.glob(f"*/{FORMER}")))
    return next((each for each in called if name in former_names(each)), None)
