"""A real Run, driven directly: what commands do, what is written, what watching leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import checkpoint
from core.commands import obey
from core.config import PlannedAct
from core.protocol import (
    AnyEvent,
    CommandRejected,
    Decay,
    Evaluate,
    Evaluated,
    KnobsChanged,
    Nudge,
    Pause,
    Resume,
    RunOpened,
    Sample,
    SamplesDrawn,
    SetKnobs,
    SetSetting,
    SettingChanged,
    Shutdown,
    SnapshotTaken,
    StateChanged,
    Step,
    StepsDone,
)
from core.record import read_column, read_events
from core.run import Run
from core.trainer import Trainer
from tests.conftest import MakeRun

SHORT = {"step_limit": 200, "evaluation_interval": 50}


@pytest.fixture
def open_run(make_run: MakeRun) -> Iterator[Callable[..., Run]]:
    """A function that makes a run of 200 steps and opens it."""
    opened: list[Run] = []

    def make(**options: Any) -> Run:
        options["settings"] = SHORT | options.get("settings", {})
        opened.append(Run(make_run(**options)))
        return opened[-1]

    yield make
    for run in opened:
        run.close()


def heard(run: Run) -> list[AnyEvent]:
    return [event for event, _ in run.journal.take()]


def work_to(run: Run, step: int) -> None:
    """Drive the run to exactly this step."""
    while run.step < step:
        run.work()


def finish(run: Run) -> list[AnyEvent]:
    """Train to the limit; return everything that was said."""
    if not run.running:
        obey(run, Resume())
    while not run.finished:
        run.work()
    return heard(run)


def test_a_run_opens_with_its_configuration_and_ends_with_a_checkpoint(
    open_run: Callable[..., Run],
) -> None:
    run = open_run()
    events = finish(run)
    assert isinstance(events[0], RunOpened)
    assert events[0].config == run.config
    saved = [event for event in events if isinstance(event, SnapshotTaken)][-1]
    assert (saved.reason, saved.step) == ("finished", 200)
    snapshot, described = checkpoint.load(run.directory / "checkpoints" / saved.file)
    twin = Trainer(run.data, run.config.model, run.config.knobs, run.config.seed)
    twin.restore(snapshot)
    assert described.state_sha256 == twin.state_sha256() == run.trainer.state_sha256()
    assert described.weights_sha256 == run.trainer.model.weights_sha256()


def test_every_update_has_its_loss_in_the_column_and_in_the_stream(
    open_run: Callable[..., Run],
) -> None:
    run = open_run()
    events = finish(run)
    pieces = [event for event in events if isinstance(event, StepsDone)]
    streamed = np.concatenate([np.frombuffer(piece.loss, "<f4") for piece in pieces])
    starts = np.cumsum([0] + [len(piece.loss) // 4 for piece in pieces])[:-1]
    assert [piece.first_step for piece in pieces] == starts.tolist()
    assert streamed.tobytes() == read_column(run.directory, 0).tobytes()
    alone = Trainer(run.data, run.config.model, run.config.knobs, run.config.seed)
    assert streamed.tobytes() == alone.advance(200).astype("<f4").tobytes()


def test_it_evaluates_at_every_interval_and_all_of_train_at_the_end(
    open_run: Callable[..., Run],
) -> None:
    run = open_run()
    evaluations = [event for event in finish(run) if isinstance(event, Evaluated)]
    assert [event.step for event in evaluations] == [50, 100, 150, 200]
    assert [event.whole for event in evaluations] == [False, False, False, True]
    best = float("inf")
    for event in evaluations:
        assert event.dev is not None
        assert event.best == (event.dev < best)
        best = min(best, event.dev)


def test_a_change_takes_effect_at_its_step_and_not_before(open_run: Callable[..., Run]) -> None:
    run = open_run()
    obey(run, Resume())
    work_to(run, 50)
    obey(run, SetKnobs(id=7, values={"learning_rate": 0.5}), "me")
    step = run.step
    finish(run)
    alone = Trainer(run.data, run.config.model, run.config.knobs, run.config.seed)
    alone.advance(step)
    act = next(event for event in read_events(run.directory) if isinstance(event, KnobsChanged))
    assert (act.step, act.answers, act.client, act.by) == (step, 7, "me", "person")
    assert act.changes == {"learning_rate": (0.1, 0.5)}
    alone.set_knobs(run.trainer.knobs)
    alone.advance(200 - step)
    assert alone.state_sha256() == run.trainer.state_sha256()


def test_planned_acts_happen_at_exactly_their_steps(open_run: Callable[..., Run]) -> None:
    plan = (
        PlannedAct(step=120, changes={"learning_rate": 0.01}),
        PlannedAct(step=0, changes={"batch_size": 16}),
        PlannedAct(step=33, changes={"momentum": 0.5}),
    )
    run = open_run(plan=plan)
    finish(run)
    acts = [event for event in read_events(run.directory) if isinstance(event, KnobsChanged)]
    assert [act.step for act in acts] == [0, 33, 120]
    assert {act.by for act in acts} == {"command line"}


def test_two_presses_within_a_second_are_one_act_for_undo_and_another_knob_is_not(
    open_run: Callable[..., Run],
) -> None:
    run = open_run()
    obey(run, Nudge(name="learning_rate", rungs=1), "me")
    obey(run, Nudge(name="learning_rate", rungs=1), "me")
    obey(run, Nudge(name="learning_rate", rungs=1), "you")
    obey(run, Nudge(name="batch_size", rungs=1), "you")
    acts = [event for event in heard(run) if isinstance(event, KnobsChanged)]
    assert [act.joins for act in acts] == [False, True, False, False]
    assert acts[1].changes == {"learning_rate": (0.2, 0.5)}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Pause(), "paused already"),
        (SetKnobs(values={"learning_rate": -1.0}), "learning rate -1 must be"),
        (SetKnobs(values={"learning_rate": 0.1}), "learning rate is 0.1 already"),
        (SetKnobs(values={}), "nothing"),
        (SetKnobs(values={"nonsense": 1}), "is no knob"),
        (SetSetting(name="learning_rate", value=0.1), "is no setting"),
        (SetSetting(name="nonsense", value=0.1), "is no setting"),
        (SetSetting(name="temperature", value=0), "temperature 0 must be"),
        (SetSetting(name="pace", value=0), "pace is full already"),
        (Nudge(name="nonsense", rungs=1), "is no setting"),
        (Nudge(name="pace", rungs=1), "pace is full already"),
        (Decay(factor=0.0), "factor 0 must be"),
        (Step(count=0), "count 0 must be"),
        (Sample(count=0), "count 0 must be"),
        (Sample(count=100_000), "count 100,000 must be"),
        (Sample(count=51, max_length=1_000), "names 51 of 1,000 symbols each must be"),
        (Sample(prefix="É"), "É"),
        (Sample(temperature=-1.0), "temperature -1 must be"),
        (Sample(seed=-1), "seed -1 must be"),
    ],
)
def test_a_command_that_cannot_be_obeyed_is_answered_with_the_reason_and_leaves_no_trace(
    open_run: Callable[..., Run], command: Any, reason: str
) -> None:
    run = open_run()
    heard(run)
    lines = len(read_events(run.directory))
    obey(run, command, "me")
    ((event, to),) = run.journal.take()
    assert isinstance(event, CommandRejected)
    assert reason in event.reason
    assert to == "me"
    assert len(read_events(run.directory)) == lines


def test_single_steps_are_single_and_only_for_a_paused_run(open_run: Callable[..., Run]) -> None:
    run = open_run()
    obey(run, Step())
    while run.single_steps:
        run.work()
    run.work()
    assert (run.step, run.running) == (1, False)
    obey(run, Resume())
    heard(run)
    obey(run, Step(), "me")
    assert isinstance(heard(run)[0], CommandRejected)
    # A limit that is lowered meanwhile ends them.
    obey(run, Pause())
    for ahead in (3, 0, -2):
        here = run.step
        obey(run, SetSetting(name="step_limit", value=1_000_000))
        obey(run, Step(count=50))
        obey(run, SetSetting(name="step_limit", value=here + ahead))
        while run.single_steps or run.errand:
            run.work()
        assert run.step == here + max(ahead, 0)


def test_a_finished_run_goes_on_when_its_limit_is_raised(open_run: Callable[..., Run]) -> None:
    run = open_run()
    finish(run)
    obey(run, SetSetting(name="step_limit", value=260))
    changed, state = heard(run)
    assert isinstance(changed, SettingChanged)
    assert isinstance(state, StateChanged)
    assert (state.running, state.finished) == (True, False)
    finish(run)
    assert run.step == 260


def test_turning_a_knob_of_a_finished_run_does_not_finish_it_again(
    open_run: Callable[..., Run],
) -> None:
    run = open_run()
    finish(run)
    obey(run, Decay())
    assert run.work() > 0
    assert [type(event) for event in heard(run)] == [KnobsChanged]


def test_a_pace_spreads_the_updates_over_time_and_full_lifts_it(
    open_run: Callable[..., Run],
) -> None:
    run = open_run(settings={"pace": 10, "step_limit": 5_000})
    obey(run, Resume())
    assert run.work() == 0.0
    wait = run.work()
    assert run.step == 1
    assert 0 < wait <= 0.1
    obey(run, SetSetting(name="pace", value=0))
    finish(run)
    assert run.step == 5_000


def test_samples_are_numbered_so_that_a_second_drawing_differs(
    open_run: Callable[..., Run],
) -> None:
    run = open_run()
    for _ in range(2):
        obey(run, Sample(count=5))
    obey(run, Sample(count=5, seed=0))
    first, second, again = (event for event in heard(run) if isinstance(event, SamplesDrawn))
    assert first.names != second.names
    assert first.names == again.names
    assert len(first.names) == 5


def test_an_optimizer_that_restarts_says_so(open_run: Callable[..., Run]) -> None:
    run = open_run()
    obey(run, SetKnobs(values={"optimizer": "adamw"}))
    act = heard(run)[-1]
    assert isinstance(act, KnobsChanged)
    assert act.optimizer_restarted


def test_shutdown_saves_and_the_record_can_be_read(open_run: Callable[..., Run]) -> None:
    run = open_run()
    obey(run, Resume())
    work_to(run, 20)
    obey(run, Shutdown(), "me")
    assert run.ended
    kinds = [type(event).__name__ for event in read_events(run.directory)]
    assert kinds[-3:] == ["Clock", "SnapshotTaken", "EngineStopped"]
    assert len(read_column(run.directory, 0)) == run.step


WATCHING = st.lists(
    st.sampled_from(
        [
            Evaluate(),
            Sample(count=3),
            Pause(),
            Resume(),
            Step(count=5),
            SetSetting(name="temperature", value=0.5),
            SetSetting(name="evaluation_interval", value=13),
            SetSetting(name="pace", value=1000),
            SetSetting(name="pace", value=0),
        ]
    ),
    max_size=12,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(commands=WATCHING, chunks=st.lists(st.integers(1, 64), min_size=1, max_size=5))
def test_whatever_is_watched_the_weights_are_the_same(
    open_run: Callable[..., Run], commands: list[Any], chunks: list[int]
) -> None:
    run = open_run(preset="fast", settings={"step_limit": 150})
    obey(run, Resume())
    for number, command in enumerate(commands):
        run.pacing.chunk = chunks[number % len(chunks)]
        run.work()
        obey(run, command)
        run.work()
    obey(run, SetSetting(name="pace", value=0))
    finish(run)
    alone = Trainer(run.data, run.config.model, run.config.knobs, run.config.seed)
    losses = alone.advance(150)
    assert run.trainer.state_sha256() == alone.state_sha256()
    assert read_column(run.directory, 0).tobytes() == losses.astype("<f4").tobytes()
    run.close()


def test_the_data_of_a_run_is_its_own_copy(
    make_run: MakeRun, names: Path, open_run: Callable[..., Run]
) -> None:
    directory = make_run(settings=SHORT)
    names.write_text("gone\n")
    run = Run(directory)
    assert len(run.data.words) == 301
    run.close()
