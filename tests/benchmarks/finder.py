"""How good the finder's suggestions are: dev loss after training at them, against the best constant
rate.

The lecture's model and initialisation on the shipped names. The best is the lowest mean over all
seeds, between ten rates by a parabola in the logarithm of the rate.
"""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch

from core.config import Knobs, ModelConfig
from core.dataset import Dataset, load
from core.evaluation import measure
from core.lr_finder import range_test
from core.options import shipped_names
from core.protocol import FindLearningRate
from core.suggesting import Probes, suggestions
from core.trainer import Trainer

SEEDS, UPDATES = range(1, 21), 10_000
RATES = np.geomspace(0.02, 1.0, 10)
WISH = FindLearningRate()


class Found(NamedTuple):
    """Dev losses of one seed."""

    at_rates: list[float]
    suggested: dict[str, tuple[float, float]]
    """Rate and dev loss by the name of the rule."""


def dev_loss(data: Dataset, rate: float, seed: int) -> float:
    """After training at a constant rate, in nats per symbol."""
    trainer = Trainer(data, ModelConfig(), Knobs(learning_rate=rate), seed)
    trainer.advance(UPDATES)
    pieces = measure(trainer.model, data.splits["dev"])
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            loss: float = end.value
            return loss


def suggest(data: Dataset, seed: int) -> dict[str, float]:
    """What the finder says of the first weights."""
    trainer = Trainer(data, ModelConfig(), Knobs(), seed)
    low, high, steps = WISH.low, WISH.high, WISH.steps
    losses = np.concatenate(list(range_test(trainer, low, high, steps)))
    return suggestions(Probes(low, high, steps, losses))


def examine(seed: int) -> Found:
    """Train from one seed at every rate, and at every suggestion."""
    torch.set_num_threads(1)
    data = load(shipped_names(), ModelConfig().block_size)
    at_rates = [dev_loss(data, float(rate), seed) for rate in RATES]
    found = suggest(data, seed)
    return Found(at_rates, {name: (r, dev_loss(data, r, seed)) for name, r in found.items()})


def lowest(means: list[float]) -> tuple[float, float]:
    """The rate and the loss where the curve of means is lowest."""
    at = int(np.argmin(means))
    if at in (0, len(RATES) - 1):
        return float(RATES[at]), means[at]
    near = slice(at - 1, at + 2)
    a, b, c = np.polyfit(np.log10(RATES[near]), means[near], 2)
    return float(10 ** (-b / (2 * a))), float(c - b * b / (4 * a))


def main() -> None:
    before = time.perf_counter()
    # One seed per core: the losses are the same however many are trained at a time.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        found = list(pool.map(examine, SEEDS))
    means = [statistics.fmean(column) for column in zip(*(f.at_rates for f in found), strict=True)]
    rate, best = lowest(means)
    minutes = (time.perf_counter() - before) / 60
    print(f"{len(SEEDS)} seeds, {UPDATES:,} updates at each rate, {minutes:.0f} minutes")
    print(f"best constant rate {rate:.3f}: mean dev loss {best:.3f}")
    for name in found[0].suggested:
        chosen = [f.suggested[name] for f in found if name in f.suggested]
        rates, losses = zip(*chosen, strict=True)
        excess = [loss - best for loss in losses]
        print(
            f"{name:<38} dev loss above it: median {statistics.median(excess):+.3f},"
            f" worst {max(excess):+.3f} (rates {min(rates):.3g} to {max(rates):.3g})",
            flush=True,
        )


if __name__ == "__main__":
    main()
