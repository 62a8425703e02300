"""What the inspector says around its panes, of a list and of a text."""

from __future__ import annotations

from typing import NamedTuple

from core.dataset import Dataset
from core.text import UNKNOWN, Text
from tui.inspector.reading import Reading


class Manner(NamedTuple):
    """How one kind of data is spoken of."""

    legend: str
    hint: str
    whole: str
    """What stands in the field…"""
    unit: str
    """…and what it is made of."""


OF_LIST = Manner(
    "█ the model now · ┃ the bigram, counted on train",
    "←→ move · ctrl+o order · Tab names · Escape leaves",
    "word",
    "symbol",
)
OF_TEXT = Manner(
    "█ the model now · ┃ the interpolated bigram, counted on train",
    "↑↓ word by word · ctrl+o order · Tab sentences · Escape leaves",
    "text",
    "word",
)
NO_BIGRAM = "█ the model now · too many symbols for a bigram table"
HINT_NAMES = "Enter takes · r asks again · Tab back · Escape leaves"
STANDS = {
    "train": "stands in train",
    "dev": "stands in dev, not in train",
    "test": "stands in test",
}


def manner_of(data: Dataset) -> Manner:
    """That of these data."""
    return OF_TEXT if isinstance(data, Text) else OF_LIST


def aside(reading: Reading, data: Dataset, *, counted: bool) -> str:
    """What there is to say of what stands in the field; `counted`: where words stand is known."""
    manner, count = manner_of(data), len(reading.symbols)
    if not count:
        return f"no {manner.whole} yet: these are the odds of the first {manner.unit}"
    if not counted:
        return "counting …"
    if not isinstance(data, Text):
        return STANDS.get(data.split_of(reading.text) or "", "stands in none of the lists: new")
    unknown = reading.symbols.count(data.stoi[UNKNOWN])
    told = f", {unknown:,} of them unknown: {UNKNOWN}" if unknown else ""
    return f"{count:,} {'word or mark' if count == 1 else 'words and marks'}{told}"
