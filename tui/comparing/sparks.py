"""The course of a run's loss in a few numbers, at the same small cost however long the run is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.record import read_losses
from core.story import Story, read_story
from tui.braille import BLOCKS

POINTS = 24
"""Places along the run."""
_SAMPLE = 512
"""Losses before each of them of which the mean is taken."""
_BEGINNING = 8
"""Of so many places the first says nothing about the scale: there every run falls steeply."""

Spark = tuple[float, ...]
"""Mean losses at even distances along a run; NaN where none was finite. Empty: none was made."""


def read_spark(directory: Path) -> Spark:
    """Of the lineage that led to the weights; raises RunError."""
    story = read_story(directory)
    first, last = story.path[0].start, story.step
    if first == last:
        return ()
    cuts = np.linspace(first, last, min(POINTS, last - first) + 1).astype(int).tolist()
    return tuple(_mean(story, max(begin, end - _SAMPLE), end) for begin, end in pairwise(cuts))


def _mean(story: Story, begin: int, end: int) -> float:
    """Of the losses of the last updates in [begin, end) that were made under the same knobs."""
    stretch = next(each for each in reversed(story.path) if each.start < end)
    begin = max(begin, stretch.start)
    first = story.acts.first_step(stretch.branch)
    losses = read_losses(story.directory, stretch.branch, begin - first, end - begin)
    known = losses[np.isfinite(losses)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")


def spark_text(spark: Sequence[float], width: int) -> str:
    """In at most `width` cells, the lowest an eighth high; a blank is a gap."""
    if not spark or width < 1:
        return ""
    pieces = np.array_split(np.array(spark), min(width, len(spark)))
    means = np.array([_finite_mean(piece) for piece in pieces])
    if not np.isfinite(means).any():
        return ""
    low = float(np.nanmin(means))
    late = means[-(-len(means) // _BEGINNING) :]
    late = late[np.isfinite(late)]
    high = float(late.max()) if len(late) else low
    # What lies above the scale stands as high as it reaches; NaN stays NaN.
    above = means - low
    scaled = above / (high - low) if high > low else np.where(above > 0, 1.0, above)
    # A whole cell would touch the row above.
    top = len(BLOCKS) - 2
    return "".join(
        " " if np.isnan(value) else BLOCKS[1 + min(int(value * (top - 1) + 0.5), top - 1)]
        for value in scaled.tolist()
    )


def _finite_mean(piece: np.ndarray) -> float:
    known = piece[np.isfinite(piece)]
    return float(known.mean()) if len(known) else float("nan")
