"""Drawing names from the model, each reproducible by itself.

Name i depends on (weights, seed, i, temperature, top_k, prefix) alone: its random numbers are a
hash of seed, i and position, and the odds of a context have the same bits whatever else is computed
with it (core/odds.py). So the first 10 of 100 names are the 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from core.minibatch import random_words
from core.model import Model
from core.odds import Floats, Odds

TOO_RARE = 100_000
"""So many names in a row without a new one end a drawing of new names: the next is then new with a
chance below 3 in 100,000, at 95 % confidence."""

_STREAM = 0x73616D706C696E67
"""Keeps the numbers of a drawing apart from the minibatches of an equal seed."""
_AHEAD = 8
"""Positions whose random numbers are made at once."""

# Shapes: R names, T block_size


def draw(
    model: Model,
    itos: Sequence[str],
    *,
    count: int,
    temperature: float,
    top_k: int,
    seed: int,
    prefix: str,
    max_length: int,
) -> list[str]:
    """Draw names 0 … count − 1, each beginning with `prefix`, of at most `max_length` symbols.

    temperature, above 0, divides the logits; top_k keeps the k likeliest symbols, 0 = all.
    `max_length` counts the prefix; one as long as that comes back as it is. Raises ValueError for a
    symbol that is not in the vocabulary, a temperature that is no positive number, and weights that
    are not finite.
    """
    pieces = stream(
        model,
        itos,
        count=count,
        temperature=temperature,
        top_k=top_k,
        seed=seed,
        prefix=prefix,
        max_length=max_length,
    )
    return [name for piece in pieces for name in piece]


def stream(
    model: Model,
    itos: Sequence[str],
    *,
    count: int,
    temperature: float,
    top_k: int,
    seed: int,
    prefix: str,
    max_length: int,
    unique: bool = False,
    unwanted: Callable[[str], bool] | None = None,
) -> Iterator[list[str]]:
    """The names of `draw` in order, in pieces of some thousands, from a copy of the weights.

    `unique` leaves out a name that came before (all are kept in memory for that), `unwanted` what
    it says; others are drawn instead. It ends early where `TOO_RARE` names in a row were left out.
    Raises as `draw` does, at once.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature {temperature:g} must be a number above 0")
    lanes = _Lanes(Odds(model, temperature, top_k), itos, seed, prefix, max_length)
    if unique or unwanted is not None:
        return _chosen(lanes, count, unique, unwanted or (lambda _: False))
    return _all(lanes, count)


def _all(lanes: _Lanes, count: int) -> Iterator[list[str]]:
    for first in range(0, count, lanes.rows):
        yield lanes.draw(first, min(lanes.rows, count - first))


def _chosen(
    lanes: _Lanes, count: int, unique: bool, unwanted: Callable[[str], bool]
) -> Iterator[list[str]]:
    seen: set[str] = set()
    first = missed = 0
    while count and missed < TOO_RARE:
        # The rarer they are, the more are drawn for the next.
        rows = min(max(count, 2 * missed), lanes.rows)
        piece: list[str] = []
        for name in lanes.draw(first, rows):
            if name in seen or unwanted(name):
                missed += 1
                if missed == TOO_RARE:
                    break
                continue
            missed = 0
            piece.append(name)
            if unique:
                seen.add(name)
            if len(piece) == count:
                break
        first += rows
        count -= len(piece)
        if piece:
            yield piece


class _Lanes:
    """Draws names side by side: one symbol of each at a time."""

    def __init__(
        self, odds: Odds, itos: Sequence[str], seed: int, prefix: str, max_length: int
    ) -> None:
        self._odds, self._seed, self._prefix = odds, seed, prefix
        self._positions = range(len(prefix), max_length)
        self._points = np.array([ord(symbol) for symbol in itos], dtype=np.uint32)
        self._start = _encode(prefix, itos)
        self.rows = odds.rows

    def draw(self, first: int, count: int) -> list[str]:
        """Names `first` … `first` + `count` − 1."""
        columns = list(self._columns(first, count))
        if not columns:
            return [self._prefix] * count
        # Code points side by side are what numpy takes for strings; it drops the zeros at the end.
        letters = np.stack(columns, axis=1).view(f"U{len(columns)}").ravel()
        names: list[str] = letters.tolist()
        return [self._prefix + name for name in names] if self._prefix else names

    def _columns(self, first: int, count: int) -> Iterator[npt.NDArray[np.uint32]]:
        """For each position the code points (R,) there, 0 where a name has ended."""
        T = self._odds.block_size
        going = np.arange(count)
        contexts = np.repeat(np.array(([0] * T + self._start)[-T:])[:, None], count, axis=1)
        for position in self._positions:
            ahead = (position - self._positions.start) % _AHEAD
            if ahead == 0:
                numbers = uniforms(self._seed, first, count, position)
            symbols = self._odds.choose(contexts, numbers[going, ahead])
            on = np.flatnonzero(symbols)
            if len(on) == 0:
                break
            going, symbols = going[on], symbols[on]
            column = np.zeros(count, dtype=np.uint32)
            column[going] = self._points[symbols]
            yield column
            contexts = np.concatenate((contexts[1:, on], symbols[None]))


def uniforms(seed: int, first: int, count: int, position: int) -> Floats:
    """Numbers in [0, 1) for names `first` … and positions `position` …: (count, 8)."""
    words = random_words(seed ^ _STREAM, first, count, _AHEAD, first_column=position)
    numbers: Floats = np.multiply(words >> np.uint64(11), 2.0**-53)
    return numbers


def _encode(prefix: str, itos: Sequence[str]) -> list[int]:
    """Indices of the prefix's symbols; the boundary is no symbol of a name."""
    stoi = {symbol: index for index, symbol in enumerate(itos) if index}
    for symbol in prefix:
        if symbol not in stoi:
            raise ValueError(
                f"prefix {prefix!r} has the symbol {symbol!r}, which is not in the vocabulary"
            )
    return [stoi[symbol] for symbol in prefix]
