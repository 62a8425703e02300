"""Updates on a GPU: the mathematics of gradient.py and optimizer.py where to ask for an operation
costs more than the operation.

Apart from them, since what is fast there is slow here: an example is a row, everything stays on the
device while updates last, and with CUDA one update is recorded as a graph and played back, so that
its thirty operations are asked for once. Losses and weights are those of the processor within
float32's tolerance; on one device the bits are equal, as nothing here sums in the order of chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.errors import UserError
from core.gradient import Symbols
from core.model import Model, Parameters
from core.optimizer import Terms

# Shapes: K steps, B minibatch, T block_size, E embedding_size, H hidden_size, V vocab_size

MOST_STEPS = 64
"""Whose minibatches are sent together."""
_MOST_BYTES = 4 * 1024 * 1024
"""Of such minibatches."""


class DeviceMissing(UserError):
    """A run computes on a device that is not to be had here."""


def missing(device: str) -> str:
    """Why PyTorch cannot compute on `device` here; empty if it can."""
    if device == "cuda" and torch.version.cuda is None:
        return f"this PyTorch, {torch.__version__}, was built without CUDA"
    if device == "cuda" and not torch.cuda.is_available():
        return "PyTorch finds no GPU that speaks CUDA"
    if device == "mps" and not torch.backends.mps.is_built():
        return f"this PyTorch, {torch.__version__}, was built without Metal (MPS)"
    if device == "mps" and not torch.backends.mps.is_available():
        return "PyTorch finds no GPU that speaks Metal (MPS)"
    return ""


def called(device: str) -> str:
    """What it calls itself, for the record."""
    if device == "cuda":
        return f"cuda: {torch.cuda.get_device_name()}"
    # Not in every torch that will do.
    name = getattr(torch.backends.mps, "get_name", None) if device == "mps" else None
    return f"mps: {name()}" if name else device


class OnDevice:
    """A training state's place on a device, where updates move it.

    It is sent there by `take` and brought back by `give`; whoever does that knows which is newer.
    """

    def __init__(self, model: Model, device: str) -> None:
        """Room for the state of `model`. Raises DeviceMissing."""
        if why := missing(device):
            raise DeviceMissing(
                f"device {device} is not to be had: {why}; train this run where it is, or begin"
                " one with --device cpu"
            )
        self.device = torch.device(device)
        self.model = Model(model.config, model.vocab_size, model.flat.dtype, self.device)
        self._momenta: dict[str, Tensor] = {}
        self._gradient = torch.zeros_like(self.model.flat)
        self._pull = torch.ones_like(self.model.flat)
        """1 where weight decay pulls, else 0."""
        for begin, end in model.spared:
            self._pull[begin:end] = 0
        self._prepared: tuple[object, ...] = ()
        """For what there is room, and `_graph`: batch size, optimizer and terms."""
        self._graph: torch.cuda.CUDAGraph | None = None
        """The next update, with CUDA."""

    # --- there and back ---------------------------------------------------------------------------

    def take(self, flat: Tensor, momenta: dict[str, Tensor]) -> None:
        """Put the weights `flat` and the optimizer's memory in force here."""
        self.model.flat.copy_(flat)
        for name, tensor in momenta.items():
            self._momentum(name).copy_(tensor)

    def give(self, flat: Tensor, momenta: dict[str, Tensor]) -> None:
        """Write the state that is in force here into these."""
        flat.copy_(self.model.flat)
        for name, tensor in momenta.items():
            tensor.copy_(self._momentum(name))

    def _momentum(self, name: str) -> Tensor:
        # Kept for good, since a recorded update knows where it lies.
        if name not in self._momenta:
            self._momenta[name] = torch.zeros_like(self.model.flat)
        return self._momenta[name]

    # --- updates ----------------------------------------------------------------------------------

    def steps_at_once(self, batch_size: int) -> int:
        """How many minibatches may be sent together, so that their memory stays bounded."""
        a_step = 8 * batch_size * (self.model.config.block_size + 1)
        return max(1, min(MOST_STEPS, _MOST_BYTES // a_step))

    def update(
        self, kind: str, terms: Terms, examples: Symbols, rates: Sequence[float], done: int
    ) -> npt.NDArray[np.float32]:
        """Move the weights by one update on each of K minibatches; return their mean losses (K,).

        `examples` (K, B, T + 1) are contexts with their target last, `rates` (K,) the effective
        rates, `kind` is the optimizer, which has made `done` updates before.
        """
        K, B, _ = examples.shape
        wanted = (B, kind, terms._replace(spared=[]))
        if wanted != self._prepared:
            self._prepare(B, kind, terms)
            self._prepared = wanted
        self._examples[:K].copy_(torch.from_numpy(examples.astype(np.int64)))
        self._factors[:K].copy_(factors(kind, terms, rates, done))
        self._at.zero_()
        play = partial(self._step, kind, terms) if self._graph is None else self._graph.replay
        for _ in range(K):
            play()
        return self._losses[:K].cpu().numpy()

    def _prepare(self, batch_size: int, kind: str, terms: Terms) -> None:
        """Make such updates possible; what was possible before is not any more."""
        # Before its memory goes; and should this fail, nothing is prepared.
        self._graph, self._prepared = None, ()
        K, T = self.steps_at_once(batch_size), self.model.config.block_size
        new = self.model.flat.new_zeros
        self._examples = new((K, batch_size, T + 1), dtype=torch.int64)
        self._factors = new((K, 3))
        self._losses = new((K,))
        self._at = new((1,), dtype=torch.int64)
        """Which of the K steps is next: counted there, so that a recorded update can know it."""
        if self.device.type == "cuda":
            with self._unmoved():
                self._graph = recorded(partial(self._step, kind, terms), self._at)

    @contextmanager
    def _unmoved(self) -> Iterator[None]:
        """Whatever is done within, the state is afterwards as it was."""
        state = [self.model.flat, *self._momenta.values()]
        kept = [tensor.clone() for tensor in state]
        try:
            yield
        finally:
            for tensor, before in zip(state, kept, strict=True):
                tensor.copy_(before)

    def _step(self, kind: str, terms: Terms) -> None:
        """The update that `_at` says is next."""
        model, gradient = self.model, self._gradient
        (examples,) = self._examples.index_select(0, self._at).unbind()
        loss = differentiate(model, model.views(gradient), model.layers(gradient).W, examples)
        self._losses.scatter_(0, self._at, loss.view(1))
        clip(gradient, terms.clip)
        rate, shrink, correction = self._factors.index_select(0, self._at).view(-1).unbind()
        if kind == "adamw":
            model.flat.sub_(model.flat * self._pull * shrink)
            moments = self._momenta["exp_avg"], self._momenta["exp_avg_sq"]
            adamw(model.flat, gradient, *moments, terms, rate, correction)
        else:
            if terms.weight_decay != 0:
                gradient.addcmul_(model.flat, self._pull, value=terms.weight_decay)
            if terms.momentum != 0:
                gradient = self._momenta["momentum"].mul_(terms.momentum).add_(gradient)
            model.flat.sub_(gradient * rate)
        self._at.add_(1)


def recorded(step: Callable[[], None], at: Tensor) -> torch.cuda.CUDAGraph:
    """`step` as a graph; it is made some times on the way, always at 0."""
    # Libraries are set up by the first calls, which no graph can hold.
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            at.zero_()
            step()
    torch.cuda.current_stream().wait_stream(stream)
    # Else cuBLAS would work in memory of an earlier graph, which that one takes along when it goes
    # (pytorch issue 193402).
    getattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: None)()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph


def factors(kind: str, terms: Terms, rates: Sequence[float], done: int) -> Tensor:
    """Of each of K updates (K, 3): by what the weights move, by what they shrink, and, for AdamW,
    the root of the second moment's bias correction.
    """
    if kind != "adamw":
        return torch.tensor([(rate, 0.0, 1.0) for rate in rates])
    number = range(done + 1, done + 1 + len(rates))
    return torch.tensor(
        [
            (rate / (1 - terms.beta1**n), rate * terms.weight_decay, math.sqrt(1 - terms.beta2**n))
            for rate, n in zip(rates, number, strict=True)
        ]
    )


def differentiate(model: Model, gradient: Parameters, dW: Tensor, examples: Tensor) -> Tensor:
    """Fill `gradient`, and `dW` where there are direct connections, with the derivatives of the
    mean loss of `examples` (B, T + 1), contexts with their target last; return that loss ().
    """
    B, T = len(examples), model.config.block_size
    contexts, targets = examples[:, :T], examples[:, T:]
    emb = model.C[contexts].flatten(1)  # (B, T·E)
    h = torch.tanh(torch.addmm(model.b1, emb, model.W1))  # (B, H)
    logits = torch.addmm(model.b2, h, model.W2)  # (B, V)
    if model.config.direct:
        logits.addmm_(emb, model.W)
    logprobs = torch.log_softmax(logits, 1)
    loss = -logprobs.gather(1, targets).mean()

    minus_ones = logits.new_full((B, 1), -1)
    dlogits = logprobs.exp_().scatter_add_(1, targets, minus_ones).div_(B)
    torch.mm(h.t(), dlogits, out=gradient.W2)
    torch.sum(dlogits, 0, out=gradient.b2)
    dhpreact = (dlogits @ model.W2.t()).mul_(1 - h * h)
    torch.mm(emb.t(), dhpreact, out=gradient.W1)
    torch.sum(dhpreact, 0, out=gradient.b1)
    demb = dhpreact @ model.W1.t()
    if model.config.direct:
        torch.mm(emb.t(), dlogits, out=dW)
        demb.addmm_(dlogits, model.W.t())
    dC = (sorted_sums if emb.device.type != "mps" else products)(demb, contexts, model.vocab_size)
    gradient.C.copy_(dC)
    return loss


def sorted_sums(demb: Tensor, contexts: Tensor, vocab_size: int) -> Tensor:
    """The derivative by C (V, E) from that by the embeddings (B, T·E) of `contexts` (B, T).

    With CUDA it sorts the symbols, and sums in that order; `index_add_` would in that of chance.
    """
    B, T = contexts.shape
    dC: Tensor = torch.ops.aten.embedding_dense_backward(
        demb.view(B, T, -1), contexts, vocab_size, -1, False
    )
    return dC


def products(demb: Tensor, contexts: Tensor, vocab_size: int) -> Tensor:
    """The same for Metal, where that sums in the order of chance (pytorch issue 195404)."""
    T = contexts.shape[1]
    rows = demb.view(contexts.numel(), -1)  # (B·T, E)
    dC = demb.new_zeros((vocab_size, demb.shape[1] // T))
    some = max(1, _MOST_BYTES // vocab_size)
    for first in range(0, len(rows), some):
        piece, symbols = (each[first : first + some] for each in (rows, contexts.reshape(-1, 1)))
        one_hot = piece.new_zeros((len(piece), vocab_size)).scatter_(1, symbols, 1)
        dC.addmm_(one_hot.t(), piece)
    return dC


def clip(gradient: Tensor, limit: float) -> None:
    """Shorten the gradient to a norm of `limit`; 0: let it be."""
    if limit != 0:
        # Its norm is not brought here to be looked at. NaN goes on into the gradient.
        norm = torch.linalg.vector_norm(gradient)
        gradient.mul_((limit / (norm + 1e-6)).clamp(max=1))


def adamw(
    flat: Tensor,
    gradient: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    terms: Terms,
    rate: Tensor,
    correction: Tensor,
) -> None:
    """As `torch.optim.AdamW`, in place, once the weights have shrunk."""
    exp_avg.lerp_(gradient, 1 - terms.beta1)
    exp_avg_sq.mul_(terms.beta2).addcmul_(gradient, gradient, value=1 - terms.beta2)
    deviation = (exp_avg_sq.sqrt() / correction).add_(terms.epsilon)
    flat.sub_(exp_avg * rate / deviation)
