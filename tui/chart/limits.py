"""How far the axes of the loss chart reach: the part of the run in view, and the losses in it.

One early spike must not flatten the chart, and what is in view must not jitter: limits are round,
and rest while they fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from core.config import Knobs
from core.smoothing import Doubles
from tui.chart import scale
from tui.chart.axis import Axis
from tui.chart.companions import Companion
from tui.chart.look import Look
from tui.history.history import History
from tui.history.reduction import Curves
from tui.history.timeline import Timeline
from tui.standing import schedule_end

Dot = tuple[float, float]
"""Where it stands on the horizontal axis, and a loss."""

_FEW = 0.1
"""Below this share of the columns of what was undone, the lineage alone shows no scale."""
_MOST = 0.95
"""Share of the raw losses that is in view, where each of them is seen."""
_REST = 8
"""A window that follows moves on by this part of its width, and rests between."""
_DOTS = 200
"""Evaluations of each kind that are kept in view."""


def whole_axis(
    history: History,
    companions: tuple[Companion, ...],
    proposed: Knobs | None,
    look: Look,
    line: Timeline,
    train_examples: int,
) -> Axis:
    """From the earliest of all that is shown to a little beyond the farthest that was ever trained;
    other runs and a proposed schedule are shown whole.
    """
    unit = look.unit
    lines = [(line, history.first), *((r.line(unit, train_examples), r.first) for r in companions)]
    low = min(float(its.values_at(first)) for its, first in lines)
    newest = max(e.step for e in (history, *history.evaluations[-1:], *history.acts[-1:]))
    reached = max(float(line.values_at(newest)), history.undone_end(unit, train_examples))
    for (its, _), run in zip(lines[1:], companions, strict=True):
        reached = max(reached, float(its.values_at(run.end)))
    high = low + scale.next_limit(reached - low, least=10 if unit == "steps" else 0.01)
    end = float(line.values_at(max(history.settings.step_limit, history.first + 1)))
    # At what speed the rest of the run will go is not known.
    if unit != "seconds" and reached <= end < high:
        high = end
    if proposed is not None:
        ahead = schedule_end(proposed, history.settings, history.step)
        high = max(high, float(line.values_at(ahead)))
    return axis_from(low, high, look, [float(its.values_at(first + 1)) for its, first in lines])


def axis_from(low: float, high: float, look: Look, firsts: Sequence[float]) -> Axis:
    """Of all that lies between; `firsts`: where the first update of each run has led to.

    A logarithmic axis begins one update after a first state that stands at 0.
    """
    if not look.log_x:
        return Axis(low, high, look.unit)
    origin = low if low > 0 else min(firsts, default=1.0)
    return Axis(origin, max(high, 2 * origin), look.unit, log=True, origin=origin)


def axis_of(look: Look, whole: Axis, now: float) -> Axis:
    """What is in view of the `whole`; `now` is the newest step, in the unit of the axis."""
    if look.window is None:
        return whole
    low, high = look.window
    if look.follows:
        width = high - low
        rest = width / _REST
        high = math.ceil((now + 0.02 * width) / rest) * rest
        low = high - width
    low = max(low, whole.low)
    if not look.follows and low >= whole.high:
        # What was looked at is no more: it was undone, or was of another run.
        return whole
    return Axis(low, max(high, low * (1 + 1e-9) + 1e-9), whole.unit, whole.log, whole.origin)


def full_limits(
    curves: Sequence[Curves], dots: Iterable[tuple[Dot, ...]], log_y: bool
) -> scale.Range:
    """From the lowest to the highest of all that is in view, spikes too."""
    values = [part.low for part in curves] + [part.high for part in curves]
    values += [np.array([loss for _, loss in series]) for series in dots]
    heights = on_axis(np.concatenate([np.empty(0), *values]), log_y)
    low, high = (float(heights.min()), float(heights.max())) if len(heights) else (0.0, 1.0)
    return _rounded(scale.widened(low, high), low, log_y, None)


def y_limits(
    curves: Curves,
    abandoned: tuple[Curves, ...],
    others: tuple[tuple[str, Curves], ...],
    dots: Iterable[tuple[Dot, ...]],
    lines: Sequence[float],
    log_y: bool,
    previous: scale.Range | None,
    *,
    few: bool = False,
) -> scale.Range:
    """The range in which the curve happens, with what is near it: dots, `lines`, other curves.

    `previous` are the limits now, which rest as long as they fit. With `few` steps in view, so that
    each is seen, the range holds nearly all raw losses.
    """
    smooth, low, high = (
        on_axis(values, log_y) for values in (curves.smooth, curves.low, curves.high)
    )
    past = _past_heights(abandoned, log_y)
    levels = on_axis(np.array(lines), log_y)
    if len(smooth) < _FEW * len(past.longest):
        # Hardly begun anew: what was undone shows the scale, but for where it climbed away.
        ceiling = max(np.concatenate([smooth, levels]), default=math.inf)
        smooth = np.concatenate([past.longest[past.longest <= ceiling], smooth])
    if not len(smooth):
        smooth = levels
    bottom, top = scale.ordinary_range(smooth, low, high, log=log_y)
    if few and len(low) and len(high):
        bottom = min(bottom, float(np.quantile(low, 1 - _MOST)))
        top = max(top, float(np.quantile(high, _MOST)))
    height = max(top - bottom, 1e-9)
    for series in dots:
        values = on_axis(np.array([value for _, value in series[-_DOTS:]]), log_y)
        near = values[(values > bottom - height) & (values < top + 0.3 * height)]
        if len(near):
            bottom, top = min(bottom, float(near.min())), max(top, float(near.max()))
    for lowest, highest in past.ranges:
        # A part that leaves the picture does not bend it.
        if bottom - height <= lowest and highest <= top + 0.3 * height:
            bottom, top = min(bottom, lowest), max(top, highest)
    for lowest, highest in _late_ranges(others, log_y):
        bottom, top = min(bottom, lowest), max(top, highest)
    for value in levels:
        if bottom - 0.3 * height <= value <= top + 0.4 * height:
            bottom, top = min(bottom, float(value)), max(top, float(value))
    return _rounded(scale.widened(bottom, top), bottom, log_y, previous)


def _rounded(
    wanted: scale.Range, bottom: float, log_y: bool, previous: scale.Range | None
) -> scale.Range:
    if not log_y:
        if bottom >= 0:
            wanted = max(wanted[0], 0.0), wanted[1]
        return scale.settled(wanted, previous)
    rest = (math.log10(previous[0]), math.log10(previous[1])) if previous else None
    low, high = scale.settled(wanted, rest)
    return 10.0**low, 10.0**high


class _Past(NamedTuple):
    """Heights on the axis of what was undone."""

    longest: Doubles
    """Of the part with the most columns."""
    ranges: tuple[scale.Range, ...]
    """The lowest and the highest of each part."""


# What was undone stays as it is, and so do other runs: most frames find theirs made.
@lru_cache(maxsize=4)
def _past_heights(abandoned: tuple[Curves, ...], log_y: bool) -> _Past:
    parts = [on_axis(part.smooth, log_y) for part in abandoned]
    ranges = tuple((float(part.min()), float(part.max())) for part in parts if len(part))
    return _Past(max(parts, key=len, default=np.empty(0)), ranges)


@lru_cache(maxsize=4)
def _late_ranges(others: tuple[tuple[str, Curves], ...], log_y: bool) -> tuple[scale.Range, ...]:
    """Whoever compares wants to see where the other run came to, not how it began."""
    parts = (on_axis(other.smooth[len(other) // 4 :], log_y) for _, other in others)
    return tuple((float(part.min()), float(part.max())) for part in parts if len(part))


def on_axis(values: np.ndarray, log_y: bool) -> Doubles:
    """What can be drawn of `values`, as heights on the axis."""
    heights = np.asarray(values, np.float64)
    heights = heights[np.isfinite(heights)]
    return np.log10(heights[heights > 0]) if log_y else heights
