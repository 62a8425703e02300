"""The view of the inside of the model: what it says, draws and asks; its screen on real runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Static

from core.commands import obey
from core.config import PRESETS, ModelConfig
from core.lineage import Acts
from core.protocol import (
    CommandRejected,
    DiagnosticsTaken,
    LayerFigures,
    Point,
    RolledBack,
    RunOpened,
    SetKnobs,
    Step,
    Undo,
)
from core.run import Run
from tests.conftest import MakeRun, begun
from tests.stage import NAME, Stage, until
from tests.stage import play as play_on_stage
from tests.test_dashboard import Hands, shown
from tests.test_steering_keys import Start, play
from tests.test_time_travel import reopened, settle, train
from tui.cells import Cells, Role
from tui.inside.histogram import BAR, END, HistogramView
from tui.inside.ratios import ROLES, RatioView
from tui.inside.readings import MOST_KEPT, MOST_SHARE, Reading, Readings, Where
from tui.inside.saying import (
    Sentence,
    dead_units,
    gradients,
    saturation,
    sentences,
    spelled,
    state_text,
    updates,
)
from tui.inside.table import table
from tui.screens.inside import Inside
from tui.widgets.inside_plot import InsidePlot

SIZES = [(0, 0), (3, 9), (12, 4), (22, 6), (42, 8), (76, 8), (116, 14), (200, 40)]
NORMAL, SCALED = ModelConfig(), ModelConfig(initialization="scaled")


def layer(name: str, *, ratio: float | None = -3.0, std: float | None = 0.5, **more: Any) -> Any:
    """A layer with that log10 of update to data."""
    update = None if ratio is None or std is None else std * 10**ratio
    figures: dict[str, Any] = {
        "shape": (4, 5),
        "norm": 2.0,
        "gradient_mean": 1e-5,
        "gradient_std": 0.01,
        "update_std": update,
    }
    return LayerFigures(name=name, std=std, **(figures | more))


def told(*ratios: float | None, **fields: Any) -> DiagnosticsTaken:
    """A look; `ratios` are those of C, W1 and W2."""
    C, W1, W2 = ratios or (-3.0, -3.0, -3.0)
    usual: dict[str, Any] = {
        "answers": 1,
        "branch": 0,
        "step": 1_300,
        "examples": 1_000,
        "hidden_size": 10,
        "counts": (1_000, *[200] * 40, 1_000),
        "dead": 0,
        "rate": 0.1,
        "layers": (
            layer("C", ratio=C),
            layer("W1", ratio=W1),
            layer("b1", ratio=-1.0, shape=(5,)),
            layer("W2", ratio=W2),
            layer("b2", ratio=-1.0, shape=(5,)),
        ),
        "seconds": 0.003,
    }
    return DiagnosticsTaken(**(usual | fields))


def rows_of(cells: Cells) -> list[str]:
    return ["".join(map(chr, row)) for row in cells.glyphs.tolist()]


# --- sentences ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "model", "level", "said"),
    [
        ((600, 600), SCALED, "good", "12% of tanh outputs are saturated (|h| > 0.97): less than"),
        ((600, 600), SCALED, "good", "scaled weights like these begin near 21%"),
        ((600, 600), SCALED, "good", "there at most 6% of the gradient passes"),
        ((2_500, 2_500), NORMAL, "look", "50% of tanh outputs"),
        ((3_500, 3_600), NORMAL, "look", "begin near 71%, scaled ones near 21%"),
        ((0, 0), NORMAL, "good", "0% of tanh"),
    ],
)
def test_saturation_is_said_with_what_is_to_be_expected(
    ends: tuple[int, int], model: ModelConfig, level: str, said: str
) -> None:
    inner = np.diff(np.linspace(0, 10_000 - sum(ends), 41).astype(int)).tolist()
    sentence = saturation(told(counts=(ends[0], *inner, ends[1])), model)
    assert sentence.level == level
    assert said in f"{sentence.text}; {sentence.more}"


@pytest.mark.parametrize(
    ("fields", "level", "said"),
    [
        ({}, "good", "none of 10 hidden units is saturated for all of 1,000 train examples"),
        ({"dead": 1}, "look", "1 of 10 hidden units is saturated for all"),
        ({"dead": 3, "hidden_size": 4_096, "examples": 97}, "look", "3 of 4,096 hidden units are"),
        ({"dead": 1, "hidden_size": 1}, "look", "1 of 1 hidden unit is"),
    ],
)
def test_dead_units_are_counted(fields: dict[str, Any], level: str, said: str) -> None:
    sentence = dead_units(told(**fields))
    assert sentence.level == level
    assert said in sentence.text


@pytest.mark.parametrize(
    ("ratios", "fields", "level", "said"),
    [
        ((-3.0, -3.2, -2.4), {}, "good", "C -3.00, W1 -3.20, W2 -2.40: within a decade of -3"),
        ((-3.0, -3.2, -1.9), {}, "look", "data W2 -1.90: fast, above -2"),
        ((-3.0, -3.2, -1.9), {}, "look", "guide is -3; lower the rate if the loss is unsteady"),
        ((-4.5, -3.0, -3.0), {}, "look", "data C -4.50: slow, below -4"),
        ((-4.5, -3.0, -3.0), {}, "look", "raise the rate, unless a schedule"),
        ((-4.5, -4.1, -1.0), {}, "look", "W2 -1.00: fast, above -2; C -4.50, W1 -4.10: slow"),
        ((-3.0, None, -3.0), {}, "good", "C -3.00, W2 -3.00: within"),
        ((-3.0, -3.0, -3.0), {"rate": 0.0}, "none", "the effective rate is 0 here"),
        ((None, None, None), {}, "none", "no layer moves, or none is finite"),
    ],
)
def test_updates_are_held_against_the_lecture_s_guide(
    ratios: tuple[float | None, ...], fields: dict[str, Any], level: str, said: str
) -> None:
    sentence = updates(told(*ratios, **fields))
    assert sentence.level == level
    assert said in f"{sentence.text}; {sentence.more}"


@pytest.mark.parametrize(
    ("W2", "level", "said"),
    [
        ({}, "good", "gradient to data from 0.02 (C) to 0.02 (C): smaller than the weights"),
        ({"std": 0.01, "gradient_std": 0.02}, "look", "to 2 (W2): as large as the weights"),
        ({"gradient_std": None}, "look", "W2 or its gradient is not finite"),
        ({"std": 0.0}, "good", "smaller"),
    ],
)
def test_gradients_are_held_against_the_weights(W2: dict[str, Any], level: str, said: str) -> None:
    sentence = gradients(told(layers=(layer("C"), layer("W1"), layer("W2", **W2))))
    assert sentence.level == level
    assert said in sentence.text


def test_weights_that_are_not_finite_are_said_to_be() -> None:
    broken = told(
        counts=(0,) * 42,
        layers=tuple(
            LayerFigures(
                name=name,
                shape=(2, 3),
                std=None,
                norm=None,
                gradient_mean=None,
                gradient_std=None,
                update_std=None,
            )
            for name in ("C", "W1", "b1", "W2", "b2")
        ),
    )
    levels = [sentence.level for sentence in sentences(broken, NORMAL)]
    assert levels == ["look", "good", "look", "none"]
    assert all(len(row) == len(table(broken, 80)[0]) for row in table(broken, 80))


@pytest.mark.parametrize("width", [40, 76, 116])
def test_a_long_sentence_goes_on_below_its_first_word(width: int) -> None:
    for sentence in sentences(told(-5.0, -3.0, -1.0, dead=2), NORMAL):
        mark, text = spelled(sentence, width, whole=True)
        first, *more = (mark + text).split("\n")
        assert all(len(row) <= width for row in (first, *more))
        assert all(row.startswith("  ") and row[2] != " " for row in more)
    assert spelled(Sentence("look", "short", "more"), 76, whole=False) == ("! ", "short")


def test_the_table_leaves_columns_out_rather_than_breaking() -> None:
    for width in (30, 72, 116):
        rows = table(told(), width)
        assert len(rows) == 7
        assert all(len(row) <= width for row in rows)
        assert rows[2].startswith("C")
        assert rows[2].endswith("-3.00")
    assert "4×5" in table(told(), 116)[2]


# --- readings -------------------------------------------------------------------------------------

KNOBS = PRESETS["lecture"].knobs


def here(step: int, branch: int = 0) -> Where:
    return branch, step, KNOBS


def asked(readings: Readings, step: int, now: float, **fields: Any) -> None:
    readings.ask(here(step, fields.get("branch", 0)), now, step)
    assert readings.hear(told(answers=step, step=step, **fields))


def lineage(*acts: Any) -> Any:
    known = Acts(acts)
    return known.path(Point(acts[-1].seq, 10**6))


OPENED = RunOpened(seq=0, branch=0, step=0, time=0.0, before=Point(0, 0), config=begun())


def test_one_look_is_under_way_at_a_time_and_none_without_need_or_before_its_time() -> None:
    readings = Readings()
    assert readings.wants(here(0), 0.0)
    readings.ask(here(0), 0.0, 1)
    assert not readings.wants(here(9), 5.0)
    assert not readings.hear(told(answers=2))
    assert readings.hear(told(answers=1))
    assert not readings.wants(here(0), 5.0)
    assert not readings.wants(here(9), 0.9)
    assert readings.wants(here(9), 1.1)
    changed = msgspec.structs.replace(KNOBS, learning_rate=1.0)
    assert readings.wants((0, 0, changed), 1.1)
    readings.ask(here(9), 1.1, 3)
    readings.hear(CommandRejected(answers=3, command="Diagnose", reason="no"))
    assert readings.reason == "no"
    readings.ask(here(10), 3.0, None)
    assert "does not answer" in readings.reason
    readings.begin()
    assert readings.wants(here(10), 3.0)


@pytest.mark.parametrize("seconds", [0.0001, 0.003, 0.05, 2.0])
def test_however_dear_a_look_is_looks_take_only_a_small_share_of_training(seconds: float) -> None:
    readings = Readings()
    # The first look is dearer than all later ones.
    asked(readings, 1, 0.0, seconds=20 * seconds)
    asked(readings, 2, readings.interval, seconds=seconds)
    assert readings.cost == seconds
    assert readings.cost / readings.interval <= MOST_SHARE * 1.001
    said = state_text(readings, "training")
    assert f"{seconds / readings.interval:.2%} of training" in said


def test_only_what_led_to_the_present_state_is_drawn() -> None:
    readings = Readings()
    back = RolledBack(
        seq=1, branch=1, step=20, time=0.0, before=Point(0, 40), to=Point(0, 20), reason="restore"
    )
    for at, step in enumerate((10, 20, 30, 40)):
        asked(readings, step, 10.0 * at)
    asked(readings, 25, 50.0, branch=1)
    assert [reading.step for reading in readings.along(lineage(OPENED))] == [10, 20, 30, 40]
    assert [reading.step for reading in readings.along(lineage(OPENED, back))] == [10, 20, 25]


def test_of_a_long_past_every_part_stays_and_the_newest_look_too() -> None:
    readings = Readings()
    for look in range(5 * MOST_KEPT):
        asked(readings, look, 2.0 * look)
    steps = [reading.step for reading in readings.along(lineage(OPENED))]
    assert len(steps) <= MOST_KEPT + 1
    assert steps[0] == 0
    assert steps[-1] == 5 * MOST_KEPT - 1
    assert max(np.diff(steps)) <= 8


# --- pictures -------------------------------------------------------------------------------------


@given(
    counts=st.lists(st.integers(0, 10**6), min_size=42, max_size=42),
    size=st.sampled_from(SIZES),
)
@settings(deadline=None)
def test_a_histogram_fits_and_shows_whatever_is_there(
    counts: list[int], size: tuple[int, int]
) -> None:
    cells = HistogramView(tuple(counts)).draw(*size)
    assert (cells.width, cells.height) == size
    if size[0] < 42 or size[1] < 3 or not sum(counts):
        return
    stands = (cells.glyphs[-3] != ord(" ")) & (cells.roles[-3] != Role.AXIS)
    broad = (size[0] // 42) or 1
    assert stands[: 42 * broad : broad].tolist() == [count > 0 for count in counts]


def test_saturated_ends_have_their_own_glyph_and_their_share_below_them() -> None:
    cells = HistogramView((300, *[10] * 40, 300)).draw(42, 8)
    rows = rows_of(cells)
    assert [row[0] + row[-1] for row in rows[:6]] == ["⣿⣿"] * 6
    assert (cells.roles[:6, 0] == END).all()
    assert set(rows[5][1:-1]) < set("▁▂▃▄▅▆▇█")
    assert (cells.roles[5, 1:-1] == BAR).all()
    assert rows[7].startswith("⣿ 30.0%")
    assert rows[7].endswith("30.0% ⣿")


def readings_of(*lines: tuple[int, float, float, float]) -> tuple[Reading, ...]:
    return tuple(
        Reading(0, step, {"C": c, "W1": w1, "W2": w2})
        for step, c, w1, w2 in lines
        if not math.isnan(c)
    )


@pytest.mark.parametrize("size", SIZES)
def test_every_line_ends_in_its_letters_even_where_all_are_one(size: tuple[int, int]) -> None:
    for low in (-3.0, -9.0, 2.0):
        view = RatioView(readings_of((0, -3.0, -3.0, -3.0), (500, low, low, low)))
        cells = view.draw(*size)
        assert (cells.width, cells.height) == size
        if size[0] < 22 or size[1] < 8:
            continue
        rows = rows_of(cells)
        for name, role in ROLES.items():
            (row,) = [at for at, text in enumerate(rows) if f" {name:<2} {low:.2f}" in text]
            assert (cells.roles[row] == role).any()


def test_the_guide_is_drawn_where_minus_three_is_and_lines_where_they_are() -> None:
    view = RatioView(readings_of((0, -2.0, -3.4, -2.6), (1_000, -2.0, -3.4, -2.6)))
    cells = view.draw(80, 20)
    rows = rows_of(cells)
    (guide,) = [at for at, row in enumerate(rows) if "┈┈┈" in row]
    assert "-3┤" in rows[guide] or "-3.0┤" in rows[guide]
    at = {
        name: int(np.flatnonzero((cells.roles == role).any(1))[0]) for name, role in ROLES.items()
    }
    assert at["C"] < at["W2"] < guide < at["W1"]


def test_one_look_is_a_dot_and_a_layer_that_never_moved_has_no_line() -> None:
    cells = RatioView((Reading(0, 1_300, {"W1": -2.5}),)).draw(80, 12)
    assert any(" W1 -2.50" in row for row in rows_of(cells))
    assert not (cells.roles == ROLES["C"]).any()
    assert set(rows_of(RatioView((Reading(0, 5, {}),)).draw(80, 12))) == {" " * 80}


def test_a_spike_between_two_columns_is_seen() -> None:
    quiet = [(step, -3.0, -3.0, -3.0) for step in range(2_000)]
    quiet[777] = (777, -3.0, -3.0, -1.0)
    cells = RatioView(readings_of(*quiet)).draw(80, 20)
    assert (cells.roles[1] == ROLES["W2"]).any() or (cells.roles[0] == ROLES["W2"]).any()


# --- the screen -----------------------------------------------------------------------------------


def says(app: Any, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


@pytest.fixture
def run(make_run: MakeRun) -> Iterator[Run]:
    run = reopened(make_run(settings={"step_limit": 1_000}))
    train(run, 300)
    yield run
    run.close()


async def look(app: Stage, pilot: Pilot[None], state: str) -> None:
    """Open the view, and wait until it has looked at the model in this state."""
    await pilot.press("I")
    await until(pilot, lambda: isinstance(app.screen, Inside) and app.screen.is_mounted)
    await until(pilot, lambda: says(app, "#state").startswith(state))


async def leave(app: Stage, pilot: Pilot[None]) -> None:
    await pilot.press("escape")
    await until(pilot, lambda: app.screen is app._training)


def steps(app: Stage) -> list[int]:
    """Where the looks were taken whose curves are drawn."""
    view = app.screen.query_one("#ratios", InsidePlot).view
    return [reading.step for reading in view.readings] if isinstance(view, RatioView) else []


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36), (200, 50)])
def test_the_view_shows_every_figure_and_leaves_the_run_as_it_was(
    run: Run, size: tuple[int, int]
) -> None:
    before = run.trainer.state_sha256()

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await look(app, pilot, "step 300, paused")
        await until(pilot, lambda: says(app, "#sentences").count("\n") >= 3)
        layers = [f"\n{name}" for name in ("C", "W1", "b1", "W2", "b2")]
        await until(pilot, lambda: all(name in says(app, "#layers") for name in layers))
        histogram, ratios = (
            app.screen.query_one(name, InsidePlot) for name in ("#histogram", "#ratios")
        )
        await until(pilot, lambda: "⣿" in shown(histogram))
        curves = [f" {name}" for name in ("C ", "W1", "W2")]
        await until(pilot, lambda: all(name in shown(ratios) for name in curves))
        await leave(app, pilot)

    play_on_stage(run, scene, size)
    assert run.trainer.state_sha256() == before


def test_what_was_read_outlives_the_view_and_an_undo_takes_back_its_part(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        for more in (0, 100, 100):
            if more:
                app.send(Step(count=more))
            await look(app, pilot, f"step {run.step}, paused")
            await leave(app, pilot)
        app.send(SetKnobs(values={"learning_rate": 0.02}))
        app.send(Step(count=50))
        await look(app, pilot, "step 550, paused")
        await until(pilot, lambda: steps(app) == [300, 400, 500, 550])
        await leave(app, pilot)
        app.send(Undo())
        await look(app, pilot, "step 500, paused")
        await until(pilot, lambda: steps(app) == [300, 400, 500])

    play_on_stage(run, scene, (120, 36))


def test_a_finished_run_is_looked_at_too(run: Run) -> None:
    obey(run, Step(count=700), NAME)
    settle(run)
    run.set_running(True)
    while not run.finished:
        run.work()

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await look(app, pilot, "step 1,000, finished")

    play_on_stage(run, scene, (80, 24))


def test_while_it_trains_looks_come_by_themselves_and_their_cost_is_told(
    make_run: MakeRun, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("space")
        await hands.until(lambda: hands.training.history.step > 100)
        await hands.press("I")
        await hands.open(Inside)
        plot = hands.app.screen.query_one("#ratios", InsidePlot)

        def looks() -> int:
            return len(plot.view.readings) if isinstance(plot.view, RatioView) else 0

        await hands.until(lambda: looks() >= 3)
        state = says(hands.app, "#state")
        told = re.fullmatch(
            r"step [\d,]+, training · a look every ([\d.]+) s, ([\d.]+) ms each: "
            r"([\d.]+)% of training",
            state,
        )
        assert told is not None, state
        every, cost, share = map(float, told.groups())
        assert every >= 1
        assert 0 < share <= 100 * MOST_SHARE
        assert share == pytest.approx(cost / every / 10, abs=0.04)

    knobs = {"schedule": "constant", "drops": ()}
    directory = make_run(knobs=knobs, settings={"step_limit": 10**9})
    play(directory, start, scenario, (120, 36))


def test_without_an_engine_it_is_not_to_be_had(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        assert app.check_action("inside", ()) is True
        app._training.link = "gone"
        assert app.check_action("inside", ()) is None

    play_on_stage(run, scene, (120, 36))
