"""SGD with momentum, and AdamW, on flat buffers: the numbers of `torch.optim` without its loops.

Apart from the trainer, so that it can be held against `torch.optim` alone.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from core.config import Knobs


class Optimizer:
    """Updates one flat parameter buffer from its flat gradient, as the knobs say."""

    def __init__(self, flat: Tensor, knobs: Knobs, spared: Sequence[tuple[int, int]] = ()) -> None:
        """`spared` are the parts of `flat`, from and to, that weight decay leaves alone."""
        self._flat = flat
        self._spared = list(spared)
        self.updates = 0
        """How many it has made since it (re)started; AdamW's bias correction counts them."""
        self.tensors: dict[str, Tensor] = {}
        """Its memory, flat like the weights: `momentum`, or `exp_avg` and `exp_avg_sq`, or none."""
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

    def copy_for(self, flat: Tensor) -> Optimizer:
        """Another in the same state, that updates `flat`; neither can touch the other."""
        twin = copy.copy(self)
        twin._flat = flat
        twin.tensors = {name: tensor.clone() for name, tensor in self.tensors.items()}
        return twin

    def update(self, gradient: Tensor, knobs: Knobs, rate: float) -> None:
        """Move the weights by one step at the effective rate `rate`; `gradient` is overwritten."""
        self.updates += 1
        terms = self.terms(knobs)
        if self.kind == "adamw":
            memory = self.tensors
            exp_avg, exp_avg_sq = memory["exp_avg"], memory["exp_avg_sq"]
            adamw([self._flat], [gradient], [exp_avg], [exp_avg_sq], self.updates, terms, rate)
        else:
            sgd(self._flat, gradient, self.momentum, terms, rate)

    def terms(self, knobs: Knobs) -> Terms:
        """What an update needs of the knobs, and what it spares."""
        k = knobs
        return Terms(k.clip, k.weight_decay, k.momentum, k.beta1, k.beta2, self._spared)

    @property
    def momentum(self) -> Tensor:
        """The memory of SGD, or something that it will not look at."""
        return self.tensors.get("momentum", self._flat)


class Terms(NamedTuple):
    """The knobs that an update needs, in a form that torch can compile with it (updates.py)."""

    clip: float
    weight_decay: float
    momentum: float
    beta1: float
    beta2: float
    spared: list[tuple[int, int]]
    epsilon: float = 1e-8


def sgd(flat: Tensor, gradient: Tensor, momentum: Tensor, terms: Terms, rate: float) -> None:
    """As `torch.optim.SGD`, in place: the decay is part of the gradient.

    A momentum of zeros gives torch's first step too, which takes the gradient itself.
    """
    clip(gradient, terms.clip)
    if terms.weight_decay != 0:
        spared = [gradient[part[0] : part[1]].clone() for part in terms.spared]
        gradient.add_(flat, alpha=terms.weight_decay)
        give_back(gradient, terms.spared, spared)
    if terms.momentum != 0:
        gradient = momentum.mul_(terms.momentum).add_(gradient)
    flat.add_(gradient, alpha=-rate)


def adamw_fused(
    flat: list[Tensor],
    gradient: list[Tensor],
    exp_avg: list[Tensor],
    exp_avg_sq: list[Tensor],
    updates: int,
    terms: Terms,
    rate: float,
) -> None:
    """As `torch.optim.AdamW` (Loshchilov & Hutter 2019), in place: decay apart from the gradient.

    `updates` is the number of this update, from 1. Lists of one, as the kernel wants them: were
    they made here, TorchScript would take the call for one without effect and drop it.
    """
    clip(gradient[0], terms.clip)
    decay = terms.weight_decay
    if len(terms.spared) > 0 and decay != 0:
        shrink(flat[0], 1 - rate * decay, terms.spared)
        decay = 0.0
    torch._fused_adamw_(
        flat,
        gradient,
        exp_avg,
        exp_avg_sq,
        [],
        [torch.full([], updates, dtype=torch.float32)],
        lr=rate,
        beta1=terms.beta1,
        beta2=terms.beta2,
        weight_decay=decay,
        eps=terms.epsilon,
        amsgrad=False,
        maximize=False,
    )


def adamw_plain(
    flat: list[Tensor],
    gradient: list[Tensor],
    exp_avg: list[Tensor],
    exp_avg_sq: list[Tensor],
    updates: int,
    terms: Terms,
    rate: float,
) -> None:
    """The same in public operations."""
    w, g, m, v = flat[0], gradient[0], exp_avg[0], exp_avg_sq[0]
    clip(g, terms.clip)
    shrink(w, 1 - rate * terms.weight_decay, terms.spared)
    m.lerp_(g, 1 - terms.beta1)
    v.mul_(terms.beta2).addcmul_(g, g, value=1 - terms.beta2)
    correction1, correction2 = 1 - terms.beta1**updates, 1 - terms.beta2**updates
    deviation = v.sqrt().div_(math.sqrt(correction2)).add_(terms.epsilon)
    w.addcdiv_(m, deviation, value=-rate / correction1)


adamw = adamw_fused if hasattr(torch, "_fused_adamw_") else adamw_plain
"""The one kernel for all of AdamW is private in torch, hence the plain form beside it."""


def shrink(flat: Tensor, factor: float, spared: list[tuple[int, int]]) -> None:
    """Multiply all but the spared parts."""
    kept = [flat[part[0] : part[1]].clone() for part in spared]
    flat.mul_(factor)
    give_back(flat, spared, kept)


def give_back(flat: Tensor, parts: list[tuple[int, int]], kept: list[Tensor]) -> None:
    """Put what was kept of these parts in its place."""
    for i in range(len(parts)):
        flat[parts[i][0] : parts[i][1]].copy_(kept[i])


def clip(gradient: Tensor, limit: float) -> None:
    """Shorten the gradient to a norm of `limit`, as `torch.nn.utils.clip_grad_norm_` does; 0: let
    it be.
    """
    if limit == 0:
        return
    share = limit / (torch.linalg.vector_norm(gradient).item() + 1e-6)
    # Written so that NaN goes on into the gradient, as it does in torch.
    if not share >= 1:
        gradient.mul_(share)
