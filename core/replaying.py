"""Train a run again from its first state and its record, and compare every bit.

Only the acts are followed: no evaluation, sampling or guard. Every loss is held against the column,
and the digest of the state against every checkpoint of the lineage.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.environment import environment, settle
from core.launch import load_data
from core.protocol import AnyRecorded, EngineStarted, Point, SnapshotTaken
from core.reaching import StepDiffers, comparing, first_trainer, reach
from core.story import read_story


@dataclass(frozen=True)
class Verdict:
    """What a replay found."""

    steps: int
    """Updates that were made again."""
    weights_sha256: str
    state_sha256: str
    checkpoints: int
    """How many digests of saved states were compared."""
    difference: str = ""
    """The first that differs, as a sentence; empty: none."""
    environment: tuple[str, ...] = ()
    """How this machine differs from those that trained the run."""

    @property
    def identical(self) -> bool:
        """Every loss and every digest was the recorded one, bit for bit."""
        return not self.difference


def replay(directory: Path) -> Generator[tuple[int, int], None, Verdict]:
    """Train the run in `directory` again; yield (updates made, updates in all), return the verdict.

    Nothing is written. Raises RunError if the record cannot be read.
    """
    story = read_story(directory)
    config, acts = story.config, story.acts
    data = load_data(directory, config)
    settle(config)
    trainer = first_trainer(directory, config, data)
    saved = {
        acts.point_of(event): event
        for event in story.events
        if isinstance(event, SnapshotTaken) and story.on_lineage(event)
    }
    head = story.point
    at, start, compared = Point(0, trainer.step), trainer.step, 0
    difference = ""
    try:
        for point in [*sorted(saved, key=lambda point: (point.step, point.seq)), head]:
            for done in reach(trainer, acts.path(point), at, comparing(directory, acts)):
                yield at.step - start + done, head.step - start
            at = point
            if point in saved:
                compared += 1
                if trainer.state_sha256() != saved[point].state_sha256:
                    difference = f"the state at step {point.step:,} is not the one that was saved"
                    break
    except StepDiffers as error:
        difference = str(error)
    return Verdict(
        steps=trainer.step - start,
        weights_sha256=trainer.model.weights_sha256(),
        state_sha256=trainer.state_sha256(),
        checkpoints=compared,
        difference=difference,
        environment=_differences(story.events, environment(config)),
    )


def _differences(events: Sequence[AnyRecorded], here: dict[str, str | int]) -> tuple[str, ...]:
    started = [event.environment for event in events if isinstance(event, EngineStarted)]
    return tuple(
        f"{name}: {there.get(name)} there, {value} here"
        for name, value in here.items()
        for there in started[:1]
        if there.get(name) != value
    )
