"""The effective learning rate on the loss chart's horizontal axis, as one value: what it was along
the lineage, and what the schedule will make of it.

Numbers alone, apart from the drawing. Every rate is asked of `core.schedule`, some hundred times;
as what was cannot change, and what comes changes by an act only, most frames find theirs made.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.config import Knobs
from core.schedule import effective_rate
from core.smoothing import Doubles
from tui.chart.axis import Axis
from tui.chart.scale import Range
from tui.history.history import History
from tui.history.timeline import Timeline
from tui.standing import schedule_end

_DECADES = 2.0
"""A lowest rate farther below the highest does not bend the scale, unless the run stays there."""
_FEW = 0.05
"""Share of the columns that may then lie below the scale: the end of a fall to 0, mostly."""
_LEAST = 2.0
"""The scale spans at least this factor, so that a nudge is no cliff."""


@dataclass(frozen=True, eq=False)
class RateView:
    """Effective rates in equal columns of the axis; NaN where there is none."""

    low: Doubles
    """Lowest rate within each column."""
    high: Doubles
    """Highest rate within each column."""
    now: float = 0.0
    """In the unit of the axis."""
    past: int = 0
    """How many columns, from the left, began before now; the others are still to come."""
    limits: Range | None = None
    """Ends of the logarithmic scale; None where no rate is above 0."""
    key: tuple[object, ...] = ()
    """What `low` and `high` were made from."""

    def __len__(self) -> int:
        return len(self.low)


NO_RATES = RateView(np.empty(0), np.empty(0))

_Part = tuple[Knobs, int, int]
"""Knobs, and the updates that they shape: from the first, up to but without the second."""


def rate_view(
    history: History,
    axis: Axis,
    line: Timeline,
    cuts: Doubles,
    *,
    proposed: Knobs | None = None,
    previous: RateView = NO_RATES,
) -> RateView:
    """The rates of the updates in the columns between `cuts` of `axis`, on which steps stand by
    `line`; from now on by `proposed`, if given.

    `previous` lends what has not changed.
    """
    acts, limit, step = history.all_acts, history.settings.step_limit, history.step
    # A proposal begins now, so its picture is another at every step.
    made = (acts, len(acts.list), limit, axis, line, len(cuts), proposed, proposed and step)
    past, now = int(np.searchsorted(cuts[:-1], step)), float(line.values_at(step))
    if previous.key == made:
        return replace(previous, now=now, past=past)
    low, high = _extremes(_parts(history, math.ceil(cuts[-1]), proposed), cuts)
    return RateView(low, high, now, past, _limits(low, high), made)


def _parts(history: History, last: int, proposed: Knobs | None) -> Iterator[_Part]:
    """The lineage, and then what comes: to the step limit, or as far as the axis goes."""
    step, knobs = history.step, proposed or history.knobs
    end = min(last, schedule_end(knobs, history.settings, step))
    *before, present = history.lineage
    for stretch in before:
        yield stretch.knobs, stretch.start, stretch.end
    if proposed is None:
        yield knobs, present.start, end
    else:
        yield present.knobs, present.start, step
        yield knobs, step, end


def _extremes(parts: Iterator[_Part], cuts: Doubles) -> tuple[Doubles, Doubles]:
    """Lowest and highest rate of the updates that each column touches.

    Asked at both ends of a column, and on both sides of whatever bends or breaks the curve: between
    those it only rises or only falls, so that nothing is missed, however short.
    """
    columns = len(cuts) - 1
    begins = np.floor(cuts[:-1]).astype(np.int64).tolist()
    ends = (np.ceil(cuts[1:]).astype(np.int64) - 1).tolist()
    first, last = begins[0], ends[-1] + 1
    places: list[int] = []
    rates: list[float] = []
    for knobs, start, end in parts:
        start, end = max(start, first), min(end, last)
        if start >= end:
            continue
        for edges in (begins, ends):
            asked = range(bisect_left(edges, start), bisect_left(edges, end))
            places += asked
            rates += [effective_rate(knobs, edges[column]) for column in asked]
        for step in _bends(knobs, start, end):
            column = int(np.searchsorted(cuts, step, side="right")) - 1
            places.append(min(max(column, 0), columns - 1))
            rates.append(effective_rate(knobs, step))
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    known = np.array(places, np.int64)
    np.fmin.at(low, known, rates)
    np.fmax.at(high, known, rates)
    return low, high


def _bends(knobs: Knobs, start: int, end: int) -> set[int]:
    """The updates of [start, end) right before and after each bend and break, and its ends."""
    since = [knobs.warmup, knobs.schedule_length]
    if knobs.schedule == "step":
        since = [knobs.warmup, *knobs.drops]
    bends = (knobs.schedule_start + steps for steps in since)
    inside = {step for bend in bends for step in (bend - 1, bend) if start <= step < end}
    return inside | {start, end - 1}


def _limits(low: Doubles, high: Doubles) -> Range | None:
    """From the lowest rate to the highest; a fall to 0 does not press the rest together."""
    tops, bottoms = high[high > 0], low[low > 0]
    if not len(tops):
        return None
    top = float(tops.max())
    bottom = float(np.min(bottoms, initial=tops.min()))
    if top > bottom * 10**_DECADES:
        steady = high[:-1][(high[:-1] == high[1:]) & (high[1:] > 0)]
        bottom = min(float(np.quantile(tops, _FEW)), float(steady.min(initial=top)))
    wider = max(_LEAST * bottom / top, 1.0) ** 0.5
    return bottom / wider, top * wider
