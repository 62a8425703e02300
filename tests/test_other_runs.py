"""Other runs from the dashboard: their curves behind this one, what differs, opening them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Static

from core.client import read_run
from core.commands import obey
from core.forking import fork
from core.launch import load_data
from core.protocol import Sample, SetKnobs, Shutdown
from core.record import read_config
from core.run import Run
from tests.columns import even
from tests.conftest import MakeRun
from tests.test_dashboard import Hands
from tests.test_history_of_runs import loaded
from tests.test_time_travel import reopened, train
from tui.app import SteermoreApp
from tui.cells import Role
from tui.chart.companions import differences_text, lettered, read_companion
from tui.chart.layout import frame_of
from tui.chart.view import chart_view
from tui.history.history import History
from tui.parting import NextRun
from tui.screens.runs import Runs
from tui.screens.take_home import TakeHome
from tui.widgets.chart import draw


def ended(run: Run) -> Path:
    obey(run, Shutdown())
    run.close()
    return run.directory


def steered(directory: Path, rate: float, updates: int = 400) -> Path:
    """A run that changed its rate after so many updates, and made as many again."""
    run = reopened(directory)
    train(run, updates)
    obey(run, SetKnobs(values={"learning_rate": rate}))
    train(run, updates)
    obey(run, Sample(count=3))
    return ended(run)


@pytest.fixture
def parent(make_run: MakeRun) -> Path:
    return steered(make_run(knobs={"schedule": "constant", "drops": ()}), 0.05)


@pytest.fixture
def child(parent: Path) -> Path:
    """A fork at step 500, at another rate."""
    run = reopened(fork(parent, parent.parent, step=500, knobs={"learning_rate": 0.2}))
    train(run, 600)
    return ended(run)


def test_a_companion_has_the_losses_of_its_lineage_from_its_first_state_on(
    parent: Path, child: Path
) -> None:
    old, new = read_companion(parent), read_companion(child)
    assert (old.first, old.end, new.first, new.end) == (0, 800, 500, 1100)
    first = np.fromfile(parent / "loss-0.f32", "<f4")
    np.testing.assert_array_equal(old.loss, first)
    curves = old.curves(even(0, 1000, 50), 0.98)
    assert len(curves) == 40
    assert curves.low.min() == first.min()


def test_what_differs_is_what_was_given_to_the_fork(parent: Path, child: Path) -> None:
    here, there = read_companion(child).facts, read_companion(parent).facts
    text = differences_text(here, there)
    assert text == "rate 0.2 (there 0.05)"
    assert differences_text(here, read_companion(child).facts).startswith("nothing differs")


def test_the_curve_of_another_run_ends_in_its_letter_and_bends_the_axes_to_itself(
    parent: Path, child: Path
) -> None:
    companion = lettered(read_companion(parent, "the parent"), ())
    history = History(read_config(child))
    view = chart_view(history, 100, companions=(companion,))
    assert view.axis.low == 0
    low, high = view.y_limits
    ((letter, curve),) = view.others
    shown = curve.smooth[len(curve) // 4 :]
    assert low <= shown.min()
    assert shown.max() <= high
    assert "A the parent" in view.subtitle
    cells = draw(view, 100, 20)
    frame = frame_of(view, 100, 20)
    assert frame is not None
    row, column = frame.row(float(curve.smooth[-1])), frame.column(float(curve.x[-1]))
    assert row is not None
    assert column is not None
    around = cells.glyphs[row - 1 : row + 2, column + 4 : column + 10]
    assert ord(letter) in around
    assert (cells.roles == Role.OTHER).any()


def test_a_fork_counts_its_epochs_on_from_its_parent_s(parent: Path, child: Path) -> None:
    old, new = read_companion(parent), read_companion(child)
    grandchild = fork(child, child.parent, step=700)
    again = read_companion(ended(reopened(grandchild)))
    lines = [each.line("epochs", 1_000) for each in (old, new, again)]
    assert lines[0].values_at(0) == 0
    assert lines[1].values_at(500) == pytest.approx(lines[0].values_at(500))
    assert lines[2].values_at(700) == pytest.approx(lines[1].values_at(700))
    assert lines[0].values_at(0) < lines[1].values_at(500) < lines[2].values_at(700)
    history = loaded(read_run(child))
    assert history.epoch(1_000) == pytest.approx(float(lines[1].values_at(1_100)))


def test_letters_are_given_back(parent: Path, child: Path) -> None:
    a = lettered(read_companion(parent), ())
    b = lettered(read_companion(child), (a,))
    assert (a.letter, b.letter) == ("A", "B")
    assert lettered(read_companion(child), (b,)).letter == "A"


Scenario = Callable[[Hands], Awaitable[None]]


def look_at(directory: Path, scenario: Scenario) -> SteermoreApp:
    """Open the dashboard on a run as it ended, and let a scenario play."""
    app = SteermoreApp(directory, load_data(directory, read_config(directory)))

    async def show() -> None:
        async with app.run_test(size=(120, 36)) as pilot:
            hands = Hands(app, pilot)
            await hands.until(lambda: hands.training.link == "resting")
            await scenario(hands)

    asyncio.run(show())
    return app


async def open_list(hands: Hands) -> None:
    await hands.press("o")
    await hands.open(Runs)
    screen = hands.app.screen
    assert isinstance(screen, Runs)
    await hands.until(lambda: len(screen.board.shown) == 2)


def difference(hands: Hands) -> str:
    return " ".join(str(hands.app.screen.query_one("#detail", Static).render()).split())


def test_a_fork_shows_its_parent_and_what_differs(parent: Path, child: Path) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.until(lambda: len(hands.training.companions) == 1)
        line = next(line for line in hands.log if "A is run" in line)
        assert parent.name in line
        assert "the parent: rate 0.2 (there 0.05)" in line
        await open_list(hands)
        await hands.until(lambda: "rate 0.2 (there 0.05)" in difference(hands))
        await hands.press("b")
        await hands.until(lambda: hands.training.companions == ())

    look_at(child, scenario)


def test_a_fork_whose_parent_is_gone_stands_alone(parent: Path, child: Path) -> None:
    shutil.rmtree(parent)

    async def scenario(hands: Hands) -> None:
        await hands.app.workers.wait_for_complete()
        assert hands.training.companions == ()
        await hands.press("o")
        await hands.open(Runs)
        await hands.until(lambda: "the run on the screen" in difference(hands))

    look_at(child, scenario)


def test_another_run_is_opened_or_resumed_from_the_list(parent: Path, child: Path) -> None:
    for key, begin in (("enter", False), ("r", True)):

        async def scenario(hands: Hands, key: str = key) -> None:
            await open_list(hands)
            await hands.press(key)
            await hands.until(lambda: hands.app.next_run is not None)

        found = look_at(parent, scenario).next_run
        assert isinstance(found, NextRun)
        assert found.directory.resolve() == child.resolve()
        assert found.begin == begin
        assert len(found.commands) == begin


def test_names_table_and_json_are_written_where_the_program_was_started(
    parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)

    async def scenario(hands: Hands) -> None:
        for times_down, name in ((0, "-names.txt"), (1, ".csv"), (2, ".json"), (2, "-2.json")):
            await hands.press("E")
            await hands.open(TakeHome)
            await hands.press(*["down"] * times_down, "enter")
            await hands.until((home / f"{parent.name}{name}").exists)
            await hands.app.workers.wait_for_complete()

    look_at(parent, scenario)
    names = (home / f"{parent.name}-names.txt").read_text("utf-8").splitlines()
    assert names[0] == "# step 800, temperature 1"
    assert len(names) == 4
    assert len((home / f"{parent.name}.csv").read_text("utf-8").splitlines()) == 802
    report = json.loads((home / f"{parent.name}.json").read_bytes())
    assert len(report["losses"]) == 800
    assert (home / f"{parent.name}-2.json").read_bytes() == (
        home / f"{parent.name}.json"
    ).read_bytes()
