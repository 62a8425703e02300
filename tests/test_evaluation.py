"""The mean loss of a split, measured in pieces."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from core.config import ModelConfig
from core.dataset import Dataset, Split
from core.evaluation import PIECE, measure
from core.model import Model


@pytest.fixture(scope="module")
def data() -> Dataset:
    generator = np.random.default_rng(0)
    words = ["".join(generator.choice(list("abcde"), size=6)) for _ in range(2000)]
    return Dataset.from_words(words, block_size=3, split_seed=42, sha256="")


@pytest.fixture
def model(data: Dataset) -> Model:
    model = Model(ModelConfig(hidden_size=20), data.vocab_size)
    model.initialize(1)
    return model


def finish(generator: Generator[None, None, float]) -> tuple[int, float]:
    """How often it yielded, and what it returned."""
    pieces = 0
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return pieces, end.value
        pieces += 1


def direct(model: Model, split: Split, examples: int) -> float:
    """The same mean in float64, all at once."""
    twin = Model(model.config, model.vocab_size, dtype=torch.float64)
    twin.flat.copy_(model.flat)
    T = model.config.block_size
    symbols = torch.from_numpy(split.rows(slice(examples)).astype(np.int64))
    return cross_entropy(twin.forward(symbols[:, :T]), symbols[:, T]).item()


def test_a_split_is_measured_whole_in_pieces(data: Dataset, model: Model) -> None:
    train = data.splits["train"]
    pieces, loss = finish(measure(model, train))
    assert train.examples > 2 * PIECE
    assert pieces == -(-train.examples // PIECE)
    assert loss == pytest.approx(direct(model, train, train.examples), rel=1e-6)


@pytest.mark.parametrize("first", [1, 100, PIECE, PIECE + 1])
def test_first_limits_the_measure_to_the_beginning(data: Dataset, model: Model, first: int) -> None:
    pieces, loss = finish(measure(model, data.splits["train"], first))
    assert pieces == -(-first // PIECE)
    assert loss == pytest.approx(direct(model, data.splits["train"], first), rel=1e-6)


def test_a_limit_beyond_the_split_is_no_limit(data: Dataset, model: Model) -> None:
    dev = data.splits["dev"]
    assert finish(measure(model, dev, 10**9)) == finish(measure(model, dev))


def test_measuring_twice_gives_equal_bits(data: Dataset, model: Model) -> None:
    dev = data.splits["dev"]
    assert finish(measure(model, dev)) == finish(measure(model, dev))


def test_weights_that_are_not_finite_give_a_loss_that_is_not(data: Dataset, model: Model) -> None:
    model.flat[0] = torch.nan
    assert np.isnan(finish(measure(model, data.splits["dev"]))[1])


def test_a_split_without_examples_has_no_loss(model: Model) -> None:
    empty = Dataset.from_words(["ab"], block_size=3, split_seed=42, sha256="").splits["train"]
    assert empty.examples == 0
    pieces, loss = finish(measure(model, empty))
    assert pieces == 0
    assert np.isnan(loss)


def test_inference_mode_does_not_leak_across_a_yield(data: Dataset, model: Model) -> None:
    generator = measure(model, data.splits["train"])
    next(generator)
    assert not torch.is_inference_mode_enabled()
