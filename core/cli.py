"""The commands that need no screen: `fit` and `sample`. tui/__main__.py adds the dashboard."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from core import __version__
from core.errors import UserError
from core.launch import new_run, runs_directory
from core.options import begin, with_run_options

app = typer.Typer(
    name="steermore",
    help="makemore, with your hands on the wheel: steer a small language model while it learns.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunsDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where runs are kept. Default: $STEERMORE_RUNS, or ./runs."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def call(command: Callable[[], Any]) -> None:
    """Run the program; a person's mistake ends it with one sentence and exit code 2."""
    try:
        command()
    except UserError as error:
        print(f"steermore: {error}", file=sys.stderr)
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


@app.command()
def sample(
    run: Annotated[
        str, typer.Argument(help="A run: its id, the beginning of it, a path, or last.")
    ],
    count: Annotated[str, typer.Option(metavar="N", help="How many names.")] = "10",
    temperature: Annotated[
        str, typer.Option(metavar="X", help="Below 1 likelier names, above 1 wilder.")
    ] = "1.0",
    top_k: Annotated[
        str, typer.Option(metavar="N", help="Only the k likeliest symbols; 0: all.")
    ] = "0",
    seed: Annotated[
        str | None, typer.Option(metavar="N", help="Equal seeds draw equal names. Default: random.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="How every name begins.")] = "",
    max_length: Annotated[str, typer.Option(metavar="N", help="Most symbols a name.")] = "50",
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Draw names from a run, live or ended."""
    from core.drawing import draw_names, parse_wish
    from core.record import find_run

    wish = parse_wish(
        count=count,
        temperature=temperature,
        top_k=top_k,
        seed=str(secrets.randbelow(2**31)) if seed is None else seed,
        prefix=prefix,
        max_length=max_length,
    )
    directory = find_run(runs_directory(runs_dir), run)
    drawn = draw_names(directory, wish)
    if as_json:
        print(json.dumps({"run": directory.name, **drawn}, ensure_ascii=False))
    else:
        print("\n".join(drawn["names"]))
