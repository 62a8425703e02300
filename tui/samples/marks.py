"""Whether a name is new or stands in a list: by a glyph and by a word, never by colour alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from core.dataset import SplitName
from tui.embedding.symbols import shown

Mark = Literal["new", "train", "dev", "test", "empty", "unknown"]

GLYPHS: dict[Mark, str] = {
    "new": "+",
    "train": "○",
    "dev": "●",
    "test": "◆",
    "empty": "-",
    "unknown": "?",
}
"""Those of train and dev are the chart's."""
WORDS: dict[Mark, str] = {
    "new": "new",
    "train": "in train",
    "dev": "in dev",
    "test": "in test",
    "empty": "empty",
    "unknown": "…",
}
SENTENCES: dict[Mark, str] = {
    "new": "new, in none of the lists",
    "train": "stands in train",
    "dev": "stands in dev, not in train",
    "test": "stands in test, not in train or dev",
    "empty": "ended before its first symbol",
    "unknown": "the list is being counted",
}
STAR = "★"
"""Marks a favourite."""
LEGEND = " · ".join(
    [*(f"{GLYPHS[mark]} {WORDS[mark]}" for mark in ("new", "train", "dev", "test")), f"{STAR} kept"]
)
EMPTY = "(empty)"


class Marks:
    """Looks names up in the lists, each once."""

    def __init__(self, split_of: Callable[[str], SplitName | None]) -> None:
        self._split_of = split_of
        self._known: dict[str, Mark] = {"": "empty"}
        self.ready = False
        """The first look into a long list takes a while; until it was taken nothing is known."""

    def of(self, name: str) -> Mark:
        """Where a name stands."""
        if name not in self._known:
            if not self.ready:
                return "unknown"
            self._known[name] = self._split_of(name) or "new"
        return self._known[name]


def told(name: str) -> str:
    """A name fit for any terminal: what would be obeyed, or join what stands beside it, is not."""
    return "".join(map(shown, name)) or EMPTY
