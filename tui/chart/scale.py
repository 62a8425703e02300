"""Axes of a chart: round limits, 1-2-5 ticks, short labels, ranges that outliers cannot bend.

Pure numbers, apart from the drawing: the judgement lies here, which part of a curve matters.
"""

from __future__ import annotations

import math

import numpy as np

from core.smoothing import Doubles

_LIMIT_MANTISSAS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
_ROBUST = 0.9
"""Share of the curve whose highest point counts as the ordinary top."""
_FAR = 2.5
"""A top farther above the bottom than this many ordinary heights is cut off…"""
_CUT = 1.4
"""…to this many."""
_FAR_DECADES = 2.5
"""On a log axis, a top is cut off only if it is this many decades above the bottom."""

_ROOM = 0.8
"""How much farther, in heights of the curve, the band may push the limits on either side."""

Range = tuple[float, float]


def next_limit(reach: float, least: float = 10) -> float:
    """The end of an axis that begins at 0 and holds `reach`, at least `least`: one of 16 round
    numbers a decade.
    """
    reach = max(reach, least)
    decade = 10.0 ** math.floor(math.log10(reach))
    ends = (m * decade for m in (*_LIMIT_MANTISSAS, 12.0))
    return next(end for end in ends if end >= reach)


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 × 10^k that cuts `span` (above 0) into at most `count` pieces."""
    exact = span / max(count, 1)
    decade = 10.0 ** math.floor(math.log10(exact))
    return next(m * decade for m in (1.0, 2.0, 5.0, 10.0) if m * decade >= exact * (1 - 1e-9))


def ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of a 1-2-5 step within [low, high], at most about `count`."""
    if not high > low:
        return []
    step = nice_step(high - low, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [step * i for i in range(first, min(last, first + 100) + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Round values within [low, high] (both above 0) for an axis of logarithms.

    Powers of ten, every few of them, over many decades; 1-2-5 over a few; multiples of a 1-2-5
    step within less than one.
    """
    if not 0 < low < high:
        return []
    decades = math.log10(high / low)
    if decades < 0.7:
        return ticks(low, high, count)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    dense = decades * 3 <= count + 1
    every = 1 if dense else max(1, math.ceil(decades / max(count, 1)))
    mantissas = (1, 2, 5) if dense else (1,)
    exponents = [e for e in range(first, last + 1) if e % every == 0]
    found = [float(f"{m}e{e}") for e in exponents for m in mantissas]
    found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    return found if len(found) > 1 else ticks(low, high, count)


def loss_label(value: float, step: float) -> str:
    """A loss in at most 5 cells, with the decimals that `step` between two ticks needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 2
    plain = f"{value:.{decimals}f}"
    if abs(value) < 1e5 and len(plain) <= 5:
        return plain
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"[:5]


def step_label(step: float, gap: float = 0.0) -> str:
    """A number of the horizontal axis as 0, 500, 1.5k, 200k, 2M; with the decimals that `gap`, to
    the next of the numbers, needs.
    """
    units = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
    unit, letter = next((unit for unit in units if abs(step) >= unit[0]), units[-1])
    if gap <= 0:
        return f"{step / unit:.6g}{letter}"
    decimals = min(max(0, -math.floor(math.log10(gap / unit) + 1e-9)), 12)
    text = f"{step / unit:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if decimals else text) + letter


def rate_label(rate: float) -> str:
    """A learning rate in at most 5 cells: 0.1, 0.025, .0015, 2e-4."""
    plain = f"{rate:.2g}"
    if "e" not in plain and len(plain.removeprefix("0")) <= 5:
        return plain if len(plain) <= 5 else plain.removeprefix("0")
    mantissa, _, exponent = f"{rate:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"[:5]


def ordinary_range(smooth: Doubles, low: Doubles, high: Doubles, *, log: bool = False) -> Range:
    """The range in which a curve happens, such that a spike or a steep start does not flatten it.

    All arrays are finite; `smooth` is the curve along the axis, `low` and `high` its band. With
    `log` they are logarithms to base ten. The last tenth of the curve is always inside.
    """
    if not len(smooth):
        return (0.0, 1.0)
    bottom, top = float(smooth.min()), float(smooth.max())
    ordinary = float(np.quantile(smooth, _ROBUST)) - bottom
    if top - bottom > (_FAR_DECADES if log else _FAR * ordinary):
        top = bottom + _CUT * ordinary
    tail = smooth[-max(1, len(smooth) // 10) :]
    top = max(top, float(tail.max()))
    room = _ROOM * (top - bottom)
    if len(high) and len(low):
        lowest = min(float(np.quantile(low, 0.2)), float(low[-len(tail) :].min()))
        top = max(top, min(float(np.quantile(high, 0.8)), top + room))
        bottom = min(bottom, max(lowest, bottom - room))
    return bottom, top


def widened(low: float, high: float) -> Range:
    """`low` to `high` with a margin, and never empty."""
    span = high - low
    smallest = max(abs(low), abs(high), 1e-6) * 0.02
    if span < smallest:
        middle = low + span / 2
        low, high, span = middle - smallest, middle + smallest, 2 * smallest
    return low - 0.04 * span, high + 0.06 * span


def settled(wanted: Range, previous: Range | None) -> Range:
    """`wanted` on round limits; or `previous`, while that holds it without wasting much room."""
    low, high = wanted
    if previous is not None:
        kept_low, kept_high = previous
        if kept_low <= low and high <= kept_high and high - low >= 0.65 * (kept_high - kept_low):
            return previous
    step = nice_step(high - low, 16)
    return math.floor(low / step) * step, math.ceil(high / step) * step
