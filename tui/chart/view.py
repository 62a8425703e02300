"""What the loss chart shows, as one value made from the history: apart from how it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.config import Knobs, Level
from core.protocol import Evaluated
from core.units import per, perplexity_text
from tui.chart.axis import Axis, edges
from tui.chart.companions import Companion
from tui.chart.limits import Dot, axis_of, full_limits, whole_axis, y_limits
from tui.chart.look import USUAL, Look
from tui.chart.marks import Mark, drops, marks
from tui.chart.rate_view import NO_RATES, RateView, rate_view
from tui.chart.reading import Reading, reading
from tui.history.history import History
from tui.history.reduction import NO_CURVES, Curves, Edges
from tui.history.timeline import IN_STEPS, Timeline
from tui.telling import printable

GUTTER = 6
"""Cells at the left of the chart for tick labels and axis; fixed, so that nothing jumps."""

Reference = tuple[float, str]
Place = tuple[float, str]
"""Where something stands on the horizontal axis, and what it says."""

_NO_AXIS = Axis(0, 10)
_SPARSE = 2.0
"""Below this many steps a column the raw loss is a line; a band would be full of holes."""


@dataclass(frozen=True, eq=False)
class ChartView:
    """Everything that a drawing of the chart needs; losses in nats, places in the axis' unit."""

    curves: Curves = NO_CURVES
    columns: int = 2
    """Screen columns (half cells) over which `curves` were reduced."""
    axis: Axis = _NO_AXIS
    """What is in view."""
    whole: Axis = _NO_AXIS
    """What there is."""
    line: Timeline = IN_STEPS
    """Where steps stand on both."""
    sparse: NDArray[np.bool_] = field(default_factory=lambda: np.ones(2, np.bool_))
    """Of each column, whether it has too few steps for a band."""
    y_limits: tuple[float, float] = (0.0, 1.0)
    look: Look = USUAL
    """How it was asked to look."""
    dev: tuple[Dot, ...] = ()
    train: tuple[Dot, ...] = ()
    evaluated: tuple[object, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    """What `dev` and `train` were made from."""
    references: tuple[Reference, ...] = ()
    """Horizontal lines: loss and label."""
    marks: tuple[Place, ...] = ()
    """Vertical lines, rising."""
    acts: tuple[Mark, ...] = ()
    """The same, with their steps."""
    marked: tuple[object, ...] = ()
    """What `marks` were made from."""
    abandoned: tuple[Curves, ...] = ()
    """What was undone."""
    others: tuple[tuple[str, Curves], ...] = ()
    """Other runs: a letter and a curve."""
    past: tuple[object, ...] = ()
    """What `abandoned` and `others` were made from."""
    rates: RateView = NO_RATES
    """Effective learning rates on the same axis, over as many columns."""
    reading: Reading | None = None
    """What the cursor reads out."""
    invitation: str = ""
    """Stands where there is nothing to show yet."""
    title: str = f"Loss,{per('character')}"
    subtitle: str = ""
    key: tuple[object, ...] = ()
    """What the view was made from: equal keys, equal pictures."""


NO_VIEW = ChartView()


def chart_view(
    history: History,
    width: int,
    look: Look = USUAL,
    *,
    train_examples: int = 1,
    references: tuple[Reference, ...] = (),
    companions: tuple[Companion, ...] = (),
    remark: str = "",
    invitation: str = "",
    proposed: Knobs | None = None,
    previous: ChartView | None = None,
) -> ChartView:
    """The view of `history` for a chart whose content is `width` cells wide.

    `train_examples` make an epoch; `invitation` stands where there is nothing to show. `proposed`
    are knobs that may come next: the axis then reaches as far as their schedule. `previous` is the
    view shown now: it comes back itself if nothing has changed, and lends its limits as long as
    they fit, so that the axes rest.
    """
    acts, evaluations = history.all_acts.list, history.evaluations
    line = history.line(look.unit, train_examples)
    newness = (history.step, len(acts), len(evaluations), history.settings.step_limit, line)
    key = (id(history), width, look, references, companions, remark, invitation, proposed, newness)
    kept = previous or NO_VIEW
    if kept.key == key:
        return kept
    columns = 2 * max(width - GUTTER, 1)
    whole = whole_axis(history, companions, proposed, look, line, train_examples)
    axis = axis_of(look, whole, float(line.values_at(history.step)))
    cuts = axis.cuts(line, columns)
    sparse = np.diff(cuts) < _SPARSE
    curves = history.curves(edges(cuts), look.smoothing).on(line)
    past = (id(history), history.branch, companions, axis, line, columns, look.smoothing)
    if kept.past == past:
        abandoned, others = kept.abandoned, kept.others
    else:
        abandoned = tuple(_undone(history, axis, columns, look, train_examples))
        others = tuple(_others(history, companions, axis, columns, look, train_examples))
    # Between two acts no mark is added but for a drop of the schedule.
    marked = (history.all_acts, len(acts), line, *drops(history.lineage[-1]))
    if kept.marked == marked:
        told, placed = kept.acts, kept.marks
    else:
        told = marks(history.lineage)
        places = line.values_at([step for step, _ in told]).tolist()
        placed = tuple(zip(places, (label for _, label in told), strict=True))
    # Told by identity: there may be thousands.
    evaluated = (id(history), line)
    dev, train = kept.dev, kept.train
    if kept.evaluated != evaluated or kept.evaluations is not evaluations:
        dev = _dots(line, evaluations, [event.dev for event in evaluations])
        train = _dots(line, evaluations, [event.train for event in evaluations])
    in_view = dev, train
    if look.window is not None:
        in_view = _between(dev, axis), _between(train, axis)
    if look.full:
        limits = full_limits((curves, *abandoned, *(c for _, c in others)), in_view, look.log_y)
    elif proposed is not None and kept.key and kept.look.log_y == look.log_y:
        # A curve that makes room for what may come keeps its heights.
        limits = kept.y_limits
    else:
        rest = kept.y_limits if kept.key and kept.look.log_y == look.log_y else None
        rest = rest if kept.look.full == look.full else None
        lines = [loss for loss, _ in references]
        few = look.window is not None and bool(sparse.all())
        limits = y_limits(curves, abandoned, others, in_view, lines, look.log_y, rest, few=few)
    cursor = None
    if look.cursor is not None:
        step = min(max(look.cursor, history.first), history.step)
        x = float(line.values_at(step))
        cursor = reading(history, step, x, look.smoothing, told, train_examples)
    return ChartView(
        curves=curves,
        columns=columns,
        axis=axis,
        whole=whole,
        line=line,
        sparse=sparse,
        y_limits=limits,
        look=look,
        dev=dev,
        train=train,
        evaluated=evaluated,
        evaluations=evaluations,
        references=references,
        marks=placed,
        acts=told,
        marked=marked,
        abandoned=abandoned,
        others=others,
        past=past,
        rates=rate_view(history, axis, line, cuts, proposed=proposed, previous=kept.rates),
        reading=cursor,
        invitation=invitation,
        title=_title(remark, history.config.data.level, width),
        subtitle=_subtitle(history, companions, look, width),
        key=key,
    )


def _undone(
    history: History, axis: Axis, columns: int, look: Look, train_examples: int
) -> Iterable[Curves]:
    made: dict[int, Edges] = {}
    for part in history.abandoned:
        line = history.line(look.unit, train_examples, part.branch)
        # In steps, a hundred parts have one line.
        if id(line) not in made:
            made[id(line)] = edges(axis.cuts(line, columns))
        curves = part.curves(made[id(line)], look.smoothing)
        if len(curves):
            yield curves.on(line)


def _others(
    history: History,
    companions: tuple[Companion, ...],
    axis: Axis,
    columns: int,
    look: Look,
    train_examples: int,
) -> Iterable[tuple[str, Curves]]:
    for run in companions:
        line = run.line(look.unit, train_examples)
        curves = run.curves(edges(axis.cuts(line, columns)), look.smoothing)
        if len(curves):
            yield run.letter, curves.on(line)


def _dots(
    line: Timeline, evaluations: Sequence[Evaluated], losses: Sequence[float | None]
) -> tuple[Dot, ...]:
    places = line.values_at([event.step for event in evaluations]).tolist()
    return tuple((x, loss) for x, loss in zip(places, losses, strict=True) if loss is not None)


def _between(dots: tuple[Dot, ...], axis: Axis) -> tuple[Dot, ...]:
    return tuple(dot for dot in dots if axis.low <= max(dot[0], axis.origin) <= axis.high)


def _title(remark: str, level: Level, width: int) -> str:
    title = f"Loss,{per(level)}"
    wide, narrow = (f"{name} · {remark}" for name in (title, "Loss, nats"))
    return next((text for text in (wide, narrow) if remark and len(text) <= width - 4), remark) or (
        title
    )


def _subtitle(history: History, companions: tuple[Companion, ...], look: Look, width: int) -> str:
    """The newest losses, which are the chart's legend too; the least telling part goes first."""
    newest = next(reversed(history.evaluations), None)
    loss = history.latest(look.smoothing)
    parts: list[tuple[int, str]] = []
    if loss is not None:
        parts.append((0, f"⠒ minibatch {loss:.3f}"))
    if newest is not None and newest.train is not None:
        parts.append((3, f"○ train {newest.train:.3f}"))
    if newest is not None and newest.dev is not None:
        told = perplexity_text(newest.dev, history.config.data.level)
        parts.append((1, f"● dev {newest.dev:.3f}{told}"))
    if look.smoothing:
        parts.append((6, f"smoothed {look.smoothing:g}"))
    if history.abandoned:
        parts.append((5, "⠂ undone"))
    parts += [(5, f"{run.letter} {run.note or printable(run.run)}") for run in companions]
    if look.window is not None:
        parts.append((2, f"{'follows' if look.follows else 'zoomed'}, 0: whole"))
    parts += [(2, word) for asked, word in _KINDS if getattr(look, asked)]
    while parts and len(" · ".join(text for _, text in parts)) > width - 4:
        parts.remove(max(parts))
    return " · ".join(text for _, text in parts)


_KINDS = (("log_x", "log x"), ("log_y", "log y"), ("full", "full range"))
"""Of axes that are not the usual ones."""
