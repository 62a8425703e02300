"""Smoothing of a loss column: a debiased exponential average over steps, and columns that grow.

Apart from the chart, because an average taken over steps must not depend on zoom or reduction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

NOTHING: Floats = np.empty(0, np.float32)

_EXPONENT = 100.0
"""Powers of the decay within one block stay above 10 to the minus this."""
_TIME_CONSTANTS = 40
"""After these the weight is 1 in float64, and what was before does not count."""
_BLOCK = 8192
_CACHE = 8 * _BLOCK
"""Values taken at once, so that what is computed of them stays in the processor's cache."""


class Column:
    """A float32 column that grows at its end, in blocks: it takes little more than its values."""

    BLOCK = 2**18
    """Values in every block but the last; that one doubles until it is as large."""

    def __init__(self) -> None:
        self._full: list[Floats] = []
        self._last: Floats = np.empty(1024, np.float32)
        self._used = 0

    def __len__(self) -> int:
        return len(self._full) * self.BLOCK + self._used

    @property
    def values(self) -> Floats:
        """All values so far; of more than one block a copy."""
        return self.piece(0, len(self))

    def piece(self, first: int, last: int) -> Floats:
        """The values [first, last): within one block a view, which stays valid, else a copy."""
        found = list(self.pieces(first, last))
        return found[0] if len(found) == 1 else np.concatenate([NOTHING, *found])

    def pieces(self, first: int, last: int) -> Iterator[Floats]:
        """The values [first, last) as views, one of each block."""
        last = min(last, len(self))
        while first < last:
            number, at = divmod(first, self.BLOCK)
            block = self._full[number] if number < len(self._full) else self._last
            yield block[at : at + last - first]
            first += self.BLOCK - at

    def append(self, values: Floats) -> None:
        """Add `values` at the end."""
        while len(values):
            taken = values[: self.BLOCK - self._used]
            needed = self._used + len(taken)
            if needed > len(self._last):
                grown = np.empty(min(max(2 * len(self._last), needed), self.BLOCK), np.float32)
                grown[: self._used] = self._last[: self._used]
                self._last = grown
            self._last[self._used : needed] = taken
            self._used, values = needed, values[len(taken) :]
            if self._used == self.BLOCK:
                self._full.append(self._last)
                self._last, self._used = np.empty(1024, np.float32), 0


class DebiasedAverage:
    """average ← β·average + (1 − β)·value, divided by its weight so far (Kingma & Ba 2015, §3).

    A value that is not finite is skipped: it changes nothing, and the average there is NaN. The
    recurrence runs in float64 and can be fed in pieces of any length.
    """

    def __init__(self, factor: float, before: Floats = NOTHING) -> None:
        """`before` are values that the average has seen already; `column` is without them."""
        if not 0 <= factor < 1:
            raise ValueError(f"smoothing {factor} must be from 0 to below 1; try 0.98")
        self.factor = factor
        self.column = Column()
        self.latest = math.nan
        """The average after the last finite value; NaN before the first."""
        self._sum = 0.0
        self._count = 0
        self.extend(before)
        self.column = Column()

    @staticmethod
    def memory(factor: float) -> int:
        """How many finite values an average remembers: what came before them is below rounding."""
        return max(1, math.ceil(_TIME_CONSTANTS / -math.log(factor))) if factor else 1

    def extend(self, values: Floats) -> None:
        """Take in further values; `column` grows by as many."""
        for start in range(0, len(values), _CACHE):
            self._extend(values[start : start + _CACHE])

    def _extend(self, values: Floats) -> None:
        finite = np.isfinite(values)
        average = self._average(values[finite].astype(np.float64))
        if len(average):
            self.latest = float(average[-1])
        if len(average) == len(values):
            self.column.append(average.astype(np.float32))
            return
        spread = np.full(len(values), np.nan, np.float32)
        spread[finite] = average
        self.column.append(spread)

    def _average(self, values: Doubles) -> Doubles:
        if self.factor == 0 or not len(values):
            return values
        log = math.log(self.factor)
        # average_t = β^t (average_0 + Σ β^-k (1 - β) value_k), in blocks in which β^-k stays small.
        block = max(1, min(_BLOCK, len(values), int(_EXPONENT * math.log(10) / -log)))
        powers = np.exp(log * np.arange(1, block + 1))
        rows = -(-len(values) // block)
        padded = np.zeros(rows * block)
        padded[: len(values)] = values
        sums = padded.reshape(rows, block)
        sums *= (1 - self.factor) / powers
        np.cumsum(sums, axis=1, out=sums)
        sums *= powers
        before = np.empty(rows)
        carry, whole = self._sum, float(powers[-1])
        for row, end in enumerate(sums[:, -1].tolist()):
            before[row] = carry
            carry = carry * whole + end
        sums += before[:, None] * powers
        averages = padded[: len(values)]
        self._sum = float(averages[-1])
        light = min(len(values), max(0, self.memory(self.factor) - self._count))
        if light:
            averages[:light] /= -np.expm1(log * (self._count + np.arange(1, light + 1)))
        self._count += len(values)
        return averages
