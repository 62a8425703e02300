"""A training step of ours against the lecture's loop and `torch.nn`: ratios, measured in one run.

Same data, same sizes, one thread; the peers alternate, so that a noisy machine disturbs all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from core.config import PRESETS, Knobs, ModelConfig
from core.dataset import Dataset, load
from core.options import shipped_names
from core.trainer import Trainer

ROUNDS, UPDATES = 7, 400

Loop = Callable[[int], None]
"""Makes so many updates."""


def tensors(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Contexts (N, 3) and targets (N,) of train, materialised as in the lecture."""
    split, T = data.splits["train"], data.block_size
    stream = torch.from_numpy(split.stream.astype("int64"))
    targets = torch.from_numpy(split.targets)
    return stream[targets[:, None] + torch.arange(-T, 0)], stream[targets]


def lecture_loop(X: torch.Tensor, Y: torch.Tensor, batch: int) -> Loop:
    """The lecture's own lines: autograd and manual SGD."""
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1, b1 = torch.randn((30, 200), generator=g), torch.randn(200, generator=g)
    W2, b2 = torch.randn((200, 27), generator=g), torch.randn(27, generator=g)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True

    def run(updates: int) -> None:
        for _ in range(updates):
            ix = torch.randint(0, X.shape[0], (batch,))
            h = torch.tanh(C[X[ix]].view(-1, 30) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, Y[ix])
            for p in parameters:
                p.grad = None
            loss.backward()  # type: ignore[no-untyped-call]
            for p in parameters:
                assert p.grad is not None
                p.data += -0.1 * p.grad

    return run


def module_loop(X: torch.Tensor, Y: torch.Tensor, batch: int) -> Loop:
    """`torch.nn` and `torch.optim.AdamW`, as usually written."""
    layers = [nn.Embedding(27, 10), nn.Flatten(), nn.Linear(30, 200), nn.Tanh(), nn.Linear(200, 27)]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)

    def run(updates: int) -> None:
        for _ in range(updates):
            ix = torch.randint(0, X.shape[0], (batch,))
            loss = F.cross_entropy(model(X[ix]), Y[ix])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return run


def ours(data: Dataset, knobs: Knobs) -> Loop:
    """The engine's trainer."""
    trainer = Trainer(data, ModelConfig(), knobs, 2147483647)

    def run(updates: int) -> None:
        trainer.advance(updates)

    return run


def main() -> None:
    """Print microseconds per step and the ratios."""
    torch.set_num_threads(1)
    data = load(shipped_names(), 3)
    X, Y = tensors(data)
    adamw = Knobs(optimizer="adamw", learning_rate=0.01)
    loops = {
        "the lecture's loop (SGD, batch 32)": lecture_loop(X, Y, 32),
        "steermore (SGD, batch 32)": ours(data, PRESETS["lecture"].knobs),
        "torch.nn + AdamW (batch 32)": module_loop(X, Y, 32),
        "steermore (AdamW, batch 32)": ours(data, adamw),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(ROUNDS):
        for name, run in loops.items():
            before = time.perf_counter()
            run(UPDATES)
            taken[name].append((time.perf_counter() - before) / UPDATES * 1e6)
    names = list(loops)
    for name in names:
        print(f"{name:<38} median {statistics.median(taken[name]):6.0f} µs a step")
    for slow, fast in ((names[0], names[1]), (names[2], names[3])):
        ratios = [a / b for a, b in zip(taken[slow], taken[fast], strict=True)]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        print(f"{fast}: {middle:.1f} times as fast ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
