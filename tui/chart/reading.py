"""What stands at one step of the run: the chart's cursor reads it out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.schedule import effective_rate
from core.units import perplexity_text
from tui.chart.marks import Mark
from tui.history.history import History
from tui.telling import duration, loss


@dataclass(frozen=True)
class Reading:
    """A step, where it stands on the axis, and what is to be said of it."""

    step: int
    x: float
    smoothed: float
    """NaN where there is none."""
    lines: tuple[tuple[str, ...], ...]
    """Parts that belong together; the most wanted first."""


def reading(
    history: History, step: int, x: float, smoothing: float, marks: tuple[Mark, ...], train: int
) -> Reading:
    """Read out `step`, at `x` on the axis; `train` is how many examples the split has."""
    raw, smoothed = history.at(step, smoothing)
    epoch = float(history.line("epochs", train).values_at(step))
    seconds = float(history.line("seconds", train).values_at(step))
    told: list[tuple[str, ...]] = [
        (f"step {step:,}", f"epoch {epoch:.2f}", duration(seconds)),
    ]
    if step < history.step:
        minibatch = f"minibatch {loss(raw) if math.isfinite(raw) else 'not finite'}"
        known = smoothing and math.isfinite(smoothed)
        told.append((minibatch, f"smoothed {loss(smoothed)}") if known else (minibatch,))
    known_dev = [event for event in history.evaluations if event.dev is not None]
    near = min(known_dev, key=lambda event: abs(event.step - step), default=None)
    if near is not None:
        told_as = perplexity_text(near.dev, history.config.data.level)
        dev = f"dev {loss(near.dev)}{told_as}{_where(near.step, step)}"
        told.append((dev, f"train {loss(near.train)}") if near.train is not None else (dev,))
    told.append((f"effective rate {_rate_at(history, step):.4g}",))
    act = min(marks, key=lambda mark: abs(mark[0] - step), default=None)
    if act is not None and act[1]:
        told.append((f"{act[1]}{_where(act[0], step)}",))
    return Reading(step, x, smoothed, tuple(told))


def _where(there: int, here: int) -> str:
    if there == here:
        return " here"
    return f" at {there:,}" if there < here else f" ahead, at {there:,}"


def _rate_at(history: History, step: int) -> float:
    """Of the update that leads on from a step."""
    stretch = next((s for s in history.lineage if s.start <= step < s.end), history.lineage[-1])
    return effective_rate(stretch.knobs, step)
