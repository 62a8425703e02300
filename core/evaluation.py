"""The mean loss of a model over a split, a piece at a time, so that control never waits for it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from core.model import Model

if TYPE_CHECKING:
    from core.dataset import Split

PIECE = 4_096
"""Examples between two yields. Fixed: the bits of a matrix product depend on its number of rows."""


def measure(model: Model, split: Split, first: int | None = None) -> Generator[None, None, float]:
    """Yield after every piece of 4,096 examples; return the mean loss in nats per symbol.

    In the order of the split; `first` limits it to the first so many examples. The weights must
    stand still meanwhile. NaN for a split without examples.
    """
    T = model.config.block_size
    targets = split.targets[:first]
    if len(targets) == 0:
        return float("nan")
    windows = np.lib.stride_tricks.sliding_window_view(split.stream, T + 1)
    total = 0.0
    for start in range(0, len(targets), PIECE):
        # The mode belongs to the thread: it must not stay on across a yield.
        with torch.inference_mode():
            examples = windows[targets[start : start + PIECE] - T].astype(np.int64)
            piece = torch.from_numpy(examples)
            logits = model.forward(piece[:, :T])
            losses = F.cross_entropy(logits, piece[:, T], reduction="none")
            total += float(losses.double().sum())
        yield
    return total / len(targets)
