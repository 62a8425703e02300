"""What the model expects after a context, to the same bits however many contexts are asked about.

The sums inside an ordinary matrix product are rounded in an order that depends on its number of
rows, so names would depend on how many are drawn at a time. Here the factors are rounded first, to
whole numbers so small that float64 holds every sum exactly, in whatever order it is made: the first
slice of Ozaki, Ogita, Oishi & Rump 2012. The error is that of float32.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.model import Model

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NOT_FINITE = "the weights are not finite, so there is nothing to draw from; go back to earlier ones"

_LEFT_BITS, _RIGHT_BITS = 23, 29
"""Of the factors of a product; with the rounding of the right ones, below the 53 of float64."""
_LANES = 16
"""Rows are filled up to a multiple: the last, odd elements of an array may be computed by others
than the processor's wide operations, and get other bits."""
_PIECE = 512
"""Rows whose activations are computed at once, and stay in the processor's cache."""
_MOST_CONTEXTS = 1 << 20
"""With more possible contexts, few come twice, and none are remembered."""
_MOST_CODES = 1 << 62
"""With more, an int64 cannot tell them apart."""
_MOST_REMEMBERED = 1 << 23
"""Numbers, 64 MiB."""

# Shapes: R rows, T block_size, E embedding_size, H hidden_size, V vocab_size


class Logits:
    """The model's forward pass at its present weights, of which this keeps a copy."""

    def __init__(self, model: Model) -> None:
        """Raises ValueError if a weight is not finite."""
        if not torch.isfinite(model.flat).all():
            raise ValueError(NOT_FINITE)
        C, W1, b1, W2, b2 = (weights.detach().double() for weights in model.views(model.flat))
        self._C, unit_C = _whole(C, float(C.abs().max()), _LEFT_BITS)
        self._W1, unit_W1 = _whole(W1, float(W1.abs().sum(0).max()), _RIGHT_BITS)
        self._W2, unit_W2 = _whole(W2, float(W2.abs().sum(0).max()), _RIGHT_BITS)
        self._unit_1, self._unit_2 = unit_C * unit_W1, unit_W2 * 2.0**-_LEFT_BITS
        self._direct = model.config.direct
        if self._direct:
            W = model.W.detach().double()
            self._W, unit_W = _whole(W, float(W.abs().sum(0).max()), _RIGHT_BITS)
            self._unit_direct = unit_C * unit_W
        self._b1, self._b2 = b1.numpy(), b2.numpy()
        self.vocab_size, self.block_size = model.vocab_size, model.config.block_size
        self.rows = max(_LANES, min(4_096, (1 << 20) // max(W1.shape[0], len(W2), 2 * len(b2))))
        """The most contexts to ask about at once, for what that takes in memory."""

    def __call__(self, contexts: Integers) -> Floats:
        """Logits (R, V) of the next symbol after each of `contexts` (T, R), the newest last."""
        R = contexts.shape[1]
        logits = np.empty((R, self.vocab_size))
        for start in range(0, R, _PIECE):
            piece = contexts[:, start : start + _PIECE]
            rows = piece.shape[1]
            filled = np.zeros((-(-rows // _LANES) * _LANES, self.block_size), dtype=np.int64)
            filled[:rows] = piece.T
            logits[start : start + rows] = self._of(torch.from_numpy(filled))[:rows]
        return logits

    @torch.inference_mode()
    def _of(self, contexts: Tensor) -> Floats:
        emb = self._C[contexts].flatten(1)  # (R, T·E)
        before: Floats = (emb @ self._W1).numpy()  # (R, H)
        before *= self._unit_1
        before += self._b1
        with np.errstate(over="ignore"):
            h = np.tanh(before.astype(np.float32))
        # Whole numbers of the unit 2⁻²³.
        np.rint(np.multiply(h, 2.0**_LEFT_BITS, out=h), out=h)
        logits: Floats = (torch.from_numpy(h).double() @ self._W2).numpy()  # (R, V)
        logits *= self._unit_2
        logits += self._b2
        if self._direct:
            straight: Floats = (emb @ self._W).numpy()
            straight *= self._unit_direct
            logits += straight
        return logits


def _whole(weights: Tensor, bound: float, bits: int) -> tuple[Tensor, float]:
    """`weights` in whole numbers of a unit, and that unit, so that `bound` comes below 2^`bits`."""
    unit = math.ldexp(1.0, math.frexp(bound)[1] - bits)
    return (weights / unit).round_(), unit


class Odds:
    """The distribution of the next symbol, for one set of weights, temperature and top-k.

    Where there are few possible contexts (27³ in the lecture) each is computed when it first comes,
    and then looked up.
    """

    def __init__(
        self, model: Model, temperature: float, top_k: int, never: tuple[int, ...] = ()
    ) -> None:
        """temperature, above 0, divides the logits; top_k keeps the k likeliest, 0 = all; those of
        `never` have no chance.

        Raises ValueError for weights that are not finite.
        """
        self._logits = Logits(model)
        self._temperature, self._top_k, self._never = temperature, top_k, list(never)
        T, V = self._logits.block_size, self._logits.vocab_size
        self.block_size = T
        self._width = 1 << (V - 1).bit_length()
        self.rows = self._logits.rows
        """The most contexts that `choose` takes at once."""
        contexts = V**T
        self._codes, self._remembers = contexts <= _MOST_CODES, contexts <= _MOST_CONTEXTS
        if self._remembers:
            self._place = np.zeros(contexts, dtype=np.int32)  # 0: not in the table.
            most = max(_MOST_REMEMBERED // self._width, self.rows)
            self._table = np.empty((min(contexts, most) + 1, self._width))
            self._next = 1

    def choose(self, contexts: Integers, uniform: Floats) -> Integers:
        """A symbol (R,) after each of `contexts` (T, R): its distribution inverted at `uniform`.

        `uniform` (R,) lies in [0, 1).
        """
        if self._remembers:
            return _invert(self._table, self._rows(contexts), uniform)
        if self._codes:
            # Many names begin alike.
            _, first, rows = np.unique(self._code(contexts), return_index=True, return_inverse=True)
            return _invert(self._cumulative(contexts[:, first]), rows, uniform)
        return _invert(self._cumulative(contexts), np.arange(len(uniform)), uniform)

    def _code(self, contexts: Integers) -> Integers:
        """A number (R,) for each of `contexts` (T, R)."""
        code: Integers = contexts[0]
        for symbols in contexts[1:]:
            code = code * self._logits.vocab_size + symbols
        return code

    def _rows(self, contexts: Integers) -> Integers:
        """Where the distributions after `contexts` stand in the table; the new ones are added."""
        code = self._code(contexts)
        rows = self._place[code]
        unknown = np.flatnonzero(rows == 0)
        if len(unknown):
            codes, first = np.unique(code[unknown], return_index=True)
            end = self._next + len(codes)
            if end > len(self._table):
                self._place[:] = 0
                self._next = 1
                return self._rows(contexts)
            self._table[self._next : end] = self._cumulative(contexts[:, unknown[first]])
            self._place[codes] = np.arange(self._next, end)
            self._next = end
            rows = self._place[code]
        found: Integers = rows.astype(np.int64)
        return found

    def _cumulative(self, contexts: Integers) -> Floats:
        """The distributions after `contexts` (T, R), summed up to 1: (R, width), filled with 2."""
        logits = self._logits(contexts)
        logits[:, self._never] = -np.inf
        # The greatest comes off first: the quotient by a tiny temperature is then 0 or −inf.
        with np.errstate(over="ignore", under="ignore"):
            logits -= logits.max(axis=1, keepdims=True)
            weights = evenly(np.exp, logits / self._temperature)
        V = weights.shape[1]
        if 0 < self._top_k < V:
            # Stable: of equal logits the lower index stays.
            rejected = np.argsort(-logits, axis=1, kind="stable")[:, self._top_k :]
            np.put_along_axis(weights, rejected, 0.0, axis=1)
        cumulative = np.full((len(weights), self._width), 2.0)
        np.cumsum(weights, axis=1, out=cumulative[:, :V])
        cumulative[:, :V] /= cumulative[:, V - 1 : V].copy()
        return cumulative


def evenly(function: np.ufunc, x: Floats) -> Floats:
    """function(x) by element, the last ones with the bits that they get elsewhere in an array."""
    filled = np.ones(-(-x.size // _LANES) * _LANES)
    filled[: x.size] = x.ravel()
    function(filled, out=filled)
    return filled[: x.size].reshape(x.shape)


def _invert(table: Floats, rows: Integers, uniform: Floats) -> Integers:
    """How many numbers of the rising `table[rows]` are at most `uniform`: by halving."""
    flat, half = table.ravel(), table.shape[1] // 2
    start = rows * table.shape[1]
    place = start - 1
    while half:
        place += half * (flat[place + half] <= uniform)
        half //= 2
    passed: Integers = place - start + 1
    return passed
