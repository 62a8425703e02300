"""`steermore find-lr`: the learning-rate finder without a screen, for a run or for one to be."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from core.again_commands import progress
from core.cli import AsJson, app
from core.errors import UserError
from core.launch import dealt, runs_directory
from core.options import ALIASES, begin, with_run_options
from core.record import find_run

if TYPE_CHECKING:
    from core.protocol import FindLearningRate
    from core.suggesting import Probes
    from core.trainer import Trainer


@app.command("find-lr")
@with_run_options
def find_lr(
    context: typer.Context,
    given: dict[str, Any],
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Test a run, live or ended, as it is now. Default: a fresh one from these flags.",
        ),
    ] = None,
    low: Annotated[str, typer.Option(metavar="X", help="The lowest rate tried.")] = "0.001",
    high: Annotated[str, typer.Option(metavar="X", help="The highest rate tried.")] = "1",
    probes: Annotated[
        str, typer.Option(metavar="N", help="How many rates are tried, one update at each.")
    ] = "1000",
    as_json: AsJson = False,
) -> None:
    """Try rising learning rates and suggest one; nothing is kept, a run is left as it is."""
    wish = _parse(low, high, probes)
    if run is None:
        name, trainer = None, _fresh(given)
    else:
        _refuse_others(context)
        directory = find_run(runs_directory(given["runs_dir"]), run)
        name, trainer = directory.name, _of_run(directory)
    found = _test(trainer, wish)
    if as_json:
        print(json.dumps({"run": name, "step": trainer.step, **_as_object(found)}))
    else:
        print("\n".join(_report(found)))


def _parse(low: str, high: str, probes: str) -> FindLearningRate:
    # Not loaded at the top: the dashboard's first frame waits for every import.
    from core.lr_finder import HIGH, LOW, PROBES, check_wish
    from core.protocol import FindLearningRate

    wish = FindLearningRate(
        low=float(LOW.parse(low)),  # type: ignore[arg-type]
        high=float(HIGH.parse(high)),  # type: ignore[arg-type]
        steps=int(PROBES.parse(probes)),  # type: ignore[arg-type]
    )
    check_wish(wish)
    return wish


def _refuse_others(context: typer.Context) -> None:
    """A run has its own list, model and knobs: flags for them would do nothing."""
    own = {"run", "low", "high", "probes", "runs_dir", "as_json"}
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in own and source is not None and source.name == "COMMANDLINE":
            flag = ALIASES.get(name, f"--{name.replace('_', '-')}")
            raise UserError(f"{flag} does not go with --run: the run is tested as it is")


def _fresh(given: dict[str, Any]) -> Trainer:
    """In the first state of the run that these flags would begin."""
    beginning = begin(given)
    config = beginning.config
    # torch takes a second to load; what can be refused before it, is.
    from core.environment import settle
    from core.trainer import Trainer

    settle(config)
    return Trainer(
        dealt(beginning.words, config), config.model, config.knobs, config.seed, config.device
    )


def _of_run(directory: Path) -> Trainer:
    """In the state where the run in `directory` is now."""
    from core.story import read_story

    story = read_story(directory)
    from core.recomputing import trainer_at_end

    with progress("computing the state again") as show:
        return trainer_at_end(story, story.path, show)


def _test(trainer: Trainer, wish: FindLearningRate) -> Probes:
    from core.lr_finder import range_test
    from core.suggesting import Probes

    with progress("finding") as show:
        pieces, done = [], 0
        for piece in range_test(trainer, wish.low, wish.high, wish.steps):
            pieces.append(piece)
            done += len(piece)
            show(done, wish.steps)
    return Probes(wish.low, wish.high, wish.steps, np.concatenate(pieces))


def _as_object(probes: Probes) -> dict[str, Any]:
    """What `--json` prints of a test."""
    from core.suggesting import suggestions

    found = suggestions(probes)
    return {
        "suggestion": next(iter(found.values()), None),
        "suggestions": found,
        "low": probes.low,
        "high": probes.high,
        "steps": probes.steps,
        "probed": len(probes.losses),
        "curve": {
            "rate": probes.rates.tolist(),
            "loss": _finite(probes.losses),
            "smoothed": _finite(probes.smoothed),
        },
    }


def _finite(column: Iterable[Any]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in map(float, column)]


def _report(probes: Probes) -> Iterator[str]:
    """The report for people: a plot, and the marks on it by number."""
    from core.dials import show
    from core.plotting import log_plot
    from core.suggesting import suggestions

    found = suggestions(probes)
    smoothed = probes.smoothed.astype(np.float64)
    finite = np.isfinite(smoothed)
    if finite.sum() > 1:
        marks = {str(number): rate for number, rate in enumerate(found.values(), 1)}
        yield "loss, smoothed, by learning rate"
        width = shutil.get_terminal_size().columns
        yield from log_plot(probes.rates[finite], smoothed[finite], marks, width)
    if len(probes.losses) < probes.steps:
        last = show(float(f"{probes.rates[-1]:.3g}"))
        tried = f"{len(probes.losses):,} of {probes.steps:,} rates"
        yield f"ended after {tried}: the loss blew up at {last}"
    for number, (name, rate) in enumerate(found.items(), 1):
        yield f"{number}  {name:<20}{show(rate):>9}{'   suggested' if number == 1 else ''}"
    if not found:
        yield (
            "no suggestion: the loss did not clearly fall; try a lower --low, more --probes, a"
            " larger --batch-size, or weights that are trained less"
        )
