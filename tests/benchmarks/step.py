"""A training step of ours against those of others: the lecture's sizes, batch 32, one thread."""

from __future__ import annotations

import statistics
from functools import partial

import torch

from core.config import PRESETS, Knobs, ModelConfig
from core.dataset import Dataset, load
from core.options import shipped_names
from core.trainer import Trainer
from tests.benchmarks.figure import Figure
from tests.benchmarks.peers import (
    Lecture,
    compiled_loop,
    module_loop,
    tensors,
    why_not_compiled,
)
from tests.benchmarks.rounds import Loop, alternate, times_as_fast

ROUNDS, UPDATES = 40, 120
LECTURE, LECTURE_COMPILED = "the lecture's loop", "the lecture's step, torch.compile"
MODULE, LOADER = "torch.nn, AdamW", "torch.nn, AdamW, DataLoader"
OURS, OURS_ADAMW = "steermore, SGD", "steermore, AdamW"


def ours(data: Dataset, knobs: Knobs) -> Loop:
    """The engine's trainer, in chunks as the engine makes them."""
    trainer = Trainer(data, ModelConfig(), knobs, 2147483647)

    def run(updates: int) -> None:
        for _ in range(0, updates, 40):
            trainer.advance(40)

    return run


def figures() -> list[Figure]:
    """Microseconds a step, and the ratios."""
    torch.set_num_threads(1)
    data = load(shipped_names(), 3)
    X, Y = tensors(data)
    adamw = Knobs(optimizer="adamw", learning_rate=0.01)
    peers: dict[str, Loop] = {
        LECTURE: Lecture(X, Y).run,
        OURS: ours(data, PRESETS["lecture"].knobs),
        MODULE: module_loop(X, Y, loader=False),
        LOADER: module_loop(X, Y, loader=True),
        OURS_ADAMW: ours(data, adamw),
    }
    if not (reason := why_not_compiled()):
        peers[LECTURE_COMPILED] = compiled_loop(X, Y)
    taken = alternate(peers, ROUNDS, UPDATES)
    against = partial(times_as_fast, fast=taken[OURS])
    against_adamw = partial(times_as_fast, fast=taken[OURS_ADAMW])
    return [
        Figure(
            "a training step (3-10-200, batch 32, SGD), CPU time",
            f"{statistics.median(taken[OURS]):.0f} µs; the lecture's loop"
            f" {statistics.median(taken[LECTURE]):.0f} µs",
        ),
        against("the same against the lecture's loop", taken[LECTURE], goal=3.5),
        against("against the lecture's step by `torch.compile`", taken[LECTURE_COMPILED], goal=0)
        if not reason
        else Figure("against the lecture's step by `torch.compile`", f"skipped: {reason}"),
        Figure(
            "a training step (the same, AdamW), CPU time",
            f"{statistics.median(taken[OURS_ADAMW]):.0f} µs; `torch.nn` and `torch.optim`"
            f" {statistics.median(taken[MODULE]):.0f} µs",
        ),
        against_adamw("the same against `torch.nn` and `torch.optim`", taken[MODULE], goal=5),
        against_adamw("against these with makemore's DataLoader", taken[LOADER], goal=0),
    ]
