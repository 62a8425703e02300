"""SGD with momentum, and AdamW, on flat buffers: the numbers of `torch.optim` without its loops.

Apart from the trainer, so that it can be held against `torch.optim` alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.config import Knobs

_EPSILON = 1e-8


class Optimizer:
    """Updates one flat parameter buffer from its flat gradient, as the knobs say."""

    def __init__(self, flat: Tensor, knobs: Knobs) -> None:
        self._flat = flat
        self.updates = 0
        """How many it has made since it (re)started; AdamW's bias correction counts them."""
        self.tensors: dict[str, Tensor] = {}
        """Its memory, flat like the weights: `momentum`, or `exp_avg` and `exp_avg_sq`, or none."""
        self._count = torch.zeros(())
        self.kind = knobs.optimizer
        self.adapt(knobs)

    def adapt(self, knobs: Knobs) -> bool:
        """Take up changed knobs; True if another optimizer starts, empty and counting from 0."""
        restarted = knobs.optimizer != self.kind
        if restarted:
            self.kind, self.updates, self.tensors = knobs.optimizer, 0, {}
        if self.kind == "adamw":
            needed: tuple[str, ...] = ("exp_avg", "exp_avg_sq")
        else:
            needed = ("momentum",) if knobs.momentum else ()
        self.tensors = {
            name: self.tensors.get(name, torch.zeros_like(self._flat)) for name in needed
        }
        return restarted

    def update(self, gradient: Tensor, knobs: Knobs, rate: float) -> None:
        """Move the weights by one step at the effective rate `rate`; `gradient` is overwritten."""
        if knobs.clip:
            clip(gradient, knobs.clip)
        self.updates += 1
        if self.kind == "adamw":
            self._adamw(gradient, knobs, rate)
        else:
            self._sgd(gradient, knobs, rate)

    def _sgd(self, gradient: Tensor, knobs: Knobs, rate: float) -> None:
        """As `torch.optim.SGD`: the decay is part of the gradient.

        A momentum of zeros gives torch's first step too, which takes the gradient itself.
        """
        if knobs.weight_decay:
            gradient.add_(self._flat, alpha=knobs.weight_decay)
        if knobs.momentum:
            gradient = self.tensors["momentum"].mul_(knobs.momentum).add_(gradient)
        self._flat.add_(gradient, alpha=-rate)

    def _adamw(self, gradient: Tensor, knobs: Knobs, rate: float) -> None:
        """As `torch.optim.AdamW` (Loshchilov & Hutter 2019): decay apart from the gradient."""
        exp_avg, exp_avg_sq = self.tensors["exp_avg"], self.tensors["exp_avg_sq"]
        if _FUSED is not None:
            _FUSED(
                [self._flat],
                [gradient],
                [exp_avg],
                [exp_avg_sq],
                [],
                [self._count.fill_(self.updates)],
                lr=rate,
                beta1=knobs.beta1,
                beta2=knobs.beta2,
                weight_decay=knobs.weight_decay,
                eps=_EPSILON,
                amsgrad=False,
                maximize=False,
            )
            return
        adamw_plain(self._flat, gradient, exp_avg, exp_avg_sq, self.updates, knobs, rate)


_FUSED = getattr(torch, "_fused_adamw_", None)
"""The one kernel for all of AdamW; private in torch, hence the plain form beside it."""


def adamw_plain(
    flat: Tensor,
    gradient: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    updates: int,
    knobs: Knobs,
    rate: float,
) -> None:
    """AdamW's update number `updates` (from 1) in public operations, in place."""
    flat.mul_(1 - rate * knobs.weight_decay)
    exp_avg.lerp_(gradient, 1 - knobs.beta1)
    exp_avg_sq.mul_(knobs.beta2).addcmul_(gradient, gradient, value=1 - knobs.beta2)
    correction1, correction2 = 1 - knobs.beta1**updates, 1 - knobs.beta2**updates
    deviation = exp_avg_sq.sqrt().div_(math.sqrt(correction2)).add_(_EPSILON)
    flat.addcdiv_(exp_avg, deviation, value=-rate / correction1)


def clip(gradient: Tensor, limit: float) -> None:
    """Shorten the gradient to a norm of `limit`, as `torch.nn.utils.clip_grad_norm_` does."""
    share = limit / (float(torch.linalg.vector_norm(gradient)) + 1e-6)
    # Written so that NaN goes on into the gradient, as it does in torch.
    if not share >= 1:
        gradient.mul_(share)
