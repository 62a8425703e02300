"""A trainer in any state of a recorded run, for those who are not its engine: nothing of the run is
written.
"""

from __future__ import annotations

from collections.abc import Callable

from core.environment import settle
from core.launch import load_data
from core.lineage import Lineage
from core.protocol import Point
from core.reaching import comparing, first_trainer, reach
from core.snapshots import Snapshots
from core.story import Story
from core.trainer import Trainer


def trainer_at_end(
    story: Story, path: Lineage, progress: Callable[[int, int], None] = lambda done, total: None
) -> Trainer:
    """In the state at the end of `path`, a lineage of the run, from the nearest that is on disk.

    `progress` is told of updates made and updates in all. Raises UserError where an update gives
    another loss than is recorded.
    """
    directory, acts = story.directory, story.acts
    settle(story.config)
    trainer = first_trainer(directory, story.config, load_data(directory, story.config))
    first = Point(0, trainer.step)
    snapshots = Snapshots(directory / "checkpoints", first, trainer.snapshot())
    snapshots.take_note(acts, story.events)
    start = snapshots.restore_nearest(trainer, path)
    total = path[-1].end - start.step
    for done in reach(trainer, path, start, comparing(directory, acts)):
        progress(done, total)
    return trainer
