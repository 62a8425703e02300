"""Peers that take turns, so that a noisy machine disturbs all alike; and what their rounds say."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks.figure import Figure

Loop = Callable[[int], None]
"""Makes so many updates."""


def alternate(peers: Mapping[str, Loop], rounds: int, updates: int) -> dict[str, list[float]]:
    """Microseconds an update of each peer in each round.

    Of the process's own time, on however many threads: what others do on the machine counts less.
    """
    taken: dict[str, list[float]] = {name: [] for name in peers}
    for loop in peers.values():
        loop(updates)
    for number in range(rounds):
        # Whoever comes first may find another machine than who comes last.
        for name in list(peers)[:: 1 if number % 2 else -1]:
            before = time.process_time()
            peers[name](updates)
            taken[name].append((time.process_time() - before) / updates * 1e6)
    return taken


def ratios(slow: Sequence[float], fast: Sequence[float]) -> list[float]:
    """How many times as fast, in each round."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def spread(values: Sequence[float], form: str = ".1f", unit: str = "") -> str:
    """The median and the middle half of some measurements, as `3.7 × (3.5 to 3.9)`."""
    if len(values) < 4:
        low, high = min(values), max(values)
    else:
        low, _, high = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):{form}}{unit} ({low:{form}} to {high:{form}})"


def times_as_fast(what: str, slow: Sequence[float], fast: Sequence[float], goal: float) -> Figure:
    """A figure of the ratio, which is to be `goal` at least; 0: nothing is aimed at."""
    found = ratios(slow, fast)
    if not goal:
        return Figure(what, spread(found, ".2g" if max(found) < 1 else ".1f", " ×"))
    reached = statistics.median(found) >= goal
    return Figure(what, spread(found, ".1f", " ×"), f"at least {goal:g} ×", reached)
