"""The sentences of a text's part, each by itself: what a person can read and judge.

A sentence ends with a full stop, an exclamation mark or a question mark of whatever script, or
where a blank line begins the next: the mark for one belongs to it, since it says much about what
follows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.coded import Codes
from core.dataset import Split, SplitName, part
from core.text import SENTENCE_ENDS, Text
from core.tokens import PARAGRAPH, spelled

END_MARKS = tuple(mark for mark in SENTENCE_ENDS if mark != PARAGRAPH)
SHORTEST, LONGEST = 6, 40
"""Words and marks: two words are no sentence to judge by, and a long one is no line to read."""
WINDOW = 20
"""Words of a piece where a text has no sentences."""

# Shapes: S sentences, N words and marks of all of them


class Sentences:
    """Of one part, in its order; those that are too short or too long are left out."""

    def __init__(self, text: Text, name: SplitName) -> None:
        self._text, self._first = text, part(name, len(text.words)).start
        self._targets = text.splits[name].targets
        self.spans = _spans(text, self._targets)
        """(S, 2): where in the part each begins and ends."""

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, number: int) -> str:
        """As people write it."""
        start, end = (self.spans[number] + self._first).tolist()
        return spelled(self._text.words[start:end])

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def apart(self) -> Split:
        """Each after `<s>` alone, as if it had been typed: a stream with a 0 between them."""
        T = self._text.block_size
        lengths = self.spans[:, 1] - self.spans[:, 0]
        before = np.cumsum(lengths) - lengths
        count = np.arange(int(lengths.sum()))  # (N,)
        number = np.repeat(np.arange(len(self)), lengths)
        stream = np.zeros(T + len(count) + len(self), dtype=self._targets.dtype)
        stream[T + count + number] = self._targets[count + (self.spans[:, 0] - before)[number]]
        return Split(stream, T, len(self))


def _spans(text: Text, targets: Codes) -> NDArray[np.int64]:
    ends = np.isin(targets, [text.stoi[mark] for mark in END_MARKS if mark in text.stoi])
    blank = targets == text.stoi.get(PARAGRAPH, -1)
    cuts = np.ones(len(targets) + 1, dtype=bool)
    cuts[1:-1] = ends[:-1] | blank[1:]
    bounds = np.flatnonzero(cuts)
    spans = np.stack([bounds[:-1], bounds[1:]], axis=1)
    lengths = spans[:, 1] - spans[:, 0]
    spans = spans[(lengths >= SHORTEST) & (lengths <= LONGEST)]
    if len(spans):
        return spans
    starts = np.arange(0, len(targets) - WINDOW + 1, WINDOW)
    return np.stack([starts, starts + WINDOW], axis=1)
