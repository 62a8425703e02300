"""The command `sweep`: many runs with settings from ranges, to find good ones.

Imported for what it adds to the program. Optuna and the screen are loaded once it is called: they
come with an extra of their own.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from core.cli import app
from core.dials import ConfigError, parse_count
from core.launch import runs_directory
from core.options import with_run_options
from core.sweep_place import HEARTBEAT, VARIABLE, Place, checked_url, need_optuna
from tui.opening import InAscii

PANEL = "Sweep"
MOST_TRIALS, MOST_WORKERS, MOST_HEARTBEAT, MOST_SECONDS = 1_000_000, 1_024, 3_600, 1e9


def _option(flag: str, metavar: str | None, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=PANEL)


@app.command(
    epilog="A knob, a size, the preset or the seed may have a range in place of a value: 0.01:1 is"
    " any number between, 0.01:1:log as likely in each decade, 50,100,200 one of these (of drops:"
    " 500,900/1000). A trial is an ordinary run, measured ten times on dev unless"
    " --evaluation-interval says otherwise."
)
@with_run_options
def sweep(
    given: dict[str, Any],
    trials: Annotated[
        str | None, _option("--trials", "N", "How many in all. Default: 20, or the study's.")
    ] = None,
    study: Annotated[
        str | None,
        _option("--study", "NAME", "Its name; one that is there goes on. Default: a new one."),
    ] = None,
    storage: Annotated[
        str | None,
        _option(
            "--storage",
            "URL",
            "postgresql://… or mysql://…, to sweep on many machines at once. Default:"
            f" ${VARIABLE}, or a file among the runs.",
        ),
    ] = None,
    workers: Annotated[
        str | None,
        _option("--workers", "N", "Trials at once here. Default: as many as there are cores for."),
    ] = None,
    max_seconds: Annotated[
        str | None, _option("--max-seconds", "X", "What a trial is given at most.")
    ] = None,
    prune: Annotated[
        bool | None,
        _option(
            "--prune/--no-prune", None, "End trials that are worse than the median. Default: yes."
        ),
    ] = None,
    heartbeat: Annotated[
        str,
        _option(
            "--heartbeat",
            "SECONDS",
            "With a database: a worker that is silent for three of them is taken for dead.",
        ),
    ] = str(HEARTBEAT),
    show: Annotated[
        str | None, _option("--show", "NAME", "Print how that study stands, and end.")
    ] = None,
    headless: Annotated[
        bool, _option("--headless", None, "A line for each trial, without a screen.")
    ] = False,
    in_ascii: InAscii = None,
) -> None:
    """Search good settings: many short runs with values from ranges, the hopeless ended early."""
    need_optuna()
    url = storage or os.environ.get(VARIABLE, "")
    beat = parse_count("heartbeat", heartbeat, 1, MOST_HEARTBEAT)
    place = Place(runs_directory(given["runs_dir"]), checked_url(url) if url else "", beat)
    if show is not None:
        _show(place, show)
        return
    wanted = None if trials is None else parse_count("trials", trials, 1, MOST_TRIALS)
    hands = None if workers is None else parse_count("workers", workers, 1, MOST_WORKERS)
    seconds = None if max_seconds is None else _seconds(max_seconds)
    from core.sweep_begin import begun

    ready = begun(place, study, given, trials=wanted, max_seconds=seconds, prune=prune)
    count = ready.workers if hands is None else hands
    data = None if given["data"] is None else str(given["data"])
    if headless or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from core.sweep_run import run_and_report

        raise typer.Exit(run_and_report(ready, count, data))
    from tui.sweeping.opening import open_sweep

    raise typer.Exit(open_sweep(ready, count, data, in_ascii=in_ascii))


def _show(place: Place, name: str) -> None:
    from core.errors import harmless
    from core.sweep_begin import checked_name
    from core.sweep_report import table
    from core.sweep_study import join, read

    study, sweep = join(place, checked_name(name))
    for line in table(read(place, study, sweep)):
        print(harmless(line))


def _seconds(text: str) -> float:
    cure = f"must be a number above 0 and at most {MOST_SECONDS:,.0f}"
    try:
        value = float(text)
    except ValueError:
        raise ConfigError("max_seconds", text, cure) from None
    if not 0 < value <= MOST_SECONDS:
        raise ConfigError("max_seconds", value, cure)
    return value
