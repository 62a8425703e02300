"""Where the finder's cursor can stand: exponents, to base ten, of the rates that were tried."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.suggesting import Probes
from tui.chart.scale import Range

FINE, PARTS = 1 / 20, 60
"""A step in decades, and how many of them there are at least in a short range."""


def ends(probes: Probes) -> Range:
    """The lowest and the highest place: of what was tried, or of what is going to be."""
    last = float(probes.rates[-1]) if len(probes.losses) else probes.high
    return math.log10(probes.low), math.log10(last)


def moved(exponent: float, steps: int, probes: Probes) -> float:
    """The place so many steps away on a grid; from between two of its lines, the first step goes
    to the end of the gap in that direction, if that is far enough to be seen.
    """
    size = min(FINE, math.log10(probes.high / probes.low) / PARTS)
    at = exponent / size
    line = math.floor(at + 0.25) if steps > 0 else math.ceil(at - 0.25)
    return (line + steps) * size


def held(exponent: float, within: Range) -> float:
    """The nearest place that there is."""
    return min(max(exponent, within[0]), within[1])


def chosen(exponent: float) -> float:
    """The rate at a place, to three digits."""
    return float(f"{10**exponent:.3g}")


def standing_on(exponent: float | None, rates: Sequence[float]) -> int | None:
    """Which of `rates`, counted from 0, a cursor stands on."""
    if exponent is not None:
        for index, rate in enumerate(rates):
            if math.isclose(math.log10(rate), exponent, abs_tol=1e-9):
                return index
    return None
