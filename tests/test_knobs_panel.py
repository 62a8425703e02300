"""The panel of knobs and settings: drawn from their tables, moved by arrows, mouse and typing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import product
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, OptionList

from core.config import PRESETS, Knobs, Settings
from core.dataset import load
from core.dials import DIALS, KNOB_NAMES
from core.protocol import KnobsChanged
from tests import quick_engines, test_dashboard
from tests.conftest import MakeRun
from tests.test_dashboard import Hands, shown
from tui.app import SteermoreApp
from tui.dial_rows import HINTS, PARTS, Row, help_text, rows_of
from tui.rate_text import FIGURE_ROWS, FOOT_LEAST, GAP, arrange
from tui.screens.ask import AskChoice, AskValue
from tui.screens.schedule import FIELDS, AskSchedule
from tui.screens.training import TrainingScreen
from tui.widgets.dial_list import DialList
from tui.widgets.rate import RatePanel

Dashboard = Callable[..., None]

dataset_path, dataset = test_dashboard.dataset_path, test_dashboard.dataset
engine_run, dashboard = test_dashboard.engine_run, test_dashboard.dashboard


def dials(hands: Hands) -> DialList:
    return hands.training.query_one(DialList)


def row(hands: Hands, name: str) -> Row:
    return next(row for row in dials(hands).rows if row.name == name)


async def choose(hands: Hands, name: str) -> None:
    """Go to a dial with the keys, as a person does."""
    await hands.press("3", "home")
    await hands.until(lambda: dials(hands).has_focus)
    await hands.press(*["down"] * list(dials(hands).names).index(name))
    assert dials(hands).chosen == name


async def click(hands: Hands, name: str, on: str, times: int = 1) -> None:
    """Click a row where its text says `on`."""
    widget = dials(hands)
    lines = shown(widget).splitlines()
    place = next(i for i, row in enumerate(widget.rows) if row.name == name)
    y = place - widget.scroll_offset.y
    await hands.pilot.click(widget, offset=(lines[y].index(on), y), times=times)


def names(knobs: Knobs, settings: Settings) -> set[str]:
    return {row.name for row in rows_of(knobs, settings) if row.name}


def test_every_dial_of_the_tables_has_its_row_when_it_matters() -> None:
    seen: set[str] = set()
    for optimizer, autopilot in product(DIALS["optimizer"].choices, DIALS["autopilot"].choices):
        knobs = msgspec.convert({"optimizer": optimizer}, Knobs)
        settings = msgspec.convert({"autopilot": autopilot}, Settings)
        now = names(knobs, settings)
        assert ("momentum" in now) == (optimizer == "sgd")
        assert ("beta1" in now) == ("beta2" in now) == (optimizer == "adamw")
        assert ("patience" in now) == (autopilot == "on")
        seen |= now
    assert seen == DIALS.keys() - PARTS
    # What has no row is edited with the schedule.
    assert FIELDS.keys() | {"schedule_start"} == PARTS


def test_knobs_and_settings_stand_under_their_own_headings() -> None:
    rows = rows_of(Knobs(), Settings())
    headings = [i for i, row in enumerate(rows) if not row.name]
    assert [rows[i].caption for i in headings] == ["knobs, undoable", "settings"]
    assert {row.name for row in rows[: headings[1]]} - {""} <= KNOB_NAMES
    assert not {row.name for row in rows[headings[1] :]} & KNOB_NAMES


@pytest.mark.parametrize("width", range(24, 200, 7))
def test_the_figures_stand_whole_and_the_list_has_room_at_any_size(width: int) -> None:
    for height in range(4, 60):
        place = arrange(width, height, 18)
        assert place.list_cells >= 22
        match place.kind:
            case "stacked":
                left = height - FIGURE_ROWS - place.foot_rows
                assert left >= 6 or place.foot_rows == FOOT_LEAST
            case "two":
                assert place.figure_cells + GAP + place.list_cells == width
                assert place.foot_rows == height - FIGURE_ROWS
            case "three":
                cells = place.figure_cells + place.list_cells + place.foot_cells
                assert cells + 2 * GAP == width
                assert place.foot_rows == height


def test_a_row_knows_the_ends_of_its_ladder() -> None:
    rows = {row.name: row for row in rows_of(Knobs(), Settings(evaluation_interval=10**9))}
    assert rows["clip"].way(1) is None  # off stands above the highest
    assert rows["clip"].way(-1) is False
    assert rows["momentum"].way(-1) is None
    assert rows["momentum"].way(1, fine=True) is True
    assert rows["batch_size"].way(1, fine=True) is False  # it has no fine rungs
    assert rows["optimizer"].way(-1) is None
    assert rows["evaluation_interval"].way(1) is None  # typed far beyond the ladder
    assert rows["schedule"].way(1) is None
    assert rows["fixed_batch"].way(1) is None


def test_the_arrows_reach_every_row_and_its_help_is_shown(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("3", "home")
        foot = hands.training.query_one("#foot")
        for name in dials(hands).names:
            assert dials(hands).chosen == name
            title = name.replace("_", " ")
            await hands.until(lambda t=title: f"─ {t} ─" in shown(foot))  # type: ignore[misc]
            said = " ".join(shown(foot).splitlines()[1:]).split()
            whole = help_text(DIALS[name]).split()
            if name in HINTS:
                # What the arrows do not do is said first; the rest may be cut.
                assert said[:3] == whole[:3]
            else:
                assert said == whole
            # The row stands in the part that is seen.
            caption = row(hands, name).caption[:6]
            await hands.until(lambda c=caption: c in shown(dials(hands)))  # type: ignore[misc]
            await hands.press("down")
        assert dials(hands).chosen == dials(hands).names[-1]
        await hands.press("home")
        assert dials(hands).chosen == "learning_rate"
        await hands.press("pagedown", "pagedown", "pageup", "end", "up")
        assert dials(hands).chosen == dials(hands).names[-2]

    dashboard(scenario)


def test_an_arrow_moves_a_knob_which_is_confirmed_with_its_step_and_undone(
    dashboard: Dashboard,
) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "batch_size")
        before = hands.training.history.knobs.batch_size
        await hands.press("right")
        await hands.until(lambda: hands.dial("batch_size") == f"{2 * before:,}")
        history = hands.training.history
        act = history.acts[-1]
        assert isinstance(act, KnobsChanged)
        assert act.changes == {"batch_size": (before, 2 * before)}
        assert hands.log[0] == f"{act.step:,}  batch {before} → {2 * before} (you)"
        await hands.press("u")
        await hands.until(lambda: hands.dial("batch_size") == f"{before:,}")
        assert hands.training.history.knobs.batch_size == before

    dashboard(scenario)


def test_an_arrow_moves_a_setting_which_an_undo_leaves_alone(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "batch_size")
        # Acts of the tests before can be undone already: only the dial tells of this one.
        before = hands.dial("batch_size")
        await hands.press("right")
        await hands.until(lambda: hands.dial("batch_size") != before)
        acts = len(hands.training.history.acts)
        await choose(hands, "temperature")
        now = hands.training.history.settings.temperature
        await hands.press("left")
        await hands.until(lambda: hands.training.history.settings.temperature < now)
        lower = hands.training.history.settings.temperature
        assert len(hands.training.history.acts) == acts
        assert "temperature" in hands.log[0]
        await hands.press("u")
        await hands.until(lambda: "undo" in hands.log[0])
        assert hands.training.history.settings.temperature == lower
        await hands.press("right")
        await hands.until(lambda: hands.training.history.settings.temperature > lower)

    dashboard(scenario)


def test_shift_moves_finely_and_the_figures_follow(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await test_dashboard.type_rate(hands, "0.1")
        await choose(hands, "learning_rate")
        await hands.press("shift+right")
        await hands.until(lambda: "base 0.125" in hands.rate)
        assert hands.dial("learning_rate") == "0.125"
        step = hands.training.history.acts[-1].step
        assert f"since step {step:,}" in hands.rate
        await hands.press("shift+left", "left")
        await hands.until(lambda: "effective 0.05\n" in hands.rate)

    dashboard(scenario)


def test_at_the_end_of_a_ladder_and_where_there_is_none_the_arrows_ask_nothing(
    dashboard: Dashboard,
) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "clip")
        assert hands.dial("clip") == "off"
        lines = shown(dials(hands))
        assert "‹ off" in lines
        assert "off ›" not in lines
        told = len(hands.log)
        await hands.press("right")
        await choose(hands, "fixed_batch")
        assert "off …" in shown(dials(hands))
        await hands.press("left", "right", "shift+right")
        await choose(hands, "schedule")
        await hands.press("left", "right")
        # Whatever had been asked would have been answered before this.
        await test_dashboard.draw(hands)
        assert len(hands.log) == told

    dashboard(scenario)


def test_enter_types_a_value_and_escape_leaves_everything_as_it_was(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "weight_decay")
        await hands.press("enter")
        await hands.open(AskValue)
        await hands.type("Input", "1e-4")
        await hands.press("enter")
        await hands.open(TrainingScreen)
        await hands.until(lambda: hands.dial("weight_decay") == "0.0001")
        await choose(hands, "fixed_batch")
        await hands.press("enter")
        await hands.open(AskValue)
        assert hands.app.screen.query_one(Input).value == "off"
        await hands.type("Input", "7")
        await hands.press("enter")
        await hands.until(lambda: hands.dial("fixed_batch") == "7")
        await hands.press("enter")
        await hands.open(AskValue)
        await hands.type("Input", "off")
        await hands.press("enter")
        await hands.until(lambda: hands.dial("fixed_batch") == "off")
        acts = len(hands.training.history.acts)
        await hands.press("enter")
        await hands.open(AskValue)
        await hands.press("escape")
        await hands.open(TrainingScreen)
        assert dials(hands).has_focus
        await hands.press("escape")
        await hands.until(lambda: not dials(hands).has_focus)
        assert hands.training.focused is None
        assert len(hands.training.history.acts) == acts

    dashboard(scenario)


def test_enter_on_the_schedule_opens_its_editor(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "schedule")
        await hands.press("enter")
        await hands.open(AskSchedule)
        await hands.press("escape")
        await hands.open(TrainingScreen)

    dashboard(scenario)


def test_a_choice_is_offered_as_a_list_and_arrows_turn_it(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "optimizer")
        assert hands.dial("optimizer") == "sgd"
        await hands.press("enter")
        await hands.open(AskChoice)
        options = hands.app.screen.query_one(OptionList)
        assert [str(option.prompt) for option in options.options] == ["sgd", "adamw"]
        assert options.highlighted == 0
        acts = len(hands.training.history.acts)
        await hands.press("enter")
        await hands.open(TrainingScreen)
        assert len(hands.training.history.acts) == acts
        await hands.press("enter")
        await hands.open(AskChoice)
        await hands.press("down", "enter")
        await hands.until(lambda: "beta1" in dials(hands).names)
        assert "momentum" not in dials(hands).names
        assert "optimizer state restarted" in hands.log[0]
        await hands.press("left")
        await hands.until(lambda: "momentum" in dials(hands).names)
        await choose(hands, "autopilot")
        await hands.press("right")
        await hands.until(lambda: "patience" in dials(hands).names)
        await hands.press("left")
        await hands.until(lambda: "patience" not in dials(hands).names)

    dashboard(scenario)


def test_a_dial_that_matters_no_more_hands_the_choice_to_what_takes_its_place(
    dashboard: Dashboard,
) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "momentum")
        hands.app.action_nudge("optimizer", 1)
        await hands.until(lambda: dials(hands).chosen == "beta1")
        hands.app.action_nudge("optimizer", -1)
        await hands.until(lambda: dials(hands).chosen == "momentum")

    dashboard(scenario)


def test_a_click_chooses_then_the_arrows_beside_the_value_move_it_and_the_value_types_it(
    dashboard: Dashboard,
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("3", "home", "escape")
        before = hands.training.history.knobs.batch_size
        await click(hands, "batch_size", f"{before}")
        await hands.until(lambda: dials(hands).has_focus)
        assert dials(hands).chosen == "batch_size"
        assert hands.app.screen is hands.training
        await click(hands, "batch_size", "›")
        await hands.until(lambda: hands.dial("batch_size") == f"{2 * before}")
        await click(hands, "batch_size", "‹")
        await hands.until(lambda: hands.dial("batch_size") == f"{before}")
        await click(hands, "batch_size", f"{before} ›")
        await hands.open(AskValue)
        await hands.press("escape")
        await hands.open(TrainingScreen)
        await click(hands, "weight_decay", "weight", times=2)
        await hands.open(AskValue)
        await hands.press("escape")
        await hands.open(TrainingScreen)
        await hands.press("escape")
        await hands.pilot.click("#foot")
        await hands.until(lambda: dials(hands).has_focus)

    dashboard(scenario)


def test_a_changed_value_stands_out_for_a_moment(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "learning_rate")
        await hands.press("escape", "plus")
        widget = dials(hands)

        def bold() -> bool:
            value = widget.render_line(1)._segments[2]
            return bool(value.style and value.style.bold)

        await hands.until(bold)
        await hands.until(lambda: not bold())

    dashboard(scenario)


def test_the_list_is_not_made_anew_while_only_the_steps_go_on(dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        rows, step = dials(hands).rows, hands.training.history.step
        await hands.press("space")
        panel = hands.training.query_one(RatePanel)
        await hands.until(lambda: panel.rates is not None and panel.rates.step > step)
        assert dials(hands).rows is rows
        await hands.press("space")
        await hands.until(lambda: "paused" in hands.status)

    dashboard(scenario)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 60), (60, 18)])
def test_figures_list_and_help_are_all_seen_at(size: tuple[int, int], dashboard: Dashboard) -> None:
    async def scenario(hands: Hands) -> None:
        await choose(hands, "batch_size")
        figures = ("base", "× factor", "= effective", "since step")
        await hands.until(lambda: all(words in hands.rate for words in figures))
        panel = hands.training.query_one(RatePanel)
        await hands.until(lambda: "Examples per update." in hands.rate + str(panel.border_subtitle))
        assert "‹" in shown(dials(hands))
        for part in panel.children:
            if part.display:
                assert panel.region.contains_region(part.region)
                assert all(len(line) <= part.size.width for line in shown(part).splitlines())
        await hands.press("m")
        await hands.until(lambda: hands.training.maximized is panel)
        await hands.press("m")
        await hands.until(lambda: hands.training.maximized is None)

    dashboard(scenario, size)


def test_without_an_engine_the_list_can_be_read_and_asks_nothing(
    make_run: MakeRun, names: Path
) -> None:
    async def show() -> None:
        directory = make_run("fast")
        engine = quick_engines.start(directory)
        app = SteermoreApp(directory, load(names, 3, 42), engine=engine)
        async with app.run_test(size=(120, 36)) as pilot:
            hands = Hands(app, pilot)
            await hands.live()
            assert hands.dial("batch_size") == str(PRESETS["fast"].knobs.batch_size)
            await choose(hands, "batch_size")
            await hands.until(lambda: "‹" in shown(dials(hands)))
            engine.kill()
            await hands.until(lambda: hands.training.link == "gone")
            await hands.until(lambda: "‹" not in shown(dials(hands)))
            toasts = len(app._notifications)
            await hands.press("right", "enter")
            await choose(hands, "temperature")
            assert app.screen is hands.training
            assert len(app._notifications) == toasts

    asyncio.run(show())
