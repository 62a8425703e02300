"""Evaluations of a run, a piece at a time: while training goes on, when asked, and at the end."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING

from core.evaluation import measure
from core.guarding import heed_plateau
from core.lineage import on_path
from core.protocol import Evaluated, TestEvaluated
from core.snapshots import EVERY

if TYPE_CHECKING:
    from core.run import Run

FIXED_TRAIN_EXAMPLES = 10_000
"""The part of train that is measured while training goes on."""


def evaluating(
    run: Run, *, whole: bool = False, answers: int | None = None, client: str = ""
) -> Generator[None, None, None]:
    """Measure the present weights on dev and on (the fixed part of) train; note the result."""
    model, splits = run.trainer.measured, run.data.splits
    train = yield from measure(model, splits["train"], None if whole else FIXED_TRAIN_EXAMPLES)
    dev = yield from measure(model, splits["dev"])
    point = run.journal.point(run.step)
    best = dev < best_dev(run)
    if best:
        run.snapshots.keep_best(point, run.trainer.snapshot())
    if math.isfinite(dev):
        run.dev_losses.append((point, dev))
    examples = splits["train"].examples
    run.journal.add(
        Evaluated,
        run.step,
        train=train if math.isfinite(train) else None,
        dev=dev if math.isfinite(dev) else None,
        train_examples=examples if whole else min(examples, FIXED_TRAIN_EXAMPLES),
        dev_examples=splits["dev"].examples,
        whole=whole,
        best=best,
        answers=answers,
        client=client,
    )
    if not whole:
        heed_plateau(run)
    if not whole and run.snapshots.steps_since_file(run.step) >= EVERY:
        run.save("evaluated")


def looking_at_test(
    run: Run, *, answers: int | None = None, client: str = ""
) -> Generator[None, None, None]:
    """Measure the present weights on the whole test split; note the result and count the look."""
    loss = yield from measure(run.trainer.measured, run.data.splits["test"])
    run.test_looks += 1
    run.journal.add(
        TestEvaluated,
        run.step,
        loss=loss if math.isfinite(loss) else None,
        examples=run.data.splits["test"].examples,
        looks=run.test_looks,
        answers=answers,
        client=client,
    )


def best_dev(run: Run) -> float:
    """The lowest dev loss so far on the present lineage."""
    path = run.journal.acts.path(run.journal.point(run.step))
    return min((dev for at, dev in run.dev_losses if on_path(path, at)), default=math.inf)
