"""The ways of others to train the lecture's model: same data, same sizes, same mathematics."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from core.dataset import Dataset
from tests.benchmarks.rounds import Loop

BATCH = 32


def tensors(data: Dataset) -> tuple[Tensor, Tensor]:
    """Contexts (N, 3) and targets (N,) of train, materialised as in the lecture."""
    rows = torch.from_numpy(data.splits["train"].rows(slice(None)).astype("int64"))
    return rows[:, :-1].contiguous(), rows[:, -1].contiguous()


def lecture_weights() -> list[Tensor]:
    """C, W1, b1, W2, b2 as the lecture draws them."""
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1, b1 = torch.randn((30, 200), generator=g), torch.randn(200, generator=g)
    W2, b2 = torch.randn((200, 27), generator=g), torch.randn(27, generator=g)
    return [C, W1, b1, W2, b2]


class Lecture:
    """The lecture's own lines: autograd and manual SGD."""

    def __init__(self, X: Tensor, Y: Tensor) -> None:
        self.X, self.Y, self.rate = X, Y, 0.1
        self.parameters = lecture_weights()
        for p in self.parameters:
            p.requires_grad = True

    def run(self, updates: int) -> None:
        C, W1, b1, W2, b2 = parameters = self.parameters
        for _ in range(updates):
            ix = torch.randint(0, self.X.shape[0], (BATCH,))
            h = torch.tanh(C[self.X[ix]].view(-1, 30) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, self.Y[ix])
            for p in parameters:
                p.grad = None
            loss.backward()  # type: ignore[no-untyped-call]
            for p in parameters:
                assert p.grad is not None
                p.data += -self.rate * p.grad

    @torch.no_grad()
    def loss(self, X: Tensor, Y: Tensor) -> float:
        """Mean loss on these examples."""
        C, W1, b1, W2, b2 = self.parameters
        return float(F.cross_entropy(torch.tanh(C[X].view(-1, 30) @ W1 + b1) @ W2 + b2, Y))


def module_loop(X: Tensor, Y: Tensor, *, loader: bool) -> Loop:
    """`torch.nn` and `torch.optim.AdamW` as usually written; minibatches by a DataLoader as
    makemore.py draws them, or by random indices as in the lecture.
    """
    layers = [nn.Embedding(27, 10), nn.Flatten(), nn.Linear(30, 200), nn.Tanh(), nn.Linear(200, 27)]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
    batches = loaded(X, Y) if loader else indexed(X, Y)

    def run(updates: int) -> None:
        for _ in range(updates):
            x, y = next(batches)
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return run


def indexed(X: Tensor, Y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        ix = torch.randint(0, X.shape[0], (BATCH,))
        yield X[ix], Y[ix]


def loaded(X: Tensor, Y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """As makemore.py's InfiniteDataLoader, without its workers and pinned memory."""
    data = TensorDataset(X, Y)
    sampler = RandomSampler(data, replacement=True, num_samples=int(1e10))
    return iter(DataLoader(data, sampler=sampler, batch_size=BATCH, num_workers=0))


def compiled_loop(X: Tensor, Y: Tensor) -> Loop:
    """The lecture's step as one function, compiled by torch.compile."""
    parameters = lecture_weights()

    def mean_loss(weights: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        C, W1, b1, W2, b2 = weights
        return F.cross_entropy(torch.tanh(C[x].view(-1, 30) @ W1 + b1) @ W2 + b2, y)

    @torch.compile
    def step(weights: list[Tensor], X: Tensor, Y: Tensor, ix: Tensor) -> None:
        for p, gradient in zip(
            weights, torch.func.grad(mean_loss)(weights, X[ix], Y[ix]), strict=True
        ):
            p.add_(gradient, alpha=-0.1)

    @torch.no_grad()
    def run(updates: int) -> None:
        for _ in range(updates):
            step(parameters, X, Y, torch.randint(0, X.shape[0], (BATCH,)))

    return run


def why_not_compiled() -> str:
    """What torch.compile lacks here; empty if nothing."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        return "no C++ compiler here"
    if sys.version_info >= (3, 15):
        return "not for this Python"
    return ""
