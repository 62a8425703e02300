"""What people type and point at, wrong in every way: a sentence, exit code 2, and nothing left.

Refusals of files stand in test_words.py, single sentences of flags in test_cli.py. Here the tables
are drawn from the dials and commands themselves, so that a new one is covered by itself.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from pathlib import Path

import click
import msgspec
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tui.program  # noqa: F401 - gathers all commands
from core import words
from core.cli import app
from core.config import RunConfig, parse_plan
from core.dials import DIALS, ConfigError, Dial, Value, show
from core.foundations import AUTO, FOUNDATION
from core.lr_finder import HIGH, LOW, PROBES
from core.record import find_run
from core.words import DatasetError, read_words
from tests.conftest import MakeRun, Steermore, begun
from tests.sentences import FUZZ, is_sentence, outcome


@pytest.fixture
def steermore(steermore: Steermore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steermore:
    """In a folder of its own, in which nothing is left."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("STEERMORE_RUNS", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        came = steermore(*arguments)
        assert not list(folder.iterdir())
        return came

    return run


# --- lists ---------------------------------------------------------------------------------------


def test_lists_in_any_script_are_read_symbol_by_symbol(tmp_path: Path) -> None:
    right_to_left = ["שרה", "דוד", "محمد", "فاطمة"]
    combining = ["zoe\N{COMBINING DIAERESIS}", "e\N{COMBINING ACUTE ACCENT}lodie"]
    emoji = ["👩\N{ZERO WIDTH JOINER}🚀", "🏳️", "🇨🇭", "👍🏽"]
    written = right_to_left + combining + emoji
    path = tmp_path / "names.txt"
    path.write_text("\n".join(written), "utf-8")
    assert list(read_words(path).words) == written


NAMELESS = {"": "is empty", " ": "is empty", "a\0b": "no file can be called so"}


@pytest.mark.parametrize(("name", "says"), NAMELESS.items(), ids=map(repr, NAMELESS))
def test_a_name_that_no_file_can_have_is_refused(name: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says) as refused:
        read_words(name)
    assert is_sentence(str(refused.value))


def test_a_list_whose_name_cannot_be_recorded_is_refused_before_a_run_is_made(
    names: Path, tmp_path: Path, steermore: Steermore
) -> None:
    path = tmp_path / "na\udcffmes.txt"
    path.write_bytes(names.read_bytes())
    code, _, sentence = steermore("fit", "--data", str(path))
    assert (code, "is no valid UTF-8; rename the file" in sentence) == (2, True)
    assert is_sentence(sentence.rstrip("\n"))


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 3_000], ids=["long name", "long path"])
def test_a_name_too_long_for_any_file_is_refused(path: str) -> None:
    with pytest.raises(DatasetError, match="too long"):
        read_words(path)


def test_an_endless_device_is_refused_unread() -> None:
    with pytest.raises(DatasetError, match="is not a regular file"):
        read_words("/dev/zero")


def test_a_hundred_megabytes_on_one_line_are_refused_without_reading_them(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    with path.open("wb") as file:
        file.write(b"x" * words.PIECE)
        file.truncate(100_000_000)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(DatasetError, match=r"line 1: .*1,048,576 bytes\. Put one word"):
        read_words(path)
    seconds, (_, most) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert most < 40e6


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
def test_a_file_that_holds_more_than_it_said_is_read_no_further_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The system says 0 bytes of it, as of a file that grows between the look and the reading.
    monkeypatch.setattr(words, "MOST_BYTES", 100)
    with pytest.raises(DatasetError, match="is too large"):
        read_words("/proc/self/status")


@settings(
    max_examples=60 * FUZZ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    content=st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=9, max_size=30).map(
        lambda lines: "\n".join(lines).encode()
    )
)
def test_whatever_a_file_holds_it_is_a_list_or_refused_with_a_sentence(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    read, refusal = outcome(lambda: read_words(path))
    if read is None:
        assert is_sentence(refusal)
        assert refusal.endswith(".")
    else:
        assert len(read.words) >= words.FEWEST_WORDS
        assert words.FORBIDDEN.isdisjoint("".join(read.words))


@pytest.mark.parametrize("name", ["", "na\udcffmes.txt"], ids=repr)
def test_a_list_that_cannot_be_named_begins_no_run(name: str, steermore: Steermore) -> None:
    code, _, sentence = steermore("fit", "--data", name)
    assert (code, sentence.startswith("steermore: ")) == (2, True)
    assert is_sentence(sentence.rstrip("\n"))


# --- dials ---------------------------------------------------------------------------------------

TYPED = {**DIALS, **FOUNDATION, "low": LOW, "high": HIGH, "probes": PROBES}
"""Everything that a person types a value of, wherever that is."""

JUNK = [
    *("", "  ", "nan", "-nan", "inf", "-inf", "1e400", "-1e400", "0x10", "1__0", "½", "1;2", "--5"),
    *("\x1b[2J", "\x9b31m", "\u202e", "a\0b", "na\udcffme", "a" * 10_000, "1" * 5_000, "1e999999"),
    *("-" + "9" * 5_000, "9" * 4_300, "9" * 20, "-1", "-1e-300", ",".join(["9" * 5_000] * 2)),
    ",".join(map(str, range(1, 2_000))),
]


def taken(dial: Dial, text: str) -> tuple[bool, Value]:
    """Whether the dial takes it, and what it makes of it; a refusal is looked at."""
    value, refusal = outcome(lambda: dial.parse(text))
    if refusal:
        assert is_sentence(refusal)
        assert refusal.startswith(dial.name.replace("_", " "))
        return False, None
    dial.check(value)
    return True, value


@pytest.mark.parametrize("name", TYPED)
def test_junk_is_refused_by_every_dial(name: str) -> None:
    # No numbers at all is what drops hold at first.
    meant = [""] if TYPED[name].kind == "steps" else []
    assert [text for text in JUNK if taken(TYPED[name], text)[0]] in (meant, [*meant, "  "])


BOUNDED = [dial for dial in TYPED.values() if dial.kind in ("number", "count")]


@pytest.mark.parametrize("dial", BOUNDED, ids=lambda dial: dial.name)
def test_every_range_ends_exactly_where_it_says(dial: Dial) -> None:
    def beside(value: float, up: bool) -> float:
        whole = dial.kind == "count"
        return value + (1 if up else -1) if whole else math.nextafter(value, math.inf * (up - 0.5))

    low, high = dial.low, dial.high
    assert math.isfinite(high), "so that no number is too large to be written down"
    assert taken(dial, repr(low))[0] is not dial.open_low
    assert taken(dial, repr(high))[0] is not dial.open_high
    assert taken(dial, repr(beside(low, up=True))) == (True, beside(low, up=True))
    assert not taken(dial, repr(beside(low, up=False)))[0]
    assert not taken(dial, repr(beside(high, up=True)))[0]


def test_drops_end_where_all_steps_end() -> None:
    assert DIALS["drops"].parse("1,1000000000000") == (1, 10**12)
    for text in ("0", "1000000000001", "9" * 20, "5,5"):
        assert not taken(DIALS["drops"], text)[0]


@pytest.mark.parametrize("dial", BOUNDED, ids=lambda dial: dial.name)
def test_numbers_are_read_as_meant(dial: Dial) -> None:
    for text, number in (("-0", 0), ("1_0", 10), ("٣", 3), ("１", 1), (" 1 ", 1), ("1e1", 10)):
        known, value = taken(dial, text)
        assert known == dial.accepts(number if dial.kind == "count" else float(number))
        if known:
            assert (value, math.copysign(1, float(str(value)))) == (number, 1.0)


def test_a_number_of_any_size_can_be_shown() -> None:
    assert [show(10**5_000), show(-(10**5_000))] == ["10^5000", "-10^5000"]
    assert show(10**12) == "1,000,000,000,000"


@pytest.mark.parametrize("name", sorted({*DIALS, *FOUNDATION}))
def test_both_ends_of_every_flag_can_be_written_down_and_read_again(name: str, names: Path) -> None:
    dial = {**DIALS, **FOUNDATION}[name]
    choices = dial.choices if name != "device" else ("cpu", AUTO)  # whatever this machine has
    ends = {"choice": choices, "steps": ("1", "1000000000000")}
    for end in ends.get(dial.kind, (repr(dial.low), repr(dial.high))):
        if not taken(dial, str(end))[0]:
            continue
        config = begun(data=str(names), **{"floor": "0.5", "rare": "0", name: end})
        assert msgspec.json.decode(msgspec.json.encode(config), type=RunConfig) == config


@settings(max_examples=150 * FUZZ, deadline=None)
@given(text=st.text() | st.text("0123456789.,+-_eE naif", max_size=20) | st.floats().map(repr))
def test_whatever_is_typed_a_dial_takes_it_or_says_why(text: str) -> None:
    for dial in TYPED.values():
        taken(dial, text)


# --- acts ----------------------------------------------------------------------------------------

ACTS = [
    *("", ":", "=", "5", "5:", "5:x", ":learning_rate=1", "5:=1", "5:learning_rate", "x:warmup=1"),
    *("-1:warmup=1", "1.5:warmup=1", "nan:warmup=1", "1e400:warmup=1", "9" * 5_000 + ":warmup=1"),
    *("9" * 20 + ":warmup=1", "5:learning_rate=", "5:learning_rate=nan", "5:warmup=1=2"),
    *("5:seed=1", "5:temperature=1", "5:\x1b[2J=1", "5:warmup=\x1b[2J", "5:__class__=1"),
    *("5:schedule=zigzag", "5:drops=9,5", "5:" + "x" * 9_000 + "=1", "5:learning_rate=1:2"),
]


@pytest.mark.parametrize("text", ACTS, ids=lambda text: ascii(text[:20]))
def test_a_malformed_act_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_plan(text)
    assert is_sentence(str(refused.value))


@settings(max_examples=150 * FUZZ, deadline=None)
@given(
    step=st.text("0123456789e._- ", max_size=8) | st.text(max_size=5),
    name=st.sampled_from([*DIALS, "learning-rate"]) | st.text(max_size=5),
    value=st.text(max_size=8) | st.floats().map(repr) | st.integers().map(str),
)
def test_any_act_is_planned_or_refused_with_a_sentence(step: str, name: str, value: str) -> None:
    act, refusal = outcome(lambda: parse_plan(f"{step}:{name}={value}"))
    if act is None:
        assert is_sentence(refusal)
    else:
        assert act.step >= 0


CONTRADICTIONS = {
    ("fit", "--schedule", "exponential", "--floor", "0"): "cannot end an exponential schedule",
    ("fit", "--steps", "10", "--act", "10:warmup=1"): "lies at or past the step limit",
    ("fit", "--act", "5:schedule=exponential", "--act", "6:floor=0"): "cannot end an exponential",
    ("find-lr", "--low", "1", "--high", "0.1"): "must be below the highest rate",
    ("find-lr", "--low", "1", "--high", "1"): "must be below the highest rate",
    ("find-lr", "--run", "last", "--steps", "5"): "--steps does not go with --run",
    ("sample", "last", "--json", "--count", "1e6"): "with --json",
    ("export", "last", "--to", "csv", "--samples", "-"): "must name different files",
    ("export", "last", "--to", "csv", "--output", "a", "--samples", "./a"): "different files",
}


@pytest.mark.parametrize(("arguments", "says"), CONTRADICTIONS.items())
def test_two_options_that_contradict_each_other_are_refused(
    arguments: tuple[str, ...], says: str, steermore: Steermore
) -> None:
    code, said, sentence = steermore(*arguments)
    assert (code, said) == (2, "")
    assert says in sentence
    assert is_sentence(sentence.rstrip("\n"))


# --- every option of every command ---------------------------------------------------------------

HOSTILE = ["", "\x1b]52;c;AAAA\x07\x9b2J\udcff" + "9" * 5_000]
PROGRAM = typer.main.get_command(app)
assert isinstance(PROGRAM, click.Group)
OPTIONS = [
    (name, option.opts[0])
    for name, command in PROGRAM.commands.items()
    for option in command.params
    if isinstance(option, click.Option) and not option.is_flag and option.opts[0] != "--runs-dir"
    # Any text is a filter; tests/test_filtering.py has what cannot be read.
    if option.opts[0] != "--filter"
]


@pytest.mark.parametrize(("name", "flag"), OPTIONS)
def test_no_option_of_any_command_lets_hostile_text_through(
    name: str, flag: str, steermore: Steermore
) -> None:
    begins = name in ("fit", "find-lr", "learn", "sweep")
    # Where nothing is wrong with the text (a beginning for names, say), there is no run to use.
    run = [] if begins or name == "runs" else ["last"]
    data = ["--data", "nowhere.txt"] if begins and flag not in ("--data", "--run") else []
    # Sorted by nothing a list is as it comes.
    for text in HOSTILE[name == "runs" :]:
        code, said, errors = steermore(name, *run, *data, flag, text)
        assert (code, said) == (2, "")
        assert is_sentence(errors.rstrip("\n"))


RUN_NAMES = {
    "": "the name of the run is empty",
    " ": "the name of the run is empty",
    "../x": "not a run",
    "/etc": "not a run",
    "/etc/passwd": "Not a directory",
    ".": "not a run",
    "*": "no run of that name",
    "x" * 5_000: "no run of that name",
    "x/" * 5_000: "too long",
    "\x1b[2J\x9b": r"\x1b[2J\x9b: no run of that name",
    "na\udcffme": r"na\udcffme: no run of that name",
}


@pytest.mark.parametrize(("run", "says"), RUN_NAMES.items(), ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("command", ["sample", "stop", "rm --yes", "export --to csv", "replay"])
def test_what_names_no_run_is_refused(
    command: str, run: str, says: str, make_run: MakeRun, steermore: Steermore
) -> None:
    directory = make_run()
    code, said, errors = steermore(*command.split(), run, "--runs-dir", str(directory.parent))
    assert (code, said) == (2, "")
    assert says in errors
    assert errors.rstrip("\n").isprintable()
    # Its name begins with nothing, too; `rm ""` once meant the only run there is.
    assert find_run(directory.parent, "last") == directory
