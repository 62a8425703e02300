"""How a word is chosen on the map: by its beginning, typed, or by a direction from another.

Apart from the screen: what is typed, and where words lie, are values.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.embedding.map import Picture
from tui.embedding.symbols import Symbols


@dataclass
class Typed:
    """The beginning of a word, letter by letter."""

    symbols: Symbols
    text: str = ""
    missed: str = ""
    """What was typed last, if no word begins so."""
    _found: tuple[int, ...] = ()
    """The words that begin with it, the most frequent first; those in its own case before all."""

    def add(self, letters: str, count: int) -> bool:
        """Go on with these letters, unless none of the first `count` words begins so."""
        text = self.text + letters
        words, low = self.symbols.itos, text.casefold()
        matching = [
            at for at in self.symbols.order if at < count and words[at].casefold().startswith(low)
        ]
        # The word itself, then words in the same case.
        matching.sort(key=lambda at: (words[at] != text, not words[at].startswith(text)))
        self.missed = "" if matching else text
        if matching:
            self.text, self._found = text, tuple(matching)
        return bool(matching)

    def take_back(self, count: int) -> None:
        """One letter less."""
        text = self.text[:-1]
        self.clear()
        if text:
            self.add(text, count)

    def clear(self) -> None:
        """Begin anew."""
        self.text, self.missed, self._found = "", "", ()

    @property
    def first(self) -> int | None:
        """The word that is meant; None while nothing is typed."""
        return self._found[0] if self._found else None

    def after(self, word: int, by: int) -> int | None:
        """The next that begins so, or the one before."""
        if not self._found:
            return None
        place = self._found.index(word) if word in self._found else -by
        return self._found[(place + by) % len(self._found)]

    @property
    def count(self) -> int:
        """How many begin so."""
        return len(self._found)


def towards(picture: Picture, followed: int, right: int, down: int) -> int | None:
    """The word nearest to the one followed within a quarter turn around a direction; None where
    there is none in the picture.
    """
    here = next((at for at, words in picture.places.items() if followed in words), None)
    if here is None:
        return next((words[0] for words in picture.places.values()), None)
    found, nearest = None, float("inf")
    for (column, row), words in picture.places.items():
        # A cell is twice as high as wide.
        across, along = column - here[0], 2 * (row - here[1])
        ahead = across * right + along * down
        aside = abs(across * down) + abs(along * right)
        if ahead > 0 and aside <= ahead and ahead + aside < nearest:
            found, nearest = words[0], ahead + aside
    return found
