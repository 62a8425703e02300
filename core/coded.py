"""A list of words as numbers: a million of them in a few megabytes, a string only where one is
asked for.

Apart from the reading (words.py) and the dealing (dataset.py), which both hand such lists on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

BOUNDARY = "."
"""Stands before and after every word, as in the lecture; so no word may hold it."""

Codes = NDArray[np.integer[Any]]
"""Indices into a vocabulary: uint8, or int16 where it exceeds 255."""
Points = NDArray[np.unsignedinteger[Any]]
"""Unicode's numbers of symbols."""

PIECE = 1 << 16
"""Words that are worked on at once: what numpy needs on the way then stays small."""


class Words(Sequence[str]):
    """Words by number. Without `which` all that `codes` holds, else those, in that order."""

    def __init__(
        self,
        codes: Codes,
        starts: NDArray[np.int32],
        itos: tuple[str, ...],
        which: NDArray[np.int32] | None = None,
    ) -> None:
        self.codes = codes
        """Shape (symbols + words,): each word's symbols, and a 0 after."""
        self.starts = starts
        """Shape (words + 1,): where each word begins in `codes`; the last is its length."""
        self.itos = itos
        """What ends a word at 0, mostly the boundary; then the symbols by code point."""
        self._which = which

    @classmethod
    def of(cls, words: Iterable[str]) -> Words:
        """From strings; ValueError for one that is empty or holds the boundary."""
        listed = list(words)
        text = BOUNDARY.join(listed)
        if not all(listed) or text.count(BOUNDARY) > max(0, len(listed) - 1):
            raise ValueError
        points = np.frombuffer(f"{text}{BOUNDARY}".encode("utf-32-le"), dtype="<u4")
        pieces: list[Points] = [points] if listed else []
        return cls.coded(pieces, symbols_of(pieces), ord(BOUNDARY))

    @classmethod
    def coded(
        cls, pieces: list[Points], points: NDArray[np.int64], end: int, ends: str = BOUNDARY
    ) -> Words:
        """From code points in pieces of whole words, each followed by the code point `end`, which
        stands as the symbol `ends` in the vocabulary.

        `points` are those that occur, as `symbols_of` finds them. The pieces are used up, so that
        they and the codes need not stand in memory together.
        """
        points = points[points != end]
        itos = (ends, *map(chr, points.tolist()))
        dtype = np.uint8 if len(itos) <= 255 else np.int16
        index_of: Codes = np.zeros(max(points.max(initial=0), end) + 1, dtype=dtype)
        index_of[points] = np.arange(1, len(itos))
        codes: Codes = np.empty(sum(map(len, pieces)), dtype=dtype)
        starts: list[NDArray[np.int32]] = [np.zeros(1, dtype=np.int32)]
        at = 0
        pieces.reverse()
        while pieces:
            piece = index_of[pieces.pop()]
            codes[at : at + len(piece)] = piece
            starts.append((np.flatnonzero(piece == 0) + (at + 1)).astype(np.int32))
            at += len(piece)
        return cls(codes, np.concatenate(starts), itos)

    def picked(self, which: NDArray[np.int32]) -> Words:
        """These of the words, by number, in this order; nothing is copied."""
        return Words(self.codes, self.starts, self.itos, self._numbers(which))

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return self._texts(np.arange(*index.indices(len(self)), dtype=np.int32))
        return self._texts(np.array([range(len(self))[index]], dtype=np.int32))[0]

    def __len__(self) -> int:
        return len(self.starts) - 1 if self._which is None else len(self._which)

    def __iter__(self) -> Iterator[str]:
        for piece in self.pieces():
            yield from self._texts(piece)

    @cached_property
    def stoi(self) -> dict[str, int]:
        """The index of each symbol in the vocabulary."""
        return {symbol: index for index, symbol in enumerate(self.itos)}

    def coded_word(self, word: str) -> Codes | None:
        """The codes of `word` and the 0 after it; None where it holds what no word here can."""
        codes = [self.stoi.get(symbol, 0) for symbol in word]
        return None if 0 in codes else np.array([*codes, 0], dtype=self.codes.dtype)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Symbols of each word (words,)."""
        lengths = np.diff(self.starts) - np.int32(1)
        return lengths if self._which is None else lengths[self._which]

    @property
    def numbers(self) -> NDArray[np.int32]:
        """Which of all that `codes` holds each word is (words,)."""
        return np.arange(len(self), dtype=np.int32) if self._which is None else self._which

    def pieces(self) -> Iterator[NDArray[np.int32]]:
        """The words' numbers, some ten thousand at a time."""
        for first in range(0, len(self), PIECE):
            yield np.arange(first, min(first + PIECE, len(self)), dtype=np.int32)

    def joined(self, which: NDArray[np.int32]) -> Codes:
        """The codes of these words one after the other, each with its 0."""
        which = self._numbers(which)
        starts = self.starts[which]
        lengths = self.starts[which + 1] - starts
        at = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        at += np.arange(len(at))
        return np.asarray(self.codes[at])

    def _numbers(self, which: NDArray[np.int32]) -> NDArray[np.int32]:
        return which if self._which is None else self._which[which]

    def _texts(self, which: NDArray[np.int32]) -> list[str]:
        text = self._points[self.joined(which)].tobytes().decode("utf-32-le")
        return text.split(self.itos[0])[:-1]

    @cached_property
    def _points(self) -> Points:
        return np.array([ord(symbol) for symbol in self.itos], dtype="<u4")


def symbols_of(pieces: Iterable[Points]) -> NDArray[np.int64]:
    """The distinct code points, rising."""
    seen = np.zeros(0x110000, dtype=bool)
    for piece in pieces:
        seen[piece] = True
    return np.flatnonzero(seen)
