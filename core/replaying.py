"""Train a run again from its first state and its record, and compare every bit.

Only the acts are followed: no evaluation, sampling or guard. Every loss is held against the column,
and the digest of the state against every checkpoint of the lineage.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from core.environment import environment, settle
from core.launch import load_data
from core.protocol import EngineStarted, Point, SnapshotTaken
from core.reaching import StepDiffers, comparing, first_trainer, reach
from core.story import Story, read_story


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
    """How this machine differs from those that made these updates, up to the first that differs."""

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
    difference, end = "", head.step
    try:
        for point in [*sorted(saved, key=lambda point: (point.step, point.seq)), head]:
            for done in reach(trainer, acts.path(point), at, comparing(directory, acts)):
                yield at.step - start + done, head.step - start
            at = point
            if point in saved:
                compared += 1
                if trainer.state_sha256() != saved[point].state_sha256:
                    difference = f"the state at step {point.step:,} is not the one that was saved"
                    end = point.step
                    break
    except StepDiffers as error:
        difference, end = str(error), error.step + 1
    return Verdict(
        steps=trainer.step - start,
        weights_sha256=trainer.model.weights_sha256(),
        state_sha256=trainer.state_sha256(),
        checkpoints=compared,
        difference=difference,
        environment=_differences(story, end, environment(config)),
    )


def _differences(story: Story, end: int, here: dict[str, str | int]) -> tuple[str, ...]:
    """What is not as it is here, each once, of the engines that led to state `end`."""
    first = story.path[0].start
    found: dict[tuple[str, str | int], str] = {}
    for begin, there in sorted(_environments(story, end).items()):
        since = f" from step {begin:,} on" if begin > first else ""
        for name in {**here, **there}:
            old, new = there.get(name, "none"), here.get(name, "none")
            if old != new:
                found.setdefault((name, old), f"{name}: {old} there{since}, {new} here")
    return tuple(found.values())


def _environments(story: Story, end: int) -> dict[int, dict[str, str | int]]:
    """Those in which the updates up to state `end` were made, by the state they begin at."""
    started = [event for event in story.events if isinstance(event, EngineStarted)]
    engines = [(story.acts.point_of(event), event.environment) for event in started]
    # The first state was computed too, by the first of them.
    found = {story.path[0].start: engines[0][1]} if engines else {}
    for stretch in story.path:
        for at, surroundings in engines:
            begin = at.step if at.seq == stretch.act.seq else stretch.start
            # Of several that began at one state, the last made the updates.
            if at.seq <= stretch.act.seq and begin < min(stretch.end, end):
                found[begin] = surroundings
    return found
