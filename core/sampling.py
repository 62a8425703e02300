"""Drawing names from the model, each reproducible by itself.

Name i depends on (weights, seed, i, temperature, top_k, prefix) alone: its random numbers are a
hash of seed, i and position, and the network always sees blocks of one size, since the bits of a
matrix product depend on its number of rows. So the first 10 of 100 names are the 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from core.minibatch import random_words
from core.model import Model

Floats = npt.NDArray[np.float64]

_ROWS = 128
_STREAM = 0x73616D706C696E67
"""Keeps the numbers of a drawing apart from the minibatches of an equal seed."""

# Shapes: R rows of a block, T block_size, V vocab_size


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
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature {temperature:g} must be a number above 0")
    start = _encode(prefix, itos)
    if not torch.isfinite(model.flat).all():
        raise ValueError(_NOT_FINITE)
    names: list[str] = []
    for first in range(0, count, _ROWS):
        wanted = min(count - first, _ROWS)
        rows = _draw_block(model, start, first, wanted, temperature, top_k, seed, max_length)
        names += ["".join(itos[symbol] for symbol in row) for row in rows]
    return names


_NOT_FINITE = (
    "the weights are not finite, so there is nothing to draw from; go back to earlier ones"
)


def _encode(prefix: str, itos: Sequence[str]) -> list[int]:
    """Indices of the prefix's symbols; the boundary is no symbol of a name."""
    stoi = {symbol: index for index, symbol in enumerate(itos) if index}
    for symbol in prefix:
        if symbol not in stoi:
            raise ValueError(
                f"prefix {prefix!r} has the symbol {symbol!r}, which is not in the vocabulary"
            )
    return [stoi[symbol] for symbol in prefix]


def _draw_block(
    model: Model,
    start: list[int],
    first: int,
    wanted: int,
    temperature: float,
    top_k: int,
    seed: int,
    max_length: int,
) -> list[list[int]]:
    """The symbols of names `first` … `first` + `wanted` − 1, out of a block of `_ROWS` names."""
    T = model.config.block_size
    names = [list(start) for _ in range(wanted)]
    going = np.arange(wanted)
    contexts = np.empty((_ROWS, T), dtype=np.int64)
    contexts[:] = ([0] * T + start)[-T:]
    for position in range(len(start), max_length):
        words = random_words(seed ^ _STREAM, first, _ROWS, 1, first_column=position)[:, 0]
        # 52 bits: a product with the sum of all weights then stays below that sum.
        uniform: Floats = np.multiply(words >> np.uint64(12), 2.0**-52)
        symbols = _choose(_logits(model, contexts), uniform, temperature, top_k)
        going = going[symbols[going] != 0]
        if len(going) == 0:
            break
        for row in going:
            names[row].append(int(symbols[row]))
        contexts[:, :-1] = contexts[:, 1:]
        contexts[:, -1] = symbols
    return names


@torch.inference_mode()
def _logits(model: Model, contexts: npt.NDArray[np.int64]) -> Floats:
    logits: Floats = model.forward(torch.from_numpy(contexts)).numpy().astype(np.float64)
    if not np.isfinite(logits).all():
        raise ValueError(_NOT_FINITE)
    return logits


def _choose(
    logits: Floats,
    uniform: Floats,
    temperature: float,
    top_k: int,
) -> npt.NDArray[np.int64]:
    """A symbol (R,) for each row of `logits` (R, V): its distribution inverted at `uniform`."""
    # The greatest comes off first: the quotient by a tiny temperature is then 0 or −inf, never NaN.
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    if 0 < top_k < logits.shape[1]:
        # Stable: of equal logits the lower index stays.
        rejected = np.argsort(-logits, axis=1, kind="stable")[:, top_k:]
        np.put_along_axis(weights, rejected, 0.0, axis=1)
    cumulative = weights.cumsum(axis=1)
    passed = cumulative <= (uniform * cumulative[:, -1])[:, None]
    symbols: npt.NDArray[np.int64] = passed.sum(axis=1)
    return symbols
