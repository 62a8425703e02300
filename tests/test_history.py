"""What the screen knows of a run: losses, knobs, speed, smoothing and reduction."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import PRESETS, DataConfig, ModelConfig, Parent, RunConfig
from core.dials import Value
from core.protocol import (
    AnyEvent,
    Cancelled,
    CommandRejected,
    Evaluated,
    Heartbeat,
    KnobsChanged,
    Point,
    Reaching,
    RollbackReason,
    RolledBack,
    RunOpened,
    SettingChanged,
    StateChanged,
    StepsDone,
    Welcome,
)
from core.smoothing import DebiasedAverage
from tests.columns import even, reduce
from tui.chart.look import Look
from tui.chart.marks import change_label, marks
from tui.chart.view import chart_view
from tui.history.course import Way
from tui.history.history import History

losses = st.lists(st.floats(width=32), max_size=200)


def config() -> RunConfig:
    preset = PRESETS["lecture"]
    return RunConfig(
        created=0.0,
        version="test",
        preset="lecture",
        data=DataConfig(path="names.txt", sha256=""),
        model=ModelConfig(),
        knobs=preset.knobs,
        settings=preset.settings,
    )


def steps(first: int, values: list[float], branch: int = 0) -> StepsDone:
    loss = np.asarray(values, "<f4").tobytes()
    return StepsDone(branch=branch, first_step=first, loss=loss, seconds=first * 1e-4)


def running(value: bool, finished: bool = False) -> StateChanged:
    return StateChanged(seq=1, branch=0, step=0, time=0.0, running=value, finished=finished)


def act(
    step: int, joins: bool = False, *, seq: int = 2, after: int = -1, **changes: tuple[Value, Value]
) -> KnobsChanged:
    """A change of knobs on the first branch; `after` is the act before it."""
    return KnobsChanged(
        seq=seq,
        branch=0,
        step=step,
        time=0.0,
        before=Point(after, step),
        changes=changes,
        joins=joins,
    )


def back(
    to: Point, left: Point, seq: int, branch: int, reason: RollbackReason = "undo"
) -> RolledBack:
    return RolledBack(
        seq=seq, branch=branch, step=to.step, time=0.0, before=left, to=to, reason=reason
    )


def evaluated(step: int, dev: float | None, best: bool) -> Evaluated:
    return Evaluated(
        seq=3,
        branch=0,
        step=step,
        time=0.0,
        train=2.0,
        dev=dev,
        train_examples=10_000,
        dev_examples=100,
        whole=False,
        best=best,
    )


def welcome(step: int) -> Welcome:
    return Welcome(
        protocol=1,
        seq=9,
        branch=0,
        step=step,
        column_bytes=4 * step,
        running=True,
        finished=False,
        seconds=1.5,
        client="test",
    )


def by_hand(values: list[float], factor: float) -> list[float]:
    average, weight, out = 0.0, 0.0, []
    for value in values:
        if math.isfinite(value):
            average = factor * average + (1 - factor) * value
            weight = factor * weight + (1 - factor)
            out.append(average / weight)
        else:
            out.append(math.nan)
    return out


@given(losses, st.lists(st.integers(1, 40), min_size=1))
def test_a_history_does_not_depend_on_how_the_losses_were_cut(
    values: list[float], cuts: list[int]
) -> None:
    whole, pieces = History(config()), History(config())
    whole.apply(steps(0, values), 0.0)
    at = 0
    while at < len(values):
        cut = cuts[at % len(cuts)]
        pieces.apply(steps(at, values[at : at + cut]), 0.0)
        pieces.smoothed(0.9)
        at += cut
    assert not pieces.gap
    np.testing.assert_array_equal(whole.loss, pieces.loss)
    np.testing.assert_allclose(whole.smoothed(0.9), pieces.smoothed(0.9), rtol=1e-5)


def test_a_piece_that_comes_again_changes_nothing() -> None:
    history = History(config())
    history.apply(steps(0, [3.0, 2.0, 1.0]), 0.0)
    history.apply(steps(0, [9.0, 9.0]), 0.0)
    history.apply(steps(1, [9.0, 9.0, 0.5]), 0.0)
    assert history.loss.tolist() == [3.0, 2.0, 1.0, 0.5]
    assert not history.gap


def test_a_missing_piece_is_noticed_and_leaves_a_hole() -> None:
    history = History(config())
    history.apply(steps(0, [3.0]), 0.0)
    history.apply(steps(3, [1.0]), 0.0)
    assert history.gap
    assert history.step == 4
    assert np.isnan(history.loss[1:3]).all()


def test_an_attach_begins_again_from_the_whole_record() -> None:
    history = History(config())
    history.apply(steps(5, [1.0]), 0.0)
    column = np.array([3.0, np.inf, 2.0], np.float32)
    opened = RunOpened(seq=0, branch=0, step=0, time=0, before=Point(-1, 0), config=config())
    history.load([opened, act(1, after=0, batch_size=(32, 64))], {0: column}, welcome(3), 0.0)
    assert history.step == 3
    assert not history.gap
    assert history.running
    assert history.seconds == 1.5
    assert history.knobs.batch_size == 64
    assert np.isnan(history.loss[1])


def test_an_attach_without_all_losses_is_a_gap() -> None:
    history = History(config())
    history.load([], {0: np.ones(2, np.float32)}, welcome(3), 0.0)
    assert history.gap


def test_knobs_and_settings_are_those_the_engine_confirmed() -> None:
    history = History(config())
    history.apply(act(0, learning_rate=(0.1, 0.05), schedule=("step", "cosine")), 0.0)
    limit = SettingChanged(seq=4, branch=0, step=0, time=0.0, name="step_limit", old=1, new=500)
    history.apply(limit, 0.0)
    assert (history.knobs.learning_rate, history.knobs.schedule) == (0.05, "cosine")
    assert history.settings.step_limit == 500


def test_the_epoch_counts_examples_under_the_batch_size_that_was_in_force() -> None:
    history = History(config())
    history.apply(steps(0, [1.0] * 10), 0.0)
    history.apply(act(10, batch_size=(32, 64)), 0.0)
    history.apply(steps(10, [1.0] * 5), 0.0)
    assert history.examples == 10 * 32 + 5 * 64
    assert history.epoch(640) == 1.0


def test_speed_is_by_the_wall_clock_and_gives_the_time_that_is_left() -> None:
    history = History(config())
    history.apply(running(True), 100.0)
    for tick in range(1, 31):
        history.apply(steps((tick - 1) * 100, [1.0] * 100), 100 + tick / 10)
    assert history.steps_per_second == pytest.approx(1000)
    assert history.eta == pytest.approx((200_000 - 3_000) / 1000)


def test_speed_falls_while_only_heartbeats_come_and_is_zero_in_a_pause() -> None:
    history = History(config())
    history.apply(running(True), 0.0)
    history.apply(steps(0, [1.0] * 100), 0.1)
    fast = history.steps_per_second
    history.apply(Heartbeat(step=100, running=True), 1.0)
    assert 0 < history.steps_per_second < fast
    history.apply(running(False), 1.1)
    assert history.steps_per_second == 0
    assert history.eta is None


def undone(trained: int, kept: int, again: int) -> History:
    """So many steps, a change of the rate after `kept` of them, its undo, so many steps again."""
    history = History(config())
    history.apply(steps(0, [3.0] * kept), 0.0)
    history.apply(act(kept, learning_rate=(0.1, 5.0)), 0.0)
    history.apply(steps(kept, [9.0] * (trained - kept)), 0.0)
    history.apply(back(Point(-1, kept), Point(2, trained), seq=5, branch=1), 0.0)
    history.apply(steps(kept, [2.0] * again, branch=1), 0.0)
    return history


def test_after_an_undo_losses_smoothing_and_knobs_are_those_of_the_lineage() -> None:
    history = undone(100, 60, 30)
    assert not history.gap
    assert history.loss.tolist() == [3.0] * 60 + [2.0] * 30
    assert (history.branch, history.step, history.knobs.learning_rate) == (1, 90, 0.1)
    expected = by_hand(history.loss.tolist(), 0.9)
    np.testing.assert_allclose(history.smoothed(0.9), expected, rtol=1e-6)
    assert history.examples == 90 * 32


def test_what_was_undone_is_kept_from_where_it_left_to_where_it_was_left() -> None:
    history = undone(100, 60, 30)
    (part,) = history.abandoned
    assert (part.first, part.end) == (60, 100)
    curves = part.curves(even(0, 100, 100), 0.9)
    assert curves.x.tolist() == list(range(60, 100))
    expected = by_hand([3.0] * 60 + [9.0] * 40, 0.9)[60:]
    np.testing.assert_allclose(curves.smooth, expected, rtol=1e-6)


def test_evaluations_and_the_best_are_those_of_the_lineage() -> None:
    history = History(config())
    history.apply(steps(0, [3.0] * 10), 0.0)
    history.apply(msgspec.structs.replace(evaluated(10, 2.5, True), seq=1), 0.0)
    history.apply(act(10, learning_rate=(0.1, 5.0)), 0.0)
    history.apply(steps(10, [3.0] * 10), 0.0)
    history.apply(evaluated(20, 2.0, True), 0.0)
    history.apply(back(Point(-1, 10), Point(2, 20), seq=5, branch=1), 0.0)
    assert [event.step for event in history.evaluations] == [10]
    assert history.best is not None
    assert history.best.dev == 2.5


def test_it_tells_what_undo_and_redo_would_do() -> None:
    history = History(config())
    assert (history.undo, history.redo) == (None, None)
    history.apply(steps(0, [3.0] * 60), 0.0)
    change = act(60, learning_rate=(0.1, 5.0))
    history.apply(change, 0.0)
    history.apply(steps(60, [3.0] * 40), 0.0)
    assert history.undo == Way(60, change)
    history.apply(back(Point(-1, 60), Point(2, 100), seq=5, branch=1), 0.0)
    assert history.undo is None
    assert history.redo == Way(100, change)


@pytest.mark.parametrize(
    "end",
    [
        Cancelled(answers=1, what="going back"),
        CommandRejected(answers=1, command="Undo", reason="step 3 differs"),
        back(Point(-1, 0), Point(-1, 50), seq=7, branch=1, reason="restore"),
        steps(50, [1.0]),
    ],
)
def test_the_way_to_an_earlier_state_is_told_until_it_ends(end: AnyEvent) -> None:
    history = History(config())
    history.apply(steps(0, [3.0] * 50), 0.0)
    history.apply(Reaching(to=Point(-1, 40), done=10, total=40), 0.0)
    history.apply(CommandRejected(answers=2, command="Sample", reason="on the way"), 0.0)
    assert history.reaching == (40, 0.25)
    history.apply(end, 0.0)
    assert history.reaching is None


def test_a_rollback_from_beyond_what_has_come_is_a_gap() -> None:
    history = History(config())
    history.apply(steps(0, [3.0] * 5), 0.0)
    history.apply(back(Point(-1, 2), Point(-1, 9), seq=5, branch=1, reason="restore"), 0.0)
    assert history.gap


def test_a_late_piece_of_a_branch_that_was_left_is_passed_by() -> None:
    history = undone(100, 60, 30)
    history.apply(steps(90, [9.0] * 10, branch=0), 0.0)
    assert history.step == 90
    assert not history.gap


def test_a_fork_begins_at_the_step_that_it_was_forked_from() -> None:
    fork = History(msgspec.structs.replace(config(), parent=Parent(run="a", seq=3, step=500)))
    fork.apply(steps(500, [2.0] * 100), 0.0)
    assert (fork.first, fork.step, fork.gap) == (500, 600, False)
    view = chart_view(fork, 80)
    assert view.axis.low == 500
    assert view.curves.x.min() >= 500


def test_a_state_that_was_undone_has_its_own_dev_loss() -> None:
    history = History(config())
    history.apply(steps(0, [3.0] * 20), 0.0)
    history.apply(evaluated(15, 2.3, True), 0.0)
    history.apply(back(Point(-1, 10), Point(-1, 20), seq=5, branch=1, reason="restore"), 0.0)
    history.apply(steps(10, [3.0] * 20, 1), 0.0)
    again = msgspec.structs.replace(evaluated(15, 2.5, False), seq=6, branch=1)
    history.apply(again, 0.0)
    assert history.dev_at(Point(-1, 15)) == 2.3
    assert history.dev_at(Point(5, 15)) == 2.5
    assert history.dev_at(Point(5, 16)) is None


def test_the_best_evaluation_is_the_one_the_engine_called_best() -> None:
    history = History(config())
    for event in (evaluated(10, 2.5, True), evaluated(20, 2.6, False), evaluated(30, None, False)):
        history.apply(event, 0.0)
    assert history.best is not None
    assert history.best.step == 10
    assert len(history.evaluations) == 3


@given(losses, st.sampled_from([0.0, 0.5, 0.9, 0.98, 0.999]))
def test_smoothing_is_the_debiased_recurrence_and_passes_over_gaps(
    values: list[float], factor: float
) -> None:
    average = DebiasedAverage(factor)
    average.extend(np.asarray(values, np.float32))
    expected = np.asarray(by_hand(values, factor), np.float64)
    # Terms of either sign cancel: compare against the largest that went in.
    finite = np.abs(np.asarray(values, np.float64)[np.isfinite(values)])
    scale = float(finite.max()) if len(finite) else 1.0
    # And no closer than float32 goes.
    closest = max(scale * 1e-6, 2e-45)
    np.testing.assert_allclose(average.column.values, expected, rtol=1e-5, atol=closest)


@pytest.mark.parametrize("factor", [0.5, 0.98, 0.999])
def test_smoothing_stays_exact_over_many_blocks(factor: float) -> None:
    values = 2 + np.random.default_rng(1).normal(0, 0.3, 30_000).astype(np.float32)
    average = DebiasedAverage(factor)
    average.extend(values)
    expected = by_hand(values.tolist(), factor)
    np.testing.assert_allclose(average.column.values, expected, rtol=1e-6)


def test_smoothing_a_constant_is_that_constant() -> None:
    average = DebiasedAverage(0.999)
    average.extend(np.full(5_000, 2.5, np.float32))
    np.testing.assert_allclose(average.column.values, 2.5, rtol=1e-6)


@given(losses.filter(len), st.integers(1, 50), st.integers(0, 100))
def test_reduction_keeps_every_spike(values: list[float], columns: int, beyond: int) -> None:
    loss = np.asarray(values, np.float32)
    loss[~np.isfinite(loss)] = np.nan
    last = len(loss) + beyond
    curves = reduce(loss, loss, 0, last, columns)
    column_of = np.arange(len(loss))
    edges = np.arange(columns + 1) * last // columns
    column_of = np.searchsorted(edges, column_of, side="right") - 1
    for step, value in enumerate(loss):
        where = np.flatnonzero(curves.column == column_of[step])
        assert len(where) == 1
        if not np.isnan(value):
            assert curves.low[where[0]] <= value <= curves.high[where[0]]
    for extreme in (curves.low, curves.high):
        assert set(extreme[~np.isnan(extreme)].tolist()) <= set(loss.tolist())


def test_reduction_leaves_a_gap_only_where_no_step_of_a_column_is_finite() -> None:
    loss = np.array([1, 2, np.nan, 4, np.nan, np.nan], np.float32)
    curves = reduce(loss, loss, 0, 6, 3)
    np.testing.assert_array_equal(curves.low, np.array([1, 4, np.nan], np.float32))
    np.testing.assert_array_equal(curves.high, np.array([2, 4, np.nan], np.float32))
    np.testing.assert_array_equal(curves.smooth, np.array([1.5, 4, np.nan], np.float32))


def test_an_act_is_named_in_a_few_cells() -> None:
    assert change_label({"learning_rate": (0.2, 0.1)}) == "rate 0.2→0.1"
    assert change_label({"batch_size": (32, 64)}) == "batch 64"
    assert change_label({"weight_decay": (0.0, 0.01)}) == "decay 0.01"
    assert (
        change_label({"learning_rate": (0.2, 0.1), "schedule": ("constant", "cosine")}) == "cosine"
    )


def test_moves_that_undo_takes_together_are_one_mark() -> None:
    history = History(config())
    history.apply(act(5, learning_rate=(0.1, 0.2)), 0.0)
    history.apply(act(9, joins=True, seq=3, after=2, learning_rate=(0.2, 0.5)), 0.0)
    assert marks(history.lineage) == ((9, "rate 0.1→0.5"),)


def test_a_drop_of_the_step_schedule_is_marked_once_it_happened() -> None:
    history = History(config())
    history.apply(steps(0, [2.0] * 100_000), 0.0)
    assert marks(history.lineage) == ((100_000, "rate ×0.1"),)


def test_a_rollback_is_marked_and_what_it_undid_is_not() -> None:
    history = undone(100, 60, 30)
    assert marks(history.lineage) == ((60, "↶ undo"),)
    other = KnobsChanged(
        seq=6,
        branch=1,
        step=60,
        time=0.0,
        before=Point(5, 60),
        changes={"learning_rate": (0.1, 0.05)},
    )
    history = undone(100, 60, 0)
    history.apply(other, 0.0)
    assert marks(history.lineage) == ((60, "↶ rate 0.1→0.05"),)


def test_what_was_undone_is_reduced_once_and_does_not_bend_the_picture() -> None:
    history = undone(8_000, 6_000, 1_000)
    view = chart_view(history, 80)
    assert len(view.abandoned) == 1
    assert view.axis.high >= 8_000
    assert view.y_limits[1] < 5
    history.apply(steps(7_000, [2.0] * 100, branch=1), 0.0)
    assert chart_view(history, 80, previous=view).abandoned is view.abandoned


def test_a_run_begun_anew_keeps_the_scale_of_what_was_undone() -> None:
    history = History(config())
    history.apply(steps(0, [2.5] * 5_000 + [900.0] * 1_000), 0.0)
    history.apply(back(Point(-1, 0), Point(-1, 6_000), 5, 1, "restore"), 0.0)
    history.apply(steps(0, [3.0] * 20, branch=1), 0.0)
    low, high = chart_view(history, 80).y_limits
    assert low <= 2.5 <= 3.0 <= high < 5


def test_a_view_of_an_unchanged_history_is_the_same_view() -> None:
    history = History(config())
    history.apply(steps(0, [3.0, 2.0]), 0.0)
    view = chart_view(history, 80)
    assert chart_view(history, 80, previous=view) is view
    assert chart_view(history, 80, look=Look(log_y=True), previous=view) is not view
    history.apply(steps(2, [1.0]), 0.0)
    assert chart_view(history, 80, previous=view) is not view


def test_one_early_spike_does_not_flatten_the_curve() -> None:
    history = History(config())
    history.apply(steps(0, [27.0] * 20 + [2.5] * 5_000), 0.0)
    low, high = chart_view(history, 80).y_limits
    assert low <= 2.5 <= high < 6


def test_a_loss_that_climbs_away_at_the_end_is_in_view() -> None:
    history = History(config())
    history.apply(steps(0, [2.5] * 5_000 + [50.0] * 400), 0.0)
    assert chart_view(history, 80).y_limits[1] > 49


def test_limits_rest_while_the_curve_stays_within_them() -> None:
    history = History(config())
    noise = np.random.default_rng(3).normal(2.4, 0.2, 8_000).astype(np.float32)
    history.apply(steps(0, noise[:4_000].tolist()), 0.0)
    view = chart_view(history, 80)
    seen = {view.y_limits}
    for first in range(4_000, 8_000, 100):
        history.apply(steps(first, noise[first : first + 100].tolist()), 0.0)
        view = chart_view(history, 80, previous=view)
        seen.add(view.y_limits)
    assert len(seen) <= 2
