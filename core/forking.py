"""Begin a run from a state of another: a fork. It is self-contained, its parent may be deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from core import __version__
from core.config import Parent, PlannedAct, RunConfig
from core.dials import ConfigError, Value
from core.launch import another_list, new_run, read_recorded
from core.lineage import Lineage, examples_before, examples_on, point_at, settings_after
from core.protocol import Point, SnapshotTaken, TestEvaluated
from core.record import RunError
from core.seal import state_sha256
from core.steering import check_plan
from core.story import Story, read_story
from core.words import WordList

Progress = Callable[[int, int], None]
"""Called with updates made and updates in all."""


def fork(
    parent: Path,
    runs: Path,
    *,
    step: int | None = None,
    knobs: dict[str, Value] | None = None,
    settings: dict[str, Value] | None = None,
    progress: Progress = lambda done, total: None,
) -> Path:
    """A new run in `runs` that begins where `parent` was at `step` of its lineage (None: now).

    `knobs` change as the fork's first act, `settings` from its beginning. A state that stands in no
    checkpoint is computed again, which loads torch. Raises RunError, ConfigError.
    """
    story = read_story(parent)
    forked, point, here = _planned(story, step, knobs, settings)
    words = _words_of(story)
    start = _checkpoint_at(story, point)
    if start is None:
        start = _compute(story, here, progress)
    return new_run(runs, forked, words.raw, start=start)


def check_fork(
    parent: Path,
    *,
    step: int | None,
    knobs: dict[str, Value],
    settings: dict[str, Value],
) -> None:
    """Raise what `fork` would, but for what it cannot read or write of states."""
    story = read_story(parent)
    _planned(story, step, knobs, settings)
    _words_of(story)


def _words_of(story: Story) -> WordList:
    # Read as a list, or what is no such thing would make the whole run before it is found out.
    words = read_recorded(story.directory, story.config)
    if words.sha256 != story.config.data.sha256:
        raise another_list(story.directory, story.config)
    return words


def _planned(
    story: Story,
    step: int | None,
    knobs: dict[str, Value] | None,
    settings: dict[str, Value] | None,
) -> tuple[RunConfig, Point, Lineage]:
    """The fork's configuration, where it begins, the way there; raises RunError, ConfigError."""
    config, acts, path = story.config, story.acts, story.path
    name = story.directory.name
    point = story.point if step is None else point_at(path, step)
    if point is None:
        reach = f"must be from {path[0].start:,} to {story.step:,}, where run {name} is"
        raise ConfigError("step", step, reach)
    here = acts.path(point)
    changed = settings_after(config.settings, story.events)
    changed = msgspec.structs.replace(changed, **(settings or {}))
    if knobs and point.step >= changed.step_limit:
        limit = f"step {point.step:,} lies at or past the step limit, {changed.step_limit:,}"
        raise RunError(f"run {name}: {limit}; a higher --steps trains on")
    # What the parent planned beyond a lower limit is nothing that this one was asked for.
    plan = [act for act in config.plan if point.step < act.step < changed.step_limit]
    if knobs:
        plan.insert(0, PlannedAct(step=point.step, changes=knobs))
    forked = msgspec.structs.replace(
        config,
        created=time.time(),
        version=__version__,
        knobs=here[-1].knobs,
        settings=changed,
        plan=tuple(plan),
        test_looks=looks(story),
        parent=Parent(
            run=name,
            seq=point.seq,
            step=point.step,
            examples=examples_before(here) + sum(map(examples_on, here)),
        ),
    )
    check_plan(forked)
    return forked, point, here


def check_saved(parent: Path) -> None:
    """Raise RunError unless the state that `parent` is in now stands in a checkpoint, so that a
    fork need not compute it again.
    """
    story = read_story(parent)
    if _checkpoint_at(story, story.point) is None:
        name = parent.resolve().name
        raise RunError(
            f"run {name}: its end stands in no checkpoint; resume it, and stop it in good order,"
            f" or use `steermore fork {name}`, which computes it again"
        )


def looks(story: Story) -> int:
    """How often the test split was looked at until now, whatever was undone since."""
    counts = (event.looks for event in story.events if isinstance(event, TestEvaluated))
    return max(counts, default=story.config.test_looks)


def _checkpoint_at(story: Story, point: Point) -> bytes | None:
    for event in story.events:
        if isinstance(event, SnapshotTaken) and story.acts.point_of(event) == point:
            try:
                packed = (story.directory / "checkpoints" / event.file).read_bytes()
            except OSError:
                continue
            if state_sha256(packed) == event.state_sha256:
                return packed
    return None


def _compute(story: Story, path: Lineage, progress: Progress) -> bytes:
    """The state at the end of `path`, from the nearest one that stands on disk."""
    # torch takes a second to load; a fork from a checkpoint goes without.
    from core import checkpoint
    from core.recomputing import trainer_at_end

    trainer = trainer_at_end(story, path, progress)
    point = Point(path[-1].act.seq, trainer.step)
    return checkpoint.pack(trainer, checkpoint.describe(trainer, point, path[-1].branch))
