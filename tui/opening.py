"""Opening the dashboard: on one run, and on every run that the person goes on to.

Apart from the commands, several of which end here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.dataset import Dataset
from core.errors import UserError
from core.launch import dealt, load_data, start_engine
from core.protocol import AnyCommand
from core.record import read_config
from core.words import WordList

if TYPE_CHECKING:
    from tui.learning.progress import Progress

InAscii = Annotated[
    bool | None,
    typer.Option(
        "--ascii/--no-ascii",
        show_default=False,
        help="Draw the dashboard in plain ASCII, or never. Default: $STEERMORE_ASCII, or ASCII "
        "where the locale is not UTF-8 and on the Linux console.",
    ),
]


def need_terminal(instead: str) -> None:
    """Refuse to open a screen where there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(f"the dashboard needs a terminal; without one, use `steermore {instead}`")


def open_dashboard(
    directory: Path,
    commands: tuple[AnyCommand, ...] = (),
    *,
    begin: bool = False,
    words: WordList | None = None,
    in_ascii: bool | None = None,
    progress: Progress | None = None,
) -> int:
    """Show the dashboard on a run, and on every run that the person goes on to; the exit code.

    `begin`: start its engine, and send it `commands` once it answers. `words`: its list, if that
    was read already. `in_ascii`: as asked for; None: by the terminal.
    `progress`: that of a walk through the lecture, which stands beside every run then.
    """
    behind: Path | None = None
    data: Dataset | None = None
    while True:
        engine: subprocess.Popen[bytes] | None = None
        config = read_config(directory)
        if begin:
            # First of all: the engine loads torch while this process loads Textual and paints.
            engine = start_engine(directory)
        from tui.app import SteermoreApp
        from tui.ascii import is_wanted

        if data is None:
            data = load_data(directory, config) if words is None else dealt(words, config)
        words = None
        app = SteermoreApp(
            directory,
            data,
            commands=commands,
            engine=engine,
            behind=behind,
            in_ascii=is_wanted(in_ascii),
            progress=progress,
        )
        app.run()
        if app.next_run is None:
            return app.return_code or 0
        then = app.next_run
        directory, commands, begin = then.directory, then.commands, then.begin
        behind, data = then.behind, then.data
