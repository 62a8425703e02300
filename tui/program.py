"""The `steermore` program: the commands of core, and those that open the dashboard."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated, Any

import typer

import core.evaluate_command
import core.finder_command
import core.sample_command
import core.tensorboard_command  # noqa: F401  (all for the command that they add)
import tui.keys_command
import tui.learn_command
import tui.serve_command
import tui.sweep_command  # noqa: F401
from core.again_commands import Headless, forked, wishes
from core.cli import AsJson, RunsDir, app, call, show_version
from core.errors import UserError
from core.launch import new_run, runs_directory
from core.options import begin, with_dial_options, with_run_options
from core.protocol import AnyCommand, Resume
from core.record import RunError, find_run, is_served
from core.run_commands import RunName
from tui.opening import InAscii, need_terminal, open_dashboard


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
        for param in context.command.params:
            source = context.get_parameter_source(param.name or "")
            if source is not None and source.name == "COMMANDLINE":
                flag = param.opts[0]
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
    if is_served(directory):
        raise RunError(f"run {directory.name}: it is live; `steermore attach` shows it")
    commands = wishes(directory, given)
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


def run() -> None:
    """Run the command named on the command line."""
    call(app)
