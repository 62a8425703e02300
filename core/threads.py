"""How many threads compute a run: chosen once, when it is made, since they may change its bits."""

from __future__ import annotations

import os

from core.config import ModelConfig

SHARE = 20e6
"""Operations of a step that each thread should have at least."""
MOST = 4
"""Not more of themselves: what more would bring was not measured, and others use the machine."""


def operations(model: ModelConfig, vocab_size: int, batch_size: int) -> float:
    """Floating-point operations of a training step's matrix products: two for each weight and
    example forward, four backward.
    """
    inputs = model.block_size * model.embedding_size
    direct = inputs * vocab_size if model.direct else 0
    return 6.0 * batch_size * (model.hidden_size * (inputs + vocab_size) + direct)


def fitting_threads(
    model: ModelConfig, vocab_size: int, batch_size: int, cores: int | None = None
) -> int:
    """One for every 20 million operations of a step, at most four, at most the processor's cores.

    Steps a second with two threads against one, on two cores shared with others (median of five,
    SGD and AdamW; a step of the lecture's model is 2.2 million operations, one of `fast` 8.8):

        2 to 9 million    ×0.6 to ×1.2     24 million         ×1.1 to ×1.3
        11 million        ×1.0 to ×1.2     35 to 90 million   ×1.3 to ×1.6
        18 million        ×0.8 to ×1.2     158 to 1,400       ×1.3 to ×1.9
    """
    fitting = int(operations(model, vocab_size, batch_size) / SHARE)
    return max(1, min(fitting, MOST, available_cores() if cores is None else cores))


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
