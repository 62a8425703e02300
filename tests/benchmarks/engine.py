"""The whole engine at work, recording: `fit` without a screen, and with the dashboard open.

By the clock on the wall, against the lecture's loop just before and after.
"""

from __future__ import annotations

import statistics
import time

import torch

from core.dataset import load
from core.options import shipped_names
from tests.benchmarks.figure import Figure
from tests.benchmarks.latency import Pulse, dashboard, record
from tests.benchmarks.peers import Lecture, tensors
from tests.benchmarks.result import fit
from tests.benchmarks.rounds import ratios, spread

ROUNDS, LECTURE_STEPS, STEPS = 3, 4_000, 60_000
WATCHED = 5.0
"""Seconds with the dashboard open."""


def watched() -> float:
    """Steps a second of an engine whose dashboard is open in a terminal."""
    with dashboard() as of:
        of.wait_until_it_trains()
        pulse = Pulse(of.run)
        pulse.start()
        record(of, time.monotonic() + 1)
        begun = time.monotonic()
        record(of, begun + WATCHED)
        return pulse.speed(begun, begun + WATCHED)


def figures() -> list[Figure]:
    torch.set_num_threads(1)
    lecture = Lecture(*tensors(load(shipped_names(), 3)))
    taken: dict[str, list[float]] = {"lecture": [], "inside": [], "wall": [], "watched": []}
    for _ in range(ROUNDS):
        before = time.perf_counter()
        lecture.run(LECTURE_STEPS)
        taken["lecture"].append((time.perf_counter() - before) / LECTURE_STEPS)
        # Nothing but training: the evaluation at the end is counted by the clock on the wall.
        report = fit("--steps", str(STEPS), "--evaluation-interval", str(STEPS))
        taken["inside"].append(report["seconds"] / STEPS)
        taken["wall"].append(report["wall_seconds"] / STEPS)
        taken["watched"].append(1 / watched())
    what = {
        "inside": "`steermore fit` without a screen, inside updates",
        "wall": f"the same from the command to the end of {STEPS:,} steps, loading included",
        "watched": "`steermore`, dashboard open, dev measured every 5,000 steps, by the clock",
    }
    rows = [
        Figure(
            name,
            f"{statistics.median(1 / s for s in taken[key]):,.0f} steps/s,"
            f" {spread(ratios(taken['lecture'], taken[key]), '.1f', ' ×')} the lecture's loop",
        )
        for key, name in what.items()
    ]
    share = ratios(taken["inside"], taken["watched"])
    return [*rows, Figure("that speed, of the one inside updates", spread(share, ".2f", " ×"))]
