"""The commands that train a run again or on: `replay`, and `fork` and `resume` without a screen."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from core.cli import AsJson, RunsDir, app
from core.config import Knobs, Settings, with_changes
from core.dials import parse_count
from core.errors import harmless
from core.launch import runs_directory
from core.lineage import settings_after
from core.options import changes
from core.protocol import AnyCommand, Resume, SetKnobs, SetSetting
from core.record import RunError, find_run, is_served, read_config, read_events
from core.run_commands import RunName
from core.steering import resolve_knobs
from core.story import read_story


@app.command()
def replay(run: RunName, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Train a run again from its record and compare every bit; exit code 1 if one differs."""
    directory = find_run(runs_directory(runs_dir), run)
    if is_served(directory):
        raise RunError(f"run {directory.name}: it is live; `steermore stop {run}` first")
    from core.replaying import replay as train_again

    steps = train_again(directory)
    with progress("replaying") as show:
        while True:
            try:
                show(*next(steps))
            except StopIteration as end:
                verdict = end.value
                break
    if as_json:
        found = {
            "run": directory.name,
            "identical": verdict.identical,
            "steps": verdict.steps,
            "checkpoints": verdict.checkpoints,
            "weights_sha256": verdict.weights_sha256,
            "difference": verdict.difference,
            "environment": list(verdict.environment),
        }
        print(json.dumps(found))
    elif verdict.identical:
        print(f"bit-identical {verdict.weights_sha256}")
        print(
            f"{verdict.steps:,} losses and {verdict.checkpoints} checkpoints compared, bit for bit"
        )
    else:
        print(f"not identical: {verdict.difference}")
        for line in verdict.environment:
            print(f"the machine differs: {harmless(line)}")
    raise typer.Exit(0 if verdict.identical else 1)


def forked(
    run: str, at: str | None, given: dict[str, Any], runs_dir: Path | None, *, keep: bool
) -> Path:
    """The directory of a new run that begins at a step of another; raises UserError."""
    from core.forking import check_fork, fork
    from core.stopping import stop

    runs = runs_directory(runs_dir)
    parent = find_run(runs, run)
    step = None if at is None else parse_count("step", at, 0, 10**12)
    knobs, settings = changes(given)
    if is_served(parent) and not keep:
        # Before it is stopped, not after.
        check_fork(parent, step=step, knobs=knobs, settings=settings)
        print(harmless(stop(parent)), file=sys.stderr)
    with progress("computing the state again") as show:
        return fork(parent, runs, step=step, knobs=knobs, settings=settings, progress=show)


def wishes(directory: Path, given: dict[str, Any]) -> tuple[AnyCommand, ...]:
    """What flags given on resuming a run ask of its engine, the resuming itself last.

    Raises ConfigError where the knobs of the run's end forbid those given: the engine would refuse
    them, and then train without.
    """
    knobs, settings = changes(given)
    # First, since a schedule without a length is to reach the step limit.
    commands: list[AnyCommand] = [
        SetSetting(name=name, value=value) for name, value in settings.items()
    ]
    if knobs:
        wish = SetKnobs(values=knobs)
        in_force, its_settings, step = _at_the_end(directory)
        its_settings = msgspec.structs.replace(its_settings, **settings)
        with_changes(in_force, resolve_knobs(wish, in_force, its_settings, step))
        commands.append(wish)
    return (*commands, Resume())


def _at_the_end(directory: Path) -> tuple[Knobs, Settings, int]:
    """What is in force where a run ended, and its step; raises RunError."""
    config = read_config(directory)
    if not read_events(directory):
        # Begun, and no engine has opened it yet.
        return config.knobs, config.settings, config.parent.step if config.parent else 0
    story = read_story(directory)
    return story.path[-1].knobs, settings_after(config.settings, story.events), story.step


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows updates made of updates in all, on a terminal."""
    # Not loaded for the dashboard, whose first frame waits for every import.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:>9,.0f} of {task.total:,.0f} steps"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(what, total=0)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


Headless = Annotated[
    bool, typer.Option("--headless", help="Train without a screen, as `fit` does.")
]
