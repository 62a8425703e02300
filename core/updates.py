"""Updates of the weights, many in one call, compiled where torch can.

Apart from gradient and optimizer, which say what an update is, since this is only about speed: an
operation on a minibatch takes a microsecond, and Python nearly as long to ask for it. Compiled or
not, the same kernels run in the same order: the bits are equal.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

import torch
from torch import Tensor

from core.config import Knobs
from core.gradient import Batches, Memory, differentiate
from core.optimizer import Optimizer, Terms, adamw, sgd

Function = TypeVar("Function", bound=Callable[..., None])


@cache
def compiled(function: Function) -> Function:
    """`function` as TorchScript, or as it is where that is missing."""
    # Deprecated, so it may go; but torch.compile needs a C++ compiler, and 20 s of it.
    if sys.version_info >= (3, 14) or not hasattr(torch.jit, "script"):
        return function
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(function)
    # To plan ahead takes 40 ms of the first update, and these calls gain nothing by it.
    return cast(Function, torch.jit.optimized_execution(False)(scripted))  # type: ignore[attr-defined]


def sgd_updates(
    m: Memory,
    momentum: Tensor,
    terms: Terms,
    places: list[Tensor],
    cells: list[Tensor],
    logits: list[Tensor],
    rates: list[float],
) -> None:
    """An update by `sgd` on each minibatch."""
    for i in range(len(rates)):
        differentiate(m, places[i], cells[i], logits[i])
        sgd(m.weights, m.gradient, momentum, terms, rates[i])


def adamw_updates(
    m: Memory,
    weights: list[Tensor],
    gradient: list[Tensor],
    exp_avg: list[Tensor],
    exp_avg_sq: list[Tensor],
    done: int,
    terms: Terms,
    places: list[Tensor],
    cells: list[Tensor],
    logits: list[Tensor],
    rates: list[float],
) -> None:
    """An update by `adamw` on each minibatch, after `done` others."""
    for i in range(len(rates)):
        differentiate(m, places[i], cells[i], logits[i])
        adamw(weights, gradient, exp_avg, exp_avg_sq, done + i + 1, terms, rates[i])


def update(
    m: Memory,
    optimizer: Optimizer,
    knobs: Knobs,
    batches: Batches,
    logits: Tensor,
    rates: list[float],
) -> None:
    """Move the weights by one update on each of K minibatches, at these effective rates (K,).

    `logits` (K, V, B) are filled with the forward passes. Call it under `torch.inference_mode()`.
    """
    pieces = (
        list(batches.places.unbind()),
        list(batches.cells.unbind()),
        list(logits.unbind()),
        rates,
    )
    terms = optimizer.terms(knobs)
    if optimizer.kind == "adamw":
        memory = (optimizer.tensors["exp_avg"], optimizer.tensors["exp_avg_sq"])
        lists = ([tensor] for tensor in (m.weights, m.gradient, *memory))
        compiled(adamw_updates)(m, *lists, optimizer.updates, terms, *pieces)
    else:
        compiled(sgd_updates)(m, optimizer.momentum, terms, *pieces)
    optimizer.updates += len(rates)
