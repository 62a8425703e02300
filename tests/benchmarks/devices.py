"""Where a GPU pays: updates a second on it against the processor's, by size of step.

    python -m tests.benchmarks devices

Not part of the table in the README, since most machines have none; there it prints nothing.
"""

from __future__ import annotations

import os
import statistics
import time

import torch

from core.config import GPUS, Device, Knobs, ModelConfig
from core.dataset import Dataset
from core.launch import read_data
from core.on_device import called, missing
from core.options import shipped_names
from core.threads import fitting_threads, operations
from core.trainer import Trainer
from tests.benchmarks import words
from tests.benchmarks.figure import Figure

ROUNDS, SECONDS = 5, 0.3
LECTURE = ModelConfig()
OF_NAMES = [
    (LECTURE, Knobs()),
    (LECTURE, Knobs(optimizer="adamw", batch_size=128)),
    (LECTURE, Knobs(batch_size=1_024)),
    (LECTURE, Knobs(batch_size=16_384)),
    (ModelConfig(block_size=8, embedding_size=24, hidden_size=1_024), Knobs(batch_size=128)),
    (ModelConfig(block_size=8, embedding_size=24, hidden_size=4_096), Knobs(batch_size=1_024)),
]
OF_WORDS = [
    (words.MODEL, Knobs(batch_size=32, weight_decay=1e-5)),
    (words.MODEL, Knobs(batch_size=256, weight_decay=1e-5)),
    (words.MODEL, Knobs(batch_size=256, optimizer="adamw")),
]


def device_at_hand() -> Device | None:
    """The GPU to measure."""
    return next((device for device in GPUS if not missing(device)), None)


def speed(trainer: Trainer) -> float:
    """Updates a second of the clock: on a GPU the processor's own time would say nothing."""
    updates, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < SECONDS:
        updates += len(trainer.advance(trainer._steps_at_once()))
    return updates / taken


def beside(data: Dataset, model: ModelConfig, knobs: Knobs, device: Device) -> Figure:
    """Both in turn; the processor with as many threads as a run of this size gets."""
    V = data.vocab_size
    threads = fitting_threads(model, V, knobs.batch_size)
    torch.set_num_threads(threads)
    here, there = (Trainer(data, model, knobs, 1, where) for where in ("cpu", device))
    for trainer in (here, there):
        trainer.advance(2 * trainer._steps_at_once())
    rounds = [(speed(here), speed(there)) for _ in range(ROUNDS)]
    cpu, gpu = (statistics.median(each) for each in zip(*rounds, strict=True))
    times = statistics.median(gpu / cpu for cpu, gpu in rounds)
    size = f"{model.block_size}×{model.embedding_size}→{model.hidden_size}→{V:,}"
    work = operations(model, V, knobs.batch_size) / 1e6
    return Figure(
        f"{size}, {knobs.optimizer}, batch {knobs.batch_size:,} ({work:,.0f} million operations)",
        f"{times:.2g} ×: {gpu:,.0f} updates/s on {device}, {cpu:,.0f} with {threads} threads",
    )


def figures() -> list[Figure]:
    """Half a minute, and nothing without a GPU."""
    device = device_at_hand()
    if device is None:
        return []
    where = Figure("a GPU against the processor", f"{called(device)}; {os.cpu_count()} cores")
    names, text = read_data(shipped_names(), "character").words, words.text()
    lists = {T: Dataset.from_words(names, T, 42, "") for T in (3, 8)}
    return [
        where,
        *(beside(lists[model.block_size], model, knobs, device) for model, knobs in OF_NAMES),
        *(beside(text, model, knobs, device) for model, knobs in OF_WORDS),
    ]
