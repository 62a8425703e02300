"""Training time to the lecture's result: its own recipe in its own loop against ours.

The lecture's loop trains all its 200,000 steps in parts; between them ours trains from the start
each time, so that both meet the same machine. The time is that of the thread inside updates; what
evaluations take is counted for neither.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

import torch

from core.config import PRESETS
from core.dataset import Dataset, load
from core.evaluation import measure
from core.options import shipped_names, stretched
from core.trainer import Trainer
from tests.benchmarks.figure import Figure
from tests.benchmarks.peers import Lecture, tensors
from tests.benchmarks.rounds import spread

STEPS, DROP, PARTS = 200_000, 100_000, 40
FAST = PRESETS["fast"]
LONGER = 24_000
"""Steps of `steermore fit --preset fast --steps …` that come to a dev loss of 2.10."""


class Curve(NamedTuple):
    """Seconds inside updates, and the dev loss after them."""

    seconds: list[float]
    dev: list[float]

    def passes(self, loss: float) -> float:
        """The seconds after which dev was first found at `loss` or below; infinite: never."""
        found = (s for s, dev in zip(self.seconds, self.dev, strict=True) if dev <= loss)
        return next(found, float("inf"))


def dev_loss(trainer: Trainer, data: Dataset) -> float:
    """In nats per symbol."""
    pieces = measure(trainer.model, data.splits["dev"])
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return float(end.value)


def fast(data: Dataset, steps: int = FAST.settings.step_limit, interval: int = 100) -> Curve:
    """The preset `fast`, stretched to so many steps, from its seed to its end."""
    knobs = stretched(FAST.knobs, FAST.settings.step_limit, steps)
    trainer = Trainer(data, FAST.model, knobs, 2147483647)
    curve = Curve([], [])
    seconds = 0.0
    while trainer.step < steps:
        before = time.thread_time()
        for _ in range(0, interval, 20):
            trainer.advance(20)
        seconds += time.thread_time() - before
        curve.seconds.append(seconds)
        curve.dev.append(dev_loss(trainer, data))
    return curve


def race(data: Dataset) -> tuple[Curve, list[Curve]]:
    """The lecture's training, and ours several times meanwhile."""
    lecture = Lecture(*tensors(data))
    rows = torch.from_numpy(data.splits["dev"].rows(slice(None)).astype("int64"))
    theirs, ours, seconds = Curve([], []), [fast(data)], 0.0
    for part in range(PARTS):
        lecture.rate = 0.1 if part * STEPS // PARTS < DROP else 0.01
        before = time.thread_time()
        lecture.run(STEPS // PARTS)
        seconds += time.thread_time() - before
        theirs.seconds.append(seconds)
        theirs.dev.append(lecture.loss(rows[:, :-1], rows[:, -1]))
        if part % 8 == 7:
            ours.append(fast(data))
    # The first one compiled what the others use: it counts as it is, like any run's.
    return theirs, ours


def fit(*options: str) -> dict[str, Any]:
    """What `steermore fit --json` reports."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tui", "fit", "--json", "--runs-dir", folder, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def figures() -> list[Figure]:
    torch.set_num_threads(1)
    data = load(shipped_names(), 3)
    theirs, ours = race(data)
    target = theirs.dev[-1]
    needed = [curve.passes(target) for curve in ours]
    whole = [theirs.seconds[-1] / seconds for seconds in needed]
    first = [theirs.passes(target) / seconds for seconds in needed]
    rows = [
        Figure(
            "the lecture's recipe in the lecture's loop, 200,000 steps on the shipped list",
            f"dev {target:.3f} after {theirs.seconds[-1]:.0f} s inside updates (first that low"
            f" after {theirs.passes(target):.0f} s)",
        ),
        Figure(
            "`--preset fast` passes that loss",
            f"after {spread(needed, '.2f', ' s')} inside updates",
        ),
        Figure(
            "training time to the lecture's result: the lecture's whole loop against `fast`",
            spread(whole, ".0f", " ×"),
            "at least 40 ×",
            statistics.median(whole) >= 40,
        ),
        Figure(
            "the same, counted to where the lecture's loop first is that low",
            spread(first, ".0f", " ×"),
        ),
    ]
    longer, report = fast(data, LONGER, LONGER), fit("--preset", "fast")
    reached = longer.dev[-1] <= 2.10 and longer.seconds[-1] <= 10
    return [
        *rows,
        Figure(
            f"`steermore fit --preset fast --steps {LONGER}` ({report['parameters']:,} parameters)",
            f"dev {longer.dev[-1]:.3f} after {longer.seconds[-1]:.1f} s inside updates",
            "dev 2.10 or less within 10 s",
            reached,
        ),
        Figure(
            "`steermore fit --preset fast`, the whole command",
            f"dev {report['dev_loss']:.3f} after {report['wall_seconds']:.1f} s, of which"
            f" {report['seconds']:.1f} s inside updates",
        ),
    ]
