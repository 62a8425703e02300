"""A trainer in any state of a recorded run, for those who are not its engine: nothing of the run is
written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.dataset import Dataset
from core.environment import settle
from core.launch import load_data
from core.lineage import Lineage
from core.protocol import Point
from core.reaching import comparing, first_trainer, reach
from core.snapshots import Snapshots
from core.story import Story
from core.trainer import Trainer


@dataclass(frozen=True)
class AtHand:
    """The newest state of a lineage that need not be computed."""

    trainer: Trainer
    """In that state."""
    point: Point
    saved: bool
    """It stands in a checkpoint; else it is the first state of all."""


def nearest_at_hand(story: Story, path: Lineage, data: Dataset) -> AtHand:
    """The newest state on `path`, a lineage of the run, that stands soundly on disk.

    `data` is the run's. Raises RunError if there is none, not even the first; DeviceMissing.
    """
    settle(story.config)
    trainer = first_trainer(story.directory, story.config, data)
    first = Point(0, trainer.step)
    snapshots = Snapshots(story.directory / "checkpoints", first, trainer.snapshot())
    snapshots.take_note(story.acts, story.events)
    point = snapshots.restore_nearest(trainer, path)
    return AtHand(trainer, point, saved=point in snapshots.files)


def trainer_at_end(
    story: Story,
    path: Lineage,
    progress: Callable[[int, int], None] = lambda done, total: None,
    data: Dataset | None = None,
) -> Trainer:
    """In the state at the end of `path`, a lineage of the run, from the nearest that is on disk.

    `progress` is told of updates made and updates in all; `data` is the run's, if it was read
    already. Raises StepDiffers where an update gives another loss than is recorded, DeviceMissing,
    RunError.
    """
    if data is None:
        data = load_data(story.directory, story.config)
    start = nearest_at_hand(story, path, data)
    total = path[-1].end - start.point.step
    compare = comparing(story.directory, story.acts)
    for done in reach(start.trainer, path, start.point, compare):
        progress(done, total)
    return start.trainer
