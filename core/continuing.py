"""Drawing from a model, whatever its symbols are: names, or texts that continue a beginning.

A text has no end of its own: it is drawn to its length, `<s>` and `<unk>` never among its words. As
with names (core/sampling.py), text i depends on (weights, seed, i, temperature, top_k, beginning)
alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from core import sampling
from core.dataset import Dataset
from core.dials import ConfigError
from core.model import Model
from core.odds import Odds
from core.protocol import Sample
from core.text import NO_WORDS, Text
from core.tokens import spelled

# Shapes: R texts, T block_size


def drawn(
    model: Model,
    data: Dataset,
    wish: Sample,
    *,
    unique: bool = False,
    unwanted: Callable[[str], bool] | None = None,
) -> Iterator[list[str]]:
    """The names or texts that `wish` asks for, in order, in pieces; every field of it is set.

    `unique` and `unwanted` are for names, as in `sampling.stream`. Raises at once, ValueError as
    that does, and ConfigError for a text without a word.
    """
    assert wish.temperature is not None
    assert wish.top_k is not None
    assert wish.seed is not None
    if isinstance(data, Text):
        assert not unique
        assert unwanted is None
        return _texts(model, data, wish, wish.temperature, wish.top_k, wish.seed)
    return sampling.stream(
        model,
        data.itos,
        count=wish.count,
        temperature=wish.temperature,
        top_k=wish.top_k,
        seed=wish.seed,
        prefix=wish.prefix,
        max_length=wish.max_length,
        unique=unique,
        unwanted=unwanted,
    )


def _texts(
    model: Model, text: Text, wish: Sample, temperature: float, top_k: int, seed: int
) -> Iterator[list[str]]:
    if not 0 < temperature < math.inf:
        raise ConfigError("temperature", temperature, "must be a number above 0")
    odds = Odds(model, temperature, top_k, never=NO_WORDS)
    beginning = text.encode(wish.prefix)
    lengths = range(len(beginning), wish.max_length)

    def piece(first: int, count: int) -> list[str]:
        T = odds.block_size
        start = np.array(([0] * T + beginning)[-T:], dtype=np.int64)
        symbols = np.repeat(start[:, None], count, axis=1)  # (T + words, R)
        for place in lengths:
            number = sampling.uniforms(seed, first, count, place)[:, 0]
            following = odds.choose(symbols[-T:], number)
            symbols = np.concatenate((symbols, following[None]))
        words = symbols[T:].T.tolist()
        return [spelled(text.itos[i] for i in [*beginning, *row]) for row in words]

    def pieces() -> Iterator[list[str]]:
        for first in range(0, wish.count, odds.rows):
            yield piece(first, min(odds.rows, wish.count - first))

    return pieces()
