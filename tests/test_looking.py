"""Looks inside the model: odds, surprises, the embedding table; and the bigram to compare with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.bigram import count_bigrams
from core.commands import obey
from core.dataset import Dataset, load
from core.protocol import (
    CommandRejected,
    Embed,
    Embedded,
    Evaluate,
    Evaluated,
    FindLearningRate,
    FindSurprising,
    Predict,
    Predicted,
    Score,
    Scored,
    Surprising,
)
from core.run import Run
from tests.conftest import MakeRun
from tests.test_time_travel import heard, settle, train


@pytest.fixture
def run(make_run: MakeRun) -> Iterator[Run]:
    run = Run(make_run())
    train(run, 300)
    heard(run)
    yield run
    run.close()


def ask(run: Run, wish: Any) -> Any:
    """The one answer; it goes to the asker alone."""
    obey(run, wish, "me")
    settle(run)
    ((answer, to),) = run.journal.take()
    assert to == "me"
    return answer


def test_the_odds_of_the_next_symbol_are_those_of_the_model(run: Run) -> None:
    for prefix in ("", "a", "anna"):
        answer = ask(run, Predict(prefix=prefix, id=7))
        assert isinstance(answer, Predicted)
        assert (answer.answers, answer.step, answer.prefix) == (7, 300, prefix)
        odds = np.frombuffer(answer.odds, "<f4")
        context = ([0, 0, 0, *run.data.encode(prefix)])[-3:]
        logits = run.trainer.model.forward(torch.tensor([context]))[0]
        np.testing.assert_allclose(odds, torch.softmax(logits, 0).numpy(), rtol=1e-5)
        assert odds.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_surprise_of_a_word_is_the_product_of_its_odds(run: Run) -> None:
    answer = ask(run, Score(words=("anna", "")))
    assert isinstance(answer, Scored)
    anna, empty = (np.frombuffer(column, "<f4") for column in answer.surprises)
    assert (len(anna), len(empty)) == (5, 1)
    for place, symbol in enumerate("anna"):
        odds = np.frombuffer(ask(run, Predict(prefix="anna"[:place])).odds, "<f4")
        assert anna[place] == pytest.approx(-math.log(odds[run.data.stoi[symbol]]), rel=1e-4)


def test_most_and_least_surprising_words_are_those_of_dev_by_loss_per_symbol(run: Run) -> None:
    answer = ask(run, FindSurprising(count=4))
    assert isinstance(answer, Surprising)
    words = list(run.data.words_of("dev"))
    scored = ask(run, Score(words=tuple(words)))
    means = [float(np.frombuffer(column, "<f4").mean()) for column in scored.surprises]
    ranked = sorted(zip(means, words, strict=True))
    assert [word for word, _ in answer.least] == [word for _, word in ranked[:4]]
    assert [loss for _, loss in answer.most] == pytest.approx(
        [mean for mean, _ in ranked[::-1][:4]], rel=1e-5
    )


def test_the_embedding_table_is_the_model_s(run: Run) -> None:
    answer = ask(run, Embed())
    assert isinstance(answer, Embedded)
    table = np.frombuffer(answer.table, "<f4").reshape(-1, answer.size)
    np.testing.assert_array_equal(table, run.trainer.model.C.numpy())


def test_looks_change_nothing_and_wait_for_nothing(run: Run) -> None:
    before = run.trainer.state_sha256()
    obey(run, FindLearningRate(steps=100), "me")
    run.work()
    obey(run, Predict(prefix="a"), "other")
    assert [event for event, to in run.journal.take() if to == "other"]
    settle(run)
    heard(run)
    recorded = run.journal.seq
    for wish in (Predict(), Score(words=("a",)), Embed(), FindSurprising()):
        ask(run, wish)
    assert run.trainer.state_sha256() == before
    assert run.journal.seq == recorded


@pytest.mark.parametrize("wish", [Predict(prefix="é"), Score(words=("é",))])
def test_an_unknown_symbol_is_explained(run: Run, wish: Any) -> None:
    answer = ask(run, wish)
    assert isinstance(answer, CommandRejected)
    assert "stands in no word of this list" in answer.reason


def test_losses_add_up_to_the_evaluation(run: Run) -> None:
    obey(run, Evaluate(), "me")
    settle(run)
    (evaluated,) = (event for event in heard(run) if isinstance(event, Evaluated))
    scored = ask(run, Score(words=tuple(run.data.words_of("dev"))))
    total = np.concatenate([np.frombuffer(column, "<f4") for column in scored.surprises])
    assert evaluated.dev == pytest.approx(float(total.mean()), rel=1e-5)


@pytest.fixture
def data(names: Path) -> Dataset:
    return load(names, 3, 42)


def test_bigrams_are_counted_on_train_and_smoothed_by_one(data: Dataset) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for word in data.words_of("train"):
        counted.update(zip("." + word, word + ".", strict=True))
    bigram = count_bigrams(data)
    assert bigram is not None
    for (before, after), count in counted.items():
        places = [0 if symbol == "." else data.stoi[symbol] for symbol in (before, after)]
        assert bigram.counts[places[0], places[1]] == count
    assert bigram.counts.sum() == data.splits["train"].examples
    np.testing.assert_allclose(np.exp(-bigram.surprise).sum(axis=1), 1.0)
    total = nats = 0.0
    for word in data.words_of("dev"):
        for before, after in zip("." + word, word + ".", strict=True):
            row = sum(counted[before, other] for other in data.itos)
            nats -= math.log((counted[before, after] + 1) / (row + data.vocab_size))
            total += 1
    assert bigram.loss(data.splits["dev"]) == pytest.approx(nats / total)
    assert bigram.surprises(data.encode("anna")).sum() == pytest.approx(
        sum(
            bigram.surprise[data.encode(a)[0] if a else 0, data.encode(b)[0] if b else 0]
            for a, b in zip(["", *"anna"], [*"anna", ""], strict=True)
        )
    )
