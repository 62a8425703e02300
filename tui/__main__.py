"""The `steermore` program: the commands of core/cli.py, and the dashboard when none is named."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

import core.run_commands  # noqa: F401 - adds its commands to the program
from core.cli import app, call, show_version
from core.dataset import Dataset
from core.errors import UserError
from core.launch import new_run, runs_directory, start_engine
from core.options import ALIASES, Beginning, begin, with_run_options


@app.callback(invoke_without_command=True)
@with_run_options
def dashboard(
    context: typer.Context,
    given: dict[str, Any],
    paused: Annotated[
        bool, typer.Option("--paused", help="Open the dashboard without starting to train.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Train on a list of names, watch, and steer: the dashboard opens if no command is named."""
    if command := context.invoked_subcommand:
        for name in context.params:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                flag = ALIASES.get(name, f"--{name.replace('_', '-')}")
                raise UserError(f"{flag} must stand after {command}, which it would not reach here")
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "steermore: the dashboard needs a terminal; without one, use `steermore fit`",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    raise typer.Exit(open_dashboard(begin(given), paused=paused))


def open_dashboard(beginning: Beginning, *, paused: bool) -> int:
    """Start the engine of a new run and show the dashboard on it; returns the exit code."""
    directory = new_run(runs_directory(beginning.runs), beginning.config, beginning.words.raw)
    # First of all: the engine loads torch while this process loads Textual and paints.
    engine = start_engine(directory)
    from tui.app import SteermoreApp

    config = beginning.config
    dataset = Dataset.from_words(
        beginning.words.words, config.model.block_size, config.data.split_seed, config.data.sha256
    )
    app = SteermoreApp(directory, dataset, start_paused=paused, engine=engine)
    app.run()
    return app.return_code or 0


def main() -> None:
    """Run the program named on the command line."""
    call(app)


if __name__ == "__main__":
    main()
