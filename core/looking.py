"""A look inside the model, for whoever asks: odds of the next symbol, surprise, embeddings, health.

Nothing here changes the run, and nothing is recorded: the answers go to the asker alone.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from core.diagnostics import hidden_layer, layers, next_rate
from core.dials import ConfigError
from core.evaluation import losses_of, piece_of
from core.protocol import (
    Diagnose,
    DiagnosticsTaken,
    Embed,
    Embedded,
    FindSurprising,
    Predict,
    Predicted,
    Score,
    Scored,
    Surprising,
)
from core.sentences import Sentences
from core.text import Text

if TYPE_CHECKING:
    from core.model import Model
    from core.run import Run

MOST_WORDS, MOST_SYMBOLS = 1_000, 1_000
"""Scored by one command; training waits for it."""
ENOUGH_WORDS = 100
"""Of a text, scored by one command however large the vocabulary is."""

MOST_TABLE = 200_000
"""Numbers of an embedding table in one answer: most of the 1 MiB that may wait for a client."""

# Shapes: T block_size, V vocab_size


def look(run: Run, wish: Predict | Score | Embed | Diagnose, client: str) -> None:
    """Answer at once. Raises ConfigError, DatasetError for what cannot be asked."""
    model, data, step = run.trainer.model, run.data, run.step
    answer: Predicted | Scored | Embedded | DiagnosticsTaken
    match wish:
        case Predict(prefix=prefix):
            symbols = data.encode(prefix[-MOST_SYMBOLS:])
            odds = next_odds(model, symbols).astype("<f4").tobytes()
            answer = Predicted(answers=wish.id, step=step, prefix=prefix, odds=odds)
        case Score(words=words):
            if len(words) > MOST_WORDS or any(len(word) > MOST_SYMBOLS for word in words):
                raise ConfigError("words", len(words), f"must be at most {MOST_WORDS:,}, and short")
            coded, ends = [data.encode(word) for word in words], not isinstance(data, Text)
            most = max(ENOUGH_WORDS, piece_of(model))
            if not ends and (count := sum(map(len, coded))) > most:
                raise ConfigError("words", count, f"must be at most {most:,} in a text")
            columns = tuple(
                surprises(model, symbols, ends=ends).astype("<f4").tobytes() for symbols in coded
            )
            answer = Scored(answers=wish.id, step=step, words=words, surprises=columns)
        case Embed():
            # Of a text the first are the most frequent. What is larger, no client would be sent.
            rows = max(1, MOST_TABLE // model.C.shape[1])
            table = model.C[:rows].numpy().astype("<f4")
            answer = Embedded(
                answers=wish.id, step=step, size=table.shape[1], table=table.tobytes()
            )
        case Diagnose():
            answer = diagnosed(run, wish)
    run.journal.tell(answer, to=client or None)


def diagnosed(run: Run, wish: Diagnose) -> DiagnosticsTaken:
    """The checks of the lecture's part 3, and what they have cost."""
    began, trainer = time.perf_counter(), run.trainer
    hidden = hidden_layer(trainer.model, trainer.dataset.splits["train"])
    figures = layers(trainer)
    return DiagnosticsTaken(
        answers=wish.id,
        branch=run.journal.branch,
        step=run.step,
        hidden_size=trainer.config.hidden_size,
        rate=next_rate(trainer),
        layers=figures,
        **hidden._asdict(),
        seconds=time.perf_counter() - began,
    )


@torch.inference_mode()
def next_odds(model: Model, symbols: Sequence[int]) -> npt.NDArray[np.float64]:
    """P(next symbol) (V,) after `symbols`, which may be none: then of the first symbol."""
    T = model.config.block_size
    context = torch.tensor([([0] * T + list(symbols))[-T:]])
    return np.asarray(torch.softmax(model.forward(context)[0].double(), 0).numpy())


@torch.inference_mode()
def surprises(
    model: Model, symbols: Sequence[int], *, ends: bool = True
) -> npt.NDArray[np.float64]:
    """The nats of each of `symbols` (n,); if it `ends`, as a word does and a text does not, of the
    boundary after them too: (n + 1,).
    """
    T = model.config.block_size
    stream = torch.tensor([0] * T + list(symbols) + [0] * ends)
    if len(stream) == T:
        return np.empty(0)
    windows = stream.unfold(0, T + 1, 1)
    logits = model.forward(windows[:, :T]).double()
    return np.asarray(
        torch.nn.functional.cross_entropy(logits, windows[:, T], reduction="none").numpy()
    )


def finding_surprising(run: Run, wish: FindSurprising, client: str) -> Generator[None, None, None]:
    """Score every word of dev, or of a text every sentence, a piece at a time; tell which surprise
    the model most and least.
    """
    data, texts = run.data, Sentences(run.data, "dev") if isinstance(run.data, Text) else None
    words = data.words_of("dev") if texts is None else texts
    split = data.splits["dev"] if texts is None else texts.apart()
    losses = yield from losses_of(run.trainer.model, split)
    # A word's last target is the boundary.
    ends = np.flatnonzero(split.targets == 0) + 1
    starts = np.concatenate([[0], ends[:-1]])
    counts = ends - starts
    if texts is not None:
        # There it only stands between sentences.
        losses[ends - 1], counts = 0.0, counts - 1
    means = np.add.reduceat(losses, starts) / counts if len(ends) else np.empty(0)
    order = np.argsort(means, kind="stable")
    chosen = min(max(wish.count, 0), len(order))

    def told(places: npt.NDArray[np.int64]) -> tuple[tuple[str, float], ...]:
        return tuple((words[place], float(means[place])) for place in places.tolist())

    answer = Surprising(
        answers=wish.id,
        step=run.step,
        most=told(order[::-1][:chosen]),
        least=told(order[:chosen]),
    )
    run.journal.tell(answer, to=client or None)
