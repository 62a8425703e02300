"""The finder: the run is bit for bit as before, and what is found is what was tried."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.commands import obey
from core.lr_finder import Watch, range_test
from core.plotting import log_plot
from core.protocol import (
    AnyEvent,
    Cancel,
    Cancelled,
    CommandRejected,
    Evaluate,
    FinderFinished,
    FindLearningRate,
    KnobsChanged,
    LearningRateProbed,
    Nudge,
    Pause,
    Redo,
    Restore,
    Resume,
    RolledBack,
    Sample,
    SetKnobs,
    SetSetting,
    SettingChanged,
    SnapshotTaken,
    StateChanged,
    Step,
    StepsDone,
    TakeSnapshot,
    Undo,
)
from core.record import read_column, read_events
from core.run import Run
from core.suggesting import OURS, Probes, _valley, rates_between, suggestions
from tests.conftest import Engine, MakeRun
from tests.test_cli import fit, reported, steermore, within
from tests.test_time_travel import heard, replayed, settle, steer, train

RECIPES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9, "weight_decay": 0.01, "clip": 1.0},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "schedule": "cosine", "warmup": 50},
    "one batch": {"fixed_batch": 3, "batch_size": 8},
}


@pytest.fixture
def run(make_run: MakeRun) -> Generator[Run, None, None]:
    """A paused run, far from its limit."""
    opened = Run(make_run(settings={"evaluation_interval": 5_000}))
    heard(opened)
    yield opened
    opened.close()


def find(run: Run, **wish: Any) -> list[AnyEvent]:
    """Everything that a range test tells."""
    heard(run)
    obey(run, FindLearningRate(**wish), "me")
    settle(run)
    return heard(run)


def column(events: list[AnyEvent]) -> bytes:
    """The losses of a range test, put together as they came."""
    probed = [event for event in events if isinstance(event, LearningRateProbed)]
    firsts = np.cumsum([0, *(len(event.loss) // 4 for event in probed)])
    assert [event.first for event in probed] == firsts[:-1].tolist()
    return b"".join(event.loss for event in probed)


def finished(events: list[AnyEvent]) -> FinderFinished:
    (end,) = (event for event in events if isinstance(event, FinderFinished))
    return end


# --- the run is as before ------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_paused_run_goes_on_bit_for_bit_as_if_it_had_not_been_tested(
    make_run: MakeRun, recipe: str
) -> None:
    runs = [Run(make_run(knobs=RECIPES[recipe])) for _ in range(2)]
    for each in runs:
        train(each, 70)
    tested, untouched = runs
    before = tested.trainer.state_sha256()
    obey(tested, FindLearningRate(steps=200))
    while tested.errand is not None:
        tested.work()
        assert tested.trainer.state_sha256() == before
    assert tested.step == 70
    for each in runs:
        train(each, 60)
        each.journal.flush()
    assert tested.trainer.state_sha256() == untouched.trainer.state_sha256()
    losses = [read_column(each.directory, 0).tobytes() for each in runs]
    assert losses[0] == losses[1]
    for each in runs:
        each.close()


@pytest.mark.parametrize("recipe", ["sgd", "adamw"])
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_training_run_does_so_too_and_trains_on_by_itself(
    make_run: MakeRun, recipe: str, cancelled: bool
) -> None:
    limits = {"step_limit": 400, "evaluation_interval": 250}
    runs = [Run(make_run(knobs=RECIPES[recipe], settings=limits)) for _ in range(2)]
    tested, untouched = runs
    for each in runs:
        obey(each, Resume())
    while tested.step < 90:
        tested.work()
    heard(tested)
    here = tested.step
    obey(tested, FindLearningRate(steps=500))
    tested.work()
    if cancelled:
        obey(tested, Cancel(id=7))
        assert heard(tested)[-1] == Cancelled(answers=7, what="finding")
    while tested.errand is not None:
        tested.work()
    assert tested.step == here
    for each in runs:
        while not each.finished:
            each.work()
        each.journal.flush()
    told = [event for event in heard(tested) if isinstance(event, FinderFinished)]
    assert len(told) == (0 if cancelled else 1)
    assert tested.trainer.state_sha256() == untouched.trainer.state_sha256()
    losses = [read_column(each.directory, 0).tobytes() for each in runs]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 4 * 400
    for each in runs:
        each.close()


def test_it_stands_in_the_record_and_a_replay_passes_it_by(run: Run) -> None:
    train(run, 40)
    steer(run, learning_rate=0.2)
    told = finished(find(run, steps=100))
    train(run, 30)
    state = run.trainer.state_sha256()
    run.close()
    assert told in read_events(run.directory)
    assert told.client == "me"
    verdict = replayed(run.directory)
    assert verdict.identical
    assert verdict.state_sha256 == state


# --- what it tries --------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_the_losses_are_those_of_one_update_at_each_rate(make_run: MakeRun, recipe: str) -> None:
    run = Run(make_run(knobs=RECIPES[recipe]))
    train(run, 37)
    events = find(run, low=0.002, high=0.5, steps=150)
    twin, losses = run.trainer.copy(), []
    for rate in rates_between(0.002, 0.5, 150).tolist():
        # As a person would do it: a constant schedule, and the rate set before every update.
        knobs = msgspec.structs.replace(twin.knobs, learning_rate=rate, schedule="constant")
        twin.set_knobs(msgspec.structs.replace(knobs, warmup=0))
        losses.append(twin.advance(1))
    tried = len(column(events)) // 4
    assert column(events) == np.concatenate(losses).astype("<f4")[:tried].tobytes()
    assert finished(events).probed == tried
    run.close()


def test_rates_rise_exponentially_as_in_the_lecture() -> None:
    rates = rates_between(1e-3, 1.0, 1_000)
    assert rates[[0, 333, 666, 999]] == pytest.approx([0.001, 0.01, 0.1, 1.0])


@pytest.mark.parametrize("cut", [1, 7, 64, 130])
def test_it_does_not_depend_on_chunks(run: Run, cut: int) -> None:
    rates = rates_between(1e-3, 1.0, 200).tolist()
    whole, cuts = run.trainer.copy(), run.trainer.copy()
    at_once = whole.advance_at(rates)
    pieces = [cuts.advance_at(rates[start : start + cut]) for start in range(0, 200, cut)]
    assert np.concatenate(pieces).tobytes() == at_once.tobytes()
    assert cuts.state_sha256() == whole.state_sha256()


def test_closed_midway_it_leaves_the_trainer_alone(run: Run) -> None:
    before = run.trainer.state_sha256()
    pieces = range_test(run.trainer, 1e-3, 1.0, 1_000)
    next(pieces)
    pieces.close()
    assert run.trainer.state_sha256() == before


# --- it ends early where the loss blows up -------------------------------------------------------


def end_of(losses: np.ndarray, cut: int) -> int | None:
    """After how many losses a test ends that gets them in pieces of `cut`."""
    watch = Watch(45, 2 * math.log(27))
    for start in range(0, len(losses), cut):
        end = watch.look(losses[start : start + cut].astype(np.float32))
        if end is not None:
            return start + end
    return None


@pytest.mark.parametrize("cut", [1, 7, 1_000])
def test_it_ends_at_the_same_probe_however_it_is_cut(cut: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, 1_000)
    falling = np.linspace(27, 3, 1_000) + noise
    assert end_of(falling, cut) is None
    assert end_of(np.where(np.arange(1_000) < 600, falling, np.nan), cut) == 601
    rising = np.where(np.arange(1_000) < 600, 3 + noise, 60 + noise)
    assert end_of(rising, cut) == 604
    # Four times the lowest, but below 2 ln V.
    assert end_of(np.where(np.arange(1_000) < 600, 0.1, 6.0), cut) is None


def test_a_lucky_first_minibatch_ends_no_test() -> None:
    losses = np.full(1_000, 25.0)
    losses[0] = 0.01
    assert end_of(losses, 100) is None


@pytest.mark.parametrize("batch_size", [1, 32])
def test_the_first_weights_of_the_lecture_are_tested_to_the_end(
    make_run: MakeRun, batch_size: int
) -> None:
    run = Run(make_run(knobs={"batch_size": batch_size}, model={"hidden_size": 64}))
    assert finished(find(run, high=0.3, steps=400)).probed == 400
    run.close()


def test_a_rate_that_is_far_too_high_ends_it(run: Run) -> None:
    events = find(run, high=1e6, steps=900)
    told = finished(events)
    assert 45 < told.probed < 900
    assert len(column(events)) == 4 * told.probed
    assert (told.low, told.high, told.steps) == (1e-3, 1e6, 900)


def test_weights_that_are_not_finite_end_it_at_once_and_suggest_nothing(run: Run) -> None:
    run.trainer.model.flat[0] = math.nan
    told = finished(find(run))
    assert (told.probed, told.suggestions) == (1, {})


# --- commands meanwhile ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"low": 0.0}, "low 0 must be a number above 0 and at most 1,000,000"),
        ({"low": -1e-3}, "low -0.001 must be a number above 0"),
        ({"low": math.nan}, "low nan must be a number above 0"),
        ({"high": math.inf}, "high inf must be a number above 0"),
        ({"high": 2e6}, "high 2,000,000 must be a number above 0"),
        ({"low": 1.0}, "low 1 must be below the highest rate, 1"),
        ({"low": 0.5, "high": 0.1}, "low 0.5 must be below the highest rate, 0.1"),
        ({"steps": 9}, "steps 9 must be a whole number from 10 to 100,000"),
        ({"steps": 100_001}, "steps 100,001 must be a whole number"),
    ],
)
def test_a_test_that_cannot_be_made_is_refused(run: Run, wish: dict[str, Any], reason: str) -> None:
    (event,) = find(run, **wish)
    assert isinstance(event, CommandRejected)
    assert reason in event.reason


@pytest.mark.parametrize(
    "command",
    [
        SetKnobs(values={"learning_rate": 0.2}),
        Nudge(name="learning_rate", rungs=1),
        Step(),
        Sample(),
        Evaluate(),
        FindLearningRate(),
        TakeSnapshot(),
    ],
    ids=lambda command: type(command).__name__,
)
def test_meanwhile_what_would_change_the_run_is_refused(run: Run, command: Any) -> None:
    obey(run, FindLearningRate(steps=300))
    run.work()
    heard(run)
    obey(run, command)
    (event,) = heard(run)
    assert isinstance(event, CommandRejected)
    assert "finder is at work" in event.reason
    settle(run)
    assert finished(heard(run)).probed == 300


def test_meanwhile_settings_and_training_on_can_be_asked_for(run: Run) -> None:
    obey(run, FindLearningRate(steps=300))
    run.work()
    obey(run, Resume())
    obey(run, SetSetting(name="temperature", value=0.5))
    obey(run, Pause())
    kinds = [type(event) for event in heard(run)[1:]]
    assert kinds == [StateChanged, SettingChanged, StateChanged]
    settle(run)
    assert finished(heard(run)).step == run.step == 0


@pytest.mark.parametrize(
    "command", [Undo(), Redo(), Restore(step=5)], ids=lambda c: type(c).__name__
)
def test_who_goes_elsewhere_gives_it_up(run: Run, command: Any) -> None:
    train(run, 20)
    before = run.trainer.state_sha256()
    steer(run, learning_rate=0.2)
    if isinstance(command, Redo):
        obey(run, Undo())
    obey(run, FindLearningRate(steps=300))
    run.work()
    obey(run, command)
    settle(run)
    events = heard(run)
    assert not [event for event in events if isinstance(event, FinderFinished)]
    assert isinstance(events[-1], RolledBack)
    rate = 0.2 if isinstance(command, Redo) else 0.1
    assert run.trainer.knobs.learning_rate == rate
    if isinstance(command, Undo):
        assert run.trainer.state_sha256() == before


def test_the_rate_that_is_taken_is_an_ordinary_act(run: Run) -> None:
    found = finished(find(run, steps=200)).suggestions
    assert next(iter(found)) == OURS
    obey(run, SetKnobs(values={"learning_rate": found[OURS]}))
    act = heard(run)[-1]
    assert isinstance(act, KnobsChanged)
    assert act.changes == {"learning_rate": (0.1, found[OURS])}


# --- what is suggested ---------------------------------------------------------------------------


Curve = Callable[[np.ndarray], np.ndarray]


def probes(curve: Curve) -> Probes:
    """A test whose loss is `curve` of the exponent of the rate, from -3 to 0."""
    losses = curve(np.log10(rates_between(1e-3, 1.0, 1_000)))
    return Probes(1e-3, 1.0, 1_000, losses.astype(np.float32))


def test_ours_is_half_of_the_rate_at_the_lowest_smoothed_loss() -> None:
    found = suggestions(probes(lambda exponent: 3 + (exponent + 1) ** 2))
    assert list(found) == [OURS, "valley", "steepest"]
    # The average follows some 20 probes behind, 0.06 of a decade.
    assert found[OURS] == pytest.approx(0.1 * 10**0.06 / 2, rel=0.02)


def test_the_valley_is_in_the_middle_of_the_longest_fall() -> None:
    found = suggestions(probes(lambda exponent: 3 + np.abs(exponent + 1)))
    first, lowest = 45 / 999 * 3 - 3, math.log10(2 * found[OURS])
    assert math.log10(found["valley"]) == pytest.approx((first + lowest) / 2, abs=0.01)


def test_the_steepest_is_where_the_loss_falls_fastest() -> None:
    found = suggestions(probes(lambda exponent: 5 - 2 * np.tanh(4 * (exponent + 2))))
    assert math.log10(found["steepest"]) == pytest.approx(-2 + 0.06, abs=0.03)
    assert found[OURS] == 0.5


@pytest.mark.parametrize(
    "curve",
    [
        lambda exponent: 3 + exponent,
        lambda exponent: np.full_like(exponent, 3.0),
        lambda exponent: np.full_like(exponent, np.nan),
        lambda exponent: exponent[:20],
        lambda exponent: exponent[:0],
    ],
    ids=["only rising", "flat", "not finite", "too few", "none"],
)
def test_where_the_test_tells_nothing_nothing_is_suggested(curve: Curve) -> None:
    assert suggestions(probes(curve)) == {}


def test_losses_that_are_not_finite_are_passed_over() -> None:
    sound = probes(lambda exponent: 3 + (exponent + 1) ** 2)
    losses = sound.losses.copy()
    losses[[100, 500]] = np.nan, np.inf
    losses[900:] = np.nan
    found = suggestions(Probes(sound.low, sound.high, sound.steps, losses))
    assert found[OURS] == pytest.approx(suggestions(sound)[OURS], rel=0.02)


def test_a_lucky_first_minibatch_is_not_the_minimum() -> None:
    lucky = probes(lambda exponent: 3 + (exponent + 1) ** 2)
    lucky.losses[0] = 0.1
    assert suggestions(lucky)[OURS] > 0.05


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_the_valley_is_that_of_the_plain_quadratic_search(values: list[int]) -> None:
    losses = np.array(values, np.float32)
    lengths: list[int] = []
    for value in values:
        shorter = (n for n, before in zip(lengths, values, strict=False) if before > value)
        lengths.append(1 + max(shorter, default=0))
    longest = max(lengths)
    expected = None if longest < 2 else lengths.index(longest) - longest // 2
    assert _valley(losses) == expected


# --- without a screen ----------------------------------------------------------------------------


def digest(directory: Path) -> dict[str, str]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def find_lr(cwd: Path, *arguments: str | Path) -> dict[str, Any]:
    return reported(cwd, "find-lr", *arguments)


def test_find_lr_tests_a_fresh_model_and_leaves_nothing_behind(names: Path, tmp_path: Path) -> None:
    flags = ("--data", names, "--hidden-size", "32", "--seed", "5")
    report = find_lr(tmp_path, *flags)
    as_people_do = steermore("find-lr", "--json", *flags, cwd=tmp_path)
    assert report == json.loads(as_people_do.stdout)
    assert not (tmp_path / "runs").exists()
    assert (report["run"], report["step"]) == (None, 0)
    assert (report["low"], report["high"], report["steps"]) == (0.001, 1.0, 1000)
    curve = report["curve"]
    lengths = {len(curve[name]) for name in ("rate", "loss", "smoothed")}
    assert lengths == {report["probed"]}
    assert list(report["suggestions"]) == ["half of the minimum", "valley", "steepest"]
    assert report["suggestion"] == report["suggestions"]["half of the minimum"]
    told = within("find-lr", *flags, cwd=tmp_path)
    assert told.returncode == 0
    assert f"{report['suggestion']:.6g}   suggested" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_find_lr_tests_a_run_as_its_engine_would_and_changes_nothing(
    names: Path, tmp_path: Path
) -> None:
    fitted = fit(tmp_path, "--data", names, "--steps", "300", "--hidden-size", "16")
    directory = tmp_path / "runs" / fitted["run"]
    before = digest(directory)
    report = find_lr(tmp_path, "--run", "last", "--low", "1e-4", "--probes", "200")
    assert digest(directory) == before
    assert (report["run"], report["step"]) == (fitted["run"], 300)
    opened = Run(directory)
    settle(opened)
    events = find(opened, low=1e-4, steps=200)
    opened.close()
    losses = np.array(report["curve"]["loss"], "<f4").tobytes()
    assert losses == column(events)
    assert report["suggestions"] == finished(events).suggestions


def test_find_lr_tests_a_live_run(
    make_run: MakeRun, start: Callable[[Path], Engine], tmp_path: Path
) -> None:
    directory = make_run()
    engine = start(directory)
    engine.ask(Step(count=50))
    done = 0
    while done < 50:
        piece = engine.until(StepsDone)
        done = piece.first_step + len(piece.loss) // 4
    engine.ask(TakeSnapshot())
    engine.until(SnapshotTaken, step=50)
    report = find_lr(tmp_path, "--run", directory, "--probes", "50")
    assert (report["step"], report["probed"]) == (50, 50)
    engine.ask(FindLearningRate(steps=50))
    assert engine.until(FinderFinished).suggestions == report["suggestions"]


MISTAKES = {
    ("--low", "0"): "low 0 must be a number above 0 and at most 1,000,000",
    ("--low", "slow"): "low slow must be a number above 0",
    ("--high", "1e-3"): "low 0.001 must be below the highest rate, 0.001",
    ("--probes", "9"): "probes 9 must be a whole number from 10 to 100,000",
    ("--batch-size", "0"): "batch size 0 must be a whole number",
    ("--run", "last"): "no run here yet",
    ("--run", "last", "--steps", "5"): "--steps does not go with --run",
}


@pytest.mark.parametrize(("flags", "sentence"), MISTAKES.items(), ids=" ".join)
def test_a_mistake_gets_one_sentence_and_exit_code_2(
    flags: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    done = within("find-lr", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_plot_fits_the_terminal_and_shows_its_marks(width: int) -> None:
    rates = rates_between(1e-3, 1.0, 500)
    lines = log_plot(
        rates, 3 + (np.log10(rates) + 1) ** 2, {"1": 0.05, "2": 0.002, "3": 9.0}, width
    )
    assert max(map(len, lines)) <= width
    assert len(lines) == 13
    assert lines[-1].split() == ["2", "1"]
    assert lines[0].startswith("   7 ┤")
    assert lines[-2].split()[0] == "0.001"


def test_a_flat_plot_is_a_line() -> None:
    lines = log_plot(np.array([0.5, 0.6]), np.array([2.0, 2.0]), {}, 40)
    assert "⠉" * 30 in lines[0]
    assert lines[-1].split() == ["0.5", "0.6"]
