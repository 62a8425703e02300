"""The loss chart as it stands on the screen, and what it must survive."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from tests.columns import reduce
from tui.cells import ON_BAND, Cells, Role
from tui.chart import scale
from tui.chart.axis import Axis
from tui.chart.layout import frame_of
from tui.chart.look import Look
from tui.chart.view import GUTTER, ChartView
from tui.history.reduction import NO_CURVES
from tui.widgets.chart import LossChart, draw

ROOT = Path(__file__).parents[1]


def view_of(loss: np.ndarray, **changes: object) -> ChartView:
    values = loss.astype(np.float32)
    view = ChartView(
        curves=reduce(values, values, 0, max(len(values), 10), 200),
        columns=200,
        axis=Axis(0, max(len(values), 10)),
        sparse=np.full(200, max(len(values), 10) < 400),
        y_limits=(1.0, 4.0),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def falling(steps: int = 5_000) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.1, steps)
    return 2 + np.exp(-np.arange(steps) / (steps / 5)) + noise


def rows(cells: Cells) -> list[str]:
    return [row.tobytes().decode("utf-32-le") for row in cells.glyphs]


class Screen(App[None]):
    """Nothing but the chart."""

    def compose(self) -> ComposeResult:
        yield LossChart()


def on_screen(view: ChartView, size: tuple[int, int], look: Callable[[LossChart], None]) -> None:
    """Look at a chart of that view in a running app."""

    async def show() -> None:
        app = Screen()
        async with app.run_test(size=size) as pilot:
            chart = app.query_one(LossChart)
            chart.view = view
            await pilot.pause()
            look(chart)

    asyncio.run(show())


def lines(chart: LossChart) -> list[str]:
    return [chart.render_line(y).text for y in range(chart.content_size.height)]


def test_the_chart_shows_curve_dots_lines_and_acts_with_their_names() -> None:
    def look(chart: LossChart) -> None:
        text = "\n".join(lines(chart))
        assert "uniform ln 27" in text
        assert "▾rate 0.2→0.1" in text
        assert text.count("●") == 2
        assert text.count("○") == 1
        assert "┈┈┈" in text
        assert "┊" in text
        assert any("⠁" <= character <= "⣿" for character in text)
        assert {len(line) for line in lines(chart)} == {chart.content_size.width}
        assert chart.border_subtitle == "dev 2.300"

    view = view_of(
        falling(),
        references=((3.296, "uniform ln 27"),),
        marks=((2_000, "rate 0.2→0.1"),),
        dev=((1_000, 2.6), (4_000, 2.3)),
        train=((4_000, 1.5),),
        subtitle="dev 2.300",
    )
    on_screen(view, (120, 36), look)


def test_a_change_of_theme_paints_the_chart_anew() -> None:
    async def show() -> None:
        app = Screen()
        async with app.run_test(size=(80, 24)) as pilot:
            chart = app.query_one(LossChart)
            chart.view = view_of(falling())
            await pilot.pause()
            dark = list(chart.render_line(12))
            app.theme = "textual-light"
            await pilot.pause()
            light = list(chart.render_line(12))
            assert [segment.text for segment in light] == [segment.text for segment in dark]
            assert [segment.style for segment in light] != [segment.style for segment in dark]

    asyncio.run(show())


def test_before_any_loss_the_chart_says_what_to_press() -> None:
    def look(chart: LossChart) -> None:
        assert any("press space" in line for line in lines(chart))

    on_screen(ChartView(invitation="press space to train"), (80, 24), look)


def test_of_two_lines_in_one_row_the_higher_has_its_label_above() -> None:
    near = ((2.0, "lower"), (2.01, "upper"))
    cells = draw(view_of(np.full(5_000, 2.0), references=near, y_limits=(0.0, 5.0)), 106, 20)
    where = {
        word: [row for row, line in enumerate(rows(cells)) if word in line] for _, word in near
    }
    assert where["upper"]
    assert where["upper"] < where["lower"]


def test_a_label_never_stands_beside_another_line_than_its_own() -> None:
    covered = np.full(5_000, 2.0)
    near = ((2.0, "covered"), (2.1, "above"), (1.9, "below"))
    cells = draw(view_of(covered, references=near, y_limits=(1.0, 3.0)), 106, 20)
    frame = frame_of(view_of(covered, y_limits=(1.0, 3.0)), 106, 20)
    assert frame is not None
    for row, line in enumerate(rows(cells)):
        for loss, label in near:
            if label in line:
                others = [frame.row(other) for other, _ in near if other != loss]
                assert row == frame.row(loss) or row not in others


@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize("size", [(w, h) for w in (0, 1, 5, 7, 8, 20, 200) for h in (0, 1, 2, 5)])
def test_every_size_gives_a_picture_of_that_size(size: tuple[int, int], log_y: bool) -> None:
    view = view_of(
        falling(),
        look=Look(log_y=log_y),
        marks=((9, "cosine"),),
        references=((2.0, "uniform"),),
        dev=((9, 2),),
    )
    assert draw(view, *size).glyphs.shape == (size[1], size[0])


def test_of_two_acts_whose_labels_would_overlap_the_newer_is_named() -> None:
    view = view_of(falling(), marks=((2_000, "batch 64"), (2_100, "cosine")))
    top = rows(draw(view, 100, 20))[0]
    assert "▾cosine" in top
    assert "batch" not in top


def test_an_act_at_the_right_end_is_named_to_its_left() -> None:
    top = rows(draw(view_of(falling(), marks=((4_990, "rate 0.2→0.1"),)), 100, 20))[0]
    assert top.endswith("rate 0.2→0.1▾")


def test_a_label_with_unprintable_characters_cannot_break_the_row() -> None:
    view = view_of(falling(), marks=((100, "a\x1b[31m\ud800漢\n"),), references=((2.0, "\x00b"),))
    assert all(len(row) == 100 and row.isprintable() for row in rows(draw(view, 100, 20)))


def test_a_spike_within_the_limits_is_seen_in_the_band() -> None:
    loss = np.full(100_000, 2.0)
    loss[50_000] = 3.9
    cells = draw(view_of(loss), 100, 20)
    column = GUTTER + (100 - GUTTER) // 2
    assert cells.roles[1, column] == Role.BAND
    assert cells.roles[1, column - 3] == Role.BLANK


def test_the_curve_is_drawn_over_the_band() -> None:
    cells = draw(view_of(falling()), 100, 20)
    assert (cells.roles == Role.CURVE + ON_BAND).sum() > 20


def test_what_was_undone_is_a_thin_trace_that_ends_in_a_cross_under_the_living_curve() -> None:
    lost = np.full(600, 3.0, np.float32)
    part = reduce(lost, lost, 0, 1_000, 200, start=200)
    view = view_of(np.full(500, 2.0), axis=Axis(0, 1_000), marks=((200, "↶ undo"),))
    cells = draw(replace(view, abandoned=(part,)), 106, 20)
    ((row, column),) = np.argwhere(cells.glyphs == ord("×"))
    assert column == GUTTER + 79
    trace = cells.roles[row] % ON_BAND == Role.ABANDONED
    assert trace[GUTTER + 21 : GUTTER + 80].all()
    assert not trace[: GUTTER + 20].any()
    assert {chr(glyph) for glyph in cells.glyphs[row][trace]} <= set("⠁⠂⠄⡀×")
    assert "↶ undo" in rows(cells)[0]
    covered = draw(replace(view, abandoned=(view.curves,)), 106, 20)
    assert not (covered.roles % ON_BAND == Role.ABANDONED).any()


@pytest.mark.parametrize("steps", [500, 800])
def test_runs_that_end_alike_keep_their_letters(steps: int) -> None:
    view = view_of(np.full(500, 2.0), axis=Axis(0, 1_000))
    other = view_of(np.full(steps, 2.0), axis=Axis(0, 1_000)).curves
    frame = frame_of(view, 106, 20)
    assert frame is not None
    cells = draw(replace(view, others=(("A", other), ("B", other))), 106, 20)
    row, column = frame.row(2.0), frame.column(steps)
    assert row is not None
    assert column is not None
    for letter in "AB":
        ((y, x),) = np.argwhere(
            (cells.glyphs == ord(letter)) & (cells.roles % ON_BAND == Role.OTHER)
        )
        assert abs(y - row) <= 1
        assert abs(x - GUTTER - column) <= 3
    assert (cells.roles[row] % ON_BAND == Role.CURVE).sum() >= 45


def test_what_was_undone_is_seen_as_far_as_it_lies_within_the_limits() -> None:
    lost = np.exp(np.linspace(0.7, 60, 600)).astype(np.float32)
    part = reduce(lost, lost, 0, 1_000, 200, start=200)
    cells = draw(view_of(np.full(300, 2.0), axis=Axis(0, 1_000), abandoned=(part,)), 106, 20)
    assert (cells.roles % ON_BAND == Role.ABANDONED).any()
    assert not (cells.glyphs == ord("×")).any()


def test_a_crowd_of_marks_is_no_fence() -> None:
    crowd = tuple((step, "↶ undo") for step in range(0, 5_000, 50))
    cells = draw(view_of(falling(), marks=crowd), 106, 20)
    lines = (cells.roles % ON_BAND == Role.MARK).any(axis=0).sum()
    assert 5 <= lines <= 20


def test_a_gap_breaks_the_curve() -> None:
    loss = np.full(1_000, 2.0)
    loss[400:600] = np.nan
    cells = draw(view_of(loss), 106, 20)
    curve = ((cells.roles % ON_BAND) == Role.CURVE).any(axis=0)[GUTTER:]
    assert curve[:39].all()
    assert not curve[41:59].any()
    assert curve[61:].all()


def test_the_gutter_never_changes_its_width() -> None:
    for limits in ((0.0, 1.0), (2.001, 2.002), (-5.0, 1e30), (0.0, 30_000.0), (1e-9, 1e-8)):
        for row in rows(draw(view_of(falling(), y_limits=limits), 60, 20))[:18]:
            assert row[GUTTER - 1] in "│┤"


@given(st.floats(1e-12, 1e30), st.floats(1.0001, 1e20), st.integers(2, 10))
def test_ticks_lie_within_the_limits_and_have_short_labels(
    low: float, ratio: float, count: int
) -> None:
    high = low * ratio
    for values in (scale.ticks(low, high, count), scale.log_ticks(low, high, count)):
        slack = 1e-6 * (high - low)
        assert all(low - slack <= value <= high + slack for value in values)
        assert len(values) <= 3 * count + 2
        gap = min(np.diff(values), default=0.0)
        assert all(0 < len(scale.loss_label(value, gap)) <= 5 for value in values)


def test_log_ticks_are_round_numbers() -> None:
    assert scale.log_ticks(1, 100, 8) == [1, 2, 5, 10, 20, 50, 100]
    assert scale.log_ticks(1, 1e9, 5) == [1, 100, 1e4, 1e6, 1e8]
    np.testing.assert_allclose(scale.log_ticks(2.05, 3.1, 5), [2.5, 3.0])


@given(st.integers(0, 10**12))
def test_the_axis_of_steps_ends_a_little_beyond_the_present(step: int) -> None:
    end = scale.next_limit(step)
    assert step <= end <= max(10, step * 1.26)


HOSTILE = """
import itertools, math, os, random, time
import numpy as np
from core.protocol import Point
from tests.test_history import act, back, config, evaluated, running, steps
from tui.chart.look import Look
from tui.chart.view import chart_view
from tui.history.history import History
from tui.widgets.chart import draw

nan, inf = math.nan, math.inf
bad = [nan, inf, -inf, 0.0, -1.0, 1e30, -1e30, 1e-30, 3e38]
ordinary = list(np.random.default_rng(0).normal(2.5, 0.2, 3_000))
columns = [[], [2.5], [nan], [inf], [0.0], [1e30], [2.5] * 500, [0.0] * 500, bad, bad * 200,
           [nan] * 500, ordinary[:700] + bad + ordinary, ordinary + [1e30], [1e30] + ordinary,
           ordinary + [nan, inf], [1e30, -1e30] * 2_000, [x * 1e30 for x in ordinary],
           [x * 1e-30 for x in ordinary], list(np.exp(np.linspace(-80, 80, 3_000)))]
WINDOWS = (None, (1.0, 11.0), (600.0, 900.0), (2e6, 3e6))
slowest = 0.0
chance, LONG = random.Random(1), int(os.environ.get("STEERMORE_FUZZ", "0")) > 10
LOOKS = ((False, 0.0), (True, 0.0), (False, 0.98), (True, 0.999))
for loss, (log_y, smoothing) in itertools.product(columns, LOOKS):
    history = History(config())
    view = None
    for first in range(0, len(loss) + 1, 1_500):
        history.apply(steps(first, loss[first:first + 1_500]), 0.0)
        for at, dev in enumerate([2.5, 0.0, 1e30, -1.0, None]):
            history.apply(evaluated(at * 100, dev, False), 0.0)
        number, last = first // 1_500, history.acts[-1].seq if history.acts else -1
        change = act(first, seq=9 * number + 5, after=last, learning_rate=(0.1, 0.2))
        history.apply(change, 0.0)
        for width, height in ((70, 16), (120, 30), (3, 2)):
            begin = time.process_time()
            lines = ((3.3, "uniform"), (0.0, "zero"), (nan, "nan"), (inf, "inf"))
            view = chart_view(history, width, Look(log_y=log_y, smoothing=smoothing),
                              references=lines, previous=view)
            assert draw(view, width, height).glyphs.shape == (height, width)
            slowest = max(slowest, time.process_time() - begin)
    for full, window, both in itertools.product((False, True), WINDOWS, (False, True)[:1 + LONG]):
        begin = time.process_time()
        log_x = both if LONG else chance.random() < 0.5
        look = Look(smoothing, log_y, log_x, "steps", full, window, cursor=len(loss) // 2)
        assert draw(chart_view(history, 70, look), 70, 16).glyphs.shape == (16, 70)
        slowest = max(slowest, time.process_time() - begin)
    left = Point(history.all_acts.list[-1].seq, history.step)
    history.apply(back(Point(-1, 0), left, 99, 1, "restore"), 0.0)
    for again in ([], bad, ordinary):
        history.apply(steps(0, again, branch=1), 0.0)
        view = chart_view(history, 70, Look(log_y=log_y, smoothing=smoothing), previous=view)
        assert draw(view, 70, 16).glyphs.shape == (16, 70)
assert slowest < 1, slowest
print("drawn", slowest)
"""


@pytest.mark.fuzz
def test_hostile_losses_neither_end_the_process_nor_slow_the_chart() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HOSTILE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("drawn")
    assert done.stderr == ""


@pytest.mark.parametrize("log_y", [False, True])
def test_lines_dots_and_curve_agree_on_the_row_of_a_loss(log_y: bool) -> None:
    for loss in (1.0, 1.25, 2.0, 2.5, 3.0, 3.75, 3.999):
        view = view_of(np.array([loss] * 400), look=Look(log_y=log_y), dev=((395, loss),))
        cells = draw(view, 60, 20)
        dot = np.argwhere(cells.glyphs == ord("●"))[0][0]
        curve = np.flatnonzero((cells.roles % ON_BAND == Role.CURVE).any(axis=1))
        alone = draw(replace(view, curves=NO_CURVES, references=((loss, ""),)), 60, 20)
        line = np.flatnonzero((alone.glyphs == ord("┈")).any(axis=1))
        assert line.tolist() == [dot]
        assert abs(curve - dot).max() <= 1


def test_a_line_that_the_curve_covers_from_end_to_end_has_its_label_beside_it() -> None:
    loss = np.full(5_000, 2.03, np.float32)
    curves = reduce(loss, loss, 0, 5_000, 180)
    view = ChartView(
        curves=curves,
        columns=180,
        sparse=np.zeros(180, np.bool_),
        axis=Axis(0, 5_000),
        y_limits=(1.0, 3.0),
        references=((2.03, "lowest"),),
    )
    picture = draw(view, 96, 20)
    rows = ["".join(map(chr, row)) for row in picture.glyphs]
    assert sum("lowest" in row for row in rows) == 1
