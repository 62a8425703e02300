"""Undo, redo, restore, reopening and replay: whatever was done, states are equal bit for bit."""

from __future__ import annotations

import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.commands import obey
from core.protocol import (
    AnyEvent,
    Cancel,
    Cancelled,
    CommandRejected,
    Decay,
    EngineStarted,
    Evaluate,
    FindLearningRate,
    Nudge,
    Pause,
    Point,
    Reaching,
    Redo,
    Restore,
    Resume,
    RolledBack,
    Sample,
    SetKnobs,
    SetSetting,
    Shutdown,
    SnapshotTaken,
    StateChanged,
    Step,
    TakeSnapshot,
    Undo,
)
from core.record import column_path, read_column, read_events
from core.replaying import Verdict, replay
from core.run import Run
from tests.conftest import FUZZ, MakeRun


def heard(run: Run) -> list[AnyEvent]:
    return [event for event, _ in run.journal.take()]


def train(run: Run, updates: int) -> None:
    """Make so many updates, then stand still."""
    if run.running:
        obey(run, Pause())
    obey(run, Step(count=updates))
    settle(run)


def settle(run: Run) -> None:
    """Do all that is left to do while paused."""
    while run.errand is not None or run.single_steps:
        run.work()


def reopened(directory: Path) -> Run:
    run = Run(directory)
    while run.errand is not None:
        run.work()
    return run


def replayed(directory: Path) -> Verdict:
    steps: Generator[tuple[int, int], None, Verdict] = replay(directory)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


def steer(run: Run, **values: Any) -> None:
    """Turn knobs, each time as another client: else two turns within a second are one undo."""
    obey(run, SetKnobs(values=values), f"client {run.journal.seq}")


@pytest.fixture
def run(make_run: MakeRun) -> Generator[Run, None, None]:
    """A paused run, far from its limit."""
    opened = Run(make_run(settings={"evaluation_interval": 500}))
    heard(opened)
    yield opened
    opened.close()


def test_undo_brings_back_weights_knobs_and_step(run: Run) -> None:
    train(run, 70)
    before = run.trainer.state_sha256()
    steer(run, learning_rate=5.0)
    train(run, 50)
    obey(run, Undo())
    assert run.trainer.state_sha256() == before
    assert (run.step, run.trainer.knobs.learning_rate, run.journal.branch) == (70, 0.1, 1)


def test_redo_brings_back_what_was_undone_and_what_was_trained_after_it(run: Run) -> None:
    train(run, 30)
    steer(run, learning_rate=0.2)
    train(run, 40)
    steered = run.trainer.state_sha256()
    obey(run, Undo())
    train(run, 25)
    obey(run, Redo())
    assert run.trainer.state_sha256() == steered
    assert run.step == 70


def test_after_an_undo_training_goes_on_as_if_nothing_had_been(run: Run) -> None:
    train(run, 30)
    steer(run, learning_rate=1.0)
    train(run, 30)
    obey(run, Undo())
    train(run, 90)
    undone = run.trainer.state_sha256()
    obey(run, Restore(step=0))
    train(run, 120)
    assert run.trainer.state_sha256() == undone


def test_a_held_key_is_one_undo(run: Run) -> None:
    train(run, 10)
    for _ in range(5):
        obey(run, Nudge(name="learning_rate", rungs=1), "me")
    obey(run, Undo())
    assert run.trainer.knobs.learning_rate == 0.1


def test_four_changes_two_undos_one_redo(run: Run) -> None:
    states = []
    for rate in (0.2, 0.05, 0.01, 0.3):
        train(run, 20)
        states.append((run.step, run.trainer.state_sha256()))
        steer(run, learning_rate=rate)
    train(run, 20)
    obey(run, Undo())
    assert (run.step, run.trainer.state_sha256()) == states[3]
    obey(run, Undo())
    assert (run.step, run.trainer.state_sha256()) == states[2]
    obey(run, Redo())
    assert (run.step, run.trainer.state_sha256()) == states[3]
    assert run.trainer.knobs.learning_rate == 0.01


def test_the_abandoned_part_stays_in_its_own_column(run: Run) -> None:
    train(run, 40)
    steer(run, learning_rate=1.0)
    train(run, 30)
    run.journal.flush()
    left = read_column(run.directory, 0).tobytes()
    obey(run, Undo())
    train(run, 10)
    run.journal.flush()
    assert read_column(run.directory, 0).tobytes() == left
    assert len(read_column(run.directory, 1)) == 10


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Undo(), "nothing to undo"),
        (Redo(), "nothing to redo"),
        (Cancel(), "nothing to cancel"),
        (Restore(), "step off must be from 0 to 0"),
        (Restore(step=5), "step 5 must be from 0 to 0"),
        (Restore(step=0), "at step 0 already"),
        (Restore(point=Point(0, 1)), "never at that point"),
        (Restore(point=Point(1, 0)), "never at that point"),
        (Restore(point=Point(99, 0)), "never at that point"),
        (TakeSnapshot(name="x" * 61), "at most 60 printable characters"),
        (TakeSnapshot(name="\x1b[2J"), "at most 60 printable characters"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(run: Run, command: Any, reason: str) -> None:
    obey(run, command)
    (event,) = heard(run)
    assert isinstance(event, CommandRejected)
    assert reason in event.reason


def test_any_step_of_the_lineage_can_be_reached_without_a_snapshot(run: Run) -> None:
    hashes = {}
    for step in (1, 137, 138, 600):
        train(run, step - run.step)
        hashes[step] = run.trainer.state_sha256()
        steer(run, batch_size=random.Random(step).randint(1, 64))
    run.snapshots.forget_memory()
    run.snapshots.files.clear()
    for step in (138, 1, 137):
        path = run.journal.acts.path(run.journal.point(run.step))
        obey(run, Restore(step=step))
        settle(run)
        assert run.step == step
        knobs = next(s.knobs for s in reversed(path) if s.start <= step <= s.end)
        assert run.trainer.knobs == knobs
        obey(run, Undo())
        settle(run)
    assert run.step == 600


def test_a_point_of_an_abandoned_branch_can_be_restored(run: Run) -> None:
    train(run, 20)
    steer(run, learning_rate=0.3)
    train(run, 20)
    obey(run, TakeSnapshot(name="before the undo"))
    taken = next(event for event in heard(run) if isinstance(event, SnapshotTaken))
    assert (taken.name, taken.reason) == ("before the undo", "named")
    state = run.trainer.state_sha256()
    obey(run, Undo())
    obey(run, Restore(point=run.journal.acts.point_of(taken)))
    assert run.trainer.state_sha256() == state == taken.state_sha256


def test_a_long_way_back_tells_how_far_it_is_and_can_be_given_up(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After every piece: a fast machine would be there before a tenth of a second is over.
    monkeypatch.setattr("core.travel.PROGRESS_SECONDS", 0.0)
    train(run, 3_000)
    state = run.trainer.state_sha256()
    run.snapshots.forget_memory()
    run.snapshots.files.clear()
    heard(run)
    obey(run, Restore(step=2_900))
    assert run.step == 3_000
    obey(run, Sample(), "me")
    told: list[type] = []
    while Reaching not in told:
        assert run.errand is not None
        run.work()
        told += [type(event) for event in heard(run)]
    assert CommandRejected in told
    assert RolledBack not in told
    obey(run, Cancel())
    assert isinstance(heard(run)[-1], Cancelled)
    assert (run.step, run.trainer.state_sha256()) == (3_000, state)
    assert run.journal.branch == 0


def test_undo_leaves_a_running_run_running_and_sets_a_finished_one_going(run: Run) -> None:
    obey(run, SetSetting(name="step_limit", value=60))
    train(run, 30)
    steer(run, learning_rate=0.2)
    obey(run, Resume())
    while not run.finished:
        run.work()
    heard(run)
    obey(run, Undo())
    kinds = [type(event) for event in heard(run)]
    assert kinds == [RolledBack, StateChanged]
    assert run.running
    assert not run.finished
    assert run.step == 30


def test_reopened_after_shutdown_it_is_as_it_was(run: Run) -> None:
    train(run, 700)
    steer(run, optimizer="adamw", learning_rate=0.01)
    train(run, 20)
    obey(run, SetSetting(name="temperature", value=0.5))
    obey(run, Sample())
    state = run.trainer.state_sha256()
    obey(run, Shutdown())
    run.close()
    again = reopened(run.directory)
    assert again.trainer.state_sha256() == state
    assert again.settings.temperature == 0.5
    assert [event for event in heard(again) if not isinstance(event, EngineStarted)] == []
    obey(again, Undo())
    assert again.trainer.knobs.optimizer == "sgd"
    again.close()


def test_a_crash_at_any_byte_of_the_record_leaves_a_run_that_opens(run: Run) -> None:
    train(run, 40)
    steer(run, learning_rate=0.2)
    train(run, 30)
    obey(run, Undo())
    train(run, 15)
    state = run.trainer.state_sha256()
    run.close()
    whole = {path: path.read_bytes() for path in run.directory.iterdir() if path.is_file()}
    lines = run.directory / "events.jsonl"
    column = column_path(run.directory, 1)
    for cut in range(0, 61, 3):
        column.write_bytes(whole[column][: len(whole[column]) - cut])
        torn = b'{"type":"Clock","seq":99' if cut % 2 else b""
        lines.write_bytes(whole[lines] + torn)
        again = reopened(run.directory)
        assert again.step == 40 + (60 - cut) // 4
        train(again, 55 - again.step)
        assert again.trainer.state_sha256() == state
        again.close()


def test_losses_that_a_crash_cost_are_computed_again(run: Run) -> None:
    train(run, 40)
    steer(run, learning_rate=0.2)
    state, column = run.trainer.state_sha256(), read_column(run.directory, 0).tobytes()
    run.close()
    column_path(run.directory, 0).write_bytes(column[:50])
    again = reopened(run.directory)
    again.journal.flush()
    assert again.trainer.state_sha256() == state
    assert read_column(run.directory, 0).tobytes() == column
    again.close()


def test_on_a_machine_that_computes_otherwise_it_goes_on_from_the_checkpoint(run: Run) -> None:
    train(run, 600)
    steer(run, learning_rate=0.2)
    train(run, 20)
    run.close()
    column = bytearray(column_path(run.directory, 0).read_bytes())
    column[4 * 610] ^= 1
    column_path(run.directory, 0).write_bytes(column)
    again = reopened(run.directory)
    (back,) = (event for event in heard(again) if isinstance(event, RolledBack))
    assert (back.reason, back.to.step, again.step) == ("resume", 500, 500)
    assert back.changes == {"learning_rate": (0.1, 0.2)}
    assert again.trainer.knobs.learning_rate == 0.2
    again.close()
    assert replayed(run.directory).identical


def test_planned_acts_are_done_once(make_run: MakeRun) -> None:
    from core.config import PlannedAct

    plan = (
        PlannedAct(step=20, changes={"learning_rate": 0.2}),
        PlannedAct(step=60, changes={"learning_rate": 0.5}),
    )
    first = Run(make_run(plan=plan))
    train(first, 30)
    obey(first, Undo())
    first.close()
    again = reopened(first.directory)
    assert again.step == 20
    train(again, 40)
    assert again.trainer.knobs.learning_rate == 0.1
    train(again, 1)
    assert again.trainer.knobs.learning_rate == 0.5
    again.close()


def test_a_damaged_checkpoint_is_not_believed(run: Run) -> None:
    train(run, 520)
    state = run.trainer.state_sha256()
    run.close()
    (file,) = (run.directory / "checkpoints").iterdir()
    damaged = bytearray(file.read_bytes())
    damaged[-40] ^= 1
    file.write_bytes(damaged)
    again = reopened(run.directory)
    assert again.trainer.state_sha256() == state
    again.close()


def test_replay_names_the_first_loss_that_differs(run: Run) -> None:
    train(run, 50)
    run.close()
    column = bytearray(column_path(run.directory, 0).read_bytes())
    column[4 * 23] ^= 1
    column_path(run.directory, 0).write_bytes(column)
    verdict = replayed(run.directory)
    assert not verdict.identical
    assert "step 23 differs" in verdict.difference


ACTS: list[Any] = [
    Nudge(name="learning_rate", rungs=1),
    Nudge(name="learning_rate", rungs=-2, fine=True),
    Decay(),
    SetKnobs(values={"schedule": "cosine"}),
    SetKnobs(values={"schedule": "constant"}),
    SetKnobs(values={"batch_size": 7}),
    SetKnobs(values={"batch_size": 64}),
    SetKnobs(values={"optimizer": "adamw", "learning_rate": 0.01}),
    SetKnobs(values={"optimizer": "sgd"}),
    SetKnobs(values={"momentum": 0.9}),
    SetKnobs(values={"momentum": 0.0}),
    SetKnobs(values={"weight_decay": 0.01, "clip": 0.5}),
    SetKnobs(values={"fixed_batch": 3}),
    SetKnobs(values={"fixed_batch": None}),
    Undo(),
    Undo(),
    Redo(),
    Evaluate(),
    Sample(count=3),
    TakeSnapshot(name="named"),
    SetSetting(name="evaluation_interval", value=40),
    FindLearningRate(steps=20),
    FindLearningRate(low=0.5, high=1e6, steps=40),
    "find and cancel",
    "restore",
    "restore anything",
    "forget",
    "kill",
    "reopen",
]


@pytest.mark.fuzz
@settings(
    max_examples=4 * FUZZ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    deeds=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 45)), max_size=25),
    seed=st.integers(0, 2**31),
)
def test_live_reopened_and_replayed_states_are_equal(
    make_run: MakeRun, deeds: list[tuple[Any, int]], seed: int
) -> None:
    chance = random.Random(seed)
    run = Run(make_run(settings={"evaluation_interval": 500}))
    for deed, updates in deeds:
        run.pacing.chunk = chance.choice([1, 3, 16, 64])
        train(run, updates) if updates else None
        match deed:
            case "restore":
                obey(run, Restore(step=chance.randint(0, run.step)))
            case "restore anything":
                act = chance.choice(run.journal.acts.list)
                end = run.journal.acts.end(act.seq, run.step)
                obey(run, Restore(point=Point(act.seq, chance.randint(act.step, end))))
            case "find and cancel":
                obey(run, FindLearningRate(steps=60))
                run.work()
                back = Restore(step=chance.randint(0, run.step))
                giving_up: tuple[Any, ...] = (Cancel(), Undo(), back)
                obey(run, chance.choice(giving_up))
            case "forget":
                run.snapshots.forget_memory()
            case "kill" | "reopen":
                if deed == "reopen":
                    obey(run, Shutdown())
                else:
                    run.journal.record.flush()
                state = run.trainer.state_sha256()
                run.journal.record._lock.close() if deed == "kill" else run.close()
                run = reopened(run.directory)
                assert run.trainer.state_sha256() == state
            case _:
                obey(run, deed)
        settle(run)
    state = run.trainer.state_sha256()
    run.close()
    verdict = replayed(run.directory)
    assert verdict.difference == ""
    assert verdict.state_sha256 == state
    again = reopened(run.directory)
    assert again.trainer.state_sha256() == state
    again.close()


def test_every_recorded_line_reads_back(run: Run) -> None:
    train(run, 10)
    steer(run, learning_rate=0.2)
    obey(run, Undo())
    for event in read_events(run.directory):
        assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event


def test_replay_tells_what_else_was_in_force_where_it_differs_and_since_when(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_run()
    # MKL has read it long ago: here it changes what is noted, and no bit.
    for asked, updates in ((None, 50), ("COMPATIBLE", 0), ("AVX2", 50), ("SSE4_2", 20), (None, 30)):
        with monkeypatch.context() as patch:
            if asked:
                patch.setenv("MKL_CBWR", asked)
            run = reopened(directory)
            if updates:
                train(run, updates)
            if asked == "SSE4_2":
                obey(run, Restore(step=100))
                settle(run)
            run.close()
    assert replayed(directory).identical

    def told(branch: int, place: int) -> tuple[str, tuple[str, ...]]:
        column = column_path(directory, branch)
        whole = column.read_bytes()
        losses = bytearray(whole)
        losses[4 * place] ^= 1
        column.write_bytes(losses)
        verdict = replayed(directory)
        column.write_bytes(whole)
        return verdict.difference.partition(" differs")[0], verdict.environment

    # Neither an engine that made no update is named, nor one whose updates were undone.
    since = ("MKL_CBWR: AVX2 there from step 50 on, none here",)
    assert told(0, 49) == ("the loss of step 49", ())
    assert told(0, 50) == ("the loss of step 50", since)
    assert told(1, 5) == ("the loss of step 105", since)
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    assert told(0, 60)[1] == ("MKL_CBWR: none there, AVX2 here",)
