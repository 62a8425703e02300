"""How well given names fit the model: apart from evaluation.py, where the names are a split's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.dataset import Dataset
from core.model import Model
from core.odds import Logits, evenly
from core.text import Text

# Shapes: R symbols, boundaries included, T block_size, V vocab_size


def losses_of(model: Model, data: Dataset, drawings: Sequence[str]) -> list[float]:
    """The mean loss of each name, as `losses_of_names`, or of each text, nats per word."""
    if isinstance(data, Text):
        return _losses(model, [data.encode(text) for text in drawings])
    return losses_of_names(model, data.stoi, drawings)


def losses_of_names(model: Model, stoi: Mapping[str, int], names: Sequence[str]) -> list[float]:
    """The mean loss of each name, nats per symbol, its boundary included: as in an evaluation.

    A name's loss has the same bits in whatever company. Raises ValueError for a symbol that is not
    in the vocabulary, and for weights that are not finite.
    """
    try:
        coded = [[*(stoi[symbol] for symbol in name), 0] for name in names]
    except KeyError as error:
        raise ValueError(f"the symbol {error.args[0]!r} is not in the vocabulary") from None
    return _losses(model, coded)


def _losses(model: Model, coded: Sequence[Sequence[int]]) -> list[float]:
    """The mean loss of each sequence of targets, none empty; before it stand zeros."""
    if not coded:
        return []
    T = model.config.block_size
    stream = np.concatenate([np.array([0] * T + [*codes], dtype=np.int64) for codes in coded])
    lengths = np.array([len(codes) for codes in coded])
    starts = np.cumsum(lengths + T) - lengths
    begins = np.cumsum(lengths) - lengths
    targets = np.repeat(starts - begins, lengths) + np.arange(lengths.sum())
    logits_of, losses = Logits(model), np.empty(len(targets))
    for first in range(0, len(targets), logits_of.rows):
        at = targets[first : first + logits_of.rows]
        logits = logits_of(np.stack([stream[at - back] for back in range(T, 0, -1)]))  # (R, V)
        logits -= logits.max(axis=1, keepdims=True)
        wanted = logits[np.arange(len(at)), stream[at]]
        total = evenly(np.exp, logits).sum(axis=1)
        losses[first : first + len(at)] = evenly(np.log, total) - wanted
    means: list[float] = (np.add.reduceat(losses, begins) / lengths).tolist()
    return means
