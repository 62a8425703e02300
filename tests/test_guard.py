"""The guard steps in where training has gone wrong, at the same step whatever the chunks were."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.commands import obey
from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.guard import Guard
from core.guarding import begin_watch
from core.launch import new_run
from core.options import shipped_names
from core.protocol import (
    AnyEvent,
    Cancel,
    GuardTripped,
    Pause,
    Redo,
    Resume,
    RolledBack,
    SetKnobs,
    SetSetting,
    Shutdown,
    StateChanged,
    Step,
    Undo,
)
from core.run import Run
from core.words import read_words
from tests.conftest import MakeRun
from tests.test_cli import reported, steermore
from tests.test_time_travel import heard, reopened, replayed, settle, train

V = 27


def trip_step(losses: np.ndarray, cuts: list[int]) -> int | None:
    """Where a guard trips that gets the losses in pieces."""
    guard = Guard(V, batch_size=32)
    for start, end in zip([0, *cuts], [*cuts, len(losses)], strict=True):
        trip = guard.look(losses[start:end])
        if trip is not None:
            return start + trip.index
    return None


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(1, 9_000),
    boom=st.integers(0, 9_000),
    height=st.sampled_from([3.0, 8.0, 20.0, math.nan, math.inf]),
    cuts=st.lists(st.integers(0, 9_000), max_size=12),
)
def test_it_trips_at_the_same_step_however_training_is_cut(
    seed: int, length: int, boom: int, height: float, cuts: list[int]
) -> None:
    losses = np.random.default_rng(seed).normal(2.5, 0.3, length).astype(np.float32)
    losses[:50] += np.linspace(20, 0, 50, dtype=np.float32)[: len(losses[:50])]
    losses[boom:] += height
    at_once = trip_step(losses, [])
    assert trip_step(losses, sorted(min(cut, length) for cut in cuts)) == at_once
    if height == 3.0 or boom >= length:
        assert at_once is None
    elif not math.isfinite(height):
        assert at_once == boom
    elif boom >= 300:
        assert at_once is None or at_once >= boom


def test_it_lets_a_fresh_model_fall_and_a_rising_one_recover() -> None:
    fall = np.linspace(27, 3, 400, dtype=np.float32)
    assert trip_step(fall, []) is None
    # Up to less than 2 ln V: three times the lowest alone does not trip it.
    assert trip_step(np.concatenate([fall * 0 + 1.0, fall * 0 + 6.0]), []) is None
    assert trip_step(np.concatenate([fall * 0 + 2.5, fall * 0 + 9.0]), []) is not None


def test_a_lucky_loss_of_a_few_examples_is_no_lowest() -> None:
    losses = np.full(400, 9.0, np.float32)
    losses[0] = 0.003
    guard = Guard(V, batch_size=1)
    assert guard.look(losses) is None
    # The average of 32 such losses counts.
    later = guard.look(np.full(400, 40.0, np.float32))
    assert later is not None
    assert later.lowest == pytest.approx(9.0, abs=0.6)


@pytest.mark.parametrize("quiet", [5, 60])
@pytest.mark.parametrize("cut", [1, 7, 20])
def test_after_a_climb_that_was_left_alone_it_trips_where_the_next_loss_is(
    quiet: int, cut: int
) -> None:
    guard = Guard(V, batch_size=32)
    # As one that is made of what was trained without it, whose trips are past.
    for updates, loss in ((500, 2.3), (100, 30.0), (quiet, 2.5)):
        guard.look(np.full(updates, loss, np.float32))
    trip = guard.look(np.array([2.5] * cut + [7.0] * 20, np.float32))
    assert trip is not None
    assert trip.index == 0


def test_a_batch_size_turned_before_the_first_update_counts(make_run: MakeRun) -> None:
    run = Run(make_run())
    obey(run, SetKnobs(values={"batch_size": 1}))
    train(run, 10)
    assert run.guard is not None
    assert run.guard._unsettled == 31 - 10
    again = begin_watch(run, run.step)
    assert again._unsettled == run.guard._unsettled
    run.close()


def of(events: list[AnyEvent], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lecture's model on the shipped names after 2,500 steps at 0.1, saved and ended."""
    path, preset = shipped_names(), PRESETS["lecture"]
    words = read_words(path)
    config = RunConfig(
        created=1.8e9,
        version="test",
        preset="lecture",
        data=DataConfig(path=str(path), sha256=words.sha256),
        model=ModelConfig(),
        knobs=msgspec.structs.replace(preset.knobs, schedule="constant", drops=()),
        settings=msgspec.structs.replace(preset.settings, evaluation_interval=10**6),
    )
    run = Run(new_run(tmp_path_factory.mktemp("guard"), config, words.raw))
    train(run, 2_500)
    obey(run, Shutdown())
    run.close()
    return run.directory


def steer(run: Run, rate: float, updates: int) -> list[AnyEvent]:
    """Set a rate and make so many updates, running; what was heard."""
    heard(run)
    obey(run, SetKnobs(values={"learning_rate": rate}))
    end = run.step + updates
    obey(run, SetSetting(name="step_limit", value=end))
    obey(run, Resume())
    while run.running and not run.finished:
        run.work()
    settle(run)
    return heard(run)


@pytest.mark.parametrize("rate", [1.0, 2.0, 5.0, 10.0, 1e4])
def test_rates_that_explode_are_stopped_and_the_weights_are_as_before(
    rate: float, lecture: Path, tmp_path: Path
) -> None:
    run = reopened(copy(lecture, tmp_path))
    before = run.trainer.state_sha256()
    events = steer(run, rate, 1_000)
    (trip,) = of(events, GuardTripped)
    (back,) = of(events, RolledBack)
    assert 2_500 < trip.step < 2_600
    assert (trip.rate, trip.learning_rate) == (rate, rate)
    assert (back.reason, back.by, back.to.step, back.changes) == ("guard", "guard", 2_500, {})
    assert not run.running
    assert of(events, StateChanged)[-1].running is False
    assert (run.step, run.trainer.state_sha256()) == (2_500, before)
    column = np.fromfile(run.directory / "loss-0.f32", "<f4")
    assert len(column) == trip.step + 1
    obey(run, Resume())
    for _ in range(20):
        run.work()
    obey(run, Shutdown())
    run.close()
    assert replayed(run.directory).identical


@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_rates_that_recover_are_left_alone(rate: float, lecture: Path, tmp_path: Path) -> None:
    run = reopened(copy(lecture, tmp_path))
    assert not of(steer(run, rate, 1_000), GuardTripped)
    run.close()


def test_it_acts_by_itself_if_it_may(lecture: Path, tmp_path: Path) -> None:
    run = reopened(copy(lecture, tmp_path))
    obey(run, SetSetting(name="guard", value="act"))
    events = steer(run, 20.0, 1_000)
    rates = [back.changes["learning_rate"][1] for back in of(events, RolledBack)]
    assert rates == [2.0, 0.2]
    assert (run.step, run.finished) == (3_500, True)
    assert run.trainer.knobs.learning_rate == 0.2
    obey(run, Shutdown())
    run.close()
    assert replayed(run.directory).identical


def test_after_some_tries_in_a_row_it_leaves_the_run_to_a_person(
    lecture: Path, tmp_path: Path
) -> None:
    run = reopened(copy(lecture, tmp_path))
    obey(run, SetSetting(name="guard", value="act"))
    events = steer(run, 1e6, 1_000)
    rates = [back.changes["learning_rate"][1] for back in of(events, RolledBack) if back.changes]
    assert rates == [1e5, 1e4, 1e3, 100, 10, 1]
    assert not run.running
    assert (run.settings.guard, run.trainer.knobs.learning_rate) == ("stop", 0.1)
    obey(run, Shutdown())
    run.close()
    assert replayed(run.directory).identical


def test_undoing_its_act_goes_to_where_it_tripped_and_switches_it_off(
    lecture: Path, tmp_path: Path
) -> None:
    run = reopened(copy(lecture, tmp_path))
    (trip,) = of(steer(run, 5.0, 1_000), GuardTripped)
    obey(run, Undo())
    settle(run)
    assert (run.step, run.settings.guard) == (trip.step + 1, "off")
    assert run.trainer.knobs.learning_rate == 5.0
    obey(run, Undo())
    settle(run)
    assert (run.step, run.trainer.knobs.learning_rate) == (2_500, 0.1)
    obey(run, Redo())
    settle(run)
    assert (run.step, run.trainer.knobs.learning_rate) == (trip.step + 1, 5.0)
    run.close()


def test_without_a_recent_act_it_goes_back_to_a_thousand(lecture: Path, tmp_path: Path) -> None:
    run = reopened(copy(lecture, tmp_path))
    heard(run)
    run.trainer.model.flat.fill_(math.nan)
    train(run, 1)
    events = heard(run)
    (trip,) = of(events, GuardTripped)
    assert (trip.step, trip.loss, trip.average) == (2_500, None, None)
    assert of(events, RolledBack)[0].to.step == 2_000
    assert bool(np.isfinite(run.trainer.model.flat.numpy()).all())
    run.close()


def test_where_nothing_earlier_is_sound_it_only_stops(make_run: MakeRun) -> None:
    run = Run(make_run())
    run.trainer.model.flat.fill_(math.nan)
    obey(run, Resume())
    while run.running:
        run.work()
    settle(run)
    events = heard(run)
    (trip,) = of(events, GuardTripped)
    assert (trip.step, trip.to) == (0, None)
    assert not of(events, RolledBack)
    # What the trainer did beyond the trip belongs to the run: state and record agree.
    assert run.step == run.trainer.step == run.journal.record.column_bytes // 4
    run.close()


def test_given_up_on_its_way_it_leaves_state_and_record_in_agreement(
    lecture: Path, tmp_path: Path
) -> None:
    run = reopened(copy(lecture, tmp_path))
    obey(run, SetKnobs(values={"learning_rate": 0.11}))
    train(run, 1_500)
    # Now the way back is long: nothing is at hand but what is on disk.
    run.snapshots.forget_memory()
    run.trainer.model.flat.mul_(30)
    obey(run, Resume())
    while not of(heard(run), GuardTripped):
        run.work()
    assert run.errand is not None
    obey(run, Cancel())
    assert run.errand is None
    assert run.step == run.trainer.step == run.journal.record.column_bytes // 4
    run.close()


def test_the_guard_is_a_setting(lecture: Path, tmp_path: Path) -> None:
    run = reopened(copy(lecture, tmp_path))
    obey(run, SetSetting(name="guard", value="off"))
    events = steer(run, 10.0, 300)
    assert not of(events, GuardTripped)
    obey(run, Pause())
    # Switched on, it looks at what was trained without it.
    obey(run, SetSetting(name="guard", value="stop"))
    obey(run, SetSetting(name="step_limit", value=5_000))
    obey(run, Step(count=1))
    settle(run)
    assert of(heard(run), GuardTripped)
    run.close()


def test_fit_ends_with_code_1_and_says_how_to_go_on(names: Path, tmp_path: Path) -> None:
    flags = ("fit", "--data", names, "--steps", "3000", "--act", "500:learning_rate=50")
    done = steermore(*flags, cwd=tmp_path)
    assert done.returncode == 1
    assert "guard: the loss climbed to" in done.stderr
    assert "saved as it was at step 500" in done.stderr
    assert "resume" in done.stderr
    assert reported(tmp_path, *flags, "--guard", "act")["steps"] == 3_000
    hopeless = ("fit", "--data", names, "--steps", "3000", "--act", "500:learning_rate=1000000")
    done = steermore(*hopeless, "--guard", "act", cwd=tmp_path)
    assert (done.returncode, "--guard act" in done.stderr) == (1, False)
    assert "guard act → stop" in done.stdout


def copy(run: Path, to: Path) -> Path:
    """The same run in another place, so that each test may spoil its own."""
    return Path(shutil.copytree(run, to / run.name))
