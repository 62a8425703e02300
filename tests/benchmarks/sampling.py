"""Names per second against the lecture's sampling loop, and a million distinct ones: time, memory.

The lecture's model, trained for a moment on the shipped names. The loops alternate, so that a noisy
machine disturbs both alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from core.config import PRESETS, ModelConfig
from core.dataset import load
from core.model import Model
from core.options import shipped_names
from core.sampling import draw
from core.trainer import Trainer
from tests.benchmarks.figure import Figure

ROUNDS, UPDATES = 7, 600
LECTURE, OURS = 200, 50_000
"""Names a round, so that each takes some tenths of a second."""
TEN = 10
MILLION = 1_000_000

Loop = Callable[[int], list[str]]
"""Draws so many names."""


def lecture_loop(model: Model, itos: tuple[str, ...]) -> Loop:
    """The lecture's own lines: a symbol at a time, by softmax and `torch.multinomial`."""
    C, W1, b1, W2, b2 = (
        weights.clone().requires_grad_() for weights in model.views(model.flat.clone())
    )
    g = torch.Generator().manual_seed(2147483647 + 10)

    def run(count: int) -> list[str]:
        names = []
        for _ in range(count):
            out, context = [], [0] * 3
            while True:
                emb = C[torch.tensor([context])]
                h = torch.tanh(emb.view(1, -1) @ W1 + b1)
                probs = F.softmax(h @ W2 + b2, dim=1)
                ix = int(torch.multinomial(probs, num_samples=1, generator=g).item())
                context = [*context[1:], ix]
                if ix == 0:
                    break
                out.append(ix)
            names.append("".join(itos[i] for i in out))
        return names

    return run


def ours(model: Model, itos: tuple[str, ...]) -> Loop:
    """The engine's: another seed each time, and nothing kept from the time before."""
    seed = 0

    def run(count: int) -> list[str]:
        nonlocal seed
        seed += 1
        return draw(
            model,
            itos,
            count=count,
            temperature=1.0,
            top_k=0,
            seed=seed,
            prefix="",
            max_length=50,
        )

    return run


def seconds_per_name(loop: Loop, count: int) -> float:
    """One round."""
    before = time.perf_counter()
    loop(count)
    return (time.perf_counter() - before) / count


def compare() -> list[Figure]:
    """The two loops, on one thread."""
    torch.set_num_threads(1)
    data = load(shipped_names(), ModelConfig().block_size)
    fast = PRESETS["fast"]
    trainer = Trainer(data, ModelConfig(initialization="scaled"), fast.knobs, 2147483647)
    trainer.advance(UPDATES)
    lecture, mine = (make(trainer.model, data.itos) for make in (lecture_loop, ours))
    slow, quick, ten = [], [], []
    for _ in range(ROUNDS):
        slow.append(seconds_per_name(lecture, LECTURE))
        quick.append(seconds_per_name(mine, OURS))
        ten.append(seconds_per_name(mine, TEN) * TEN * 1e3)
    ratios = [a / b for a, b in zip(slow, quick, strict=True)]
    ratio = statistics.median(ratios)
    return [
        Figure(
            f"names drawn, {OURS:,} at a time, against the lecture's loop",
            f"{ratio:.0f} × ({min(ratios):.0f} to {max(ratios):.0f})",
            "at least 30 ×",
            ratio >= 30,
        ),
        Figure(
            "names a second, one core: the lecture's loop; steermore",
            f"{1 / statistics.median(slow):,.0f}; {1 / statistics.median(quick):,.0f}",
        ),
        Figure(
            "ten names from changed weights, as the samples panel draws them",
            f"{statistics.median(ten):.1f} ms ({min(ten):.1f} to {max(ten):.1f})",
        ),
    ]


ALONE = """
import resource, subprocess, sys
subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "wb"), check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command from a small process: on Linux the most memory of a child counts from what its
parent held, which here is more than the command takes."""


def command(folder: Path, *arguments: str) -> tuple[float, float]:
    """Run the program to its end, its names into a file: seconds, and its most memory in MiB."""
    before = time.perf_counter()
    program = [sys.executable, "-P", "-m", "tui", *arguments]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder / "names.txt"), *program],
        cwd=folder,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - before, int(done.stdout) * unit / 2**20


def million() -> list[Figure]:
    """`steermore sample --count 1000000 --unique`, starting Python and torch included."""
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        command(folder, "fit", "--preset", "fast", "--steps", str(UPDATES))
        sample = ("sample", "last", "--seed", "1", "--count")
        ten_seconds, ten_memory = command(folder, *sample, "10")
        seconds, memory = command(folder, *sample, str(MILLION))
        unique_seconds, unique_memory = command(folder, *sample, str(MILLION), "--unique")
        names = (folder / "names.txt").read_text("utf-8").split("\n")[:-1]
    assert len(names) == len(set(names)) == MILLION
    return [
        Figure(
            "`sample --count 1000000`, start included; memory beyond that of ten names",
            f"{seconds:.1f} s (ten names: {ten_seconds:.1f} s); {memory - ten_memory:.0f} MiB",
        ),
        Figure(
            "the same with `--unique`; memory beyond that of ten names",
            f"{unique_seconds:.1f} s; {unique_memory - ten_memory:.0f} MiB",
        ),
    ]


def figures() -> list[Figure]:
    """All of this file's."""
    return compare() + million()


def main() -> None:
    """Print them."""
    for figure in figures():
        goal = f" (goal: {figure.goal})" if figure.goal else ""
        print(f"{figure.what}: {figure.measured}{goal}", flush=True)


if __name__ == "__main__":
    main()
