"""Names or texts into a file of the person's own, as `steermore sample` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.config import Level
from core.errors import UserError, harmless
from core.exporting import opened
from tui.samples.texts import as_a_file


class NotWritten(UserError):
    """Why nothing was written."""


def path_of(text: str) -> Path:
    """The file that a person typed, from the present folder; raises NotWritten."""
    if not text.strip():
        raise NotWritten("type a name for the file")
    try:
        path = Path.cwd() / Path(text.strip()).expanduser()
        if path.is_dir():
            raise NotWritten(f"{harmless(text)}: is a folder; add a name for the file in it")
        if path.exists() and not path.is_file():
            raise NotWritten(f"{harmless(text)}: is no regular file; type another name")
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NotWritten(f"{harmless(text)}: cannot be a file: {why}") from None
    return path


def write_names(
    names: Sequence[str], path: Path, *, over: bool, level: Level = "character"
) -> None:
    """Write them as UTF-8; `over` an older file of that name only if that is said.

    Raises UserError.
    """
    if path.exists() and not over:
        raise NotWritten(f"{harmless(path.name)}: exists already")
    with opened(str(path), force=over) as file:
        file.write(as_a_file(names, level).encode())
