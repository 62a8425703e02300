"""`steermore sample`: names from a run, as many as wanted; or a text, continued."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from functools import partial
from typing import Annotated

import msgspec
import typer

from core.again_commands import progress
from core.cli import AsJson, RunsDir, app
from core.dials import ConfigError
from core.drawing import draw_names, parse_wish, usual_wish
from core.errors import UserError, harmless, harmless_json
from core.launch import runs_directory
from core.record import find_run, read_config
from core.run_commands import RunName
from core.stand_ins import give_up_output
from core.tokens import paragraphs

MOST_IN_JSON = 100_000
"""Names in one JSON object; both it and whoever reads it hold them all in memory."""


@app.command()
def sample(
    run: RunName,
    count: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="How many names, or texts. They are printed as they are drawn. Of a live run, more"
            " than its engine draws at once come from its newest checkpoint. Default: 10 names, or"
            " a text.",
        ),
    ] = None,
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
    prefix: Annotated[
        str, typer.Option("--prefix", "--beginning", help="How every name, or text, begins.")
    ] = "",
    max_length: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Most symbols a name, 50; or words and marks a text, 100, all told."
        ),
    ] = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Draw names from a run, live or ended; or, where its symbols are words, continue a text."""
    # What is wrong whatever the run is, is told without looking for it.
    wish = parse_wish(
        count="1" if count is None else count,
        temperature=temperature,
        top_k=top_k,
        seed=str(secrets.randbelow(2**31)) if seed is None else seed,
        prefix=prefix,
        max_length="1" if max_length is None else max_length,
    )
    if as_json and wish.count > MOST_IN_JSON:
        cure = f"must be at most {MOST_IN_JSON:,} with --json; without it, names are streamed"
        raise ConfigError("count", wish.count, cure)
    directory = find_run(runs_directory(runs_dir), run)
    level = read_config(directory).data.level
    usual, texts = usual_wish(level), level == "word"
    wish = msgspec.structs.replace(
        wish,
        count=usual.count if count is None else wish.count,
        max_length=usual.max_length if max_length is None else wish.max_length,
    )
    if texts and (unique or new):
        flag = "--unique" if unique else "--new"
        raise UserError(f"{flag} is for names; run {directory.name} writes texts")
    showing = partial(progress, "computing the state again")
    drawing = draw_names(directory, wish, unique=unique, new=new, showing=showing)
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
            "texts" if texts else "names": names,
        }
        print(harmless_json(told))
    elif texts:
        pieces = ([paragraphs(text) for text in piece] for piece in drawing.pieces)
        found = print_as_they_come(pieces, end="\n\n")
    else:
        found = print_as_they_come(drawing.pieces)
    if found < wish.count:
        from core.sampling import TOO_RARE

        print(
            f"steermore: {found:,} of {wish.count:,} names found; then there was no new one among"
            f" {TOO_RARE:,} (a higher temperature may find more)",
            file=sys.stderr,
        )


def print_as_they_come(pieces: Iterator[list[str]], end: str = "\n") -> int:
    """Names, each with an `end`; how many there were. Ends the program quietly once nobody reads
    on.
    """
    printed = 0
    try:
        for piece in pieces:
            sys.stdout.write(end.join(piece) + end)
            sys.stdout.flush()
            printed += len(piece)
    except BrokenPipeError:
        give_up_output()
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    return printed
