"""Which examples a step trains on: pure, uniform, independent of chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.minibatch import minibatch, random_words

WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def splitmix(z: int) -> int:
    """The finalizer as published, on Python's integers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


@given(
    seed=st.integers(0, WORD),
    step=st.integers(0, 10**12),
    position=st.integers(0, 99),
    examples=st.integers(1, 2**32 - 1),
)
def test_an_index_is_the_hash_of_seed_step_and_position(
    seed: int, step: int, position: int, examples: int
) -> None:
    row = splitmix((splitmix(seed) + step * GOLDEN) & WORD)
    word = splitmix((row + (position + 1) * GOLDEN) & WORD)
    expected = ((word >> 32) * examples) >> 32
    assert minibatch(seed, step, 1, 100, examples)[0, position] == expected


@given(first=st.integers(0, 10**9), cut=st.integers(0, 20), batch=st.integers(1, 40))
def test_a_run_of_steps_is_the_same_however_it_is_cut(first: int, cut: int, batch: int) -> None:
    whole = minibatch(7, first, 20, batch, 1000)
    parts = [
        minibatch(7, first, cut, batch, 1000),
        minibatch(7, first + cut, 20 - cut, batch, 1000),
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_smaller_batch_is_the_beginning_of_a_larger_one() -> None:
    np.testing.assert_array_equal(
        minibatch(1, 50, 10, 128, 999)[:, :32], minibatch(1, 50, 10, 32, 999)
    )


def test_every_index_is_in_range() -> None:
    assert set(minibatch(3, 0, 100, 32, 2).ravel()) == {0, 1}
    assert not minibatch(3, 0, 100, 32, 1).any()


@pytest.mark.parametrize("seed", [0, 1, 42, 2_147_483_647])
@pytest.mark.parametrize("examples", [10, 97, 1000])
def test_indices_are_uniform(seed: int, examples: int) -> None:
    chosen = minibatch(seed, 0, 3200, 32, examples)
    counts = np.bincount(chosen.ravel(), minlength=examples)
    expected = chosen.size / examples
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    # Five standard deviations about its mean.
    assert abs(chi_square - (examples - 1)) < 5 * (2 * (examples - 1)) ** 0.5


def test_neighbouring_steps_positions_and_seeds_are_uncorrelated() -> None:
    unit = random_words(5, 0, 1000, 64) / 2.0**64 - 0.5
    other = random_words(6, 0, 1000, 64) / 2.0**64 - 0.5
    for left, right in ((unit[:-1], unit[1:]), (unit[:, :-1], unit[:, 1:]), (unit, other)):
        correlation = 12 * float((left * right).mean())
        assert abs(correlation) < 5 / left.size**0.5


def test_a_negative_seed_is_a_seed_too() -> None:
    assert minibatch(-1, 0, 1, 8, 100).tolist() == minibatch(WORD, 0, 1, 8, 100).tolist()
