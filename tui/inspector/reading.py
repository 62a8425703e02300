"""What stands in the inspector's field, as the model reads it: its symbols, and where each ends.

Of a list these are the characters of a word; of a text they are words, and the cursor stands
between two of them, wherever in a word it is. Apart from Textual.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from core.dataset import Dataset
from core.text import Text
from core.tokens import Splitting, ends_of, spelled, tokens_of
from core.words import BOUNDARY, quoted
from tui.embedding.symbols import joined, shown

_HALF = re.compile("[\ud800-\udfff]")
"""A terminal may hand over half a symbol."""


@dataclass(frozen=True)
class Reading:
    """As much of what stands there as can be asked about."""

    text: str
    symbols: tuple[int, ...]
    ends: tuple[int, ...]
    """How many characters of `text` are read with each symbol."""
    wrong: str = ""
    """What is wrong with what follows."""

    def place(self, cursor: int) -> int:
        """How many symbols end before the cursor."""
        return bisect_right(self.ends, cursor)

    def cursor(self, place: int) -> int:
        """Where the cursor stands behind so many symbols."""
        # A click may be on one that has just been deleted.
        place = min(place, len(self.ends))
        return self.ends[place - 1] if place else 0

    def before(self, place: int) -> str:
        """The text of so many symbols."""
        return self.text[: self.cursor(place)]


def read(text: str, data: Dataset) -> Reading:
    """Read what was typed."""
    if isinstance(data, Text):
        # As tokens are: otherwise a letter with its accent would be two of them.
        text = unicodedata.normalize("NFC", _HALF.sub("\ufffd", text))
        return Reading(text, tuple(data.encode(text)), tuple(ends_of(text, data.splitting)))
    text, wrong = known(text, data.stoi)
    return Reading(text, tuple(data.encode(text)), tuple(range(1, len(text) + 1)), wrong)


def known(text: str, stoi: Mapping[str, int]) -> tuple[str, str]:
    """As much of `text` as can be asked about, and what is wrong with what follows."""
    for at, symbol in enumerate(text):
        if symbol == BOUNDARY:
            return text[:at], f'"{BOUNDARY}" is the boundary, in no word: shown up to it'
        if symbol not in stoi:
            return text[:at], f"{quoted(symbol)} stands in no word of this list: shown up to it"
    return text, ""


def written(before: tuple[int, ...], data: Dataset) -> str:
    """What the model sees of the symbols before a place."""
    symbols = [data.itos[index] for index in ((0,) * data.block_size + before)[-data.block_size :]]
    return " ".join(map(shown, symbols)) if isinstance(data, Text) else joined(symbols)


def inserted(reading: Reading, place: int, word: str, splitting: Splitting) -> tuple[str, int]:
    """A text with one word more at that place, and where the cursor then stands: behind it."""
    tokens = tokens_of(reading.text, splitting)
    tokens.insert(place, word)
    text = spelled(tokens)
    return text, ends_of(text, splitting)[place]
