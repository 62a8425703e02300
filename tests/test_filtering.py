"""Filters of a list of runs, and its order: what is meant, what is refused, and in which words."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import Listed
from core.config import PRESETS, ModelConfig, PresetName
from core.dials import DIALS, KNOBS, SETTINGS
from core.differing import facts
from core.errors import UserError
from core.fields import ALIASES, FieldError, Order, field_of, fields, in_order, parse_order
from core.filtering import parse_filter, readable_part
from tests.conftest import begun


def run(name: str, preset: PresetName = "lecture", **given: Any) -> Listed:
    """A run as a list knows it; dials and sizes among `given` are what is in force in it."""
    config, chosen = begun(), PRESETS[preset]
    model = {key: given.pop(key) for key in ("hidden_size",) if key in given}
    dials = {key: given.pop(key) for key in list(given) if key in DIALS}
    knobs = {key: value for key, value in dials.items() if hasattr(chosen.knobs, key)}
    settings = {key: value for key, value in dials.items() if key not in knobs}
    known = facts(
        msgspec.structs.replace(config, model=ModelConfig(**model)),
        msgspec.structs.replace(chosen.knobs, **knobs),
        msgspec.structs.replace(chosen.settings, **settings),
    )
    listed = Listed(name, Path("runs", name), "stopped", 1_000, 2.3, 60.0, 0.0, None)
    return replace(listed, train_loss=2.2, preset=preset, facts=known, **given)


BROKEN = Listed("broken", Path("runs/broken"), "unreadable", None, None, 5.0, 0.0, None, "damaged")
RUNS = (
    run("20260101-names", learning_rate=0.1, dev_loss=2.17, step=200_000, state="finished"),
    run("20260102-names", "fast", dev_loss=2.15, hidden_size=300, step=3_000, age_seconds=7_200.0),
    run("20260103-towns", learning_rate=0.05, dev_loss=None, fixed_batch=7, parent="20260101-x"),
    BROKEN,
)
ALL = {"20260101-names", "20260102-names", "20260103-towns", "broken"}
FIRST, SECOND, THIRD = "20260101-names", "20260102-names", "20260103-towns"

MEANT: dict[str, set[str]] = {
    "": ALL,
    "   ": ALL,
    "names": {FIRST, SECOND},
    "NAMES 0102": {SECOND},
    "nothing": set(),
    "lr>0.05": {FIRST},
    "lr>=0.05": {FIRST, THIRD},
    "rate<5e-2": {SECOND},
    "learning_rate=0.1": {FIRST},
    "learning-rate==.1": {FIRST},
    "LR != 0.1": {SECOND, THIRD},
    "lr > 0.01  dev < 2.2": {FIRST},
    "dev<2.2": {FIRST, SECOND},
    "dev!=2.17": {SECOND},
    "hidden_size>=200": {FIRST, SECOND, THIRD},
    "hidden>200": {SECOND},
    "step>=3k": {FIRST, SECOND},
    "step>0.1M": {FIRST},
    "step=200_000": {FIRST},
    "state=finished": {FIRST},
    "state=unr": {"broken"},
    "state!=finished": {SECOND, THIRD, "broken"},
    "preset=fast": {SECOND},
    "optimizer=adamw": {SECOND},
    "optimizer=SGD": {FIRST, THIRD},
    "schedule!=step": {SECOND},
    "data=names.txt": {FIRST, SECOND, THIRD},
    "run=20260103": {THIRD},
    "parent=20260101": {THIRD},
    "age>1h": {SECOND},
    "age<=1min": {FIRST, THIRD, "broken"},
    "fixed_batch=off": {FIRST, SECOND},
    "fixed_batch!=off": {THIRD},
    "fixed_batch<10": {THIRD},
    "drops=100000": {FIRST, THIRD},
    "drops=none": {SECOND},
    "decay=off": {FIRST, SECOND, THIRD},
    "pace=full": {FIRST, SECOND, THIRD},
    "seed>1": {FIRST, SECOND, THIRD},
    "names preset=lecture lr=0.1 train<3": {FIRST},
}


@pytest.mark.parametrize(("text", "meant"), MEANT.items())
def test_a_filter_means_the_runs_for_which_every_term_holds(text: str, meant: set[str]) -> None:
    wanted = parse_filter(text)
    assert {each.run for each in RUNS if wanted.keeps(each)} == meant


REFUSED = {
    "wrong>1": "wrong is no field of a run; such are dev, train, step, state",
    ">1": "nothing is no field",
    "lr>": "lr>: a value is missing behind >",
    "dev<": "a value is missing behind <",
    "dev<good": "dev<good: good is no value here; type a number such as 0.05",
    "lr=nan": "nan is no value here",
    "lr<1e999": "1e999 is no value here",
    "lr=0.1=2": "0.1=2 is no value here",
    "step>3kk": "3kk is no value here",
    "age<2y": "2y is no value here; type an age such as 30min, 2h or 3d",
    "age<2": "type an age",
    "state=done": "state=done: state is one of training, paused, finished",
    "optimizer=adam5": "optimizer is one of sgd, adamw",
    "schedule>step": "schedule is no number; compare it by = or !=",
    "drops>5": "drops is no number",
    "drops=5,x": "drops '5,x' must be rising step numbers",
    "lr\x1b[31m>1": r"lr\x1b[31m is no field",
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items())
def test_what_cannot_be_read_is_told_in_one_sentence_that_names_it(
    text: str, sentence: str
) -> None:
    with pytest.raises(UserError) as refused:
        parse_filter(text)
    assert sentence in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("name", "says"),
    [("speed", "did you mean seed?"), ("hiden_size", "did you mean hidden_size?"),
     ("qqq", "such are dev, train, step")],
)  # fmt: skip
def test_an_unknown_field_is_told_with_what_may_have_been_meant(name: str, says: str) -> None:
    with pytest.raises(FieldError, match=re.escape(f"{name} is no field of a run; {says}")):
        field_of(name)


def test_every_dial_is_a_field() -> None:
    assert {dial.name for dial in (*KNOBS, *SETTINGS)} <= set(fields())


@pytest.mark.parametrize("name", [*fields(), *ALIASES, *(f.short for f in fields().values())])
def test_every_name_of_a_field_leads_to_it(name: str) -> None:
    assert field_of(name).name in fields()
    assert field_of(f" {name.upper().replace('_', '-')} ") == field_of(name)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_filter_or_is_refused_in_a_printable_sentence(text: str) -> None:
    refusal = ""
    try:
        wanted = parse_filter(text)
    except UserError as error:
        refusal = str(error)
    else:
        assert {wanted.keeps(each) for each in RUNS} <= {True, False}
    assert refusal.isprintable()
    assert len(refusal) < 600


SIGNS = st.sampled_from(["<", "<=", ">", ">=", "=", "==", "!="])
VALUES = st.one_of(
    st.floats().map(str), st.integers().map(str), st.sampled_from(["off", "none", "full", "2h"]),
    st.text(max_size=8),
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(sorted({*fields(), *ALIASES})), SIGNS, VALUES)
def test_any_comparison_with_any_field_holds_or_not_or_is_refused(
    name: str, sign: str, value: str
) -> None:
    try:
        wanted = parse_filter(f"{name}{sign}{value}")
    except UserError:
        return
    assert {wanted.keeps(each) for each in RUNS} <= {True, False}


@settings(deadline=None)
@given(st.sampled_from([name for name, each in fields().items() if each.kind == "number"]),
       st.floats(-1e9, 1e9))  # fmt: skip
def test_a_run_with_a_number_is_below_equal_or_above_and_one_without_is_neither(
    name: str, value: float
) -> None:
    for each in RUNS:
        holds = [parse_filter(f"{name}{sign}{value!r}").keeps(each) for sign in ("<", "=", ">")]
        here = fields()[name].of(each)
        # Close by, a number is equal and yet below or above.
        assert any(holds) == isinstance(here, (int, float))
        assert not (holds[0] and holds[2])


def test_while_a_term_is_typed_the_others_hold() -> None:
    assert readable_part("lr>0.01 names speed>1 dev<") == parse_filter("lr>0.01 names")
    assert readable_part("lr>0.01 names") == parse_filter("lr>0.01 names")


# --- order ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))),
    st.booleans(),
)
def test_runs_are_sorted_by_a_field_and_those_without_it_come_last(
    losses: list[float | None], reverse: bool
) -> None:
    runs = [replace(RUNS[0], run=str(n), dev_loss=loss) for n, loss in enumerate(losses)]
    found = in_order(runs, field_of("dev"), reverse=reverse)
    assert sorted(each.run for each in found) == sorted(each.run for each in runs)
    known = [each.dev_loss for each in found if each.dev_loss is not None]
    assert known == sorted(known, reverse=reverse)
    assert [each.dev_loss for each in found[len(known) :]] == [None] * (len(found) - len(known))
    # Equal ones stay in their order.
    for one, other in pairwise(found):
        if one.dev_loss == other.dev_loss:
            assert int(one.run) < int(other.run)


@pytest.mark.parametrize("name", fields())
def test_every_field_sorts_and_is_told(name: str) -> None:
    for reverse in (False, True):
        found = in_order(RUNS, fields()[name], reverse=reverse)
        assert {each.run for each in found} == ALL
    for each in RUNS:
        assert fields()[name].told(each)


def test_an_order_is_a_field_and_a_minus_turns_it() -> None:
    assert parse_order("dev") == Order(field_of("dev"), False)
    assert parse_order(" -lr ") == Order(field_of("learning_rate"), True)
    with pytest.raises(FieldError, match="nothing is no field"):
        parse_order("-")
    assert [each.run for each in parse_order("dev").sort(RUNS)[:2]] == [SECOND, FIRST]
    assert [each.run for each in parse_order("-step").sort(RUNS)[:2]] == [FIRST, SECOND]
    assert parse_order("run").sort(RUNS)[-1].run == "broken"
