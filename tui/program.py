"""The `steermore` program: the commands of core, and those that open the dashboard."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import core.evaluate_command
import core.finder_command
import core.sample_command  # noqa: F401  (all for the command that they add)
import tui.keys_command
import tui.serve_command  # noqa: F401
from core.again_commands import Headless, forked, wishes
from core.cli import AsJson, RunsDir, app, call, show_version
from core.dataset import Dataset
from core.errors import UserError
from core.launch import dealt, load_data, new_run, runs_directory, start_engine
from core.options import ALIASES, begin, with_dial_options, with_run_options
from core.protocol import AnyCommand, Resume
from core.record import RunError, find_run, is_served, read_config
from core.run_commands import RunName
from core.words import WordList

InAscii = Annotated[
    bool | None,
    typer.Option(
        "--ascii/--no-ascii",
        show_default=False,
        help="Draw the dashboard in plain ASCII, or never. Default: $STEERMORE_ASCII, or ASCII "
        "where the locale is not UTF-8 and on the Linux console.",
    ),
]


@app.callback(invoke_without_command=True)
@with_run_options
def dashboard(
    context: typer.Context,
    given: dict[str, Any],
    paused: Annotated[
        bool, typer.Option("--paused", help="Open the dashboard without starting to train.")
    ] = False,
    in_ascii: InAscii = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Train on a list of names, watch, and steer: the dashboard opens if no command is named."""
    if command := context.invoked_subcommand:
        gc.enable()
        for name in context.params:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                flag = ALIASES.get(name, f"--{name.replace('_', '-')}")
                raise UserError(f"{flag} must stand after {command}, which it would not reach here")
        return
    need_terminal("fit")
    beginning = begin(given)
    directory = new_run(runs_directory(beginning.runs), beginning.config, beginning.words.raw)
    commands = () if paused else (Resume(),)
    raise typer.Exit(
        open_dashboard(directory, commands, begin=True, words=beginning.words, in_ascii=in_ascii)
    )


@app.command()
def attach(
    run: RunName = "last",
    runs_dir: RunsDir = None,
    in_ascii: InAscii = None,
) -> None:
    """Open the dashboard on a run: live, or as it ended, to look at (there r resumes it)."""
    need_terminal("runs")
    directory = find_run(runs_directory(runs_dir), run)
    raise typer.Exit(open_dashboard(directory, in_ascii=in_ascii))


@app.command()
@with_dial_options
def resume(
    run: RunName,
    given: dict[str, Any],
    headless: Headless = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
    in_ascii: InAscii = None,
) -> None:
    """Train on where a run ended; knobs and settings given are changed at that step."""
    directory = find_run(runs_directory(runs_dir), run)
    commands = wishes(given)
    if is_served(directory):
        raise RunError(f"run {directory.name}: it is live; `steermore attach` shows it")
    headless = headless or as_json
    raise typer.Exit(
        train_on(directory, commands, headless=headless, as_json=as_json, in_ascii=in_ascii)
    )


@app.command()
@with_dial_options
def fork(
    run: RunName,
    given: dict[str, Any],
    at: Annotated[
        str | None, typer.Option(metavar="STEP", help="A step of the run. Default: where it is.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave a live parent running; else it is stopped.")
    ] = False,
    headless: Headless = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
    in_ascii: InAscii = None,
) -> None:
    """Begin a new run from any step of another, with other knobs and settings if given."""
    headless = headless or as_json
    if not headless:
        need_terminal("fork --headless")
    directory = forked(run, at, given, runs_dir, keep=keep)
    raise typer.Exit(
        train_on(directory, (Resume(),), headless=headless, as_json=as_json, in_ascii=in_ascii)
    )


def train_on(
    directory: Path,
    commands: tuple[AnyCommand, ...],
    *,
    headless: bool,
    as_json: bool,
    in_ascii: bool | None,
) -> int:
    """Start the engine of a run that has none, send it `commands`, and stay with it."""
    if headless:
        from core.fit import train_and_report

        return train_and_report(directory, commands, as_json=as_json)
    need_terminal("resume --headless")
    return open_dashboard(directory, commands, begin=True, in_ascii=in_ascii)


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
) -> int:
    """Show the dashboard on a run, and on every run that the person goes on to; the exit code.

    `begin`: start its engine, and send it `commands` once it answers. `words`: its list, if that
    was read already. `in_ascii`: as asked for; None: by the terminal.
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
        )
        app.run()
        if app.next_run is None:
            return app.return_code or 0
        then = app.next_run
        directory, commands, begin = then.directory, then.commands, then.begin
        behind, data = then.behind, then.data


def run() -> None:
    """Run the command named on the command line."""
    call(app)
