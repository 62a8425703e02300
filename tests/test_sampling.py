"""Names: reproducible one by one, and distributed as the model says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.model import Model
from core.sampling import draw

ITOS = (".", "a", "b", "c", "d", "e")


@pytest.fixture
def model() -> Model:
    model = Model(ModelConfig(hidden_size=20, initialization="scaled"), len(ITOS))
    model.initialize(1)
    model.W2 *= 60  # From nearly uniform to opinionated.
    return model


def names(
    model: Model,
    count: int = 10,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
    prefix: str = "",
    max_length: int = 50,
) -> list[str]:
    return draw(
        model,
        ITOS,
        count=count,
        temperature=temperature,
        top_k=top_k,
        seed=seed,
        prefix=prefix,
        max_length=max_length,
    )


def greedy(model: Model, length: int) -> str:
    """The likeliest symbol again and again, up to a boundary or `length`."""
    context, name = [0, 0, 0], ""
    while len(name) < length:
        symbol = int(model.forward(torch.tensor([context])).argmax())
        if symbol == 0:
            break
        context, name = [*context[1:], symbol], name + ITOS[symbol]
    return name


def test_equal_arguments_draw_equal_names_and_another_seed_draws_others(model: Model) -> None:
    assert names(model, 50) == names(model, 50)
    assert names(model, 50) != names(model, 50, seed=1)


@pytest.mark.parametrize("more", [11, 100, 128, 129, 300])
def test_the_first_names_do_not_depend_on_how_many_follow(model: Model, more: int) -> None:
    assert names(model, more)[:10] == names(model, 10)
    assert names(model, 300)[:more] == names(model, more)


def test_as_many_names_as_asked_for_are_drawn(model: Model) -> None:
    assert [len(names(model, count)) for count in (0, 1, 128, 200)] == [0, 1, 128, 200]


def test_top_1_is_greedy(model: Model) -> None:
    assert set(names(model, 20, top_k=1, max_length=12)) == {greedy(model, 12)}


def test_of_equally_likely_symbols_the_lower_index_comes_first(model: Model) -> None:
    model.flat.zero_()
    model.b2[3], model.b2[4] = 5.0, 5.0
    assert set(names(model, 20, top_k=1, max_length=4)) == {"cccc"}
    assert set("".join(names(model, 50, top_k=2, max_length=4))) == {"c", "d"}


def test_a_top_k_beyond_the_vocabulary_is_no_limit(model: Model) -> None:
    assert names(model, 50, top_k=6) == names(model, 50, top_k=1000) == names(model, 50)


def test_first_symbols_come_as_often_as_the_model_says(model: Model) -> None:
    count = 6000
    drawn = [name[:1] or "." for name in names(model, count, max_length=1)]
    observed = np.array([drawn.count(symbol) for symbol in ITOS])
    expected = model.forward(torch.zeros(1, 3, dtype=torch.int64)).softmax(1)[0].numpy() * count
    chi_square = float(((observed - expected) ** 2 / expected).sum())
    assert chi_square < 30  # 5 degrees of freedom: one in 70,000.


def test_temperature_and_top_k_shape_the_distribution_as_defined(model: Model) -> None:
    count = 6000
    drawn = [name[:1] or "." for name in names(model, count, max_length=1, temperature=2, top_k=3)]
    logits = model.forward(torch.zeros(1, 3, dtype=torch.int64))[0] / 2
    kept = logits.topk(3).indices
    expected = logits[kept].softmax(0).numpy() * count
    observed = np.array([drawn.count(ITOS[index]) for index in kept])
    assert observed.sum() == count
    assert float(((observed - expected) ** 2 / expected).sum()) < 25


def test_a_low_temperature_is_nearly_greedy_and_a_high_one_is_wild(model: Model) -> None:
    assert set(names(model, 20, temperature=1e-6, max_length=12)) == {greedy(model, 12)}
    assert set(names(model, 20, temperature=1e-320, max_length=12)) == {greedy(model, 12)}
    assert len(set(names(model, 100, temperature=50.0))) > len(set(names(model, 100)))


def test_a_name_ends_before_the_boundary(model: Model) -> None:
    model.flat.zero_()
    model.b2[0] = 100.0
    assert names(model, 3) == ["", "", ""]


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_a_name_ends_at_its_greatest_length(model: Model, limit: int) -> None:
    model.flat.zero_()
    model.b2[0] = -100.0
    assert {len(name) for name in names(model, 20, max_length=limit)} == {limit}


def test_a_prefix_begins_every_name_and_is_the_context_of_the_next_symbol(model: Model) -> None:
    drawn = names(model, 2000, prefix="abcd", max_length=5)
    assert all(name.startswith("abcd") for name in drawn)
    following = [name[4:] or "." for name in drawn]
    observed = np.array([following.count(symbol) for symbol in ITOS])
    expected = model.forward(torch.tensor([[2, 3, 4]])).softmax(1)[0].numpy() * 2000
    assert float(((observed - expected) ** 2 / expected).sum()) < 30


def test_a_prefix_as_long_as_the_limit_comes_back_as_it_is(model: Model) -> None:
    assert names(model, 2, prefix="abcde", max_length=3) == ["abcde", "abcde"]


@pytest.mark.parametrize("prefix", ["x", "ab.", "aB", "é"])
def test_a_prefix_outside_the_vocabulary_is_refused(model: Model, prefix: str) -> None:
    with pytest.raises(ValueError, match="not in the vocabulary"):
        names(model, prefix=prefix)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_no_positive_number_is_refused(
    model: Model, temperature: float
) -> None:
    with pytest.raises(ValueError, match="temperature"):
        names(model, temperature=temperature)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(model: Model, broken: float) -> None:
    model.flat[-1] = broken
    with pytest.raises(ValueError, match="not finite"):
        names(model)


def test_weights_so_large_that_the_logits_overflow_are_refused(model: Model) -> None:
    model.flat.fill_(3e38)
    with pytest.raises(ValueError, match="not finite"):
        names(model)


def test_drawing_leaves_the_weights_alone(model: Model) -> None:
    before = model.weights_sha256()
    names(model, 100)
    assert model.weights_sha256() == before
