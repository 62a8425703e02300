"""The interpolated n-gram model: its odds, its weights, and what it needs of memory."""

from __future__ import annotations

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from core.dataset import Dataset
from core.interpolated import Interpolated
from tests.test_text import text_of

RANDOM = np.random.default_rng(1)
PHRASES = ["to be or not", "the cat sat on", "in the beginning was"]
TOKENS = " ".join(PHRASES[i] for i in RANDOM.integers(0, 3, 400)).split()
TEXT = text_of(TOKENS)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_odds_after_any_context_sum_to_1(order: int) -> None:
    model = Interpolated(TEXT, order)
    every = np.arange(TEXT.vocab_size)
    for context in RANDOM.integers(0, TEXT.vocab_size, (50, order - 1)):
        before = np.repeat(context[:, None], len(every), axis=1)
        odds = model.odds(before, every)
        assert (odds >= 0).all()
        assert odds.sum() == pytest.approx(1)


def test_every_round_of_em_makes_dev_likelier() -> None:
    gains = Interpolated(TEXT).gains
    assert len(gains) > 3
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(gains))
    assert gains[-1] > gains[0] + 0.1


def test_a_longer_context_helps_where_there_is_something_to_know() -> None:
    unigram, bigram, trigram = (Interpolated(TEXT, order).loss("dev") for order in (1, 2, 3))
    assert unigram > bigram + 0.5
    assert bigram > trigram
    # Of four words of a phrase only the first must be guessed.
    assert trigram < math.log(3) / 4 + 0.2


def test_it_is_the_mixture_of_the_paper() -> None:
    """Reckoned by hand from its definition."""
    model, train = Interpolated(TEXT), [*TEXT.splits["train"].targets.tolist()]
    u, v, w = train[10:13]
    padded = [0, 0, *train]
    triples = [*zip(padded, padded[1:], padded[2:], strict=False)]
    c_uv = sum(t[:2] == (u, v) for t in triples)
    c_v = sum(t[1] == v for t in triples)
    parts = [
        1 / TEXT.vocab_size,
        train.count(w) / len(train),
        sum(t[1:] == (v, w) for t in triples) / c_v,
        sum(t == (u, v, w) for t in triples) / c_uv,
    ]
    q = math.ceil(-math.log((1 + c_uv) / (1 + len(train))))
    expected = float(np.dot(model.weights[q], parts))
    assert model.odds(np.array([[u], [v]]), np.array([w]))[0] == pytest.approx(expected)


def test_it_serves_lists_of_names_too() -> None:
    data = Dataset.from_words(["emma", "ava", "anna", "eva", "amma"] * 20, 3, 42, "")
    model = Interpolated(data)
    assert 0 < model.loss("test") < math.log(data.vocab_size)


def test_a_large_vocabulary_takes_no_table_of_pairs() -> None:
    tokens = [f"w{i}" for i in RANDOM.zipf(1.3, 60_000) % 30_000]
    text = text_of(tokens)
    assert text.vocab_size > 3_000
    tracemalloc.start()
    Interpolated(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A table of all pairs would be V² numbers.
    assert peak < 40e6 < 8 * text.vocab_size**2
