from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import PRESETS, Knobs, PlannedAct, Settings, parse_plan, with_changes
from core.dials import ConfigError
from core.protocol import Decay, Nudge, SetKnobs
from core.schedule import effective_rate
from core.steering import resolve_knobs

FAST = PRESETS["fast"]
LECTURE = PRESETS["lecture"]


def steer(knobs: Knobs, settings: Settings, step: int, **values: object) -> Knobs:
    wish = SetKnobs(values=values)  # type: ignore[arg-type]
    return with_changes(knobs, resolve_knobs(wish, knobs, settings, step))


def test_decay_multiplies_the_base_by_a_tenth_as_in_the_lecture() -> None:
    changes = resolve_knobs(Decay(), LECTURE.knobs, LECTURE.settings, 5_000)
    assert changes == {"learning_rate": 0.01}


def test_decay_twice_leaves_a_number_that_people_can_read() -> None:
    once = steer(LECTURE.knobs, LECTURE.settings, 0, learning_rate=0.01)
    assert resolve_knobs(Decay(), once, LECTURE.settings, 5_000) == {"learning_rate": 0.001}


def test_a_nudge_starts_from_the_value_in_force_not_from_the_one_on_the_screen() -> None:
    knobs, settings = LECTURE.knobs, LECTURE.settings
    for _ in range(3):
        wish = Nudge(name="learning_rate", rungs=1)
        knobs = with_changes(knobs, resolve_knobs(wish, knobs, settings, 10))
    assert knobs.learning_rate == 1.0


def test_what_changes_nothing_resolves_to_nothing() -> None:
    assert resolve_knobs(SetKnobs(values={"batch_size": 32}), LECTURE.knobs, Settings(), 5) == {}
    lowest = steer(LECTURE.knobs, Settings(), 0, batch_size=1)
    assert resolve_knobs(Nudge(name="batch_size", rungs=-1), lowest, Settings(), 5) == {}


@given(
    step=st.integers(200, 2_999),
    kind=st.sampled_from(["constant", "step", "exponential", "cosine"]),
)
def test_a_new_schedule_begins_at_the_rate_that_was_in_force(step: int, kind: str) -> None:
    before = effective_rate(FAST.knobs, step)
    knobs = steer(FAST.knobs, FAST.settings, step, schedule=kind)
    assert effective_rate(knobs, step) == pytest.approx(before, rel=1e-5)
    assert (knobs.schedule_start, knobs.warmup) == (step, 0)
    assert knobs.schedule_length == 3_000 - step


def test_a_schedule_changed_during_its_warmup_takes_the_rate_that_the_warmup_led_to() -> None:
    assert steer(FAST.knobs, FAST.settings, 0, schedule="constant").learning_rate == 0.01


def test_a_schedule_that_had_come_down_to_zero_keeps_its_base() -> None:
    knobs = steer(FAST.knobs, FAST.settings, 3_000, schedule="constant")
    assert effective_rate(knobs, 3_000) == 0.01


def test_a_longer_schedule_does_not_make_the_rate_jump() -> None:
    before = effective_rate(FAST.knobs, 1_500)
    knobs = steer(FAST.knobs, FAST.settings, 1_500, schedule_length=6_000)
    assert effective_rate(knobs, 1_500) == pytest.approx(before)


def test_a_warmup_that_is_asked_for_is_given() -> None:
    knobs = steer(LECTURE.knobs, LECTURE.settings, 100, schedule="cosine", warmup=10)
    assert effective_rate(knobs, 100) == pytest.approx(0.01)
    assert effective_rate(knobs, 109) == pytest.approx(0.1, rel=1e-3)


def test_a_new_step_schedule_has_a_drop_ahead_and_a_new_exponential_one_a_floor() -> None:
    constant = steer(LECTURE.knobs, LECTURE.settings, 1_000, schedule="constant", drops=())
    assert steer(constant, LECTURE.settings, 2_000, schedule="step").drops == (99_000,)
    assert steer(constant, LECTURE.settings, 2_000, schedule="exponential").floor == 0.01


def test_with_an_explicit_start_the_values_are_taken_as_they_are() -> None:
    knobs = steer(LECTURE.knobs, LECTURE.settings, 150_000, schedule="cosine", schedule_start=0)
    assert (knobs.learning_rate, knobs.schedule_start) == (0.1, 0)


@pytest.mark.parametrize(
    "wish",
    [
        SetKnobs(values={"no_such_knob": 1}),
        SetKnobs(values={"temperature": 1.0}),
        SetKnobs(values={"learning_rate": 0.0}),
        Decay(factor=0.0),
        Decay(factor=float("nan")),
        Nudge(name="drops", rungs=1),
    ],
)
def test_what_cannot_be_is_refused(wish: SetKnobs | Decay | Nudge) -> None:
    with pytest.raises(ConfigError):
        resolve_knobs(wish, LECTURE.knobs, LECTURE.settings, 0)


def test_an_exponential_schedule_cannot_end_at_zero() -> None:
    with pytest.raises(ConfigError, match="floor"):
        steer(LECTURE.knobs, LECTURE.settings, 0, schedule="exponential", floor=0.0)


@pytest.mark.parametrize("text", ["", "5", "5:", ":a=1", "x:learning_rate=1", "-1:learning_rate=1"])
def test_a_planned_act_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_plan(text)


def test_a_planned_act_is_read() -> None:
    assert parse_plan("5e3:learning-rate=0.01") == PlannedAct(
        step=5000, changes={"learning_rate": 0.01}
    )


def test_knobs_are_one_record_in_json_and_back() -> None:
    for preset in PRESETS.values():
        text = msgspec.json.encode(preset.knobs)
        assert msgspec.json.decode(text, type=Knobs) == preset.knobs
