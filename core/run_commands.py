"""The commands on runs that exist: `runs`, `stop`, `rename`, `rm` and `export`.

Imported for what it adds to the program of core/cli.py.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.catalogue import Listed, ago, holds_record, listed, look
from core.cli import RunsDir, app
from core.completing import run_names
from core.deleting import check_deletable, delete, in_short
from core.dials import ConfigError
from core.errors import UserError, harmless, harmless_json
from core.exporting import COLUMNS, SAMPLES, WRITERS, Writer, opened
from core.fields import Field, parse_order
from core.filtering import parse_filter
from core.launch import runs_directory
from core.protocol import SamplesDrawn
from core.record import find_run
from core.renaming import rename as rename_run
from core.stopping import is_live
from core.stopping import stop as stop_engine
from core.story import read_story

RunName = Annotated[
    str,
    typer.Argument(
        help="A run: its id, the beginning of it, a path, or last.", autocompletion=run_names
    ),
]
RunNames = Annotated[
    list[str],
    typer.Argument(
        help="Runs: an id, the beginning of one, a path, or last.", autocompletion=run_names
    ),
]


@app.command()
def runs(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list and nothing else.")
    ] = False,
    filter: Annotated[
        str, typer.Option(metavar="TERMS", help="Only these, as in 'lr>0.05 dev<2.2 preset=fast'.")
    ] = "",
    sort: Annotated[
        str, typer.Option(metavar="FIELD", help="By dev, step, lr …, the lowest first; -dev: last.")
    ] = "",
    runs_dir: RunsDir = None,
) -> None:
    """List the runs, the newest first: how each stands, and how long ago it last did something."""
    folder = runs_directory(runs_dir)
    wanted, order = parse_filter(filter), parse_order(sort) if sort else None
    known = listed(folder)
    found = [run for run in known if wanted.keeps(run)]
    found = order.sort(found) if order else found
    if as_json:
        print(harmless_json([_as_object(run) for run in found]))
    elif not known:
        print(f"{harmless(str(folder))}: no run here yet; `steermore` or `steermore fit` makes one")
    elif not found:
        told = f"none of the {len(known):,} runs here is meant by {harmless(filter)}"
        print(f"{harmless(str(folder))}: {told}")
    else:
        asked = (*wanted.fields, order.field) if order else wanted.fields
        _print_table(found, [each for each in dict.fromkeys(asked) if each.name not in SHOWN])
        for run in found:
            if run.why:
                print(harmless(run.why), file=sys.stderr)


HEADINGS = ("run", "state", "step", "best dev", "age", "pid")
LEFT = ("run", "state")
"""Columns of words; numbers stand to the right."""
SHOWN = ("run", "state", "step", "dev", "age")
"""The fields in them; others appear where they are asked for."""


def _cells(run: Listed) -> tuple[str, ...]:
    return (
        run.run,
        run.state,
        "-" if run.step is None else f"{run.step:,}",
        "-" if run.dev_loss is None else f"{run.dev_loss:.4f}",
        ago(run.age_seconds),
        "-" if run.pid is None else str(run.pid),
    )


def _print_table(found: list[Listed], asked: list[Field]) -> None:
    """Within the terminal's width; elsewhere a line for each run, however long it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in HEADINGS:
        left = heading in LEFT
        # An id that is cut off could not be typed: it goes on in the next line.
        table.add_column(
            heading, justify="left" if left else "right", no_wrap=heading != "run", overflow="fold"
        )
    for field in asked:
        table.add_column(field.short, justify="left" if field.kind == "text" else "right")
    for run in found:
        cells = (*_cells(run), *(field.told(run) for field in asked))
        table.add_row(*(Text(harmless(cell)) for cell in cells))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = console.measure(table, options=console.options.update(width=1_000)).maximum
    console.print(table)


def _as_object(run: Listed) -> dict[str, str | float | None]:
    return {
        "run": run.run,
        "state": run.state,
        "step": run.step,
        "dev_loss": run.dev_loss,
        "age_seconds": round(run.age_seconds, 1),
        "pid": run.pid,
    }


@app.command()
def stop(run: RunName, runs_dir: RunsDir = None) -> None:
    """Have the engine of a run save and end; if it is frozen, make it end."""
    print(harmless(stop_engine(_find(runs_directory(runs_dir), run))))


@app.command()
def rename(
    run: RunName,
    name: Annotated[str, typer.Argument(help="What the run is to be called.")],
    runs_dir: RunsDir = None,
) -> None:
    """Give a run that no engine serves another name; its forks find it all the same."""
    directory = _find(runs_directory(runs_dir), run)
    renamed = rename_run(directory, name)
    print(harmless(f"run {directory.absolute().name} is called {renamed.name} now"))


@app.command()
def rm(
    run: RunNames,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = None,
) -> None:
    """Delete runs for good, after asking for each."""
    folder = runs_directory(runs_dir)
    # All are looked at before any is deleted: a mistake in the last name must not cost the first.
    chosen = list(dict.fromkeys(_deletable(folder, name) for name in run))
    if not (yes or sys.stdin.isatty()):
        raise UserError("rm asks before it deletes; without a terminal, say --yes")
    for directory in chosen:
        about = look(directory)
        name = harmless(about.run)
        if yes or typer.confirm(f"delete run {name} ({in_short(about)})?"):
            delete(_deletable(folder, str(directory.absolute())))
            print(f"deleted run {name}")


def _find(folder: Path, name: str) -> Path:
    """As `find_run`, but also what is too damaged for it, and what an engine has outlived."""
    directory = Path(name) if os.sep in name or name in (".", "..") else folder / name
    try:
        if name.strip() and (
            holds_record(directory) or (not directory.exists() and is_live(directory))
        ):
            return directory
    except OSError:
        # A name too long for any file is none of a run, either.
        pass
    return find_run(folder, name)


def _deletable(folder: Path, name: str) -> Path:
    directory = _find(folder, name)
    check_deletable(directory, name)
    return directory


TENSORBOARD = "tensorboard"

# A blank line before each, or the help would make one paragraph of them.
_COLUMNS = "\n\n".join(f"{name}: {text}" for name, text in COLUMNS.items())


@app.command(
    epilog="The table has a row for every update that led to the present weights, and a last one,"
    f" without a loss, for what was noted after all of them. Its columns:\n\n{_COLUMNS}"
)
def export(
    run: RunName,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="csv|json|tensorboard",
            help="A table, one JSON object, or a folder in the LOGDIR that --output names.",
        ),
    ] = None,
    output: Annotated[
        str, typer.Option(metavar="FILE", help="Where to write it; - for standard output.")
    ] = "-",
    samples: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write every drawn name to this text file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    runs_dir: RunsDir = None,
) -> None:
    """Write a run, live or ended, as a table or JSON for other programs; or the names it drew."""
    if to is not None and to not in (*WRITERS, TENSORBOARD):
        raise ConfigError("to", to, f"must be {', '.join(WRITERS)} or {TENSORBOARD}")
    if to is None and samples is None:
        raise UserError("say what to export: --to csv, json or tensorboard, or --samples FILE")
    for flag, name in (("--output", output), ("--samples", samples)):
        if name == "":
            raise UserError(f"the name of the file after {flag} is empty; name one")
    if to is None and output != "-":
        raise UserError(f"say what to write to {output}: --to csv, json or tensorboard")
    if to == TENSORBOARD and output == "-":
        raise UserError("say where TensorBoard is to find it: --output LOGDIR")
    wanted: list[tuple[Writer, str]] = [(WRITERS[to], output)] if to in WRITERS else []
    wanted += [(SAMPLES, samples)] if samples is not None else []
    names = [name for _, name in wanted]
    if len({name if name == "-" else os.path.realpath(name) for name in names}) < len(names):
        raise UserError(f"{output}: --output and --samples must name different files")
    for name in names:
        # Before the first is written: the second must not fail then.
        if name != "-" and os.path.lexists(name) and not force:
            raise UserError(f"{name}: exists already; --force overwrites it")
    story = read_story(find_run(runs_directory(runs_dir), run))
    for write, name in wanted:
        with opened(name, force=force) as file:
            write(story, file)
    if samples is not None and not any(isinstance(e, SamplesDrawn) for e in story.events):
        told = f"run {story.directory.name}: nothing was drawn while it trained"
        print(f"steermore: {harmless(told)}; `steermore sample` draws now", file=sys.stderr)
    if to == TENSORBOARD:
        from core.tensorboard_log import run_log

        with run_log(Path(output), story) as log:
            log.catch_up(story, ended=True)
