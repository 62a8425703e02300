"""The mean loss of a model over a split, a piece at a time, so that control never waits for it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from core.model import Model

if TYPE_CHECKING:
    from core.dataset import Split

PIECE = 4_096
"""Most examples between two yields."""
MOST_LOGITS = 1 << 21
"""Of one piece, 8 MiB: with thousands of words in the vocabulary a piece has fewer examples."""


def piece_of(model: Model) -> int:
    """Examples between two yields: fixed for a model, since the bits of a matrix product depend on
    its number of rows.
    """
    return max(1, min(PIECE, MOST_LOGITS // model.vocab_size))


def measure(model: Model, split: Split, first: int | None = None) -> Generator[None, None, float]:
    """Yield after every piece of examples; return the mean loss in nats per symbol.

    In the order of the split; `first` limits it to the first so many examples. The weights must
    stand still meanwhile. NaN for a split without examples.
    """
    examples, total = len(split.targets[:first]), 0.0
    if examples == 0:
        return float("nan")
    piece = piece_of(model)
    for start in range(0, examples, piece):
        total += float(_losses(model, split, start, min(start + piece, examples)).sum())
        yield
    return total / examples


def losses_of(model: Model, split: Split) -> Generator[None, None, npt.NDArray[np.float64]]:
    """As `measure`, but returns the loss of every example (examples,)."""
    examples = split.examples
    losses, piece = np.empty(examples), piece_of(model)
    for start in range(0, examples, piece):
        losses[start : start + piece] = _losses(model, split, start, start + piece)
        yield
    return losses


# The mode belongs to the thread: it must not stay on across a yield.
@torch.inference_mode()
def _losses(model: Model, split: Split, start: int, end: int) -> npt.NDArray[np.float64]:
    """The losses of the examples from `start` to `end`."""
    T = model.config.block_size
    piece = torch.from_numpy(split.rows(slice(start, end)).astype(np.int64)).to(model.flat.device)
    losses = F.cross_entropy(model.forward(piece[:, :T]), piece[:, T], reduction="none")
    return np.asarray(losses.cpu().double().numpy())
