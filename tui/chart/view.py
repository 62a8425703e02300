"""What the loss chart shows, as one value made from the history: apart from how it is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from core.config import Knobs
from core.protocol import Evaluated
from core.smoothing import Doubles
from tui.chart import scale
from tui.chart.companions import Companion
from tui.chart.marks import Mark, drops, marks
from tui.chart.rate_view import NO_RATES, RateView, rate_view
from tui.chart.reduction import NO_CURVES, Curves
from tui.history.history import History
from tui.standing import schedule_end
from tui.telling import printable

GUTTER = 6
"""Cells at the left of the chart for tick labels and axis; fixed, so that nothing jumps."""

Reference = tuple[float, str]
Dot = tuple[int, float]

_FEW = 0.1
"""Below this share of the columns of what was undone, the lineage alone shows no scale."""


@dataclass(frozen=True, eq=False)
class ChartView:
    """Everything that a drawing of the chart needs; losses in nats, places in steps."""

    curves: Curves = NO_CURVES
    columns: int = 2
    """Screen columns (half cells) over which `curves` were reduced."""
    x_limits: tuple[int, int] = (0, 10)
    y_limits: tuple[float, float] = (0.0, 1.0)
    log_y: bool = False
    dev: tuple[Dot, ...] = ()
    train: tuple[Dot, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    """What `dev` and `train` were made from."""
    references: tuple[Reference, ...] = ()
    """Horizontal lines: loss and label."""
    marks: tuple[Mark, ...] = ()
    """Vertical lines: step and label, rising."""
    marked: tuple[object, ...] = ()
    """What `marks` were made from."""
    abandoned: tuple[Curves, ...] = ()
    """What was undone."""
    others: tuple[tuple[str, Curves], ...] = ()
    """Other runs: a letter and a curve."""
    past: tuple[object, ...] = ()
    """What `abandoned` and `others` were made from."""
    rates: RateView = NO_RATES
    """Effective learning rates on the same steps, over as many columns."""
    title: str = "Loss, nats per symbol"
    subtitle: str = ""
    key: tuple[object, ...] = ()
    """What the view was made from: equal keys, equal pictures."""


def chart_view(
    history: History,
    width: int,
    *,
    log_y: bool = False,
    smoothing: float = 0.98,
    references: tuple[Reference, ...] = (),
    companions: tuple[Companion, ...] = (),
    remark: str = "",
    proposed: Knobs | None = None,
    previous: ChartView | None = None,
) -> ChartView:
    """The view of `history` for a chart whose content is `width` cells wide.

    `proposed` are knobs that may come next: the axis then reaches as far as their schedule.

    `previous` is the view shown now: it comes back itself if nothing has changed, and lends its
    limits as long as they fit, so that the axes rest.
    """
    acts, evaluations = history.all_acts.list, history.evaluations
    limit = history.settings.step_limit
    newness = (history.step, len(acts), len(evaluations), limit)
    key = (id(history), width, log_y, smoothing, references, companions, remark, proposed, newness)
    if previous is not None and previous.key == key:
        return previous
    columns = 2 * max(width - GUTTER, 1)
    first, last = _x_limits(history, companions, proposed)
    curves = history.curves(first, last, columns, smoothing)
    past = (id(history), history.branch, companions, first, last, columns, smoothing)
    if previous is not None and previous.past == past:
        abandoned, others = previous.abandoned, previous.others
    else:
        parts = (part.curves(first, last, columns, smoothing) for part in history.abandoned)
        abandoned = tuple(part for part in parts if len(part))
        runs = ((run.letter, run.curves(first, last, columns, smoothing)) for run in companions)
        others = tuple((letter, curve) for letter, curve in runs if len(curve))
    lineage = history.lineage
    # Between two acts no mark is added but for a drop of the schedule.
    marked = (history.all_acts, len(acts), *drops(lineage[-1]))
    kept = previous is not None and previous.marked == marked
    if previous is not None and previous.evaluations is evaluations:
        dev, train = previous.dev, previous.train
    else:
        dev = tuple((e.step, e.dev) for e in evaluations if e.dev is not None)
        train = tuple((e.step, e.train) for e in evaluations if e.train is not None)
    if proposed is not None and previous is not None and previous.key and previous.log_y == log_y:
        # A curve that makes room for what may come keeps its heights.
        y_limits = previous.y_limits
    else:
        dots = (dev, train)
        y_limits = _y_limits(curves, abandoned, others, dots, references, log_y, previous)
    return ChartView(
        curves=curves,
        columns=columns,
        x_limits=(first, last),
        y_limits=y_limits,
        log_y=log_y,
        dev=dev,
        train=train,
        evaluations=evaluations,
        references=references,
        marks=previous.marks if previous is not None and kept else marks(lineage),
        marked=marked,
        abandoned=abandoned,
        others=others,
        past=past,
        rates=rate_view(
            history,
            first,
            last,
            columns,
            proposed=proposed,
            previous=previous.rates if previous is not None else NO_RATES,
        ),
        title=_title(remark, width),
        subtitle=_subtitle(history, companions, smoothing, log_y, width),
        key=key,
    )


def _x_limits(
    history: History, companions: tuple[Companion, ...], proposed: Knobs | None
) -> tuple[int, int]:
    """From the beginning of the run to a little beyond the farthest that was ever trained; other
    runs and a proposed schedule are shown whole.
    """
    limit = history.settings.step_limit
    first = min([history.first, *(run.first for run in companions)])
    undone = [part.end for part in history.abandoned]
    newest = max([history.step, *undone, *(run.end for run in companions)])
    for event in (*history.evaluations[-1:], *history.acts[-1:]):
        newest = max(newest, event.step)
    last = first + scale.next_limit(newest - first)
    last = max(limit, first + 1) if newest <= limit < last else last
    if proposed is not None:
        last = max(last, schedule_end(proposed, history.settings, history.step))
    return first, last


def _y_limits(
    curves: Curves,
    abandoned: tuple[Curves, ...],
    others: tuple[tuple[str, Curves], ...],
    dots: Iterable[tuple[Dot, ...]],
    references: tuple[Reference, ...],
    log_y: bool,
    previous: ChartView | None,
) -> scale.Range:
    smooth, low, high = (
        _on_axis(values, log_y) for values in (curves.smooth, curves.low, curves.high)
    )
    past = _past_heights(abandoned, log_y)
    lines = _on_axis([value for value, _ in references], log_y)
    if len(smooth) < _FEW * len(past.longest):
        # Hardly begun anew: what was undone shows the scale, but for where it climbed away.
        ceiling = max(np.concatenate([smooth, lines]), default=math.inf)
        smooth = np.concatenate([past.longest[past.longest <= ceiling], smooth])
    if not len(smooth):
        smooth = lines
    bottom, top = scale.ordinary_range(smooth, low, high, log=log_y)
    height = max(top - bottom, 1e-9)
    for series in dots:
        values = _on_axis([value for _, value in series[-200:]], log_y)
        near = values[(values > bottom - height) & (values < top + 0.3 * height)]
        if len(near):
            bottom, top = min(bottom, float(near.min())), max(top, float(near.max()))
    for lowest, highest in past.ranges:
        # A part that leaves the picture does not bend it.
        if bottom - height <= lowest and highest <= top + 0.3 * height:
            bottom, top = min(bottom, lowest), max(top, highest)
    for lowest, highest in _late_ranges(others, log_y):
        bottom, top = min(bottom, lowest), max(top, highest)
    for value in lines:
        if bottom - 0.3 * height <= value <= top + 0.4 * height:
            bottom, top = min(bottom, float(value)), max(top, float(value))
    wanted = scale.widened(bottom, top)
    if not log_y and bottom >= 0:
        wanted = max(wanted[0], 0.0), wanted[1]
    kept = previous if previous is not None and previous.log_y == log_y and previous.key else None
    if not log_y:
        return scale.settled(wanted, kept.y_limits if kept else None)
    rest = tuple(math.log10(limit) for limit in kept.y_limits) if kept else None
    low_log, high_log = scale.settled(wanted, (rest[0], rest[1]) if rest else None)
    return 10.0**low_log, 10.0**high_log


class _Past(NamedTuple):
    """Heights on the axis of what was undone."""

    longest: Doubles
    """Of the part with the most columns."""
    ranges: tuple[scale.Range, ...]
    """The lowest and the highest of each part."""


# What was undone stays as it is, and so do other runs: most frames find theirs made.
@lru_cache(maxsize=4)
def _past_heights(abandoned: tuple[Curves, ...], log_y: bool) -> _Past:
    parts = [_on_axis(part.smooth, log_y) for part in abandoned]
    ranges = tuple((float(part.min()), float(part.max())) for part in parts if len(part))
    return _Past(max(parts, key=len, default=np.empty(0)), ranges)


@lru_cache(maxsize=4)
def _late_ranges(others: tuple[tuple[str, Curves], ...], log_y: bool) -> tuple[scale.Range, ...]:
    """Whoever compares wants to see where the other run came to, not how it began."""
    parts = (_on_axis(other.smooth[len(other) // 4 :], log_y) for _, other in others)
    return tuple((float(part.min()), float(part.max())) for part in parts if len(part))


def _on_axis(values: Iterable[float] | np.ndarray, log_y: bool) -> Doubles:
    """What can be drawn of `values`, as heights on the axis."""
    heights = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64)
    heights = heights[np.isfinite(heights)]
    return np.log10(heights[heights > 0]) if log_y else heights


def _title(remark: str, width: int) -> str:
    wide, narrow = (f"{name} · {remark}" for name in (ChartView.title, "Loss, nats"))
    return next((text for text in (wide, narrow) if remark and len(text) <= width - 4), remark) or (
        ChartView.title
    )


def _subtitle(
    history: History, companions: tuple[Companion, ...], smoothing: float, log_y: bool, width: int
) -> str:
    """The newest losses, which are the chart's legend too; the least telling part goes first."""
    newest = next(reversed(history.evaluations), None)
    loss = history.latest(smoothing)
    parts: list[tuple[int, str]] = []
    if loss is not None:
        parts.append((0, f"⠒ minibatch {loss:.3f}"))
    if newest is not None and newest.train is not None:
        parts.append((2, f"○ train {newest.train:.3f}"))
    if newest is not None and newest.dev is not None:
        parts.append((1, f"● dev {newest.dev:.3f}"))
    if smoothing:
        parts.append((5, f"smoothed {smoothing:g}"))
    if history.abandoned:
        parts.append((4, "⠂ undone"))
    parts += [(4, f"{run.letter} {run.note or printable(run.run)}") for run in companions]
    if log_y:
        parts.append((3, "log y"))
    while parts and len(" · ".join(text for _, text in parts)) > width - 4:
        parts.remove(max(parts))
    return " · ".join(text for _, text in parts)
