"""Bring a trainer to any state of a run by making its updates again, compared bit for bit.

Undo, opening after a crash, replay and forking all go this way: from the nearest state that is at
hand, along the lineage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from core import checkpoint
from core.config import RunConfig
from core.dataset import Dataset
from core.errors import UserError
from core.lineage import Acts, Lineage
from core.pacing import Pacing
from core.protocol import Point
from core.record import START, RunError, read_losses
from core.seal import Description
from core.trainer import Trainer

TakeLosses = Callable[[int, int, np.ndarray], None]
"""Called with branch, first step and losses (updates,) of updates that were made again."""


class StepDiffers(UserError):
    """An update that was made again gave another loss than the record has."""

    def __init__(self, step: int, recorded: float, computed: float) -> None:
        super().__init__(
            f"the loss of step {step:,} differs: recorded {recorded!r}, computed {computed!r}"
        )
        self.step = step


def first_trainer(directory: Path, config: RunConfig, data: Dataset) -> Trainer:
    """A trainer in the first state of the run: from its seed, or from the state it was forked from.

    Raises RunError if that state is damaged, DeviceMissing.
    """
    trainer = Trainer(data, config.model, config.knobs, config.seed, config.device)
    if config.parent is not None:
        restore_sound(trainer, directory / START)
    return trainer


def restore_sound(trainer: Trainer, path: Path) -> Description:
    """Put a checkpoint in force and return what it is; raises RunError if its digest is wrong."""
    snapshot, description = checkpoint.load(path)
    try:
        trainer.restore(snapshot)
    except (KeyError, RuntimeError) as error:
        raise RunError(f"{path}: a checkpoint of another model: {error}") from None
    if trainer.state_sha256() != description.state_sha256:
        raise RunError(f"{path}: damaged checkpoint: its digest is not that of its state")
    return description


def reach(
    trainer: Trainer, path: Lineage, start: Point, take: TakeLosses | None = None
) -> Iterator[int]:
    """Bring `trainer`, which is in the state of `start`, to the end of `path`.

    Yields, every few milliseconds, how many updates it has made. `start` lies on `path`.
    """
    pacing, done = Pacing(), 0
    ahead = [stretch for stretch in path if stretch.act.seq >= start.seq]
    assert ahead[0].act.seq == start.seq
    for number, stretch in enumerate(ahead):
        if number:
            trainer.set_knobs(stretch.knobs)
            pacing.restart()
        while trainer.step < stretch.end:
            first, updates = trainer.step, min(pacing.chunk, stretch.end - trainer.step)
            before = time.perf_counter()
            losses = trainer.advance(updates)
            pacing.did(updates, time.perf_counter() - before)
            if take is not None:
                take(stretch.branch, first, losses)
            done += updates
            yield done


def comparing(directory: Path, acts: Acts) -> TakeLosses:
    """A function that raises StepDiffers where a loss is not, bit for bit, the recorded one.

    Losses that the record does not have (yet) are not compared.
    """

    def take(branch: int, first: int, losses: np.ndarray) -> None:
        offset = first - acts.first_step(branch)
        recorded = read_losses(directory, branch, offset, len(losses))
        computed = losses[: len(recorded)].astype("<f4")
        differs = np.flatnonzero(recorded.view("<u4") != computed.view("<u4"))
        if len(differs):
            at = int(differs[0])
            raise StepDiffers(first + at, float(recorded[at]), float(computed[at]))

    return take
