"""A run to take home: as a table, as one JSON object, and its names as text.

Written in pieces, so that a million updates need no more memory than some thousands; for other
programs only, since steermore itself never reads it back.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec
import numpy as np

from core.config import Knobs, RunConfig
from core.dials import Value
from core.lineage import Acts, Lineage, Stretch
from core.protocol import (
    Act,
    AnyRecorded,
    Clock,
    Evaluated,
    KnobsChanged,
    Recorded,
    RolledBack,
    SamplesDrawn,
)
from core.record import RunError, column_path, read_config, read_events, read_losses
from core.schedule import factor

PIECE = 65_536
"""Updates that are in memory at a time."""

COLUMNS = {
    "step": "updates done before this one; a row is the update that leads from it to the next",
    "branch": "counts the stretches after undo, redo and restore, from 0",
    "loss": "of the minibatch, before the update, nats per symbol; empty if not finite",
    "base_rate": "the learning rate that was set",
    "factor": "what the schedule multiplied it by",
    "effective_rate": "base_rate × factor",
    "batch_size": "examples in the minibatch",
    "weight_decay": "in force for the update",
    "optimizer": "sgd or adamw",
    "train_loss": "of the weights at this step, where they were measured; elsewhere empty",
    "dev_loss": "likewise",
    "seconds": "spent inside updates since the run began, about once a second; elsewhere empty",
    "act": "what was changed here, as in learning_rate=0.05; elsewhere empty",
}
"""Of the table, with what they hold."""


@dataclass(frozen=True)
class Story:
    """What is exported of a run: all that is recorded, and the lineage that led to its weights."""

    directory: Path
    config: RunConfig
    events: tuple[AnyRecorded, ...]
    acts: Acts
    path: Lineage

    def on_lineage(self, event: Recorded) -> bool:
        """Whether the present weights came by the state in which this happened."""
        point = self.acts.point_of(event)
        stretch = self._by_act.get(point.seq)
        return stretch is not None and stretch.start <= point.step <= stretch.end

    def __post_init__(self) -> None:
        by_act = {stretch.act.seq: stretch for stretch in self.path}
        object.__setattr__(self, "_by_act", by_act)

    _by_act: Any = None

    @property
    def head(self) -> int:
        """Updates done."""
        return self.path[-1].end


@dataclass(frozen=True)
class Piece:
    """Some consecutive updates under the same knobs."""

    stretch: Stretch
    first: int
    losses: np.ndarray
    """float32 (updates,); NaN also where a crash cost one."""
    factors: np.ndarray
    """float64 (updates,)"""

    @property
    def knobs(self) -> Knobs:
        """In force for all of them."""
        return self.stretch.knobs

    @property
    def steps(self) -> range:
        """The states that they lead from."""
        return range(self.first, self.first + len(self.losses))

    @property
    def rates(self) -> np.ndarray:
        """Effective learning rates, float64 (updates,), bit for bit those that were used."""
        return self.knobs.learning_rate * self.factors


def read_story(directory: Path) -> Story:
    """Read the record of a run, live or ended. Raises RunError if it cannot be told."""
    config = read_config(directory)
    name = directory.resolve().name
    try:
        events, updates = _read_consistently(directory)
        acts = Acts(events)
        if not acts.list:
            raise RunError(f"run {name}: nothing is recorded of it yet")
        return Story(directory, config, tuple(events), acts, acts.path(acts.head(updates)))
    except RunError:
        raise
    except OSError as error:
        raise RunError(f"run {name}: its record cannot be read: {error.strerror}") from None
    except (LookupError, ValueError, AssertionError):
        raise RunError(
            f"run {name}: events.jsonl is damaged: its acts do not follow on each other"
        ) from None


def _read_consistently(directory: Path) -> tuple[list[AnyRecorded], int]:
    """Events, and the updates on their last branch; no act before one of these is missing."""
    events = read_events(directory)
    while True:
        branch = Acts(events).branch
        path = column_path(directory, branch)
        updates = path.stat().st_size // 4 if path.exists() else 0
        # A live engine may have written an act and updates after it since we read the lines.
        events = read_events(directory)
        if Acts(events).branch == branch:
            return events, updates


def pieces(story: Story) -> Iterator[Piece]:
    """Every update of the lineage in order."""
    for stretch in story.path:
        begin = story.acts.first_step(stretch.branch)
        for first in range(stretch.start, stretch.end, PIECE):
            updates = min(PIECE, stretch.end - first)
            losses = np.full(updates, np.nan, "<f4")
            known = read_losses(story.directory, stretch.branch, first - begin, updates)
            losses[: len(known)] = known
            yield Piece(stretch, first, losses, factors(stretch.knobs, first, updates))


def factors(knobs: Knobs, first: int, updates: int) -> np.ndarray:
    """The schedule's factors for `updates` updates from step `first` on, float64 (updates,)."""
    begin, last = factor(knobs, first), factor(knobs, first + updates - 1)
    since = first - knobs.schedule_start
    # Where it cannot move, one value tells all of them.
    over = since >= knobs.schedule_length or knobs.schedule in ("constant", "step")
    if since >= knobs.warmup and over and begin == last:
        return np.full(updates, begin)
    return np.array([factor(knobs, step) for step in range(first, first + updates)])


def write_csv(story: Story, file: TextIO) -> None:
    """One row per update of the lineage; a last one if something happened after all of them."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    notes = _notes(story)
    for piece in pieces(story):
        knobs, count = piece.knobs, len(piece.losses)
        sparse = [[""] * count for _ in range(4)]
        for step in notes.keys() & piece.steps if len(notes) < count else piece.steps:
            for column, text in zip(sparse, notes.get(step, ("",) * 4), strict=True):
                column[step - piece.first] = text
        table.writerows(
            zip(
                piece.steps,
                [piece.stretch.branch] * count,
                texts(piece.losses, missing=""),
                [knobs.learning_rate] * count,
                piece.factors.tolist(),
                piece.rates.tolist(),
                [knobs.batch_size] * count,
                [knobs.weight_decay] * count,
                [knobs.optimizer] * count,
                *sparse,
                strict=True,
            )
        )
    if story.head in notes:
        last = story.path[-1]
        empty = [""] * (len(COLUMNS) - 6)
        table.writerow([story.head, last.branch, *empty, *notes[story.head]])


def _notes(story: Story) -> dict[int, tuple[str, ...]]:
    """The sparse columns of the table, {step: (train loss, dev loss, seconds, act)}."""
    notes: dict[int, list[str]] = defaultdict(lambda: [""] * 4)
    for event in story.events:
        if not story.on_lineage(event):
            continue
        match event:
            case Evaluated():
                notes[event.step][:2] = [_number(event.train), _number(event.dev)]
            case Clock():
                notes[event.step][2] = _number(event.seconds)
            case KnobsChanged() | RolledBack():
                texts = [notes[event.step][3], *_effects(event)]
                notes[event.step][3] = "; ".join(filter(None, texts))
            case _:
                pass
    return {step: tuple(note) for step, note in notes.items()}


def _effects(act: KnobsChanged | RolledBack) -> Iterator[str]:
    """What an act did, changes spelled as `--act` reads them."""
    if isinstance(act, RolledBack):
        yield f"{act.reason} from step {act.before.step}"
    for name, (_, new) in act.changes.items():
        yield f"{name}={_spelled(new)}"


def _spelled(value: Value) -> str:
    if value is None:
        return "off"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def texts(losses: np.ndarray, missing: str) -> list[str]:
    """float32 losses (updates,) in the fewest digits that give the same bits back."""
    written: list[str] = losses.astype("U").tolist()
    for index in np.flatnonzero(~np.isfinite(losses)):
        written[index] = missing
    return written


def write_json(story: Story, file: BinaryIO) -> None:
    """One object: `run`, `config`; the lineage as columns of equal length; then what is recorded.

    Acts, evaluations, clock and samples are as in the record, in order, with `on_lineage`.
    """
    head = {"run": story.directory.resolve().name, "config": story.config}
    file.write(msgspec.json.encode(head)[:-1])
    columns = {
        "steps": lambda piece: msgspec.json.encode(list(piece.steps))[1:-1],
        "branches": lambda piece: _repeated(piece.stretch.branch, len(piece.losses)),
        "losses": lambda piece: ",".join(texts(piece.losses, missing="null")).encode(),
        "base_rates": lambda piece: _repeated(piece.knobs.learning_rate, len(piece.losses)),
        "factors": lambda piece: msgspec.json.encode(piece.factors.tolist())[1:-1],
        "effective_rates": lambda piece: msgspec.json.encode(piece.rates.tolist())[1:-1],
        "batch_sizes": lambda piece: _repeated(piece.knobs.batch_size, len(piece.losses)),
    }
    for name, column in columns.items():
        _write_array(file, name, map(column, pieces(story)))
    for name, kind in (
        ("acts", Act),
        ("evaluations", Evaluated),
        ("clock", Clock),
        ("samples", SamplesDrawn),
    ):
        chosen = (event for event in story.events if isinstance(event, kind))
        _write_array(file, name, (_line(story, event) for event in chosen))
    file.write(b"}\n")


def _write_array(file: BinaryIO, name: str, parts: Iterable[bytes]) -> None:
    file.write(f',\n"{name}": ['.encode())
    for number, part in enumerate(parts):
        file.write(b"," + part if number else part)
    file.write(b"]")


def _repeated(value: float, count: int) -> bytes:
    return b",".join([msgspec.json.encode(value)] * count)


def _line(story: Story, event: Recorded) -> bytes:
    fields = msgspec.to_builtins(event)
    # It stands at the top of the object already.
    fields.pop("config", None)
    return msgspec.json.encode({**fields, "on_lineage": story.on_lineage(event)})


def write_samples(story: Story, file: TextIO) -> tuple[int, int]:
    """Every name that was drawn, one a line, a heading before each drawing.

    Returns the numbers of names and of drawings.
    """
    names = drawings = 0
    for event in story.events:
        if isinstance(event, SamplesDrawn):
            asked = [f"# step {event.step}", f"temperature {event.temperature:g}"]
            asked += [f"top-k {event.top_k}"] if event.top_k else []
            asked += [f"beginning with {event.prefix}"] if event.prefix else []
            asked += [] if story.on_lineage(event) else ["on a branch that was left"]
            print(", ".join(asked), *event.names, sep="\n", file=file)
            names += len(event.names)
            drawings += 1
    return names, drawings
