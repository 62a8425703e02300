"""The timelines of a run: its lineage in epochs, and in seconds of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from core.lineage import Lineage, examples_before, examples_on
from tui.history.branches import Branch
from tui.history.timeline import Timeline, timeline

_SLOPE_OVER = 6
"""Told moments, mostly a second apart, from which the speed at the end is taken."""
_UNKNOWN_SPEED = 1e4
"""Steps a second, before the first moment is told."""

Clocks = Iterable[tuple[int, float]]
"""Steps, and the seconds spent inside updates until then."""


def line_of_epochs(path: Lineage, train_examples: int) -> Timeline:
    """Passes over train, whatever the batch sizes were."""
    epoch, seen = max(train_examples, 1), examples_before(path)
    points = [(path[0].start, seen / epoch)]
    for stretch in path:
        seen += examples_on(stretch)
        points.append((stretch.end, seen / epoch))
    return timeline(points, path[-1].knobs.batch_size / epoch)


def line_of_seconds(first: int, clocks: Clocks) -> Timeline:
    """Seconds inside updates; what was undone on the way took its time too."""
    points = [(first, 0.0), *clocks]
    last = np.array(points[-_SLOPE_OVER:], np.float64)
    updates, seconds = np.diff(last, axis=0).T
    rising = (updates > 0) & (seconds > 0)
    # The middle one: where something was undone, a piece is steep.
    slopes = seconds[rising] / updates[rising]
    return timeline(points, float(np.median(slopes)) if len(slopes) else 1 / _UNKNOWN_SPEED)


def clocks_along(branch: Branch) -> Iterator[tuple[int, float]]:
    """What was told on the way to the end of `branch`."""
    for part, end in branch.way():
        yield from (clock for clock in part.clocks if clock[0] <= end)
