"""Training states at hand, in memory and on disk: a cache, so that going back is quick.

Which states it holds never changes a result: what is missing is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core import checkpoint
from core.journal import Journal
from core.lineage import Acts, Lineage, on_path
from core.protocol import Point, Recorded, SnapshotReason, SnapshotTaken
from core.reaching import restore_sound
from core.record import RunError, cure, write_whole
from core.trainer import Snapshot, Trainer

KEPT = 20
"""States in memory, the newest; and the best one besides."""

MOST_BYTES = 256 * 1024 * 1024

EVERY = 1_000
"""Steps between states that are kept while training goes on."""

KEPT_FILES = 3
"""Checkpoints of evaluations that stay on disk, the newest; named and last ones stay for ever."""


class CheckpointUnwritten(RunError):
    """A checkpoint could not be written; the record is as it was, without it."""


class Snapshots:
    """The states of one run that need not be computed again."""

    def __init__(self, folder: Path, first: Point, initial: Snapshot) -> None:
        """`folder` holds the checkpoints; `initial` is the run's first state, at `first`."""
        self.folder = folder
        self.files: dict[Point, SnapshotTaken] = {}
        self._best: Point | None = None
        self._saved_at: Point | None = None
        self._first, self._initial = first, initial
        self._memory: dict[Point, Snapshot] = {}

    def keep(self, point: Point, snapshot: Snapshot) -> None:
        """Hold a state in memory, and drop the oldest where there are too many."""
        self._memory.pop(point, None)
        self._memory[point] = snapshot
        most = max(1, min(KEPT, MOST_BYTES // snapshot.bytes))
        for old in [point for point in self._memory if point != self._best][:-most]:
            del self._memory[old]

    def keep_best(self, point: Point, snapshot: Snapshot) -> None:
        """Hold the state of the lowest dev loss, which is not dropped before a better one."""
        self._best = point
        self.keep(point, snapshot)

    def steps_since_file(self, step: int) -> float:
        """How far `step` is from the state that was written last."""
        return abs(step - self._saved_at.step) if self._saved_at else float("inf")

    def stands_at(self, point: Point) -> None:
        """Know that the checkpoint of `point`, if there is one, was found sound."""
        if point in self.files:
            self._saved_at = point

    def save(
        self,
        trainer: Trainer,
        journal: Journal,
        reason: SnapshotReason,
        name: str = "",
        **fields: Any,
    ) -> None:
        """Write a checkpoint of the trainer's state, unless it stands on disk already.

        A named one is always noted, so that its name stands in the record. Raises
        CheckpointUnwritten.
        """
        point = journal.point(trainer.step)
        if point == self._saved_at and reason != "named":
            return
        described = checkpoint.describe(trainer, point, journal.branch)
        file = checkpoint.file_name(point)
        journal.record.sync()
        try:
            self.folder.mkdir(exist_ok=True)
            write_whole(self.folder / file, checkpoint.pack(trainer, described))
        except OSError as error:
            raise CheckpointUnwritten(
                f"checkpoint {file}: cannot be written: {cure(error)}"
            ) from error
        self._saved_at = point
        taken = journal.add(
            SnapshotTaken,
            trainer.step,
            file=file,
            reason=reason,
            name=name,
            state_sha256=described.state_sha256,
            weights_sha256=described.weights_sha256,
            **fields,
        )
        self._keep_file(point, taken)

    def _keep_file(self, point: Point, taken: SnapshotTaken) -> None:
        """Take note of a checkpoint, and delete the oldest that only evaluations asked for."""
        self.files[point] = taken
        old = [
            point
            for point, taken in self.files.items()
            if taken.reason == "evaluated" and point != self._best
        ]
        for point in old[:-KEPT_FILES]:
            (self.folder / self.files.pop(point).file).unlink(missing_ok=True)

    def take_note(self, acts: Acts, events: Iterable[Recorded]) -> None:
        """Know of the checkpoints that `events` tell of."""
        for event in events:
            if isinstance(event, SnapshotTaken):
                self.files[acts.point_of(event)] = event

    def restore_nearest(self, trainer: Trainer, path: Lineage) -> Point:
        """Put the newest sound state on `path` in force and return its point."""
        points = {point for point in (*self._memory, *self.files) if on_path(path, point)}
        for point in sorted(points, key=lambda point: (point.step, point.seq), reverse=True):
            if point in self._memory:
                trainer.restore(self._memory[point])
                return point
            taken = self.files[point]
            try:
                found = restore_sound(trainer, self.folder / taken.file)
                if (found.point, found.state_sha256) == (point, taken.state_sha256):
                    return point
            except RunError:
                pass
            # Deleted, damaged, another state: an older one will do, and the updates from there.
            del self.files[point]
        trainer.restore(self._initial)
        return self._first

    def forget_memory(self) -> None:
        """Drop every state in memory but the first; nothing but time depends on it."""
        self._memory.clear()
