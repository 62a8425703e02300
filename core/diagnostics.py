"""The checks of the lecture's part 3: saturation, and gradient and update against the weights.

Apart from training, which they leave as it is: what the next update would do is tried on a copy of
weights and optimizer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.gradient import arrange, differentiate, memory_for
from core.minibatch import minibatch
from core.protocol import SATURATED, LayerFigures
from core.schedule import effective_rate

if TYPE_CHECKING:
    from core.dataset import Split
    from core.model import Model
    from core.trainer import Trainer

# Shapes: N examples, B minibatch, T block_size, H hidden_size, V vocab_size

EXAMPLES = 1_000
"""Looked at, the first of train: words are dealt by chance, so these are a fair part of it; and as
they stay the same, what changes between two looks is the model's. A minibatch may be of one.
"""
MOST_OUTPUTS = 400_000
"""Of the hidden layer, N·H: above it fewer examples are taken, so that a look stays as cheap."""
PARTS = 40
"""Equal parts of the range between the saturated ends."""


class Hidden(NamedTuple):
    """What the hidden layer makes of some examples."""

    examples: int
    counts: tuple[int, ...]
    """Outputs (PARTS + 2,): saturated below 0, the parts between, saturated above 0."""
    dead: int
    """Units that are saturated for every example."""


@torch.inference_mode()
def hidden_layer(model: Model, split: Split) -> Hidden:
    """Where the tanh outputs of the first examples of `split` lie; NaN is not counted."""
    T, H = model.config.block_size, model.config.hidden_size
    N = min(EXAMPLES, max(MOST_OUTPUTS // H, 1), split.examples)
    contexts = torch.from_numpy(split.rows(slice(0, N))[:, :T].astype(np.int64))
    h = torch.tanh(torch.addmm(model.b1, model.C[contexts].flatten(1), model.W1))  # (N, H)
    # The least of NaN is NaN, and that is no saturation.
    dead = int((h.abs().amin(0) > SATURATED).sum()) if N else 0
    return Hidden(N, counted(h), dead)


def counted(h: Tensor) -> tuple[int, ...]:
    """How many of the tanh outputs `h` lie in each part (PARTS + 2,) of their range."""
    if h.sum().isnan():
        h = h[~h.isnan()]
    below, above = (int(torch.count_nonzero(end)) for end in (h < -SATURATED, h > SATURATED))
    place = (h + SATURATED).mul_(PARTS / (2 * SATURATED)).clamp_(0, PARTS - 1)
    counts: list[int] = torch.bincount(place.flatten().int(), minlength=PARTS).tolist()
    # The saturated ones are counted with their neighbours: so it takes a fifth of the time.
    counts[0] -= below
    counts[-1] -= above
    return (below, *counts, above)


def next_rate(trainer: Trainer) -> float:
    """The effective rate of the update that `trainer` makes next."""
    return effective_rate(trainer.knobs, trainer.step)


@torch.inference_mode()
def next_gradient(trainer: Trainer) -> Tensor:
    """Of the mean loss of the minibatch that is next, flat; before clipping and decay."""
    model, knobs, train = trainer.model, trainer.knobs, trainer.dataset.splits["train"]
    step = trainer.step if knobs.fixed_batch is None else knobs.fixed_batch
    chosen = minibatch(trainer.seed, step, 1, knobs.batch_size, train.examples)
    batches = arrange(train.rows(chosen), trainer.config.embedding_size)
    # Memory of its own: the model is only read.
    memory = memory_for(model, knobs.batch_size)
    logits = model.flat.new_empty(model.vocab_size, knobs.batch_size)
    differentiate(memory, batches.places[0], batches.cells[0], logits)
    return memory.gradient


@torch.inference_mode()
def next_change(trainer: Trainer, gradient: Tensor) -> Tensor:
    """What the optimizer, its memory included, would add to the weights for `gradient`, which is
    overwritten; flat. To the last bit it is what the next update of the processor adds.
    """
    flat = trainer.model.flat.clone()
    # Not a copy of the whole trainer: of a large model, new memory costs more than the sums.
    trainer.optimizer.copy_for(flat).update(gradient, trainer.knobs, next_rate(trainer))
    return flat.sub_(trainer.model.flat)


@torch.inference_mode()
def layers(trainer: Trainer) -> tuple[LayerFigures, ...]:
    """The figures of C, W1, b1, W2, b2 and, where there is one, W, in this order."""
    model, gradient = trainer.model, next_gradient(trainer)
    weights, slopes = model.named(model.flat), model.named(gradient).values()
    of_gradient = [(finite(part.mean()), deviation(part)) for part in slopes]
    change = model.named(next_change(trainer, gradient)).values()
    return tuple(
        LayerFigures(
            name=name,
            shape=tuple(part.shape),
            std=deviation(part),
            norm=finite(torch.linalg.vector_norm(part)),
            gradient_mean=mean,
            gradient_std=std,
            update_std=deviation(update),
        )
        for (name, part), (mean, std), update in zip(
            weights.items(), of_gradient, change, strict=True
        )
    )


def deviation(tensor: Tensor) -> float | None:
    """The standard deviation, as torch's and so the lecture's; None where it has none."""
    return finite(tensor.std()) if tensor.numel() > 1 else None


def finite(number: Tensor) -> float | None:
    """As a message carries it."""
    value = number.item()
    return value if math.isfinite(value) else None
