"""A history fed as a run happens, and one loaded from the run's files: they tell the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.client import Attached, Client, read_run
from core.commands import obey
from core.protocol import (
    Evaluate,
    Nudge,
    Point,
    Redo,
    Restore,
    Resume,
    Sample,
    SetKnobs,
    SetSetting,
    Shutdown,
    Undo,
)
from core.run import Run
from tests.columns import even
from tests.conftest import Engine, MakeRun
from tests.test_time_travel import heard, settle, train
from tui.chart.marks import marks
from tui.history.history import History

SMOOTHING = 0.98

DEEDS: list[Any] = [
    Nudge(name="learning_rate", rungs=1),
    Nudge(name="learning_rate", rungs=-2, fine=True),
    SetKnobs(values={"schedule": "step", "drops": (5, 30)}),
    SetKnobs(values={"batch_size": 7}),
    SetKnobs(values={"learning_rate": 500.0}),
    SetSetting(name="temperature", value=0.7),
    Evaluate(),
    Sample(count=2),
    Undo(),
    Undo(),
    Redo(),
    "restore",
    "restore anything",
]


def follow(history: History, run: Run) -> None:
    run.journal.flush()
    for event in heard(run):
        history.apply(event, 0.0)


def loaded(attached: Attached) -> History:
    history = History(attached.config)
    history.load(attached.events, attached.losses, attached.welcome, 0.0)
    return history


def assert_alike(one: History, other: History) -> None:
    """They tell the same of everything that does not hang on a clock."""
    assert not one.gap
    assert not other.gap
    for name in (
        *("branch", "first", "step", "knobs", "settings", "lineage", "acts", "evaluations", "best"),
        *("samples", "examples", "undo", "redo", "reaching"),
    ):
        assert getattr(one, name) == getattr(other, name), name
    assert one.all_acts.list == other.all_acts.list
    assert marks(one.lineage) == marks(other.lineage)
    np.testing.assert_array_equal(one.loss, other.loss)
    np.testing.assert_allclose(one.smoothed(SMOOTHING), other.smoothed(SMOOTHING), rtol=1e-5)
    assert [(p.first, p.end) for p in one.abandoned] == [(p.first, p.end) for p in other.abandoned]
    for mine, its in zip(one.abandoned, other.abandoned, strict=True):
        ours, theirs = (part.curves(even(0, 1_000, 50), SMOOTHING) for part in (mine, its))
        np.testing.assert_array_equal(ours.low, theirs.low)
        np.testing.assert_allclose(ours.smooth, theirs.smooth, rtol=1e-5)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    deeds=st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 40)), max_size=20),
    seed=st.integers(0, 2**31),
)
def test_what_was_heard_is_what_the_files_tell(
    make_run: MakeRun, deeds: list[tuple[Any, int]], seed: int
) -> None:
    chance = random.Random(seed)
    run = Run(make_run(settings={"evaluation_interval": 30}))
    history = History(run.config)
    for deed, updates in deeds:
        if updates:
            train(run, updates)
        match deed:
            case "restore":
                obey(run, Restore(step=chance.randint(0, run.step)), "me")
            case "restore anything":
                act = chance.choice(run.journal.acts.list)
                end = run.journal.acts.end(act.seq, run.step)
                obey(run, Restore(point=Point(act.seq, chance.randint(act.step, end))), "me")
            case _:
                obey(run, deed, f"client {chance.randint(1, 2)}")
        settle(run)
        follow(history, run)
        history.smoothed(SMOOTHING)
        assert (history.step, history.branch) == (run.step, run.journal.branch)
        assert history.knobs == run.trainer.knobs
        flagged = [event for event in history.evaluations if event.best]
        assert history.best == (flagged[-1] if flagged else None)
    obey(run, Shutdown())
    follow(history, run)
    run.close()
    from_files = read_run(run.directory)
    assert (from_files.welcome.step, from_files.welcome.running) == (run.step, False)
    assert_alike(history, loaded(from_files))


def test_whoever_attaches_later_knows_what_was_undone(
    make_run: MakeRun, start: Callable[[Path], Engine]
) -> None:
    engine = start(make_run(settings={"step_limit": 300}))
    early = loaded(engine.attached)

    def until(true: Callable[[], bool]) -> None:
        while not true():
            for event in engine.client.receive(10):
                early.apply(event, 0.0)

    engine.ask(Resume())
    until(lambda: early.finished)
    engine.ask(Restore(step=200))
    until(lambda: early.branch == 1 and early.finished)
    client = Client(engine.directory, "later")
    late = loaded(client.attach(30))
    client.close()
    assert [(part.first, part.end) for part in late.abandoned] == [(200, 300)]
    assert_alike(early, late)


def test_a_run_without_an_engine_is_read_from_its_files(make_run: MakeRun) -> None:
    directory = make_run()
    fresh = loaded(read_run(directory))
    assert (fresh.step, fresh.running, fresh.finished, fresh.gap) == (0, False, False, False)
    run = Run(directory)
    obey(run, SetSetting(name="step_limit", value=40))
    obey(run, Resume())
    while not run.finished:
        run.work()
    run.close()
    history = loaded(read_run(directory))
    assert (history.step, history.running, history.finished) == (40, False, True)
    assert history.settings.step_limit == 40
