"""What may be searched: ranges as people type them, and the runs that come of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dials import KNOBS, ConfigError, Dial
from core.options import not_given, shipped_names
from core.sweep import Sweep, configured_with, fitting_workers, flags_of
from core.sweep_begin import checked_name
from core.sweep_place import Place, checked_url, without_password
from core.sweep_ranges import SEARCHED, Choices, Interval, parse_range, ranges
from core.sweep_study import every_combination
from core.words import WordList, read_words
from tests.sentences import is_sentence, outcome

RATE, HIDDEN, DROPS = SEARCHED["learning_rate"], SEARCHED["hidden_size"], SEARCHED["drops"]
SCHEDULE, CLIP, FIXED = SEARCHED["schedule"], SEARCHED["clip"], SEARCHED["fixed_batch"]


@pytest.fixture(scope="module")
def words() -> WordList:
    return read_words(shipped_names())


def swept(**flags: str) -> Sweep:
    """A sweep with these flags."""
    return Sweep(flags=flags, sha256="")


@pytest.mark.parametrize(
    ("dial", "text", "found"),
    [
        (RATE, "0.1", None),
        (RATE, "0.01:1", Interval(RATE, 0.01, 1.0)),
        (RATE, "1e-2:1:log", Interval(RATE, 0.01, 1.0, log=True)),
        (RATE, " 0.01 : 1 : log ", Interval(RATE, 0.01, 1.0, log=True)),
        (RATE, "0.1,0.2", Choices(RATE, ("0.1", "0.2"))),
        (CLIP, "0:10", Interval(CLIP, 0.0, 10.0)),
        (HIDDEN, "50:300", Interval(HIDDEN, 50, 300)),
        (HIDDEN, "50,100,200", Choices(HIDDEN, ("50", "100", "200"))),
        (SCHEDULE, "linear,cosine", Choices(SCHEDULE, ("linear", "cosine"))),
        (SCHEDULE, "cosine", None),
        (DROPS, "100,200", None),
        (DROPS, "100,200/300", Choices(DROPS, ("100,200", "300"))),
        (FIXED, "off,3", Choices(FIXED, ("off", "3"))),
    ],
)
def test_a_range_is_read_as_people_type_it(
    dial: Dial, text: str, found: Interval | Choices | None
) -> None:
    assert parse_range(dial, text) == found


@pytest.mark.parametrize(
    ("dial", "text", "said"),
    [
        (RATE, "1:0.01", "must rise"),
        (RATE, "1:1", "must rise"),
        (RATE, "0:1", "above 0"),
        (CLIP, "0:10:log", "logarithmic"),
        (RATE, "0.01:1:cube", "LOW:HIGH:log"),
        (RATE, "0.01:0.1:1", "LOW:HIGH:log"),
        (RATE, "0.01:0.1,1", "LOW:HIGH:log"),
        (RATE, ":1", "must be a number"),
        (RATE, "0.1,,1", "empty place"),
        (RATE, "0.1,0.10", "twice"),
        (RATE, "nan:1", "must be a number"),
        (HIDDEN, "1.5:3", "whole number"),
        (HIDDEN, "50,many", "whole number"),
        (HIDDEN, "1:99999", "16,384"),
        (SCHEDULE, "linear:cosine", "set apart by ,"),
        (SCHEDULE, "linear,square", "must be one of"),
        (DROPS, "100:200", "set apart by /"),
        (FIXED, "off:3", "number at both ends"),
    ],
)
def test_a_mistake_in_a_range_is_a_sentence(dial: Dial, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_range(dial, text)
    assert said in str(told.value)
    assert is_sentence(str(told.value))


def test_every_knob_and_size_of_fit_can_be_searched() -> None:
    sizes = {"block_size", "embedding_size", "hidden_size", "initialization", "direct"}
    others = {"decay_biases", "preset", "seed"}
    assert SEARCHED.keys() == sizes | others | {knob.name for knob in KNOBS}
    assert SEARCHED.keys() <= not_given().keys()


@settings(deadline=None)
@given(st.text(alphabet="0123456789.,:/-elogf ", max_size=20), st.sampled_from(list(SEARCHED)))
def test_whatever_is_typed_is_a_range_a_value_or_a_sentence(text: str, name: str) -> None:
    found, said = outcome(lambda: parse_range(SEARCHED[name], text))
    assert found is None or not said
    if said:
        assert is_sentence(said)
    if found is not None:
        # What a range can give, the flag takes.
        for end in found.ends:
            SEARCHED[name].parse(end)


@given(st.floats(1e-9, 1e6), st.floats(1e-9, 1e6), st.booleans(), st.floats(0, 1), st.booleans())
def test_a_value_of_an_interval_lies_between_its_ends(
    one: float, other: float, log: bool, share: float, whole: bool
) -> None:
    low, high = sorted((one, other))
    if whole:
        low, high = int(low) + 1, int(high) + 2
    if low == high:
        return
    each = Interval(HIDDEN if whole else RATE, low, high, log)
    value = low + share * (high - low)
    chosen = min(max(round(value) if whole else value, low), high)
    typed = float(each.typed(chosen))
    assert low <= typed <= high
    assert typed == pytest.approx(chosen, rel=1e-5)
    assert 0.0 <= each.share(chosen) <= 1.0
    assert each.share(low) < each.share(high)


def test_numbers_of_a_list_stand_in_their_order_and_words_as_typed() -> None:
    assert Choices(HIDDEN, ("200", "50", "100")).ordered == ("50", "100", "200")
    assert Choices(SCHEDULE, ("step", "constant")).ordered == ("step", "constant")
    assert Choices(HIDDEN, ("200", "50", "100")).share("100") == 0.5


def test_a_trial_is_the_run_that_fit_would_train(words: WordList) -> None:
    sweep = swept(learning_rate="0.01:1:log", hidden_size="50,100", step_limit="2000")
    config = sweep.config(words, {"learning_rate": 0.123456789, "hidden_size": "100"})
    typed: dict[str, Any] = {"learning_rate": "0.123457", "hidden_size": "100"}
    fit = configured_with(not_given() | typed | {"step_limit": "2000"}, words)
    assert (config.knobs, config.model, config.settings) == (fit.knobs, fit.model, fit.settings)
    assert config.knobs.learning_rate == 0.123457
    assert config.settings.evaluation_interval == 200
    often = swept(learning_rate="0.1,1", evaluation_interval="7")
    assert often.config(words, {"learning_rate": "1"}).settings.evaluation_interval == 7


def test_the_ends_of_all_ranges_are_looked_at_before_a_sweep_begins(words: WordList) -> None:
    sweep = swept(schedule="linear,exponential", floor="0:0.1", optimizer="adamw")
    with pytest.raises(ConfigError, match="exponential"):
        list(sweep.corners(words))
    assert len(list(swept(hidden_size="50:300", batch_size="32,64,128").corners(words))) == 6


def test_flags_that_are_this_machines_own_are_no_part_of_a_study() -> None:
    given_ = not_given() | {"hidden_size": "50,100", "data": "a.txt", "runs_dir": "b"}
    assert flags_of(given_) == {"hidden_size": "50,100"}
    assert list(ranges(given_)) == ["hidden_size"]


def test_where_the_values_are_few_each_combination_is_made_once() -> None:
    sweep = swept(hidden_size="50,100", block_size="3:5")
    found = every_combination(sweep, 6)
    assert len({tuple(each.items()) for each in found}) == len(found) == 6
    assert every_combination(sweep, 5) == []
    assert every_combination(swept(learning_rate="0.1:1", block_size="3,4"), 99) == []
    every_seed = swept(hidden_size="50,100", seed="0:9223372036854775807")
    assert every_combination(every_seed, 99) == []


@pytest.mark.parametrize(
    ("threads", "cores", "workers"), [(1, 2, 2), (2, 2, 1), (4, 2, 1), (2, 9, 4)]
)
def test_there_are_never_more_workers_than_cores(threads: int, cores: int, workers: int) -> None:
    assert fitting_workers(threads, cores) == workers


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "é", "x" * 61, ".hidden"])
def test_a_name_that_files_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="study"):
        checked_name(name)


@pytest.mark.parametrize(
    ("url", "said"),
    [("nonsense", "postgresql://"), ("sqlite:///a.db", "sqlite"), ("redis://h", "redis")],
)
def test_an_address_that_is_none_is_a_sentence(url: str, said: str) -> None:
    found, told = outcome(lambda: checked_url(url))
    assert found is None
    assert said in told
    assert is_sentence(told)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@h:5432/db",
        "mysql://me:s3cret@h/db",
        "postgres://h/db?password=s3cret",
    ],
)
def test_a_password_is_never_shown(url: str, tmp_path: Any) -> None:
    place = Place(tmp_path, checked_url(url))
    assert "s3cret" in place.url
    assert "s3cret" not in place.told("study") + repr(place)
    assert without_password(place, "no s3cret here") == "no *** here"


def test_an_address_that_cannot_be_read_is_not_quoted() -> None:
    _, told = outcome(lambda: checked_url("me:s3cret@host"))
    assert told
    assert "s3cret" not in told
