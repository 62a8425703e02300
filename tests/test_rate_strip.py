"""The strip of learning rates below the loss chart: what was, what comes, and on which steps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.screen import Screen
from textual.widgets import Input, OptionList

from core.config import Knobs, with_changes
from core.dataset import load
from core.options import shipped_names
from core.protocol import Point
from core.schedule import effective_rate
from tests.test_frames import until
from tests.test_history import act, back, config, steps
from tui.cells import ON_BAND, Cells, Role
from tui.chart import scale
from tui.chart.axis import Axis
from tui.chart.layout import frame_of
from tui.chart.rate_view import RateView, rate_view
from tui.chart.view import GUTTER, ChartView, chart_view
from tui.history.history import History
from tui.history.timeline import IN_STEPS
from tui.screens.schedule import AskSchedule
from tui.screens.training import TrainingScreen
from tui.widgets.chart import LossChart, draw


def begun(**knobs: object) -> History:
    """A run of at most 1,000 steps, at its first, with a constant rate of 0.1 unless told."""
    base = config()
    constant = msgspec.structs.replace(base.knobs, schedule="constant", drops=())
    settings = msgspec.structs.replace(base.settings, step_limit=1_000)
    return History(
        msgspec.structs.replace(
            base, knobs=msgspec.structs.replace(constant, **knobs), settings=settings
        )
    )


def train(history: History, count: int, branch: int = 0) -> None:
    history.apply(steps(history.step, [2.5] * count, branch), 0.0)


def trained(count: int, **knobs: object) -> History:
    history = begun(**knobs)
    train(history, count)
    return history


def steered() -> History:
    """0.1, from step 200 on 0.01, from step 600 on a cosine with a warmup; now at step 800."""
    history = trained(200)
    history.apply(act(200, seq=2, learning_rate=(0.1, 0.01)), 0.0)
    train(history, 400)
    cosine = act(
        600,
        seq=3,
        after=2,
        schedule=("constant", "cosine"),
        schedule_start=(0, 600),
        schedule_length=(200_000, 400),
        warmup=(0, 30),
    )
    history.apply(cosine, 0.0)
    train(history, 200)
    return history


def by_hand(history: History, first: int, last: int, columns: int, knobs: Knobs) -> RateView:
    """The same, asked at every step; from now on with `knobs`."""
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    for step in range(first, last):
        inforce = [part.knobs for part in history.lineage if part.start <= step < part.end]
        rate = effective_rate(inforce[0] if inforce else knobs, step)
        begin = (step - first) * columns // (last - first)
        end = -((first - step - 1) * columns // (last - first))
        low[begin:end] = np.fmin(low[begin:end], rate)
        high[begin:end] = np.fmax(high[begin:end], rate)
    return RateView(low, high)


def rates(history: History, axis: Axis, columns: int, **more: Any) -> RateView:
    return rate_view(history, axis, IN_STEPS, axis.cuts(IN_STEPS, columns), **more)


def picture(view: ChartView, size: tuple[int, int]) -> tuple[Cells, int, int]:
    """The chart, the first row of its strip, and the row of the axis below it."""
    frame = frame_of(view, *size)
    assert frame is not None
    return draw(view, *size), frame.height, frame.height + frame.strip


def text(cells: Cells, row: int) -> str:
    return str(cells.glyphs[row].tobytes(), "utf-32-le")


@pytest.mark.parametrize("columns", [50, 117, 200, 1_300])
def test_every_column_spans_the_rates_of_its_steps_along_the_lineage(columns: int) -> None:
    history = steered()
    view, all_steps = (
        rates(history, Axis(0, 1_000), columns),
        by_hand(history, 0, 1_000, columns, history.knobs),
    )
    np.testing.assert_array_equal(view.low, all_steps.low)
    np.testing.assert_array_equal(view.high, all_steps.high)


def test_a_column_narrower_than_a_step_shows_the_update_it_lies_in() -> None:
    history = trained(3)
    history.apply(act(3, seq=2, learning_rate=(0.1, 0.01)), 0.0)
    view = rates(history, Axis(0, 10), 200)
    assert (view.high[:60] == 0.1).all()
    assert (view.high[60:] == 0.01).all()
    assert view.past == 60


def test_a_change_of_the_rate_stands_at_the_column_of_its_step() -> None:
    cells, top, axis = picture(chart_view(steered(), 100 + GUTTER), (100 + GUTTER, 20))
    dots = (cells.glyphs[top:axis, GUTTER:] >= 0x2800) & (cells.glyphs[top:axis, GUTTER:] < 0x2900)
    before, at, after = dots[:, :25], dots[:, 25], dots[:, 26:75]
    assert before[0].all()
    assert not before[1:].any()
    assert at.all()
    assert after[-1].all()
    assert not after[0].any()


def test_a_change_far_shorter_than_a_column_does_not_vanish() -> None:
    history = trained(500)
    history.apply(act(500, seq=2, learning_rate=(0.1, 0.001)), 0.0)
    train(history, 2)
    history.apply(act(502, seq=3, after=2, learning_rate=(0.001, 0.1)), 0.0)
    train(history, 498)
    view = rates(history, Axis(0, 1_000), 20)
    assert np.flatnonzero(view.low == 0.001).tolist() == [10]
    assert (view.high == 0.1).all()


def test_a_warmup_far_shorter_than_a_column_does_not_vanish() -> None:
    view = rates(trained(500, schedule_start=313, warmup=7), Axis(0, 1_000), 20)
    lowest = effective_rate(begun(warmup=7).knobs, 0)
    # Before a schedule's start its warmup has its first value, as the engine sees it.
    assert view.low[6] == lowest
    assert view.high[6] == 0.1
    assert (view.low[7:] == 0.1).all()


def test_what_was_undone_does_not_appear() -> None:
    history = trained(300)
    history.apply(act(300, seq=2, learning_rate=(0.1, 5.0)), 0.0)
    train(history, 300)
    assert np.nanmax(rates(history, Axis(0, 1_000), 100).high) == 5.0
    history.apply(back(Point(-1, 300), Point(2, 600), 3, 1), 0.0)
    train(history, 50, branch=1)
    view = rates(history, Axis(0, 1_000), 100)
    assert (view.high == 0.1).all()
    assert (view.now, view.past) == (350, 35)


def test_ahead_it_follows_the_schedule_in_force_to_the_step_limit() -> None:
    history = trained(100, schedule="step", drops=(700,))
    view = rates(history, Axis(0, 2_000), 200)
    assert view.past == 10
    assert (view.high[:70] == 0.1).all()
    np.testing.assert_allclose(view.high[70:100], 0.01)
    assert np.isnan(view.high[100:]).all()


def test_ahead_it_follows_proposed_knobs_from_now_on_and_forgets_them() -> None:
    history = steered()
    proposed = with_changes(
        history.knobs, {"schedule": "linear", "schedule_start": 800, "schedule_length": 200}
    )
    usual = rates(history, Axis(0, 1_000), 200)
    view = rates(history, Axis(0, 1_000), 200, proposed=proposed, previous=usual)
    assert view.past == 160
    np.testing.assert_array_equal(view.high, by_hand(history, 0, 1_000, 200, proposed).high)
    np.testing.assert_array_equal(view.high[:160], usual.high[:160])
    assert (view.high[160:] != usual.high[160:]).any()
    again = rates(history, Axis(0, 1_000), 200, previous=view)
    np.testing.assert_array_equal(again.high, usual.high)


def test_the_axis_makes_room_for_a_proposed_schedule_and_the_heights_rest() -> None:
    history = trained(100)
    usual = chart_view(history, 106)
    assert usual.axis == Axis(0, 100)
    view = chart_view(history, 106, proposed=history.knobs, previous=usual)
    assert view.axis == Axis(0, 1_000)
    assert view.y_limits == usual.y_limits
    assert chart_view(history, 106, previous=view).axis == Axis(0, 100)


def test_what_was_is_a_line_and_what_comes_is_dotted() -> None:
    view = chart_view(trained(500), 106, proposed=begun().knobs)
    cells, top, axis = picture(view, (106, 20))
    ((row,),) = np.nonzero((cells.roles[top:axis] == Role.RATE).any(axis=1))
    glyphs = cells.glyphs[top + row, GUTTER:]
    assert (cells.roles[top + row, GUTTER : GUTTER + 50] == Role.RATE).all()
    assert (cells.roles[top + row, GUTTER + 50 :] == Role.RATE_AHEAD).all()
    assert {int(glyph - 0x2800).bit_count() for glyph in glyphs[:50]} == {2}
    assert {int(glyph - 0x2800).bit_count() for glyph in glyphs[50:]} == {1}
    line = text(cells, axis)
    assert line.index("▲") == GUTTER + 50
    assert "▲ now ─" in line


def test_a_factor_of_0_is_said_and_does_not_press_the_rest_together() -> None:
    history = trained(500, schedule="linear", schedule_length=800)
    view = chart_view(history, 106, proposed=history.knobs)
    assert view.rates.limits is not None
    assert view.rates.limits[0] > 1e-3
    cells, _, axis = picture(view, (106, 20))
    last = text(cells, axis - 1)[GUTTER:]
    assert "0" in last[75:82]
    assert set(last[82:-16]) <= {"▁", " "}
    train(history, 500)
    cells, _, axis = picture(chart_view(history, 106), (106, 20))
    assert text(cells, axis - 1).endswith("▁" * 15)


@pytest.mark.parametrize("rate", [0.0, 1e-30, 1e6])
def test_any_rate_gives_a_picture(rate: float) -> None:
    history = trained(500, schedule="linear", schedule_length=1)
    if rate:
        history = trained(500, learning_rate=rate)
    cells, top, axis = picture(chart_view(history, 106), (106, 20))
    assert any("┤" in text(cells, row)[:GUTTER] for row in range(top, axis))


def test_a_constant_rate_has_one_label_and_a_changed_one_two() -> None:
    cells, top, axis = picture(chart_view(trained(500), 106), (106, 20))
    labels = [text(cells, row)[:GUTTER] for row in range(top, axis)]
    assert sorted(labels) == ["     │", "  0.1┤"]
    cells, top, axis = picture(
        chart_view(trained(900, schedule="step", drops=(500,)), 106), (106, 20)
    )
    assert [text(cells, row)[:GUTTER] for row in range(top, axis)] == ["  0.1┤", " 0.01┤"]


def test_a_low_chart_has_no_strip_and_a_high_one_more_of_it() -> None:
    view = chart_view(steered(), 106)
    frames = {height: frame_of(view, 106, height) for height in (5, 13, 14, 23, 24, 40)}
    assert {height: frame.strip for height, frame in frames.items() if frame} == {
        5: 0,
        13: 0,
        14: 2,
        23: 2,
        24: 3,
        40: 3,
    }
    for height in range(24):
        for width in (0, 6, 8, 20, 106):
            assert draw(view, width, height).glyphs.shape == (height, width)


def test_strip_curve_mark_and_axis_share_their_steps() -> None:
    history = trained(250)
    history.apply(act(250, seq=2, learning_rate=(0.1, 0.01)), 0.0)
    train(history, 750)
    cells, top, axis = picture(chart_view(history, 106), (106, 20))
    curve = (cells.roles[:top] % ON_BAND == Role.CURVE).any(axis=0)
    rates = (cells.roles[top:axis] == Role.RATE).any(axis=0)
    np.testing.assert_array_equal(rates[GUTTER:], curve[GUTTER:])
    (fall,) = np.flatnonzero((cells.roles[top:axis] == Role.RATE).all(axis=0))
    marks = np.flatnonzero((cells.roles[:top] % ON_BAND == Role.MARK).any(axis=0))
    assert fall == marks[0] == GUTTER + 25
    assert "step" in text(cells, cells.height - 1)
    assert text(cells, axis)[GUTTER - 1] == "└"


def test_rates_are_asked_again_only_when_they_can_have_changed() -> None:
    history = trained(500)
    view = chart_view(history, 106)
    train(history, 10)
    later = chart_view(history, 106, previous=view)
    if later.axis == view.axis:
        assert later.rates.high is view.rates.high
    kept = rates(history, later.axis, later.columns, previous=later.rates)
    assert kept.high is later.rates.high
    history.apply(act(510, seq=2, learning_rate=(0.1, 0.2)), 0.0)
    train(history, 10)
    assert np.nanmax(chart_view(history, 106, previous=later).rates.high) == 0.2


@given(st.floats(1e-30, 1e30))
def test_a_rate_has_a_short_label(rate: float) -> None:
    label = scale.rate_label(rate)
    assert len(label) <= 5
    assert float(label) == pytest.approx(rate, rel=0.5)


class Editing(App[None]):
    """The screen of a run without an engine."""

    def __init__(self, history: History, path: Path) -> None:
        super().__init__()
        self.training = TrainingScreen(history.config, load(path, 3, 42))
        self.training.history = history

    def get_default_screen(self) -> Screen[None]:
        return self.training


def test_a_schedule_being_edited_is_drawn_under_the_loss_until_the_dialog_is_left(
    tmp_path: Path,
) -> None:
    path = tmp_path / "few.txt"
    path.write_text("\n".join(shipped_names().read_text("utf-8").splitlines()[:200]) + "\n")

    async def show() -> None:
        history = trained(400)
        app = Editing(history, path)
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            chart = app.training.query_one(LossChart)
            dialog = AskSchedule(
                history.knobs, history.settings, history.step, app.training.propose
            )
            app.push_screen(dialog)
            await pilot.pause()
            choice = dialog.query_one(OptionList)
            choice.highlighted = [option.id for option in choice.options].index("linear")
            # It is drawn with the chart's next frame.
            await until(pilot, lambda: chart.view.rates.high[-1] < 0.01)
            dialog.query_one("#schedule_length", Input).value = "100"
            await until(pilot, lambda: chart.view.rates.high[-1] == 0)
            assert app.training.proposed is not None
            assert app.training.proposed.schedule_length == 100
            dialog.query_one("#schedule_length", Input).value = "-"
            await pilot.pause()
            assert app.training.proposed.schedule_length == 100
            frame = frame_of(chart.view, *chart.content_size)
            assert frame is not None
            below = chart.content_region.y + frame.height + frame.strip
            assert dialog.query_one("#box").region.y > below
            await pilot.press("escape")
            await pilot.pause()
            assert app.training.proposed is None
            await until(pilot, lambda: not (chart.view.rates.low == 0).any())
            assert (chart.view.rates.high[:10] == 0.1).all()

    asyncio.run(show())
