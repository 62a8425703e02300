from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dials import DIALS, KNOBS, SETTINGS, ConfigError, Dial, show, whole

LADDERS = [dial for dial in (*KNOBS, *SETTINGS) if dial.kind in ("number", "count")]
RATE = DIALS["learning_rate"]


@pytest.mark.parametrize(
    ("start", "rungs", "reached"),
    [
        (0.1, 1, 0.2),
        (0.1, -1, 0.05),
        (0.07, 1, 0.1),
        (0.07, -1, 0.05),
        (0.1, 3, 1.0),
        (0.2, 1, 0.5),
    ],
)
def test_the_rate_climbs_1_2_5_per_decade(start: float, rungs: int, reached: float) -> None:
    assert RATE.rung(start, rungs) == reached


def test_ten_fine_rungs_are_one_decade() -> None:
    assert RATE.rung(0.1, 10, fine=True) == 1.0
    assert RATE.rung(0.1, 1, fine=True) == 0.125


def test_the_batch_doubles_and_halves() -> None:
    batch = DIALS["batch_size"]
    assert [batch.rung(32, 1), batch.rung(32, -1), batch.rung(1, -1)] == [64, 16, 1]


def test_the_pace_goes_from_full_to_a_thousand_and_down_and_back() -> None:
    pace = DIALS["pace"]
    assert [pace.rung(0, -1), pace.rung(1000, -1), pace.rung(1000, 1)] == [1000, 100, 0]


def test_weight_decay_ends_in_off() -> None:
    decay = DIALS["weight_decay"]
    assert decay.rung(1e-6, -1) == 0.0
    assert decay.rung(0.0, 1) == 1e-6


@given(
    dial=st.sampled_from(LADDERS),
    value=st.floats(1e-9, 1e6),
    rungs=st.integers(-40, 40),
    fine=st.booleans(),
)
def test_every_rung_is_a_value_that_the_dial_accepts(
    dial: Dial, value: float, rungs: int, fine: bool
) -> None:
    reached = dial.rung(int(value) if dial.kind == "count" else value, rungs, fine=fine)
    dial.check(reached)


@given(value=st.floats(1e-8, 1e5), rungs=st.integers(1, 5))
def test_up_is_up_and_down_is_down(value: float, rungs: int) -> None:
    assert RATE.rung(value, -rungs) < value < RATE.rung(value, rungs)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e400", "abc", "", "0x1", "1 2"])
def test_what_is_no_rate_is_refused_with_name_value_and_range(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        RATE.parse(text)
    assert "learning rate" in str(refused.value)
    assert "a number above 0 and at most 1,000,000" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", "0.03", 0.03),
        ("learning_rate", " 3e-2 ", 0.03),
        ("batch_size", "1_024", 1024),
        ("step_limit", "2e5", 200_000),
        ("drops", "100000,150000", (100_000, 150_000)),
        ("drops", "", ()),
        ("schedule", "cosine", "cosine"),
        ("fixed_batch", "off", None),
        ("fixed_batch", "7", 7),
    ],
)
def test_people_may_type_it_so(name: str, text: str, value: object) -> None:
    assert DIALS[name].parse(text) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("batch_size", 65_537),
        ("batch_size", 32.0),
        ("batch_size", True),
        ("momentum", 1.0),
        ("schedule", "sideways"),
        ("drops", (5, 5)),
        ("drops", (9, 5)),
        ("drops", 5),
        ("temperature", 0),
        ("weight_decay", math.nan),
        ("learning_rate", None),
    ],
)
def test_a_value_outside_its_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name.replace("_", " ")):
        DIALS[name].check(value)  # type: ignore[arg-type]


def test_one_and_one_point_zero_are_one_record() -> None:
    assert repr(RATE.exact(1)) == "1.0"


def test_every_dial_explains_itself() -> None:
    assert all(dial.help.endswith(".") for dial in (*KNOBS, *SETTINGS))


def test_numbers_are_shown_as_people_write_them() -> None:
    assert [
        show(v) for v in (0.1, 200_000, 1e-5, None, (1000, 2000), "sgd", 0.30000000000000004)
    ] == [
        "0.1",
        "200,000",
        "1e-05",
        "off",
        "1,000, 2,000",
        "sgd",
        "0.3",
    ]


def test_a_whole_number_may_be_written_with_an_exponent_but_not_with_a_fraction() -> None:
    assert whole("5e3") == 5000
    with pytest.raises(ValueError):
        whole("5.5")


def test_beyond_the_end_of_a_ladder_no_rung_leads_the_wrong_way() -> None:
    assert DIALS["step_limit"].rung(10**9, 1) == 10**9
    assert DIALS["beta2"].rung(0.99, 1) == 0.99
    assert DIALS["beta2"].rung(0.99, -1) == 0.9
    assert DIALS["pace"].rung(0, 1) == 0


def test_fine_rungs_of_a_count_are_whole_numbers() -> None:
    patience = DIALS["patience"]
    assert [patience.rung(value, 1, fine=True) for value in (1, 2, 4)] == [2, 4, 5]
    assert all(rung.is_integer() for rung in patience.rungs(fine=True))
