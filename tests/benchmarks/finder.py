"""How good the finder's suggestions are: dev loss after training at them, against the best constant
rate.

The lecture's model and initialisation on the shipped names. The best is the lowest mean over all
seeds, between ten rates by a parabola in the logarithm of the rate.
"""

from __future__ import annotations

import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch

from core.config import Knobs, ModelConfig
from core.dataset import Dataset, load
from core.lr_finder import range_test
from core.options import shipped_names
from core.protocol import FindLearningRate
from core.suggesting import Probes, suggestions
from core.trainer import Trainer
from tests.benchmarks.figure import Figure
from tests.benchmarks.result import dev_loss

SEEDS, UPDATES = range(1, 21), 10_000
RATES = np.geomspace(0.02, 1.0, 10)
WISH = FindLearningRate()


class Found(NamedTuple):
    """Dev losses of one seed."""

    at_rates: list[float]
    suggested: dict[str, tuple[float, float]]
    """Rate and dev loss by the name of the rule."""


def trained(data: Dataset, rate: float, seed: int) -> float:
    """Dev loss after training at a constant rate, in nats per symbol."""
    trainer = Trainer(data, ModelConfig(), Knobs(learning_rate=rate), seed)
    trainer.advance(UPDATES)
    return dev_loss(trainer, data)


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
    at_rates = [trained(data, float(rate), seed) for rate in RATES]
    found = suggest(data, seed)
    return Found(at_rates, {name: (r, trained(data, r, seed)) for name, r in found.items()})


def lowest(means: list[float]) -> tuple[float, float]:
    """The rate and the loss where the curve of means is lowest."""
    at = int(np.argmin(means))
    if at in (0, len(RATES) - 1):
        return float(RATES[at]), means[at]
    near = slice(at - 1, at + 2)
    a, b, c = np.polyfit(np.log10(RATES[near]), means[near], 2)
    return float(10 ** (-b / (2 * a))), float(c - b * b / (4 * a))


def figures() -> list[Figure]:
    # One seed per core: the losses are the same however many are trained at a time.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        found = list(pool.map(examine, SEEDS))
    means = [statistics.fmean(column) for column in zip(*(f.at_rates for f in found), strict=True)]
    rate, best = lowest(means)
    rows = [
        Figure(
            f"the best constant rate ({len(SEEDS)} seeds, N(0, 1) weights, {UPDATES:,} steps)",
            f"{rate:.3f}: dev {best:.3f}",
        )
    ]
    for name in found[0].suggested:
        chosen = [f.suggested[name] for f in found if name in f.suggested]
        rates, losses = zip(*chosen, strict=True)
        excess = [loss - best for loss in losses]
        measured = (
            f"median {statistics.median(excess):+.3f}, worst {max(excess):+.3f}"
            f" (rates {min(rates):.3g} to {max(rates):.3g})"
        )
        rows.append(Figure(f"dev loss above that at the finder's {name}", measured))
    return rows
