"""The loss of names: what an evaluation says of them, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.model import Model
from core.odds import Logits
from core.scoring import losses_of_names

STOI = {symbol: index for index, symbol in enumerate(".abcde")}
NAMES = ["abc", "", "a", "ed" * 40, "cab", "beda"]


def made(**config: Any) -> Model:
    model = Model(ModelConfig(**config), len(STOI))
    model.initialize(1)
    return model


def plainly(model: Model, name: str) -> float:
    """Mean cross-entropy over the name's symbols and its boundary."""
    T = model.config.block_size
    codes = torch.tensor([0] * T + [STOI[symbol] for symbol in name] + [0])
    windows = codes.unfold(0, T + 1, 1)
    logits = model.forward(windows[:, :T])
    return float(torch.nn.functional.cross_entropy(logits, windows[:, T]))


@pytest.mark.parametrize("block_size", [1, 3, 8])
def test_a_loss_is_the_mean_over_a_names_symbols_and_its_end(block_size: int) -> None:
    model = made(block_size=block_size)
    expected = [plainly(model, name) for name in NAMES]
    assert losses_of_names(model, STOI, NAMES) == pytest.approx(expected, rel=1e-5)


def test_a_name_has_the_same_loss_in_any_company() -> None:
    model = made(hidden_size=201)
    together = losses_of_names(model, STOI, NAMES * 300)
    alone = [losses_of_names(model, STOI, [name])[0] for name in NAMES]
    assert together == alone * 300


def test_no_names_have_no_losses() -> None:
    assert losses_of_names(made(), STOI, []) == []


def test_an_unknown_symbol_is_named() -> None:
    with pytest.raises(ValueError, match="symbol 'x' is not in the vocabulary"):
        losses_of_names(made(), STOI, ["abc", "axe"])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"block_size": 1, "embedding_size": 3, "hidden_size": 7},
        {"block_size": 8, "embedding_size": 24, "hidden_size": 501},
        {"block_size": 5, "embedding_size": 20, "direct": True},
    ],
    ids=str,
)
def test_logits_have_the_same_bits_however_many_are_computed(config: dict[str, int]) -> None:
    model = made(**config)
    contexts = np.random.default_rng(0).integers(0, len(STOI), (model.config.block_size, 1100))
    logits_of = Logits(model)
    whole = logits_of(contexts)
    for rows in (1, 2, 15, 16, 17, 511, 513):
        parts = [logits_of(contexts[:, i : i + rows]) for i in range(0, 1100, rows)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("initialization", ["normal", "scaled"])
def test_logits_are_as_exact_as_those_of_float32(initialization: Any, direct: bool) -> None:
    model = Model(ModelConfig(initialization=initialization, direct=direct), 27)
    model.initialize(5)
    model.W.normal_(generator=torch.Generator().manual_seed(6))
    exact = Model(model.config, 27, torch.float64)
    exact.flat.copy_(model.flat)
    contexts = torch.randint(0, 27, (2000, 3), generator=torch.Generator().manual_seed(0))
    wanted = exact.forward(contexts)
    error = np.abs(Logits(model)(contexts.T.numpy()) - wanted.numpy()).max()
    assert error < 3 * float((model.forward(contexts) - wanted).abs().max())
