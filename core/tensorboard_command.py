"""`steermore tensorboard`: follow a run until it ends, and write what TensorBoard shows of it.

A reader of the record, like `runs` and `export`: not even the engine's socket is touched, so that
nobody who follows keeps an engine from ending.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from core.cli import RunsDir, app
from core.launch import runs_directory
from core.record import find_run, read_events
from core.run_commands import RunName
from core.stopping import is_live
from core.story import read_story

POLL_SECONDS = 1.0
"""Between two looks at a live run: its record gets a clock once a second."""


@app.command()
def tensorboard(
    run: RunName,
    logdir: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where TensorBoard looks; the run has a folder in it."),
    ],
    runs_dir: RunsDir = None,
) -> None:
    """Write a run for TensorBoard, live until its engine ends; Ctrl-C ends the writing only."""
    directory = find_run(runs_directory(runs_dir), run)
    try:
        step = follow(directory, logdir)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    print(f"run {directory.resolve().name}: its engine has ended; written up to step {step:,}")


def follow(directory: Path, logdir: Path) -> int:
    """Write the run's log until no engine serves it; the step up to which it then stands."""
    from core.tensorboard_log import run_log

    while is_live(directory) and not read_events(directory):
        time.sleep(POLL_SECONDS)
    story = read_story(directory)
    with run_log(logdir, story) as log:
        print(f"look at it with `tensorboard --logdir {logdir}`", flush=True)
        while True:
            # Asked before the record is read: what an engine wrote as it ended is then read too.
            live = is_live(directory)
            story = read_story(directory)
            log.catch_up(story, ended=not live)
            if not live:
                return story.step
            time.sleep(POLL_SECONDS)
