"""Looking at the loss chart: zoom, units, logarithmic axes, ranges, cursor, by key and by mouse."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from textual.events import MouseScrollDown, MouseScrollUp

from core.commands import obey
from core.config import Parent
from core.launch import load_data
from core.protocol import Clock, Point, SetKnobs
from core.record import read_config
from core.schedule import effective_rate
from tests.conftest import MakeRun
from tests.test_dashboard import Hands
from tests.test_history import act, back, config, evaluated, steps
from tests.test_other_runs import ended
from tests.test_time_travel import reopened, train
from tui.app import SteermoreApp
from tui.cells import ON_BAND, Role
from tui.chart import look as looks
from tui.chart import scale
from tui.chart.axis import Axis, edges
from tui.chart.companions import Companion
from tui.chart.look import FEWEST, SMOOTHINGS, Look
from tui.chart.view import GUTTER, ChartView, chart_view
from tui.history.history import History
from tui.history.timeline import IN_STEPS, UNITS, Unit, timeline
from tui.widgets.chart import LossChart, draw

EXAMPLES = 320
"""Of train: ten updates of 32 are an epoch."""

losses = st.lists(
    st.one_of(st.floats(1, 4, width=32), st.sampled_from([math.nan, math.inf, 1e30, 0.0])),
    min_size=20,
    max_size=400,
)


def clock(step: int, seconds: float, branch: int = 0) -> Clock:
    return Clock(seq=1, branch=branch, step=step, time=0.0, seconds=seconds)


def of(values: list[float]) -> History:
    history = History(config())
    history.apply(steps(0, values), 0.0)
    return history


def steered() -> History:
    """1,000 steps; the batch doubled at 400, the rate changed at 500; an evaluation each 100."""
    noise = np.random.default_rng(0).normal(0, 0.1, 1_000)
    values = (2 + np.exp(-np.arange(1_000) / 200) + noise).tolist()
    history = History(config())
    history.apply(steps(0, values[:400]), 0.0)
    history.apply(clock(400, 2.0), 0.0)
    history.apply(act(400, seq=2, batch_size=(32, 64)), 0.0)
    history.apply(steps(400, values[400:500]), 0.0)
    history.apply(act(500, seq=3, after=2, learning_rate=(0.1, 0.05)), 0.0)
    history.apply(steps(500, values[500:]), 0.0)
    history.apply(clock(1_000, 8.0), 0.0)
    for step in range(100, 1_000, 100):
        history.apply(evaluated(step, 2.0 + 10 / step, False), 0.0)
    return history


def view(history: History, look: Look, previous: ChartView | None = None) -> ChartView:
    return chart_view(history, 106, look, train_examples=EXAMPLES, previous=previous)


# --- axes and timelines --------------------------------------------------------------------------


@given(st.floats(-1e6, 1e9), st.floats(1e-3, 1e9), st.booleans(), st.floats(0, 1))
def test_what_stands_at_a_place_of_an_axis_stands_there(
    low: float, width: float, log: bool, place: float
) -> None:
    low = abs(low) + 1 if log else low
    assume(low + width > low * (1 + 1e-6) if log else abs(low) < 1e6 * width)
    axis = Axis(low, low + width, log=log)
    assert axis.places([low, low + width]) == pytest.approx([0, 1], abs=1e-6)
    assert float(axis.places(axis.values(place))) == pytest.approx(place, abs=1e-6)


def test_a_logarithmic_axis_has_equal_decades_and_shows_the_first_state_at_its_edge() -> None:
    axis = Axis(1, 10_000, log=True, origin=1)
    assert axis.places([1, 10, 100, 1_000, 10_000]) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert float(axis.places(0)) == 0
    assert edges(axis.cuts(IN_STEPS, 4)).tolist() == [0, 10, 100, 1_000, 10_000]


@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.floats(0, 1e5)), max_size=20),
    st.floats(1e-6, 10),
    st.floats(0, 2e7),
)
def test_a_timeline_rises_and_leads_back(
    points: list[tuple[float, float]], slope: float, step: float
) -> None:
    line = timeline(sorted(points), slope)
    assert (np.diff(line.steps) > 0).all()
    assert (np.diff(line.values) > 0).all()
    assert float(line.steps_at(line.values_at(step))) == pytest.approx(step, rel=1e-6, abs=1e-2)


def test_epochs_are_those_of_the_history_whatever_the_batch_sizes_were() -> None:
    history = steered()
    line = history.line("epochs", EXAMPLES)
    assert float(line.values_at(history.step)) == pytest.approx(history.epoch(EXAMPLES))
    assert line.values_at([0, 400, 500, 1_010]) == pytest.approx([0, 40, 60, 162])


def test_seconds_are_those_that_were_told_and_undone_ones_took_their_time_too() -> None:
    history = steered()
    assert history.line("seconds", 1).values_at([0, 200, 400, 1_000]) == pytest.approx([0, 1, 2, 8])
    history.apply(back(Point(2, 500), Point(3, 1_000), seq=9, branch=1), 0.0)
    history.apply(steps(500, [2.0] * 100, 1), 0.0)
    history.apply(clock(600, 9.0, branch=1), 0.0)
    assert history.line("seconds", 1).values_at([400, 600]) == pytest.approx([2, 9])
    (part,) = history.abandoned
    assert float(history.line("seconds", 1, part.branch).values_at(1_000)) == pytest.approx(8)


def test_an_undone_part_has_the_epochs_of_its_own_batches() -> None:
    history = steered()
    history.apply(back(Point(-1, 400), Point(3, 1_000), seq=9, branch=1), 0.0)
    history.apply(steps(400, [2.0] * 100, 1), 0.0)
    assert float(history.line("epochs", EXAMPLES).values_at(500)) == pytest.approx(50)
    (part,) = history.abandoned
    ends = history.line("epochs", EXAMPLES, part.branch).values_at([500, 1_000])
    assert ends == pytest.approx([60, 160])
    (curve,) = view(history, Look(unit="epochs")).abandoned
    assert curve.x[-1] == pytest.approx(160, rel=0.02)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("log_x", [False, True])
def test_every_mark_dot_and_cursor_stands_over_the_step_that_it_tells_of(
    unit: Unit, log_x: bool
) -> None:
    history = steered()
    seen = view(history, Look(unit=unit, log_x=log_x, cursor=500))
    line = history.line(unit, EXAMPLES)
    assert [x for x, _ in seen.marks] == pytest.approx(line.values_at([400, 500]).tolist())
    dots = line.values_at(range(100, 1_000, 100)).tolist()
    assert [x for x, _ in seen.dev] == pytest.approx(dots)
    assert seen.reading is not None
    cells = draw(seen, 106, 20)
    column = GUTTER + int(float(seen.axis.places(line.values_at(500))) * 100)
    assert (cells.roles[:, column] % ON_BAND == Role.CURSOR).any()
    assert {"steps": "step", "epochs": "epoch", "seconds": "sec"}[unit] in text(cells.glyphs[-1])


def forked() -> History:
    """A run that begins at step 500, and made 200 steps."""
    history = History(
        msgspec.structs.replace(config(), parent=Parent(run="parent", seq=0, step=500))
    )
    history.apply(steps(500, [2.0] * 200), 0.0)
    history.apply(clock(700, 1.0), 0.0)
    return history


def parent() -> Companion:
    """The run that it left: 1,000 steps, in twice the time."""
    recorded = steered()
    return Companion(
        Path("parent"), 0, recorded.loss, {}, path=recorded.lineage, clocks=((1_000, 10.0),)
    )


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("companions", [(), (parent(),)], ids=["alone", "with its parent"])
def test_a_fork_stands_on_every_axis(
    unit: Unit, log_x: bool, companions: tuple[Companion, ...]
) -> None:
    look = Look(unit=unit, log_x=log_x, cursor=600)
    seen = chart_view(
        forked(), 106, look, train_examples=EXAMPLES, companions=companions, references=()
    )
    draw(seen, 106, 20)
    assert (seen.axis.places(seen.curves.x) > -1e-9).all()
    assert (seen.axis.places(seen.curves.x) < 1).all()
    if not companions:
        # No stretch before the fork is left empty.
        assert float(seen.axis.places(seen.line.values_at(501))) < 0.05
    for _, curve in seen.others:
        assert len(curve) > 10
        assert (seen.axis.places(curve.x) > -1e-9).all()
    empty = History(msgspec.structs.replace(config(), parent=Parent(run="parent", seq=0, step=500)))
    draw(chart_view(empty, 106, look, train_examples=EXAMPLES), 106, 20)


def test_after_an_undo_the_speed_is_still_that_of_training() -> None:
    history = of([2.0] * 36_000)
    for second in range(1, 361):
        history.apply(clock(100 * second, float(second)), 0.0)
    left = Point(-1, 36_000)
    history.apply(back(Point(-1, 3_000), left, seq=9, branch=1, reason="restore"), 0.0)
    for second in range(3):
        history.apply(clock(3_000 + 100 * second, 360.1 + second, branch=1), 0.0)
        history.apply(steps(history.step, [2.0] * 150, 1), 0.0)
        now = float(history.line("seconds", 1).values_at(history.step))
        assert now == pytest.approx(360.1 + (history.step - 3_000) / 100, abs=0.2)


def test_what_was_undone_keeps_its_line_while_training_goes_on() -> None:
    history = steered()
    history.apply(back(Point(-1, 400), Point(3, 1_000), seq=9, branch=1), 0.0)
    (part,) = history.abandoned
    lines = [history.line(unit, EXAMPLES, part.branch) for unit in UNITS]
    history.apply(steps(400, [2.0] * 100, 1), 0.0)
    history.apply(clock(500, 9.0, branch=1), 0.0)
    assert [history.line(unit, EXAMPLES, part.branch) for unit in UNITS] == lines


def test_between_two_sparse_stretches_no_line_crosses_the_band() -> None:
    history = of(np.r_[[2.8, 3.2] * 25, [2.2, 2.4] * 1_500, [2.8, 3.2] * 25].tolist())
    for step, seconds in ((50, 50.0), (3_050, 100.0), (3_100, 150.0)):
        history.apply(clock(step, seconds), 0.0)
    seen = view(history, Look(unit="seconds"))
    cells = draw(seen, 106, 20)
    first, last = (GUTTER + int(100 * float(seen.axis.places(at))) for at in (52, 98))
    assert not (cells.roles[:, first:last] % ON_BAND == Role.RAW).any()
    assert (cells.roles[:, GUTTER:first] % ON_BAND == Role.RAW).any()


def test_the_numbers_of_the_axis_differ_however_late_in_a_run_one_looks() -> None:
    for low, high in ((1_234_560, 1_234_572), (34_567.0, 34_567.2), (0.0, 12.0), (0, 2e9)):
        marks = scale.ticks(low, high, 8)
        gap = marks[1] - marks[0]
        labels = [scale.step_label(mark, gap) for mark in marks]
        assert len(set(labels)) == len(labels)
    assert scale.step_label(1_500, 500) == "1.5k"
    assert scale.step_label(200_000, 50_000) == "200k"


def test_a_logarithmic_axis_of_epochs_tells_its_small_numbers() -> None:
    cells = draw(view(steered(), Look(unit="epochs", log_x=True)), 106, 20)
    assert "0.1 " in text(cells.glyphs[-1])


def test_an_evaluation_before_the_first_update_stands_at_the_edge_of_a_logarithmic_axis() -> None:
    history = steered()
    first = evaluated(0, 3.3, False)
    history.apply(first, 0.0)
    cells = draw(view(history, Look(log_x=True, full=True)), 106, 20)
    assert (cells.glyphs[:, GUTTER] == ord("●")).any()


# --- reduction at any zoom -----------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    losses,
    st.floats(0, 1),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from(UNITS),
    st.sampled_from([2, 7, 100, 400]),
)
def test_no_spike_and_no_gap_is_lost_at_any_zoom(
    values: list[float], one: float, other: float, log_x: bool, unit: Unit, columns: int
) -> None:
    history = of(values)
    history.apply(clock(len(values) // 2, 1.5), 0.0)
    line = history.line(unit, EXAMPLES)
    low, high = sorted((one * len(values), other * len(values)))
    low = max(low, 1.0) if log_x else low
    assume(high - low > 1)
    begin, end = line.values_at([low, high]).tolist()
    axis = Axis(begin, end, unit, log_x)
    cut = edges(axis.cuts(line, columns))
    curves = history.curves(cut, 0.9)
    seen = np.zeros(len(values), np.int64)
    for column, lowest, highest in zip(curves.column, curves.low, curves.high, strict=True):
        of_column = slice(int(cut[column]), int(cut[column + 1]))
        seen[of_column] += 1
        loss = np.asarray(values[of_column], np.float32)
        known = loss[np.isfinite(loss)]
        if len(known):
            assert (lowest, highest) == (known.min(), known.max())
        else:
            assert math.isnan(lowest)
            assert math.isnan(highest)
    inside = slice(max(int(cut[0]), 0), min(int(cut[-1]), len(values)))
    assert (seen[inside] == 1).all()
    assert seen.sum() == inside.stop - inside.start


@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("window", [None, (3_000.0, 9_000.0), (5_990.0, 6_010.0)])
def test_a_spike_is_seen_on_the_full_range_however_far_one_zooms(
    log_x: bool, window: tuple[float, float] | None
) -> None:
    values = [2.0] * 10_000
    values[6_000] = 40.0
    seen = view(of(values), Look(log_x=log_x, window=window, full=True))
    assert seen.y_limits[1] >= 40
    cells = draw(seen, 106, 20)
    column = GUTTER + int(float(seen.axis.places(6_000)) * 100)
    around = cells.roles[:4, column - 1 : column + 2] % ON_BAND
    assert np.isin(around, [Role.RAW, Role.BAND, Role.BAND_EDGE]).any()
    robust = view(of(values), Look(log_x=log_x, window=None))
    assert robust.y_limits[1] < 10


# --- zoom, pan, follow ---------------------------------------------------------------------------


def scene(look: Look, run: int = 10_000) -> ChartView:
    whole = Axis(1.0 if look.log_x else 0.0, run, look.unit, look.log_x)
    low, high = look.window or (whole.low, whole.high)
    return ChartView(axis=replace(whole, low=low, high=high), whole=whole)


@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from([0.5, 0.8, 1.25, 2.0]), st.floats(0, 1)), max_size=30),
)
def test_zooming_keeps_what_is_pointed_to_and_stays_within_the_run(
    log_x: bool, turns: list[tuple[float, float]]
) -> None:
    look = Look(log_x=log_x)
    for factor, place in turns:
        before = scene(look)
        zoomed = looks.zoomed(look, before, factor, place)
        after = scene(zoomed)
        low, high = after.axis.low, after.axis.high
        assert before.whole.low - 1e-6 <= low
        assert high <= before.whole.high + 1e-6
        assert high - low >= FEWEST * 0.99
        pointed = float(before.axis.values(place))
        if before.whole.low < low and high < before.whole.high and zoomed != look:
            assert float(after.axis.places(pointed)) == pytest.approx(place, abs=1e-6)
        look = zoomed


def test_zooming_out_again_leads_back_to_the_whole_run() -> None:
    look = Look()
    for _ in range(5):
        look = looks.zoomed(look, scene(look), 0.5, 0.3)
    assert look.window is not None
    for _ in range(6):
        look = looks.zoomed(look, scene(look), 2.0, 0.3)
    assert look.window is None


@pytest.mark.parametrize("log_x", [False, True])
def test_moving_stops_at_both_ends_and_keeps_the_width(log_x: bool) -> None:
    look = looks.zoomed(Look(log_x=log_x), scene(Look(log_x=log_x)), 0.25, 0.5)
    width = np.diff(scene(look).whole.places(look.window or ()))[0]
    for direction, end in ((1, 1.0), (-1, 0.0)):
        for _ in range(20):
            look = looks.moved(look, scene(look), direction * 0.25)
            places = scene(look).whole.places(look.window or ())
            # As wide as before, but for the first steps of a logarithmic axis: they would be few.
            few = log_x and look.window == pytest.approx((1, 1 + FEWEST))
            assert np.diff(places)[0] == pytest.approx(width) or few
        assert places[1 if direction > 0 else 0] == pytest.approx(end)


def test_a_zoomed_chart_stays_where_it_is_while_the_run_goes_on() -> None:
    history = steered()
    look = Look(window=(200.0, 300.0))
    before = view(history, look)
    history.apply(steps(1_000, [2.0] * 5_000), 0.0)
    after = view(history, look, before)
    assert after.axis == before.axis
    assert after.y_limits == before.y_limits
    np.testing.assert_array_equal(after.curves.smooth, before.curves.smooth)


@pytest.mark.parametrize("unit", UNITS)
def test_a_chart_that_follows_has_the_newest_step_in_view_and_moves_seldom(unit: Unit) -> None:
    history, axes = steered(), set()
    look = looks.following(Look(unit=unit), view(history, Look(unit=unit)))
    seen = view(history, look)
    for piece in range(100):
        history.apply(steps(history.step, [2.0] * 2), 0.0)
        if piece % 20 == 0:
            history.apply(clock(history.step, 8.0 + history.step / 1_000), 0.0)
        seen = view(history, look, seen)
        now = float(seen.line.values_at(history.step))
        assert seen.axis.low < now <= seen.axis.high
        axes.add(seen.axis)
    assert 1 < len(axes) < 30
    held = looks.following(look, seen)
    assert not held.follows
    assert view(history, held).axis == seen.axis


@pytest.mark.parametrize("step", [5, 50, 900])
def test_to_follow_early_in_a_run_shows_enough_of_it_later(step: int) -> None:
    history = of([2.0] * step)
    look = looks.following(Look(), view(history, Look()))
    history.apply(steps(step, [2.0] * 5_000), 0.0)
    seen = view(history, look)
    assert seen.axis.high - seen.axis.low >= 100


def test_a_window_on_a_run_that_is_hidden_again_leads_back() -> None:
    history, far = of([2.0] * 1_000), Companion(Path("far"), 0, np.full(100_000, 2.0, "f4"), {})
    look = Look(window=(50_000.0, 100_000.0))
    shown = chart_view(history, 106, look, companions=(far,))
    assert shown.axis.low == 50_000
    hidden = chart_view(history, 106, look, previous=shown)
    assert hidden.axis == hidden.whole
    for factor in (0.5, 2.0):
        window = looks.zoomed(look, hidden, factor, 0.5).window
        assert window is None or window[0] < window[1] <= hidden.whole.high


def test_another_unit_keeps_the_steps_in_view() -> None:
    history = steered()
    look = Look(window=(300.0, 700.0))
    for _ in UNITS:
        unit = looks.next_unit(look.unit)
        look = looks.in_unit(look, unit, view(history, look), history.line(unit, EXAMPLES))
        seen = view(history, look)
        ends = seen.line.steps_at([seen.axis.low, seen.axis.high])
        assert ends == pytest.approx([300, 700])
    assert look.unit == "steps"


def test_smoothing_goes_round_and_reaches_0999_and_off() -> None:
    look, found = Look(), []
    for _ in SMOOTHINGS:
        found.append(look.smoothing)
        look = looks.smoothed_on(look)
    assert look == Look()
    assert {0.0, 0.98, 0.999} <= set(found)


# --- the cursor ----------------------------------------------------------------------------------


def text(glyphs: np.ndarray) -> str:
    return str(glyphs.astype("<u4").tobytes(), "utf-32-le")


def test_the_cursor_reads_out_what_stood_at_its_step() -> None:
    history = steered()
    reading = view(history, Look(cursor=510)).reading
    assert reading is not None
    told = " · ".join(part for parts in reading.lines for part in parts)
    assert "step 510" in told
    assert f"epoch {(400 * 32 + 110 * 64) / EXAMPLES:.2f}" in told
    assert f"minibatch {history.loss[510]:.3f}" in told
    assert f"smoothed {history.smoothed(0.98)[510]:.3f}" in told
    near = min(history.evaluations, key=lambda event: abs(event.step - 510))
    assert f"dev {near.dev:.3f} at 500" in told
    stretch = next(part for part in history.lineage if part.start <= 510 < part.end)
    assert f"effective rate {effective_rate(stretch.knobs, 510):.4g}" in told
    assert "rate 0.1→0.05 at 500" in told
    assert "0:03" in told


def test_the_cursor_over_a_loss_that_is_not_finite_says_so() -> None:
    reading = view(of([2.0, math.nan, 2.0]), Look(cursor=1)).reading
    assert reading is not None
    assert ("minibatch not finite",) in reading.lines


def test_the_cursor_tells_of_the_nearest_evaluation_that_has_a_dev_loss() -> None:
    history = of([2.0] * 300)
    history.apply(evaluated(100, 2.5, False), 0.0)
    history.apply(evaluated(200, None, False), 0.0)
    reading = view(history, Look(cursor=190)).reading
    assert reading is not None
    assert any("dev 2.500 at 100" in part for parts in reading.lines for part in parts)


def test_at_the_newest_state_there_is_no_loss_yet() -> None:
    reading = view(of([2.0] * 5), Look(cursor=5)).reading
    assert reading is not None
    assert not any("minibatch" in part for parts in reading.lines for part in parts)


@pytest.mark.parametrize("size", [(106, 20), (50, 9), (20, 5), (8, 3), (3, 2)])
@pytest.mark.parametrize("cursor", [0, 40, 999])
def test_the_box_of_the_cursor_fits_or_is_left_out(size: tuple[int, int], cursor: int) -> None:
    seen = chart_view(steered(), size[0], Look(cursor=cursor), train_examples=EXAMPLES)
    cells = draw(seen, *size)
    assert cells.glyphs.shape == size[::-1]
    if size == (106, 20):
        assert any("minibatch" in text(row) for row in cells.glyphs)


# --- hostile losses ------------------------------------------------------------------------------

BAD = [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e30, -1e30, 1e-30, 3e38]


@pytest.mark.parametrize(
    "values",
    [[], [2.5], [math.nan], [0.0] * 300, BAD, BAD * 100, [2.5] * 300, [math.nan] * 300 + [2.0]],
    ids=["none", "one", "nan", "zeros", "bad", "much bad", "constant", "late"],
)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("log_y", [False, True])
def test_hostile_losses_under_every_look_give_a_picture(
    values: list[float], full: bool, log_y: bool
) -> None:
    history = of(values)
    for dev in (0.0, 1e30, -1.0, math.nan):
        history.apply(evaluated(len(values) // 2, dev, False), 0.0)
    windows = (None, (0.5, 0.6), (1.0, 4.0), (2.0, 1e9), (1e8, 1e9))
    for unit in UNITS:
        for log_x in (False, True):
            for window in windows:
                for follows in (False, True) if window else (False,):
                    look = Look(0.9, log_y, log_x, unit, full, window, follows, len(values) // 2)
                    seen = view(history, look)
                    assert draw(seen, 106, 20).glyphs.shape == (20, 106)


# --- keys and mouse ------------------------------------------------------------------------------

Scenario = Callable[[Hands, LossChart], Awaitable[None]]


@pytest.fixture
def at_the_chart(make_run: MakeRun) -> Callable[..., None]:
    """A function that shows a run as it ended, and lets a scenario play."""
    run = reopened(make_run(settings={"evaluation_interval": 200}))
    train(run, 600)
    obey(run, SetKnobs(values={"learning_rate": 0.05}))
    train(run, 600)
    obey(run, SetKnobs(values={"batch_size": 64}))
    train(run, 300)
    obey(run, SetKnobs(values={"momentum": 0.5}))
    directory = ended(run)

    def play(scenario: Scenario, size: tuple[int, int] = (120, 36)) -> None:
        async def show() -> None:
            dataset = load_data(directory, read_config(directory))
            app = SteermoreApp(directory, dataset)
            async with app.run_test(size=size) as pilot:
                hands = Hands(app, pilot)
                chart = hands.training.query_one(LossChart)
                await hands.until(lambda: hands.training.history.step == 1_500)
                await hands.until(lambda: len(chart.view.curves) > 0)
                await scenario(hands, chart)

        asyncio.run(show())

    return play


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_keys_zoom_move_and_lead_back(
    at_the_chart: Callable[..., None], size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands, chart: LossChart) -> None:
        whole = chart.view.axis
        await hands.press("z", "z")
        await hands.until(lambda: chart.view.axis.high - chart.view.axis.low < 0.3 * whole.high)
        assert chart.view.axis.low <= 1_500 <= chart.view.axis.high
        assert "0: whole" in chart.view.subtitle
        low = chart.view.axis.low
        await hands.press("left_square_bracket")
        await hands.until(lambda: chart.view.axis.low < low)
        await hands.press("right_square_bracket")
        await hands.until(lambda: chart.view.axis.low == pytest.approx(low))
        await hands.press("Z")
        await hands.until(lambda: chart.view.axis.low < low)
        await hands.press("0")
        await hands.until(lambda: chart.view.axis == whole)

    at_the_chart(scenario, size)


def test_the_cursor_moves_jumps_from_act_to_act_and_goes(
    at_the_chart: Callable[..., None],
) -> None:
    async def scenario(hands: Hands, chart: LossChart) -> None:
        def step() -> int | None:
            return chart.view.reading.step if chart.view.reading else None

        await hands.press("left")
        await hands.until(lambda: step() == 1_499)
        await hands.press("left")
        await hands.until(lambda: (step() or 9_999) < 1_499)
        await hands.press("j")
        await hands.until(lambda: step() == 1_200)
        await hands.press("j")
        await hands.until(lambda: step() == 600)
        await hands.press("z", "z", "z", "z")
        await hands.until(lambda: chart.view.axis.low > 400)
        await hands.press("J")
        await hands.until(lambda: step() == 1_200)
        # The cursor stays in view.
        assert chart.view.axis.low <= 1_200 <= chart.view.axis.high
        await hands.press("J")
        await hands.until(lambda: step() == 1_500)
        assert chart.view.reading is not None
        assert ("momentum 0.5 here",) in chart.view.reading.lines
        await hands.press("J")
        await hands.until(lambda: any("No act" in t.message for t in hands.app._notifications))
        await hands.press("escape")
        await hands.until(lambda: chart.view.reading is None)

    at_the_chart(scenario)


def test_a_cursor_on_what_is_undone_goes_to_the_newest_step(
    at_the_chart: Callable[..., None],
) -> None:
    async def scenario(hands: Hands, chart: LossChart) -> None:
        await hands.press("left")
        await hands.until(lambda: chart.view.reading is not None)
        history = hands.training.history
        left = Point(history.all_acts.list[-1].seq, 1_500)
        hands.training.take([back(Point(0, 500), left, seq=left.seq + 9, branch=1)])
        assert hands.training.look.cursor == 500
        hands.training.take([steps(500, [2.0] * 50, 1)])
        assert hands.training.look.cursor == 500

    at_the_chart(scenario)


def test_keys_turn_axes_units_range_and_smoothing(at_the_chart: Callable[..., None]) -> None:
    async def scenario(hands: Hands, chart: LossChart) -> None:
        await hands.press("X", "y", "Y")
        await hands.until(lambda: chart.view.axis.log and chart.view.look.full)
        assert chart.view.look.log_y
        await hands.press("X", "v")
        await hands.until(lambda: chart.view.axis.unit == "epochs")
        await hands.press("v")
        await hands.until(lambda: chart.view.axis.unit == "seconds")
        await hands.press("w", "w", "w")
        await hands.until(lambda: chart.view.look.smoothing == 0.999)
        await hands.press("F")
        await hands.until(lambda: "follows" in chart.view.subtitle)
        assert chart.view.axis.low > 0

    at_the_chart(scenario)


def test_a_click_reads_out_and_the_wheel_zooms_around_the_pointer(
    at_the_chart: Callable[..., None],
) -> None:
    async def scenario(hands: Hands, chart: LossChart) -> None:
        whole = chart.view.axis

        def is_zoomed(wanted: bool) -> bool:
            return (chart.view.axis != whole) == wanted

        # Border and padding take two cells, the gutter its own.
        column = 2 + GUTTER + 30
        await hands.pilot.mouse_down(chart, offset=(column, 5))
        await hands.until(lambda: chart.view.reading is not None)
        assert chart.view.reading is not None
        # A drag moves the cursor; Textual would select text with it.
        assert not chart.allow_select
        at = (30.5 / chart.canvas_width) * whole.high
        assert chart.view.reading.step == pytest.approx(at, abs=1)
        for kind, zoomed in ((MouseScrollUp, True), (MouseScrollDown, False)):
            x, y = chart.region.x + column, chart.region.y + 5
            event = kind(chart, column, 5, 0, 0, 0, False, False, False, x, y)
            chart.post_message(event)
            await hands.until(partial(is_zoomed, zoomed))
            if zoomed:
                place = float(chart.view.axis.places(at))
                assert place == pytest.approx(30.5 / chart.canvas_width, abs=1e-6)

    at_the_chart(scenario)
