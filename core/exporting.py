"""A run to take home: as a table, as one JSON object, and its names as text.

For other programs only: steermore itself never reads these files back.
"""

from __future__ import annotations

import csv
import io
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec
import numpy as np

from core.dials import Value
from core.errors import harmless_json
from core.protocol import Act, Clock, Evaluated, KnobsChanged, Recorded, RolledBack, SamplesDrawn
from core.record import RunError
from core.story import Piece, Story
from core.tokens import paragraphs

COLUMNS = {
    "step": "updates done before this one, which leads to the next step",
    "branch": "counts the stretches that undo, redo and restore began",
    "loss": "of the minibatch before the update, nats per symbol; empty: not finite",
    "base_rate": "the learning rate that was set",
    "factor": "what the schedule multiplied it by",
    "effective_rate": "base_rate × factor, the rate of the update",
    "batch_size": "examples in the minibatch",
    "weight_decay": "in force for the update",
    "optimizer": "sgd or adamw",
    "train_loss": "of the weights at this step, where it was measured; else empty",
    "dev_loss": "likewise",
    "seconds": "spent inside updates since the run began, noted once a second; else empty",
    "act": "what was changed at this step, as in learning_rate=0.05; else empty",
}
"""Of the table, with what they hold."""

SPARSE = 4
"""Columns at the end of the table that are mostly empty."""


def write_csv(story: Story, file: TextIO) -> None:
    """One row per update of the lineage; a last one for what happened after all of them."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    notes = _notes(story)
    noted = sorted(notes)
    for piece in story.pieces():
        knobs, steps = piece.knobs, piece.steps
        sparse = [[""] * len(steps) for _ in range(SPARSE)]
        for step in noted[bisect_left(noted, steps.start) : bisect_left(noted, steps.stop)]:
            for column, text in zip(sparse, notes[step], strict=True):
                column[step - steps.start] = text
        table.writerows(
            zip(
                steps,
                [piece.stretch.branch] * len(steps),
                digits(piece.losses, missing=""),
                [repr(knobs.learning_rate)] * len(steps),
                piece.factors.tolist(),
                piece.rates.tolist(),
                [knobs.batch_size] * len(steps),
                [repr(knobs.weight_decay)] * len(steps),
                [knobs.optimizer] * len(steps),
                *sparse,
                strict=True,
            )
        )
    if story.step in notes:
        empty = [""] * (len(COLUMNS) - SPARSE - 2)
        table.writerow([story.step, story.path[-1].branch, *empty, *notes[story.step]])


def _notes(story: Story) -> dict[int, list[str]]:
    """The columns that are mostly empty, {step: [train loss, dev loss, seconds, act]}."""
    notes: dict[int, list[str]] = defaultdict(lambda: [""] * SPARSE)
    for event in filter(story.on_lineage, story.events):
        match event:
            case Evaluated():
                notes[event.step][:2] = _number(event.train), _number(event.dev)
            case Clock():
                notes[event.step][2] = _number(event.seconds)
            case KnobsChanged() | RolledBack():
                told = filter(None, [notes[event.step][3], *effects(event)])
                notes[event.step][3] = "; ".join(told)
            case _:
                pass
    return notes


def effects(act: KnobsChanged | RolledBack) -> Iterator[str]:
    """What an act did, changes spelled as `--act` reads them."""
    if isinstance(act, RolledBack):
        yield f"{act.reason} from step {act.before.step}"
    for name, (_, new) in act.changes.items():
        yield f"{name}={spelled(new)}"


def spelled(value: Value) -> str:
    """A value as `--act` reads it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "off" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def digits(losses: np.ndarray, missing: str) -> list[str]:
    """float32 losses (updates,) in the fewest digits that give the same float32 back."""
    written: list[str] = losses.astype("U").tolist()
    for index in np.flatnonzero(~np.isfinite(losses)):
        written[index] = missing
    return written


ARRAYS: dict[str, Callable[[Piece], bytes]] = {
    "steps": lambda piece: _joined(piece.steps),
    "branches": lambda piece: _joined([piece.stretch.branch] * len(piece.steps)),
    "losses": lambda piece: ",".join(digits(piece.losses, missing="null")).encode(),
    "base_rates": lambda piece: _joined([piece.knobs.learning_rate] * len(piece.steps)),
    "factors": lambda piece: _joined(piece.factors.tolist()),
    "effective_rates": lambda piece: _joined(piece.rates.tolist()),
    "batch_sizes": lambda piece: _joined([piece.knobs.batch_size] * len(piece.steps)),
}
"""Of the JSON object, all of one length: one element per update of the lineage."""

LISTS: dict[str, type[Recorded]] = {
    "acts": Act,
    "evaluations": Evaluated,
    "clock": Clock,
    "samples": SamplesDrawn,
}
"""Of the JSON object, in the order of the record, other branches included."""


def write_json(story: Story, file: BinaryIO) -> None:
    """One object: `run`, `step` and `config`, then ARRAYS, then LISTS.

    A loss that is not finite is null. What stands in a list says whether it is `on_lineage`.
    """
    run = story.directory.resolve().name
    head = {"run": run, "step": story.step, "config": msgspec.to_builtins(story.config)}
    file.write(harmless_json(head)[:-1].encode())
    for name, column in ARRAYS.items():
        _write_array(file, name, map(column, story.pieces()))
    for name, kind in LISTS.items():
        chosen = (event for event in story.events if isinstance(event, kind))
        _write_array(file, name, (_told(story, event) for event in chosen))
    file.write(b"}\n")


def _write_array(file: BinaryIO, name: str, parts: Iterable[bytes]) -> None:
    file.write(f',\n"{name}":['.encode())
    for number, part in enumerate(parts):
        file.write(b"," + part if number else part)
    file.write(b"]")


def _joined(values: Iterable[float]) -> bytes:
    return msgspec.json.encode(list(values))[1:-1]


def _told(story: Story, event: Recorded) -> bytes:
    fields = msgspec.to_builtins(event)
    # It stands at the top of the object already.
    fields.pop("config", None)
    return msgspec.json.encode({**fields, "on_lineage": story.on_lineage(event)})


def write_samples(story: Story, file: TextIO) -> None:
    """Every name that was drawn, one a line, or every text, with a heading before each drawing."""
    texts = story.config.data.level == "word"
    for event in story.events:
        if isinstance(event, SamplesDrawn):
            heading = [f"# step {event.step}", *how_drawn(event)]
            heading += [] if story.on_lineage(event) else ["on a branch that was left"]
            drawn = [f"{paragraphs(text)}\n" for text in event.names] if texts else event.names
            print(", ".join(heading), *drawn, sep="\n", file=file)


def how_drawn(event: SamplesDrawn) -> list[str]:
    """What shaped a drawing."""
    how = [f"temperature {event.temperature:g}"]
    how += [f"top-k {event.top_k}"] if event.top_k else []
    return [*how, f"beginning with {event.prefix}"] if event.prefix else how


Writer = Callable[[Story, BinaryIO], None]


def as_bytes(write: Callable[[Story, TextIO], None]) -> Writer:
    """A writer of text as one of UTF-8, whatever the terminal's encoding is."""

    def writer(story: Story, file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, "utf-8", newline="\n")
        try:
            write(story, text)
        finally:
            # Flushes, and leaves the file to those who opened it.
            text.detach()

    return writer


WRITERS: dict[str, Writer] = {"csv": as_bytes(write_csv), "json": write_json}
SAMPLES: Writer = as_bytes(write_samples)


@contextmanager
def opened(output: str, *, force: bool) -> Iterator[BinaryIO]:
    """The file of that name, or standard output for `-`; removed again if writing it fails.

    Raises RunError with a sentence, among others for a file that exists, unless `force`.
    """
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    try:
        with path.open("wb" if force else "xb") as file:
            try:
                yield file
                # What does not fit on a full disk must be known before the file is closed.
                file.flush()
            except BaseException:
                # Half a table looks like a whole one. A device is not ours to remove.
                if path.is_file():
                    path.unlink()
                raise
    except FileExistsError:
        raise RunError(f"{output}: exists already; --force overwrites it") from None
    except OSError as error:
        raise RunError(f"{output}: cannot be written: {error.strerror}") from None
