"""`steermore evaluate`: the loss of a run's weights on a split."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, cast, get_args

import typer

from core.answering import answer
from core.cli import AsJson, RunsDir, app
from core.dataset import SplitName
from core.dials import ConfigError
from core.errors import UserError
from core.interpolated import Interpolated
from core.launch import load_data, runs_directory
from core.protocol import Evaluate, Evaluated, TestEvaluated
from core.record import find_run, read_config
from core.run_commands import RunName
from core.units import per, perplexity, perplexity_text

WARNING = (
    "The test split is for the end: whoever steers by it learns it by heart, and its loss then says"
    " nothing about new words. Every look is counted. Look at it?"
)


@app.command()
def evaluate(
    run: RunName,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="dev; train (its fixed part); or test.")
    ] = "dev",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before the test split is looked at.")
    ] = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Measure the loss of a run's weights, live or ended; looks at the test split are counted.

    Where symbols are words, as perplexity too, beside that of an interpolated trigram.
    """
    if split not in get_args(SplitName):
        raise ConfigError("split", split, f"must be one of {', '.join(get_args(SplitName))}")
    directory = find_run(runs_directory(runs_dir), run)
    config = read_config(directory)
    level = config.data.level
    found: dict[str, Any]
    if split == "test":
        if not yes and not sys.stdin.isatty():
            raise UserError(
                "evaluate asks before it looks at the test split; without a terminal, say --yes"
            )
        if not yes and not typer.confirm(WARNING):
            raise typer.Exit(0)
        tested = answer(directory, Evaluate(test=True), TestEvaluated, "evaluate", start=True)
        found = {"step": tested.step, "loss": tested.loss, "examples": tested.examples}
        found["looks"] = tested.looks
    else:
        measured = answer(directory, Evaluate(), Evaluated, "evaluate", start=True)
        loss = measured.dev if split == "dev" else measured.train
        count = measured.dev_examples if split == "dev" else measured.train_examples
        found = {"step": measured.step, "loss": loss, "examples": count}
    trigram = None
    if level == "word":
        trigram = Interpolated(load_data(directory, config)).loss(cast(SplitName, split))
        found |= {"perplexity": perplexity(found["loss"]), "trigram_loss": trigram}
    if as_json:
        print(json.dumps({"run": directory.name, "split": split, **found}))
    else:
        told = "not finite" if found["loss"] is None else f"{found['loss']:.4f}{per(level)}"
        told += perplexity_text(found["loss"], level)
        looks = f" (look {found['looks']:,} at the test split)" if "looks" in found else ""
        print(
            f"{split} {told} over {found['examples']:,} examples at step {found['step']:,}{looks}"
        )
        if trigram is not None:
            print(
                f"interpolated trigram on {split}: {trigram:.4f}{per(level)}"
                f"{perplexity_text(trigram, level)} (counted on train, its weights fitted on dev)"
            )
