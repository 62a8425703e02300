"""Long lists and large models: until an engine is ready, its memory, and how a step's time grows.

The lists are made here, of random letters. An engine's memory is what the system says of its whole
process, against an engine on the shipped list; times of a step are held against its matrix products
alone, at the same shapes and in turn, so that a noisy machine disturbs both alike.
Of several rounds the fastest counts, since others can only make one slower.
Run it on a quiet machine: `python -m tests.benchmarks.scale`.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.client import Client
from core.config import PRESETS, DataConfig, Knobs, ModelConfig, RunConfig
from core.dataset import Dataset, load
from core.dealing import dealing_for
from core.launch import new_run, start_engine
from core.options import shipped_names
from core.protocol import EngineStarted, Shutdown
from core.threads import operations
from core.trainer import Trainer
from core.words import read_words
from tests.benchmarks.figure import Figure

MILLION = 1_000_000
STARTS = 3
ROUNDS = 9
SECONDS = 0.05
"""How long each of two things is repeated before it is the other's turn."""


# --- lists ----------------------------------------------------------------------------------------


def write_list(path: Path, words: int) -> Path:
    """So many words of 3 to 10 random letters, as in names."""
    generator = np.random.default_rng(1)
    lengths = generator.integers(3, 11, words)
    letters = generator.integers(97, 123, int(lengths.sum()) + words, dtype=np.uint8)
    letters[np.cumsum(lengths + 1) - 1] = ord("\n")
    path.write_bytes(letters.tobytes())
    return path


def ready(runs: Path, names: Path) -> tuple[float, float]:
    """Seconds from the start of an engine until it can be told to train, and its memory in MB."""
    words, lecture = read_words(names), PRESETS["lecture"]
    dealing = dealing_for(len(words.words))
    config = RunConfig(
        created=time.time(),
        version="benchmark",
        preset="lecture",
        data=DataConfig(path=str(names), sha256=words.sha256, dealing=dealing),
        model=ModelConfig(),
        knobs=lecture.knobs,
        settings=lecture.settings,
    )
    directory = new_run(runs, config, words.raw)
    before = time.perf_counter()
    process = start_engine(directory)
    client = Client(directory, "benchmark", process)
    events = list(client.attach(60).events)
    while not any(isinstance(event, EngineStarted) for event in events):
        events += client.receive(1)  # type: ignore[arg-type]
    taken = time.perf_counter() - before
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=True
    )
    client.send(Shutdown())
    process.wait()
    client.close()
    return taken, int(told.stdout) / 1024


def long_lists(folder: Path) -> Iterator[Figure]:
    """Engines on a million and on ten million words."""
    million = write_list(folder / "million.txt", MILLION)
    starts = [(*ready(folder, shipped_names()), *ready(folder, million)) for _ in range(STARTS)]
    bare_seconds, bare, taken, memory = map(min, zip(*starts, strict=True))
    yield Figure("32,469 words: engine ready", f"{bare_seconds:.1f} s")
    yield at_most("1,000,000 words: engine ready", taken, "s", 5)
    yield at_most("1,000,000 words: memory over an engine on 32,469", memory - bare, "MB", 150)
    yield speed_beside(million)
    ten = write_list(folder / "ten.txt", 10 * MILLION)
    size = ten.stat().st_size / 2**20
    taken, memory = ready(folder, ten)
    yield at_most(f"10,000,000 words ({size:.0f} MB): engine ready", taken, "s", 15)
    yield at_most("10,000,000 words: memory over it", (memory - bare) / size, "× the file", 8)


def speed_beside(names: Path) -> Figure:
    """Steps a second on a long list against the shipped one, the same model."""
    lists = (load(names, 3), load(shipped_names(), 3))
    long, short = (Trainer(data, ModelConfig(), Knobs(), 1) for data in lists)
    rounds = beside(lambda: short.advance(64), lambda: long.advance(64))
    ratios = [few / many for few, many in rounds]
    middle = statistics.median(ratios)
    low, _, high = statistics.quantiles(ratios, n=4)
    return Figure(
        "1,000,000 words: steps a second against 32,469",
        f"{middle:.2f} × ({low:.2f} to {high:.2f})",
        "the same",
        middle >= 0.95,
    )


# --- models ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """A model and its minibatch."""

    batch: int = 32
    context: int = 3
    embedding: int = 10
    hidden: int = 200
    vocabulary: int = 27

    @property
    def model(self) -> ModelConfig:
        return ModelConfig(
            block_size=self.context,
            embedding_size=self.embedding,
            hidden_size=self.hidden,
            initialization="scaled",
        )

    def __str__(self) -> str:
        return f"{self.context}×{self.embedding}→{self.hidden}→{self.vocabulary}, {self.batch:,}"


SIZES = (
    Size(),
    Size(hidden=1_024),
    Size(hidden=1_024, batch=128, context=8, embedding=24),
    Size(hidden=4_096),
    Size(hidden=4_096, batch=1_024, context=8, embedding=24),
    Size(context=32),
    Size(vocabulary=10_000),
    Size(vocabulary=10_000, hidden=1_024),
    Size(batch=4_096),
    Size(batch=65_536),
)


def products(size: Size, vocabulary: int) -> Callable[[], None]:
    """The matrix products of a step alone, forward and backward."""
    TE, H, V, B = size.context * size.embedding, size.hidden, vocabulary, size.batch
    emb, h, d_logits, dh = (torch.randn(rows, B) for rows in (TE + 1, H + 1, V, H))
    W1, W2 = torch.randn(TE + 1, H), torch.randn(H + 1, V)
    W1_t, W2_t, dh_t, d_logits_t = W1.t(), W2.t(), dh.t(), d_logits.t()
    out_h, out_logits, out_emb = torch.empty(H, B), torch.empty(V, B), torch.empty(TE, B)
    out_W1, out_W2 = torch.empty(TE + 1, H), torch.empty(H + 1, V)

    def multiply() -> None:
        torch.mm(W1_t, emb, out=out_h)
        torch.mm(W2_t, h, out=out_logits)
        torch.mm(h, d_logits_t, out=out_W2)
        torch.mm(W2[:-1], d_logits, out=out_h)
        torch.mm(emb, dh_t, out=out_W1)
        torch.mm(W1[:-1], dh, out=out_emb)

    return multiply


def words_of(vocabulary: int) -> list[str]:
    """Words in which every symbol of a vocabulary stands, the boundary aside."""
    symbols = "".join(chr(0x4E00 + place) for place in range(vocabulary - 1))
    order = np.random.default_rng(1).integers(0, len(symbols), 12_000).tolist()
    text = symbols + "".join(symbols[place] for place in order)
    return [text[at : at + 6] for at in range(0, len(text), 6)]


def growth(size: Size) -> Figure:
    """A step of this size, and how many times its matrix products alone it takes."""
    data = Dataset.from_words(words_of(size.vocabulary), size.context, 42, "")
    knobs = Knobs(batch_size=size.batch, learning_rate=0.01)
    trainer = Trainer(data, size.model, knobs, 1)
    multiply = products(size, data.vocab_size)
    at_once = max(1, 1_024 // size.batch)

    def multiply_as_often() -> None:
        for _ in range(at_once):
            multiply()

    rounds = beside(lambda: trainer.advance(at_once), multiply_as_often)
    step, alone = (min(seconds) / at_once for seconds in zip(*rounds, strict=True))
    rate = operations(size.model, data.vocab_size, size.batch) / alone
    large = size.hidden >= 1_024
    return Figure(
        f"step of {size}",
        f"{step * 1e3:.3g} ms, {step / alone:.1f} × its products ({rate / 1e9:.0f} GFLOP/s)",
        "at most 2 ×" if large else "",
        step <= 2 * alone if large else None,
    )


# --- measuring ------------------------------------------------------------------------------------


def beside(one: Callable[[], object], other: Callable[[], object]) -> list[tuple[float, float]]:
    """Seconds that each of two takes, in several rounds by turns."""
    one(), other()
    return [(seconds_of(one), seconds_of(other)) for _ in range(ROUNDS)]


def seconds_of(task: Callable[[], object]) -> float:
    """Mean time of a task that is repeated for a moment: the processor's, since it is in one thread
    and others may use the machine.
    """
    times, start = 0, time.process_time()
    while (taken := time.process_time() - start) < SECONDS:
        task()
        times += 1
    return taken / times


def at_most(what: str, measured: float, unit: str, goal: float) -> Figure:
    return Figure(what, f"{measured:.1f} {unit}", f"at most {goal:g} {unit}", measured <= goal)


def figures() -> list[Figure]:
    """All of them; two minutes."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        lists = list(long_lists(Path(folder)))
    return [*lists, *map(growth, SIZES)]


def main() -> None:
    """Print each figure with its goal."""
    for figure in figures():
        verdict = {True: "holds", False: "missed", None: ""}[figure.holds]
        print(f"{figure.what:<52} {figure.measured:<48} {figure.goal:<18} {verdict}".rstrip())


if __name__ == "__main__":
    main()
