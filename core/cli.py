"""The program and its first command, `fit`. Other files add theirs; tui/program.py gathers them."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from core import __version__
from core.errors import UserError
from core.launch import new_run, runs_directory
from core.options import begin, with_run_options
from core.record import NO_ROOM, output_lost
from core.stand_ins import give_up_output, settle_streams

app = typer.Typer(
    name="steermore",
    help="makemore, with your hands on the wheel: steer a small language model while it learns.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunsDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where runs are kept. Default: $STEERMORE_RUNS, or ./runs."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def call(command: Callable[[], Any]) -> None:
    """Run the program; a person's mistake ends it with one sentence and exit code 2.

    So does a standard output without room. One that nobody reads ends it quietly with 1.
    """
    settle_streams()
    try:
        try:
            command()
        except UserError as error:
            with suppress(OSError):  # It may have no room either.
                print(f"steermore: {error}", file=sys.stderr)
            sys.exit(2)
        finally:
            # Python itself does so too late for a sentence.
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in (*NO_ROOM, errno.EPIPE):
            raise
        give_up_output()
        if error.errno == errno.EPIPE:
            sys.exit(1)
        with suppress(OSError):
            print(f"steermore: {output_lost(error)}", file=sys.stderr)
        sys.exit(2)


def show_version(wanted: bool) -> None:
    """Print the version and end, if asked."""
    if wanted:
        print(f"steermore {__version__}")
        raise typer.Exit


@app.command()
@with_run_options
def fit(
    given: dict[str, Any],
    act: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP:KNOB=VALUE",
            help="Change a knob at a step, as in 5000:learning_rate=0.01. Repeatable.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train without a screen, to the step limit; Ctrl-C stops and saves."""
    from core.fit import train_and_report

    beginning = begin(given, tuple(act or ()))
    directory = new_run(runs_directory(beginning.runs), beginning.config, beginning.words.raw)
    raise typer.Exit(train_and_report(directory, as_json=as_json))
