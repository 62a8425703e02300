"""`steermore sample`: names from a run, as many as wanted."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from core.cli import AsJson, RunsDir, app
from core.dials import ConfigError
from core.drawing import draw_names, parse_wish
from core.errors import harmless, harmless_json
from core.launch import runs_directory
from core.record import find_run
from core.run_commands import RunName

MOST_IN_JSON = 100_000
"""Names in one JSON object; both it and whoever reads it hold them all in memory."""


@app.command()
def sample(
    run: RunName,
    count: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="How many names. They are printed as they are drawn. Of a live run, more than"
            " 1,000 come from its newest checkpoint.",
        ),
    ] = "10",
    unique: Annotated[
        bool, typer.Option("--unique", help="No name twice; ends early once new ones are too rare.")
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Only names that the list (train, dev, test) lacks.")
    ] = False,
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
    wish = parse_wish(
        count=count,
        temperature=temperature,
        top_k=top_k,
        seed=str(secrets.randbelow(2**31)) if seed is None else seed,
        prefix=prefix,
        max_length=max_length,
    )
    if as_json and wish.count > MOST_IN_JSON:
        cure = f"must be at most {MOST_IN_JSON:,} with --json; without it, names are streamed"
        raise ConfigError("count", wish.count, cure)
    directory = find_run(runs_directory(runs_dir), run)
    drawing = draw_names(directory, wish, unique=unique, new=new)
    if drawing.aside:
        print(f"steermore: {harmless(drawing.aside)}", file=sys.stderr)
    if as_json:
        names = [name for piece in drawing.pieces for name in piece]
        found = len(names)
        told = {
            "run": directory.name,
            "step": drawing.step,
            "temperature": wish.temperature,
            "top_k": wish.top_k,
            "seed": wish.seed,
            "prefix": wish.prefix,
            "unique": unique,
            "new": new,
            "names": names,
        }
        print(harmless_json(told))
    else:
        found = print_as_they_come(drawing.pieces)
    if found < wish.count:
        from core.sampling import TOO_RARE

        print(
            f"steermore: {found:,} of {wish.count:,} names found; then there was no new one among"
            f" {TOO_RARE:,} (a higher temperature may find more)",
            file=sys.stderr,
        )


def print_as_they_come(pieces: Iterator[list[str]]) -> int:
    """A name a line; how many there were. Ends the program quietly once nobody reads on."""
    printed = 0
    try:
        for piece in pieces:
            sys.stdout.write("\n".join(piece) + "\n")
            sys.stdout.flush()
            printed += len(piece)
    except BrokenPipeError:
        # Python flushes once more as it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    return printed
