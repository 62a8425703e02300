"""What is known of how far a person has come with the walk through the lecture.

Most of it the run tells. What it does not, which views were opened and how the symbols lie, is kept
here, and goes along when another run is begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from core.protocol import Embedded, SamplesDrawn
from core.smoothing import Floats
from tui.embedding.projection import neighbours
from tui.embedding.symbols import Kind, Symbols
from tui.history.history import History
from tui.learning.chapters import CHAPTERS, Chapter, Seen

MOST = 0.8
"""Of the vowels must have a vowel as their nearest neighbour: then they lie apart."""


@dataclass
class Progress:
    """Where the person is, and what was seen so far; it outlives the run."""

    at: int = 0
    """The chapter."""
    views: set[str] = field(default_factory=set)
    """Names of the screens that were opened since the chapter began."""
    apart: bool = False
    """Whether the vowels lay together when the embeddings were last looked at."""
    drawn: bool = False
    """Names were drawn since the chapter began."""
    done: set[int] = field(default_factory=set)
    """Chapters in which what was to be done was done."""

    @property
    def chapter(self) -> Chapter:
        """The one that is open."""
        return CHAPTERS[self.at]

    def turn(self, pages: int) -> None:
        """Go so many chapters on, or back."""
        self.at = min(max(self.at + pages, 0), len(CHAPTERS) - 1)
        self.views, self.drawn = set(), False

    def hear(self, news: Iterable[object], symbols: Symbols) -> None:
        """Take in what the history passes by; all but two kinds of events are nothing to it."""
        for event in news:
            if isinstance(event, Embedded):
                table = np.frombuffer(event.table, "<f4").reshape(-1, event.size)
                self.apart = vowels_lie_apart(table, symbols)
            elif isinstance(event, SamplesDrawn):
                self.drawn = True

    def look(self, history: History) -> bool:
        """Whether the chapter's task is done; once done it stays so."""
        seen = Seen(history, frozenset(self.views), self.apart, self.drawn)
        if self.at not in self.done and self.chapter.check(seen):
            self.done.add(self.at)
        return self.at in self.done


def vowels_lie_apart(table: Floats, symbols: Symbols) -> bool:
    """Whether the nearest neighbour of nearly every vowel in the table (V, E) is a vowel."""
    vowels = [index for index, kind in enumerate(symbols.kinds) if kind is Kind.VOWEL]
    # A list may hold one that is hardly ever seen: the frequent ones are meant.
    vowels = [index for index in symbols.order if index in vowels][:5]
    if len(vowels) < 3:
        return False
    near = [neighbours(table, index, 1).by_distance for index in vowels]
    together = sum(symbols.kinds[row] is Kind.VOWEL for (row, _), *_ in filter(None, near))
    return together >= MOST * len(vowels)
