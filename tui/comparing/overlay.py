"""The curves of several runs in one chart: a ChartView made of companions, without a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from core.config import Level
from core.units import per
from tui.chart import scale
from tui.chart.axis import Axis, edges
from tui.chart.companions import Companion
from tui.chart.limits import axis_from, y_limits
from tui.chart.look import Look
from tui.chart.view import GUTTER, NO_VIEW, ChartView
from tui.history.reduction import NO_CURVES, Curves

END = "•"
"""Where a curve ends; its letter stands beside."""


@dataclass(frozen=True, eq=False)
class Entrant:
    """A run that is compared."""

    companion: Companion
    train_examples: int | None
    """That make one of its epochs; None if its list cannot be read."""

    def can_be_shown(self, look: Look) -> bool:
        """Whether it has a place on an axis of that unit."""
        return look.unit != "epochs" or self.train_examples is not None


@dataclass(frozen=True)
class End:
    """Where the letter of a curve belongs."""

    letter: str
    x: float
    loss: float
    bold: bool = False


@dataclass(frozen=True, eq=False)
class Overlay:
    """What the chart shows."""

    view: ChartView = NO_VIEW
    ends: tuple[End, ...] = ()


def overlay(
    entrants: Sequence[Entrant],
    width: int,
    look: Look,
    bold: Path | None,
    previous: Overlay,
    invitation: str = "",
) -> Overlay:
    """For a chart whose content is `width` cells wide; `bold` is the run whose curve stands out.

    `previous` is what is shown now: it comes back itself if nothing has changed, and lends its
    limits as long as they fit.
    """
    shown = [each for each in entrants if each.can_be_shown(look)]
    key = (tuple(map(id, shown)), width, look, bold, invitation)
    kept = previous.view
    if kept.key == key:
        return previous
    columns = 2 * max(width - GUTTER, 1)
    axis = _axis(shown, look)
    curves = [(each.companion, _curves(each, axis, columns, look)) for each in shown]
    curves = [(run, curve) for run, curve in curves if len(curve)]
    rest = kept.y_limits if kept.key and kept.look == look else None
    first, *others = [curve for _, curve in curves] or [NO_CURVES]
    lettered = tuple(("", curve) for curve in others)
    limits = y_limits(first, (), lettered, (), (), look.log_y, rest) if curves else (0.0, 1.0)
    ends = [end for run, curve in curves if (end := _end(run, curve, run.directory == bold))]
    return Overlay(
        ChartView(
            curves=next((curve for run, curve in curves if run.directory == bold), NO_CURVES),
            columns=columns,
            axis=axis,
            whole=axis,
            sparse=np.zeros(columns, np.bool_),
            y_limits=limits,
            look=look,
            others=tuple((END, curve) for run, curve in curves if run.directory != bold),
            invitation=invitation,
            title=_title(look, entrants, bold),
            subtitle=_subtitle(ends, width),
            key=key,
        ),
        tuple(ends),
    )


def _axis(shown: Sequence[Entrant], look: Look) -> Axis:
    places = [
        line.values_at([run.first, run.first + 1, run.end]).tolist()
        for each in shown
        for run in (each.companion,)
        for line in (run.line(look.unit, each.train_examples or 1),)
    ]
    low = min((place[0] for place in places), default=0.0)
    high = max((place[2] for place in places), default=10.0)
    least = 10 if look.unit == "steps" else 0.01
    high = low + scale.next_limit(high - low, least=least)
    return axis_from(low, high, look, [place[1] for place in places])


def _curves(each: Entrant, axis: Axis, columns: int, look: Look) -> Curves:
    line = each.companion.line(look.unit, each.train_examples or 1)
    return each.companion.curves(edges(axis.cuts(line, columns)), look.smoothing).on(line)


def _end(run: Companion, curve: Curves, bold: bool) -> End | None:
    known = np.flatnonzero(np.isfinite(curve.smooth))
    if not len(known):
        return None
    last = int(known[-1])
    return End(run.letter, float(curve.x[last]), float(curve.smooth[last]), bold)


def _title(look: Look, entrants: Sequence[Entrant], bold: Path | None) -> str:
    levels = {cast(Level, each.companion.facts["level"]) for each in entrants}
    parts = [f"Loss,{per(levels.pop())}" if len(levels) == 1 else "Loss, nats"]
    if look.smoothing:
        parts.append(f"smoothed {look.smoothing:g}")
    if look.log_y:
        parts.append("log y")
    if look.log_x:
        parts.append(f"log {look.unit}")
    runs = {each.companion.directory: each.companion.letter for each in entrants}
    if len(runs) > 1 and bold in runs:
        parts.append(f"bold {runs[bold]}")
    if missing := [each.companion.letter for each in entrants if not each.can_be_shown(look)]:
        parts.append(f"{', '.join(missing)}: no list, no epochs")
    return " · ".join(parts)


def _subtitle(ends: Sequence[End], width: int) -> str:
    """The newest smoothed losses, which are the legend too; as many as fit."""
    texts = [f"{end.letter} {end.loss:.3f}" for end in ends]
    while len(texts) > 1 and len(" · ".join(texts)) > width - 4:
        texts[-2:] = ["…"]
    return " · ".join(texts)
