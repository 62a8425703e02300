"""Names: reproducible one by one, and distributed as the model says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.model import Model
from core.sampling import TOO_RARE, draw, stream, uniforms

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


@pytest.mark.parametrize("more", [11, 100, 128, 129, 300, 5000])
def test_the_first_names_do_not_depend_on_how_many_follow(model: Model, more: int) -> None:
    assert names(model, more)[:10] == names(model, 10)
    assert names(model, 5000)[:more] == names(model, more)


@pytest.mark.parametrize("block_size", [8, 30])
def test_a_name_does_not_depend_on_whether_contexts_are_looked_up(
    model: Model, block_size: int
) -> None:
    # 6⁸ contexts are too many to remember, 6³⁰ to number; only the last three have weight.
    longer = Model(ModelConfig(block_size=block_size, hidden_size=20), len(ITOS))
    for weights, short in zip(longer.views(longer.flat), model.views(model.flat), strict=True):
        weights[-len(short) :] = short
    assert names(longer, 5000) == names(model, 5000)


def plainly(model: Model, seed: int, i: int, length: int) -> list[int]:
    """Symbols of name i, one after the other: the softmax of the forward pass, summed up."""
    whole = Model(model.config, model.vocab_size, torch.float64)
    whole.flat.copy_(model.flat)
    context, symbols = [0] * model.config.block_size, []
    for position in range(length):
        number = uniforms(seed, i, 1, position)[0, 0]
        odds = whole.forward(torch.tensor([context])).softmax(1)[0]
        symbol = int((odds.cumsum(0) <= number).sum())
        if symbol == 0:
            break
        symbols.append(symbol)
        context = [*context[1:], symbol]
    return symbols


def test_names_are_those_of_a_plain_loop_over_the_forward_pass(model: Model) -> None:
    drawn = names(model, 4500, seed=3)
    chosen = [*range(100), *range(4400, 4500)]
    plain = ["".join(ITOS[s] for s in plainly(model, 3, i, 50)) for i in chosen]
    # The loop's own last bits may decide a name in a hundred thousand.
    assert sum(drawn[i] != name for i, name in zip(chosen, plain, strict=True)) <= 1


def test_more_contexts_than_are_remembered_change_nothing() -> None:
    itos = (".", *map(chr, range(0x4E00, 0x4E00 + 999)))
    model = Model(ModelConfig(block_size=2, hidden_size=8, initialization="scaled"), len(itos))
    model.initialize(1)
    drawn = draw(
        model,
        itos,
        count=1200,
        temperature=1.0,
        top_k=0,
        seed=0,
        prefix="",
        max_length=12,
    )
    assert sum(map(len, drawn)) > 10_000  # 8,192 are remembered.
    plain = ["".join(itos[s] for s in plainly(model, 0, i, 12)) for i in range(1150, 1200)]
    assert sum(a != b for a, b in zip(drawn[1150:], plain, strict=True)) <= 1


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


def test_weights_so_large_that_float32_sums_overflow_still_have_their_odds(model: Model) -> None:
    model.flat.fill_(3e38)
    drawn = [name[:1] or "." for name in names(model, 6000, max_length=1)]
    assert all(900 < drawn.count(symbol) < 1100 for symbol in ITOS)


def test_drawing_leaves_the_weights_alone(model: Model) -> None:
    before = model.weights_sha256()
    names(model, 100)
    assert model.weights_sha256() == before


def begin(model: Model, count: int, **more: Any) -> Iterator[list[str]]:
    """A stream of names as `names` draws them."""
    usual: dict[str, Any] = {
        "temperature": 1.0,
        "top_k": 0,
        "seed": 0,
        "prefix": "",
        "max_length": 50,
    }
    return stream(model, ITOS, count=count, **(usual | more))


def streamed(model: Model, count: int, **more: Any) -> list[str]:
    return [name for piece in begin(model, count, **more) for name in piece]


@pytest.mark.parametrize("count", [1, 10, 600])
def test_unique_names_are_all_names_without_those_that_came_before(
    model: Model, count: int
) -> None:
    expected = list(dict.fromkeys(names(model, 20_000)))[:count]
    assert len(expected) == count
    assert streamed(model, count, unique=True) == expected


def test_unwanted_names_are_left_out_and_others_drawn_instead(model: Model) -> None:
    unwanted = set(names(model, 3))
    expected = [name for name in names(model, 20_000) if name not in unwanted][:1000]
    assert len(expected) == 1000
    assert streamed(model, 1000, unwanted=unwanted.__contains__) == expected


def test_unique_ends_once_new_names_are_too_rare(model: Model) -> None:
    model.flat.zero_()
    model.b2[0], model.b2[1] = 5.0, 5.0
    came: dict[str, int] = {}
    for i, name in enumerate(names(model, 4 * TOO_RARE, top_k=2)):
        if i - max(came.values(), default=0) > TOO_RARE:
            break
        came.setdefault(name, i)
    assert 10 < len(came) < 30
    assert streamed(model, 1000, unique=True, top_k=2) == list(came)


def test_a_stream_comes_in_pieces_as_it_is_drawn(model: Model) -> None:
    begun = [name for piece in islice(begin(model, 10**9), 3) for name in piece]
    assert 1000 < len(begun) < 20_000
    assert begun == names(model, len(begun))


def test_weights_changed_meanwhile_do_not_change_what_is_drawn(model: Model) -> None:
    expected = names(model, 10_000)
    pieces = begin(model, 10_000)
    begun = next(pieces)
    model.flat.zero_()
    assert begun + [name for piece in pieces for name in piece] == expected
