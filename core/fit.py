"""Train without a screen: a client of the same engine that the dashboard uses.

So a run trained here is like any other, and what is measured here is what the dashboard's users
get.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from core.answering import READY_SECONDS
from core.client import Client, EngineGone
from core.errors import harmless
from core.fit_report import Fit, RecordStalled, progress, report_of, summary, trip_report
from core.launch import load_data, start_engine
from core.lineage import settings_after
from core.protocol import (
    AnyCommand,
    AnyEvent,
    EngineStopped,
    GuardTripped,
    Resume,
    RolledBack,
    Shutdown,
    StateChanged,
)
from core.record import NO_ROOM, RunError, output_lost, read_config
from core.stand_ins import give_up_output


def train_and_report(
    directory: Path, commands: Sequence[AnyCommand] = (Resume(),), *, as_json: bool
) -> int:
    """Serve the run in `directory` to its end, tell how it goes, and return the exit code.

    `commands` are sent first. 0: finished. 1: the engine was lost, or the guard stopped the run,
    which is saved. 130: stopped by Ctrl-C or SIGTERM, and saved. Raises RunError where the standard
    output has no room; the run is saved then too.
    """
    started = time.monotonic()
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: interrupted.set())
    client = Client(directory, "fit", start_engine(directory))
    try:
        return _train(client, commands, interrupted, started, as_json=as_json)
    except SystemExit:
        # Rich ends so where nobody reads what it prints; nor does anybody see the run then.
        _end(client)
        raise
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _end(client)
        give_up_output()
        saved = f"the run is saved, as far as it came, in {directory}"
        raise RunError(f"{output_lost(error)}; {saved}") from None


def _train(
    client: Client,
    commands: Sequence[AnyCommand],
    interrupted: threading.Event,
    started: float,
    *,
    as_json: bool,
) -> int:
    directory = client.directory
    # With --json the standard output is the object's alone.
    console = Console(stderr=as_json, highlight=False)
    config = read_config(directory)
    data = load_data(directory, config)
    fit = Fit(level=config.data.level)
    try:
        attached = client.attach(READY_SECONDS)
        fit.guard = config.settings.guard
        for recorded in attached.events:
            fit.hear(recorded)
        fit.tripped, fit.gave_up = None, False
        fit.news.clear()
        fit.step = first = attached.welcome.step
        fit.finished = False
        for command in commands:
            client.send(command)
        limit = settings_after(config.settings, attached.events).step_limit
        with progress(console, limit) as show_progress:
            for event in until_stopped(client, interrupted, fit):
                fit.hear(event)
                show_progress(fit)
    except RecordStalled as stalled:
        # Nobody is there to say that there is room; what was confirmed is saved.
        _end(client)
        again = f"`steermore resume {directory.name} --headless`"
        print(f"steermore: {stalled}, with {again}", file=sys.stderr)
        return 1
    except (EngineGone, TimeoutError) as error:
        print(f"steermore: {harmless(str(error))}", file=sys.stderr)
        return 1
    finally:
        client.close()
    seconds = fit.seconds - attached.welcome.seconds
    speed = (fit.step - first) / seconds if seconds > 0 else None
    report = report_of(fit, config, data, directory.name, time.monotonic() - started, speed)
    if as_json:
        print(json.dumps(report), flush=True)
    else:
        for line in summary(report, directory, fit):
            console.print(harmless(line), markup=False, soft_wrap=True)
    if fit.tripped and not fit.finished:
        print(f"steermore: {trip_report(fit.tripped, fit, directory)}", file=sys.stderr)
        return 1
    return 0 if fit.finished else 130


def _end(client: Client) -> None:
    """Have the engine save what can be saved, and wait for its end."""
    if client.process is not None:
        client.process.terminate()
        client.process.wait()


def until_stopped(client: Client, interrupted: threading.Event, fit: Fit) -> Iterator[AnyEvent]:
    """Every event until the engine has stopped, which it is asked to do at the end of the run, or
    where the guard stopped it and has gone back.
    """
    asked = False
    while True:
        for event in client.receive(0.1):
            yield event
            finished = isinstance(event, StateChanged) and event.finished
            lost = isinstance(event, GuardTripped) and event.to is None
            back = isinstance(event, RolledBack) and event.reason == "guard" and fit.tripped
            if (finished or lost or back) and not asked:
                client.send(Shutdown())
                asked = True
            if isinstance(event, EngineStopped):
                return
        if interrupted.is_set() and not asked:
            client.send(Shutdown())
            asked = True
