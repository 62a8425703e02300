"""Begin a run from a state of another: a fork. It is self-contained, its parent may be deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from core import __version__
from core.config import Parent, PlannedAct, RunConfig
from core.dials import ConfigError, Value
from core.launch import new_run, words_path
from core.lineage import Acts, Lineage, point_at, settings_after
from core.protocol import AnyRecorded, Point, SnapshotTaken
from core.record import RunError, column_path, read_config, read_events
from core.steering import check_plan

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
    config, events = read_config(parent), read_events(parent)
    acts = Acts(events)
    if not acts.list:
        raise RunError(f"run {parent.name}: its record is empty, so there is nothing to fork")
    column = column_path(parent, acts.branch)
    head = acts.head(column.stat().st_size // 4 if column.exists() else 0)
    path = acts.path(head)
    point = head if step is None else point_at(path, step)
    if point is None:
        reach = f"must be from {path[0].start:,} to {head.step:,}, where run {parent.name} is"
        raise ConfigError("step", step, reach)
    here = acts.path(point)
    changed = settings_after(config.settings, events)
    changed = msgspec.structs.replace(changed, **(settings or {}))
    plan = [act for act in config.plan if act.step > point.step]
    if knobs:
        plan.insert(0, PlannedAct(step=point.step, changes=knobs))
    forked = RunConfig(
        created=time.time(),
        version=__version__,
        preset=config.preset,
        data=config.data,
        model=config.model,
        seed=config.seed,
        threads=config.threads,
        kernel=config.kernel,
        knobs=here[-1].knobs,
        settings=changed,
        plan=tuple(plan),
        parent=Parent(run=parent.name, seq=point.seq, step=point.step),
    )
    check_plan(forked)
    words = words_path(parent, config).read_bytes()
    start = _checkpoint_at(parent, acts, events, point)
    if start is None:
        start = _compute(parent, acts, here, events, progress)
    return new_run(runs, forked, words, start=start)


def _checkpoint_at(
    parent: Path, acts: Acts, events: Sequence[AnyRecorded], point: Point
) -> bytes | None:
    for event in events:
        if isinstance(event, SnapshotTaken) and acts.point_of(event) == point:
            path = parent / "checkpoints" / event.file
            if path.exists():
                return path.read_bytes()
    return None


def _compute(
    parent: Path, acts: Acts, path: Lineage, events: Sequence[AnyRecorded], progress: Progress
) -> bytes:
    """The state at the end of `path`, from the nearest one that stands on disk."""
    # torch takes a second to load; a fork from a checkpoint goes without.
    from core import checkpoint, dataset
    from core.environment import settle_threads
    from core.reaching import comparing, first_trainer, reach
    from core.snapshots import Snapshots

    config = read_config(parent)
    data = dataset.load(words_path(parent, config), config.model.block_size, config.data.split_seed)
    settle_threads(config)
    trainer = first_trainer(parent, config, data)
    first = Point(0, trainer.step)
    snapshots = Snapshots(parent / "checkpoints", first, trainer.snapshot())
    snapshots.take_note(acts, events)
    start = snapshots.restore_nearest(trainer, path)
    total = path[-1].end - start.step
    for done in reach(trainer, path, start, comparing(parent, acts)):
        progress(done, total)
    point = Point(path[-1].act.seq, trainer.step)
    return checkpoint.pack(trainer, checkpoint.describe(trainer, point, path[-1].branch))
