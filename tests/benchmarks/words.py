"""A training step of words: the paper's network at 17,000 of them, against `torch.nn` and autograd;
and the step's memory against what its mathematics needs.
"""

from __future__ import annotations

import re
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Knobs, ModelConfig
from core.text import Text
from core.tokens import text_in
from core.trainer import Trainer
from tests.benchmarks.figure import Figure
from tests.benchmarks.peers import tensors
from tests.benchmarks.rounds import Loop, alternate, times_as_fast

VOCABULARY = 17_000
MODEL = ModelConfig(
    block_size=5, embedding_size=60, hidden_size=60, initialization="small", direct=True
)
DECAY = 1e-5
ROUNDS, UPDATES = 9, 4
OURS, MODULE = "steermore", "torch.nn"


def text() -> Text:
    """Words as seldom and as frequent as in a language, each of the vocabulary at least once."""
    numbers = np.random.default_rng(1).zipf(1.2, 60_000) % (VOCABULARY - 2)
    tokens = " ".join(f"w{number}" for number in [*range(VOCABULARY - 2), *numbers.tolist()])
    read = text_in(tokens.encode(), "words")
    return Text.from_tokens(read.words, MODEL.block_size, "", most=VOCABULARY, rare=0)


class Bengio(nn.Module):
    """Equation 1 of the paper, as usually written."""

    def __init__(self) -> None:
        super().__init__()
        inputs = MODEL.block_size * MODEL.embedding_size
        self.C = nn.Embedding(VOCABULARY, MODEL.embedding_size)
        self.hidden = nn.Linear(inputs, MODEL.hidden_size)
        self.output = nn.Linear(MODEL.hidden_size, VOCABULARY)
        self.direct = nn.Linear(inputs, VOCABULARY, bias=False)

    def forward(self, contexts: Tensor) -> Tensor:
        x = self.C(contexts).flatten(1)
        logits: Tensor = self.output(torch.tanh(self.hidden(x))) + self.direct(x)
        return logits


def module_loop(X: Tensor, Y: Tensor, batch: int) -> Loop:
    """`torch.nn`, autograd and `torch.optim.SGD`."""
    model = Bengio()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=DECAY)

    def run(updates: int) -> None:
        for _ in range(updates):
            ix = torch.randint(0, X.shape[0], (batch,))
            loss = F.cross_entropy(model(X[ix]), Y[ix])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return run


def our_loop(data: Text, batch: int) -> Loop:
    """The engine's trainer."""
    trainer = Trainer(data, MODEL, Knobs(batch_size=batch, weight_decay=DECAY), 1)
    return lambda updates: [*trainer.advance(updates)].clear()


def beside(data: Text, batch: int) -> list[Figure]:
    """A step of ours and of theirs, in turn."""
    peers = {OURS: our_loop(data, batch), MODULE: module_loop(*tensors(data), batch)}
    taken = alternate(peers, ROUNDS, UPDATES)
    ours, theirs = (statistics.median(taken[name]) / 1e3 for name in (OURS, MODULE))
    size = f"5×60→60→{VOCABULARY:,}, direct, batch {batch}"
    return [
        Figure(
            f"a step of words ({size}), CPU time",
            f"{ours:.1f} ms; `torch.nn` and autograd {theirs:.1f} ms",
        ),
        times_as_fast("the same against `torch.nn`", taken[MODULE], taken[OURS], goal=0),
    ]


def needed(batch: int) -> int:
    """Bytes that a step needs: weights and gradient; logits, their derivative, and what their
    losses are taken from.
    """
    return 4 * (2 * MODEL.parameters(VOCABULARY) + 3 * VOCABULARY * batch)


def grown(whose: str, batch: int) -> int:
    """Bytes by which training takes a process of its own beyond what it had."""
    code = f"from tests.benchmarks import words; words.tell_growth({whose!r}, {batch})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


def tell_growth(whose: str, batch: int) -> None:
    """Print them."""
    torch.set_num_threads(1)
    data = text()
    X, Y = tensors(data)
    peak = most_memory()
    loop = our_loop(data, batch) if whose == OURS else module_loop(X, Y, batch)
    loop(3)
    print(most_memory() - peak)


def most_memory() -> int:
    """Bytes that this process has held at most."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not ru_maxrss, which on Linux counts from what the parent held.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]


def figures() -> list[Figure]:
    """Half a minute."""
    torch.set_num_threads(1)
    data = text()
    assert data.vocab_size == VOCABULARY
    mib = [grown(whose, 256) / 2**20 for whose in (OURS, MODULE)]
    least = needed(256) / 2**20
    memory = Figure(
        "its memory, batch 256",
        f"{mib[0]:.0f} MiB; `torch.nn` {mib[1]:.0f} MiB",
        f"at most 1.5 × what it needs, {least:.0f} MiB",
        mib[0] <= 1.5 * least,
    )
    return [*beside(data, 32), *beside(data, 256), memory]
