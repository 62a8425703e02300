"""How the person looks at the loss chart: axes, smoothing, and which part of the run.

Values that are never changed: every key makes another Look. Zooming and moving work on shares of
the axis, so that they do the same on a logarithmic one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from tui.chart.axis import Axis
from tui.history.timeline import UNITS, Timeline, Unit

SMOOTHINGS = (0.98, 0.99, 0.995, 0.999, 0.9, 0.0)
"""The usual one first, and the last is off."""
FEWEST = 10
"""Steps to which one may zoom in."""
_TAIL = 0.1
"""Share of the run that is shown at first when its end is followed."""
_TAIL_STEPS = 100
"""So many steps at least."""
_SAME = 1e-9
"""Shares of the axis that differ by less are one."""


class Scene(Protocol):
    """What is in view."""

    @property
    def axis(self) -> Axis:
        """The part of the run."""

    @property
    def whole(self) -> Axis:
        """All of it."""

    @property
    def line(self) -> Timeline:
        """Where steps stand on both."""


@dataclass(frozen=True)
class Look:
    """What the loss chart is asked to show."""

    smoothing: float = SMOOTHINGS[0]
    """Of the curve; 0 is off."""
    log_y: bool = False
    log_x: bool = False
    unit: Unit = "steps"
    """Of the horizontal axis."""
    full: bool = False
    """The loss axis holds everything, spikes too."""
    window: tuple[float, float] | None = None
    """The part in view, in units of the axis; None for the whole run."""
    follows: bool = False
    """The window is as wide as that, and moves with the newest step."""
    cursor: int | None = None
    """The step that is read out."""


USUAL = Look()


def smoothed_on(look: Look) -> Look:
    """With the next smoothing."""
    place = SMOOTHINGS.index(look.smoothing) if look.smoothing in SMOOTHINGS else -1
    return replace(look, smoothing=SMOOTHINGS[(place + 1) % len(SMOOTHINGS)])


def next_unit(unit: Unit) -> Unit:
    """Steps, epochs, seconds, and again."""
    return UNITS[(UNITS.index(unit) + 1) % len(UNITS)]


def in_unit(look: Look, unit: Unit, scene: Scene, line: Timeline) -> Look:
    """In another unit, in which steps stand by `line`, with the same steps in view."""
    window = look.window
    if window is not None:
        steps = scene.line.steps_at([scene.axis.low, scene.axis.high])
        low, high = line.values_at(steps).tolist()
        window = (low, high)
    return replace(look, unit=unit, window=window)


def zoomed(look: Look, scene: Scene, factor: float, at: float) -> Look:
    """So that `factor` times as much is in view, and what stands at place `at` stays there; where
    the newest step is followed, it is that.
    """
    if look.follows:
        at = 1.0
    return _onto(look, scene, at - at * factor, at + (1 - at) * factor)


def moved(look: Look, scene: Scene, share: float) -> Look:
    """Later by that share of what is in view, as far as there is something; earlier below 0."""
    if look.window is None:
        return look
    first, last = scene.axis.places([scene.whole.low, scene.whole.high]).tolist()
    share = min(max(share, min(first, 0.0)), max(last - 1, 0.0))
    held = replace(look, follows=False, window=(scene.axis.low, scene.axis.high))
    return _onto(held, scene, share, 1 + share) if share else held


def following(look: Look, scene: Scene) -> Look:
    """With the newest step in view from now on, or no more."""
    whole, axis = scene.whole, scene.axis
    if look.follows:
        return replace(look, follows=False, window=(axis.low, axis.high))
    end = float(scene.line.steps_at(whole.high))
    few = whole.high - float(scene.line.values_at(end - _TAIL_STEPS))
    width = max(_TAIL * (whole.high - whole.low), few)
    return replace(look, follows=True, window=look.window or (whole.high - width, whole.high))


def shown_whole(look: Look) -> Look:
    """The whole run, on its usual range, nothing read out."""
    return replace(look, window=None, follows=False, full=False, cursor=None)


def with_cursor_in_view(look: Look, scene: Scene) -> Look:
    """Moved so far that the cursor is in view."""
    if look.cursor is None or look.window is None:
        return look
    place = float(scene.axis.places(scene.line.values_at(look.cursor)))
    return look if 0 <= place <= 1 else moved(look, scene, place - 0.5)


def _onto(look: Look, scene: Scene, low: float, high: float) -> Look:
    """With these places as the new ends of what is in view, cut to the whole run."""
    whole, line = scene.whole, scene.line
    first, last = scene.axis.places([whole.low, whole.high]).tolist()
    zooms = high - low < 1 - _SAME
    low, high = max(low, first), min(high, last)
    if low >= high or (low <= first + _SAME and high >= last - _SAME):
        return replace(look, window=None, follows=False)
    begin, end = scene.axis.values([low, high]).tolist()
    # Rounding must not cut off the first state, or the newest.
    begin, end = whole.low if low <= first else begin, whole.high if high >= last else end
    before, after = line.steps_at([begin, end]).tolist()
    if after - before < FEWEST:
        if zooms:
            return look
        # On a logarithmic axis as much of its length holds fewer steps farther left.
        end = min(float(line.values_at(before + FEWEST)), whole.high)
    return replace(look, window=(begin, end))
