"""The gradient of a minibatch's mean loss in closed form, into one flat buffer.

Apart from the model, since this is where the time goes: at these sizes autograd's bookkeeping costs
several times the arithmetic. Here every operation writes into memory that is already there, and
activations lie as in the paper, an example per column: so the matrix products are fastest.
What was tried, with figures: tests/benchmarks/NOTES.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from core.model import Model

# Shapes: K steps, B minibatch, T block_size, E embedding_size, H hidden_size, V vocab_size

Symbols = npt.NDArray[np.integer[Any]]


class Batches(NamedTuple):
    """K minibatches, as `differentiate` and `minibatch_losses` want them."""

    places: Tensor  # (K, T·E·B) int32: where each element of emb lies in the flattened C
    cells: Tensor  # (K, B) int64: where each target's logit lies in the flattened logits
    targets: Tensor  # (K, B) int64


def arrange(examples: Symbols, embedding_size: int) -> Batches:
    """Turn symbols (K, B, T + 1), contexts with their target last, into Batches."""
    K, B, _ = examples.shape
    columns = torch.from_numpy(examples.transpose(0, 2, 1).astype(np.int32, order="C"))
    contexts, targets = columns[:, :-1], columns[:, -1].long()
    element = torch.arange(embedding_size, dtype=torch.int32)
    places = contexts[:, :, None] * embedding_size + element[:, None]  # (K, T, E, B)
    return Batches(places.reshape(K, -1), targets * B + torch.arange(B), targets)


class Memory(NamedTuple):
    """What `differentiate` reads and writes, for one model and one batch size.

    Views are made once: to make one costs as much as to use it. dX is the derivative of the mean
    loss by X; `_t` is transposed, `_flat` all in one row.
    """

    weights: Tensor
    C: Tensor  # (V·E,), like the next six a part of `weights`
    W1: Tensor  # (T·E, H)
    W1b1_t: Tensor  # (H, T·E + 1)
    W2: Tensor  # (H, V)
    W2b2_t: Tensor  # (V, H + 1)
    W: Tensor  # (T·E, V), or (0, V)
    W_t: Tensor
    direct: bool
    """Whether there are direct connections W."""
    gradient: Tensor
    """The result, in the order of `weights`; the next four are its parts."""
    dC: Tensor  # noqa: N815
    dW1b1: Tensor  # noqa: N815
    dW2b2: Tensor  # noqa: N815
    dW: Tensor  # noqa: N815
    emb1: Tensor  # (T·E + 1, B)
    emb: Tensor  # (T·E, B)
    emb_flat: Tensor
    h1: Tensor  # (H + 1, B)
    h: Tensor  # (H, B)
    dlogits: Tensor  # (V, B)
    dlogits_t: Tensor
    dlogits_flat: Tensor
    dh: Tensor  # (H, B)
    dh_t: Tensor
    demb: Tensor  # (T·E, B)
    demb_flat: Tensor
    minus_one: Tensor  # (), a tensor since a Python number costs more than the operation
    minus_ones: Tensor  # (B,)
    share: Tensor  # (), 1/B


def memory_for(model: Model, batch_size: int) -> Memory:
    """Memory for the gradient of `model`, whose weights it shares."""
    T, E, H = model.config.block_size, model.config.embedding_size, model.config.hidden_size
    B, V = batch_size, model.vocab_size
    new = model.flat.new_empty
    gradient = torch.zeros_like(model.flat)
    C, W1b1, W2b2, W = model.layers(model.flat)
    dC, dW1b1, dW2b2, dW = model.layers(gradient)
    # A row of ones below the activations multiplies the last row of the weights, the bias.
    emb1, h1 = new(T * E + 1, B).fill_(1), new(H + 1, B).fill_(1)
    dlogits, dh, demb = new(V, B), new(H, B), new(T * E, B)
    return Memory(
        weights=model.flat,
        C=C,
        W1=model.W1,
        W1b1_t=W1b1.t(),
        W2=model.W2,
        W2b2_t=W2b2.t(),
        W=W,
        W_t=W.t(),
        direct=model.config.direct,
        gradient=gradient,
        dC=dC,
        dW1b1=dW1b1,
        dW2b2=dW2b2,
        dW=dW,
        emb1=emb1,
        emb=emb1[:-1],
        emb_flat=emb1[:-1].view(-1),
        h1=h1,
        h=h1[:-1],
        dlogits=dlogits,
        dlogits_t=dlogits.t(),
        dlogits_flat=dlogits.view(-1),
        dh=dh,
        dh_t=dh.t(),
        demb=demb,
        demb_flat=demb.view(-1),
        minus_one=new(()).fill_(-1),
        minus_ones=new(B).fill_(-1),
        share=new(()).fill_(1 / B),
    )


def differentiate(m: Memory, places: Tensor, cells: Tensor, logits: Tensor) -> None:
    """Fill `m.gradient`, and `logits` (V, B) with the forward pass.

    `places` and `cells` are those of one of Batches. Call it under `torch.inference_mode()`.
    """
    torch.index_select(m.C, 0, places, out=m.emb_flat)
    torch.mm(m.W1b1_t, m.emb1, out=m.h)
    # tanh(x) = 2σ(2x) − 1: with AVX2 half the time of torch's tanh.
    torch.add(m.h, m.h, out=m.h)
    torch.sigmoid(m.h, out=m.h)
    torch.add(m.minus_one, m.h, alpha=2, out=m.h)
    torch.mm(m.W2b2_t, m.h1, out=logits)
    if m.direct:
        logits.addmm_(m.W_t, m.emb)

    # Of softmax and cross-entropy together: the probabilities, less 1 at the targets, over B.
    torch.softmax(logits, 0, out=m.dlogits)
    m.dlogits_flat.index_add_(0, cells, m.minus_ones)
    torch.mul(m.dlogits, m.share, out=m.dlogits)

    torch.mm(m.h1, m.dlogits_t, out=m.dW2b2)
    torch.mm(m.W2, m.dlogits, out=m.dh)
    torch.ops.aten.tanh_backward(m.dh, m.h, grad_input=m.dh)
    torch.mm(m.emb1, m.dh_t, out=m.dW1b1)
    torch.mm(m.W1, m.dh, out=m.demb)
    if m.direct:
        torch.mm(m.emb, m.dlogits_t, out=m.dW)
        m.demb.addmm_(m.W, m.dlogits)
    m.dC.zero_().index_add_(0, places, m.demb_flat)


def minibatch_losses(logits: Tensor, targets: Tensor) -> npt.NDArray[np.float32]:
    """Mean negative log-likelihood (K,) of K minibatches: logits (K, V, B), targets (K, B).

    By log-softmax, so that a loss of hundreds of nats is as exact as one of 2; each minibatch is
    summed by itself, in float64, so that the bits of its loss do not depend on K.
    """
    losses = F.cross_entropy(logits, targets, reduction="none").numpy().astype(np.float64)
    means: npt.NDArray[np.float32] = losses.mean(axis=1).astype(np.float32)
    return means
