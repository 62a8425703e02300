"""A run as TensorBoard shows it: its losses, rates, acts and names in one folder of a logdir.

Written from the record alone, so that it is the same for a run that has ended and for one that is
followed, and so that no engine knows of TensorBoard. The folder is called as the run is, and steps
are the run's own: a fork begins where it left its parent. What was undone is left out.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.config import RunConfig
from core.event_file import EventFile, Messages
from core.exporting import effects, how_drawn, spelled
from core.lineage import Lineage, on_path
from core.protocol import Evaluated, KnobsChanged, Point, Recorded, RolledBack, SamplesDrawn
from core.record import RunError
from core.smoothing import Doubles
from core.story import Piece, Story

LOSS, RATE, BASE = "loss/minibatch", "rate/effective", "rate/base"
TRAIN, DEV = "loss/train", "loss/dev"
ACTS, SAMPLES = "acts", "samples"

OURS = ".steermore"
"""How the files end that are ours to replace."""

FORGOTTEN_SECONDS = 600.0
"""A replaced file stays that long, empty: a TensorBoard that reads it would stop, were it gone."""


@contextmanager
def run_log(logdir: Path, story: Story) -> Iterator[RunLog]:
    """The log of a run in `logdir`, open for writing; it takes the place of an earlier one.

    Raises UserError where tensorboard is missing, RunError where nothing can be written.
    """
    folder = logdir / story.directory.resolve().name
    messages = Messages()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = RunLog(folder, messages, story.config)
        try:
            yield log
        finally:
            log.close()
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror}") from None


class RunLog:
    """One run's event file, which grows as its record does, and is begun anew after an undo."""

    def __init__(self, folder: Path, messages: Messages, config: RunConfig) -> None:
        self._folder, self._messages, self._config = folder, messages, config
        self._part = folder / f"steermore-{os.getpid()}.part"
        """What the file is called until all up to now stands in it."""
        self._open()

    def _open(self) -> None:
        self._raw = self._part.open("wb")
        self._file = EventFile(self._raw, self._messages)
        self._path: Lineage = ()
        """The lineage when it was last looked at."""
        self._step = 0
        """Updates before it are written."""
        self._seq = -1
        """Of the last note that is written."""

    def close(self) -> None:
        """Write no more; a file that is not complete is removed."""
        self._raw.close()
        self._part.unlink(missing_ok=True)

    def catch_up(self, story: Story, *, ended: bool) -> None:
        """Write what has come since the last time.

        Updates of a run that has not `ended` wait for the next event, so that their time is known.
        """
        if self._path and not on_path(story.path, _end(self._path)):
            # TensorBoard's reader would keep what was undone.
            self._raw.close()
            self._open()
        lineage = [event for event in story.events if story.on_lineage(event)]
        new = [event for event in lineage if event.seq > self._seq]
        earlier = lineage[: len(lineage) - len(new)]
        told = {(event.step, tag) for event in earlier if (tag := _tag(event))}
        again = [event.step for event in new if (event.step, _tag(event)) in told]
        fresh = not self._path
        begin = story.path[0].start if fresh else again[0] if again else None
        if begin is not None:
            # Of two texts at one step TensorBoard shows one only: all there are told again, as one.
            self._file.begin(begin, lineage[0].time, hyperparameters(self._config))
            new = [event for event in lineage if event.step >= begin]
        until = story.step if ended else max(event.step for event in lineage)
        clock = Times(lineage)
        for piece in story.pieces():
            first = piece.steps.start if fresh else max(piece.steps.start, self._step)
            if steps := range(first, min(piece.steps.stop, until)):
                self._write_piece(replace(piece, steps=steps), clock)
        self._write_notes(new)
        self._path, self._step, self._seq = story.path, until, lineage[-1].seq
        self._file.flush()
        if fresh:
            self._publish()

    def _write_piece(self, piece: Piece, clock: Times) -> None:
        steps = np.arange(piece.steps.start, piece.steps.stop)
        times, rates = clock.of(steps), piece.rates
        self._file.add_column(LOSS, steps, times, piece.losses)
        # Straight lines join the points: only the ends of a level are needed.
        moves = np.flatnonzero(np.diff(rates))
        ends = np.unique(np.concatenate([[0, len(rates) - 1], moves, moves + 1]).astype(np.int64))
        self._file.add_column(RATE, steps[ends], times[ends], rates[ends].astype(np.float32))
        ends = np.unique([0, len(rates) - 1])
        base = np.full(len(ends), piece.knobs.learning_rate, np.float32)
        self._file.add_column(BASE, steps[ends], times[ends], base)

    def _write_notes(self, events: Iterable[Recorded]) -> None:
        texts: dict[tuple[int, str], list[Recorded]] = defaultdict(list)
        for event in events:
            if isinstance(event, Evaluated):
                for tag, loss in ((TRAIN, event.train), (DEV, event.dev)):
                    self._file.add_number(tag, event, np.nan if loss is None else loss)
            elif tag := _tag(event):
                texts[event.step, tag].append(event)
        for (_, tag), told in texts.items():
            self._file.add_text(tag, told[-1], "\n\n".join(map(_text, told)))

    def _publish(self) -> None:
        """Let TensorBoard see the file, and empty those it replaces."""
        earlier = list(self._folder.glob(f"*tfevents*{OURS}"))
        # TensorBoard goes on from one file to the next by name.
        newest = max((int(path.name.split(".")[3]) for path in earlier), default=0)
        number = max(int(time.time()), newest + 1)
        self._part.rename(self._folder / f"events.out.tfevents.{number:010d}{OURS}")
        for path in earlier:
            status = path.stat()
            if status.st_size:
                os.truncate(path, 0)
            elif status.st_mtime < time.time() - FORGOTTEN_SECONDS:
                path.unlink()


def _end(path: Lineage) -> Point:
    return Point(path[-1].act.seq, path[-1].end)


def _tag(event: Recorded) -> str:
    """Under which tag an event is told in words; empty: it is not."""
    if isinstance(event, (KnobsChanged, RolledBack)):
        return ACTS
    return SAMPLES if isinstance(event, SamplesDrawn) else ""


def _text(event: Recorded) -> str:
    """What an event tells, as Markdown."""
    if isinstance(event, (KnobsChanged, RolledBack)):
        return f"{'; '.join(effects(event))} ({event.by})"
    assert isinstance(event, SamplesDrawn)
    # Indented, a name is no Markdown.
    names = "\n".join(f"    {name}" for name in event.names)
    return f"{', '.join(how_drawn(event))}\n\n{names}"


class Times:
    """When the updates of a lineage were made, between the events on it, whose times are known."""

    def __init__(self, lineage: Iterable[Recorded]) -> None:
        known = [(event.step, event.time) for event in lineage]
        self._steps = np.array([step for step, _ in known])
        self._times = np.array([time for _, time in known])

    def of(self, steps: NDArray[np.int64]) -> Doubles:
        """Wall times of the updates from these states, seconds since 1970, float64 (updates,)."""
        after = np.searchsorted(self._steps, steps, side="right")
        last = len(self._steps) - 1
        # Beyond the last event, as after a crash, nothing better is known than its own time.
        before, after = np.maximum(after - 1, 0), np.minimum(after, last)
        begin, end = self._steps[before], self._steps[after]
        share = (steps - begin) / np.maximum(end - begin, 1)
        times: Doubles = self._times[before] + share * (self._times[after] - self._times[before])
        return times


def hyperparameters(config: RunConfig) -> dict[str, float | str]:
    """What a run starts from, as TensorBoard's table of hyperparameters takes it."""
    built: dict[str, Any] = {
        "preset": config.preset,
        "words": Path(config.data.path).name,
        "seed": str(config.seed),
        **msgspec.structs.asdict(config.model),
    }
    for name, value in msgspec.structs.asdict(config.knobs).items():
        built[name] = spelled(value) if value is None or isinstance(value, tuple) else value
    return built
