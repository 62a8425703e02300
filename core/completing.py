"""What the shell offers when Tab is pressed: the runs there are, and the values of a flag.

Apart from the commands, so that it stays quick: a directory is listed, and no record is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from core.launch import runs_directory

COMMON = ("last",)
"""A name that every folder of runs knows."""


def run_names(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of the runs that begin as typed, the newest first, and `last`."""
    try:
        given = context.params.get("runs_dir")
        folder = runs_directory(Path(given) if given else None)
        runs = [entry.name for entry in folder.iterdir() if (entry / "config.json").is_file()]
    except OSError:
        runs = []
    named = context.params.get("run")
    given = set(named) if isinstance(named, (list, tuple)) else set()
    return [
        name
        for name in (*sorted(runs, reverse=True), *COMMON)
        if name.startswith(incomplete) and name not in given
    ]


def one_of(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    """Those of `choices` that begin as typed."""

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete
