"""The factor on the base rate, at the start, in the middle, at the end and beyond."""

from __future__ import annotations

import math
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import PRESETS, Knobs, ScheduleKind
from core.schedule import decay_factor, effective_rate, factor, warmup_factor

KINDS: tuple[ScheduleKind, ...] = get_args(ScheduleKind)


def test_the_lecture_drops_from_a_tenth_to_a_hundredth_at_step_100_000() -> None:
    knobs = PRESETS["lecture"].knobs
    assert effective_rate(knobs, 0) == 0.1
    assert effective_rate(knobs, 99_999) == 0.1
    assert effective_rate(knobs, 100_000) == pytest.approx(0.01, rel=1e-12)
    assert effective_rate(knobs, 199_999) == pytest.approx(0.01, rel=1e-12)


@pytest.mark.parametrize("step", [0, 1, 74, 149, 150, 1500, 2999, 3000, 5000])
def test_the_fast_preset_warms_up_and_falls_linearly(step: int) -> None:
    knobs = PRESETS["fast"].knobs
    expected = min(1, (step + 1) / 150) * max(0.0, 1 - step / 3000)
    assert factor(knobs, step) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert effective_rate(knobs, step) == pytest.approx(0.01 * expected, rel=1e-12, abs=1e-17)


def test_inverse_is_that_of_the_paper_and_has_no_end_but_its_floor() -> None:
    r = 1e-4
    knobs = Knobs(schedule="inverse", schedule_start=1000, schedule_length=10_000)
    assert [factor(knobs, step) for step in (0, 1000)] == [1.0, 1.0]
    for t in (1, 500, 10_000, 10**7):
        assert factor(knobs, 1000 + t) == pytest.approx(1 / (1 + r * t))
    assert factor(msgspec.structs.replace(knobs, floor=0.2), 10**7) == 0.2


@pytest.mark.parametrize(
    ("kind", "start", "middle", "end"),
    [
        ("constant", 1.0, 1.0, 1.0),
        ("step", 1.0, 0.5, 0.25),
        ("exponential", 1.0, 0.1, 0.01),
        ("linear", 1.0, 0.505, 0.01),
        ("cosine", 1.0, 0.505, 0.01),
    ],
)
def test_each_kind_at_start_middle_end_and_beyond(
    kind: ScheduleKind, start: float, middle: float, end: float
) -> None:
    knobs = Knobs(
        schedule=kind,
        schedule_start=1000,
        schedule_length=200,
        floor=0.01,
        drops=(100, 200),
        drop_factor=0.5,
    )
    assert factor(knobs, 0) == 1.0
    assert factor(knobs, 1000) == start
    assert factor(knobs, 1100) == pytest.approx(middle)
    assert factor(knobs, 1200) == pytest.approx(end)
    assert factor(knobs, 10**9) == pytest.approx(end)


def test_a_cosine_is_a_cosine() -> None:
    knobs = Knobs(schedule="cosine", schedule_length=100)
    assert factor(knobs, 25) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))


def test_a_drop_goes_no_lower_than_the_floor() -> None:
    knobs = Knobs(schedule="step", drops=(1, 2, 3), drop_factor=0.1, floor=0.05)
    assert [factor(knobs, step) for step in range(5)] == [1.0, pytest.approx(0.1), 0.05, 0.05, 0.05]


def test_warmup_counts_from_the_start_of_the_schedule_and_never_gives_zero() -> None:
    knobs = Knobs(schedule_start=50, warmup=4)
    assert [warmup_factor(knobs, step) for step in (50, 51, 52, 53, 54)] == [0.25, 0.5, 0.75, 1, 1]


@given(
    kind=st.sampled_from(KINDS),
    start=st.integers(0, 10**6),
    length=st.integers(1, 10**6),
    warmup=st.integers(0, 10**5),
    floor=st.floats(0.001, 1.0),
    drops=st.sets(st.integers(1, 10**6), max_size=5),
    drop_factor=st.floats(0.01, 1.0),
    step=st.integers(0, 3 * 10**6),
)
def test_a_factor_lies_above_zero_and_decay_never_rises(
    kind: ScheduleKind,
    start: int,
    length: int,
    warmup: int,
    floor: float,
    drops: set[int],
    drop_factor: float,
    step: int,
) -> None:
    knobs = Knobs(
        schedule=kind,
        schedule_start=start,
        schedule_length=length,
        warmup=warmup,
        floor=floor,
        drops=tuple(sorted(drops)),
        drop_factor=drop_factor,
    )
    tiny = 1e-12
    assert 0 < factor(knobs, step) <= 1 + tiny
    assert floor - tiny <= decay_factor(knobs, step) <= 1 + tiny
    assert decay_factor(knobs, step + 1) <= decay_factor(knobs, step) + tiny
    assert warmup_factor(knobs, step + 1) >= warmup_factor(knobs, step)
