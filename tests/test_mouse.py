"""The mouse everywhere, and never necessary: what keys choose can be clicked too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import OptionList

from core.run import Run
from tests.stage import Stage, play, until
from tests.test_golden import VIEWS, WIDE, nowhere, reach, run
from tui.hints import key_at
from tui.screens.embedding import Embedding
from tui.screens.finder import Finder
from tui.screens.quit import Quit
from tui.screens.training import TrainingScreen
from tui.widgets.finder_plot import FinderPlot
from tui.widgets.heatmap import Heatmap
from tui.widgets.key_line import KeyLine
from tui.widgets.suggestions import Suggestions

__all__ = ["nowhere", "run"]

Act = Callable[[Stage, Pilot[None]], Awaitable[None]]


def on(view: str, run: Run, act: Act, size: tuple[int, int] = WIDE) -> None:
    """Open a view by its keys, and go on with the mouse."""

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, VIEWS[view])
        await act(app, pilot)

    play(run, scene, size)


@pytest.mark.parametrize(
    ("hint", "clicked", "key"),
    [
        ("Enter applies · Escape leaves", "applies", "enter"),
        ("Enter applies · Escape leaves", "leaves", "escape"),
        ("Enter applies · Escape leaves", "· E", None),
        ("a · ← → move · 1 2 3 jump", "←", "left"),
        ("a · ← → move · 1 2 3 jump", "→", "right"),
        ("a · ← → move · 1 2 3 jump", "move", "right"),
        ("a · ← → move · 1 2 3 jump", "2", "2"),
        ("Enter starts · ↑↓ fields", "↓", "down"),
        ("←→ move · ctrl+o order · Tab names", "order", "ctrl+o"),
        ("Tab: next · arrows or a symbol: the pair", "next", "tab"),
        ("Tab: next · arrows or a symbol: the pair", "arrows", None),
        ("Come back with `steermore attach`.", "back", None),
    ],
)
def test_a_hint_names_the_key_at_each_of_its_cells(
    hint: str, clicked: str, key: str | None
) -> None:
    assert key_at(hint, hint.index(clicked)) == key


LEFT_BY_A_CLICK = [
    "schedule", "finder", "inspector", "embedding", "dataset", "snapshots", "take-home",
    "type-rate", "test-split", "restart",
]  # fmt: skip


@pytest.mark.parametrize("view", LEFT_BY_A_CLICK)
def test_a_click_on_escape_leaves(run: Run, view: str) -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        hint = app.screen.query_one("#hint")
        text = str(hint.render())
        await pilot.click(hint, offset=(text.index("Escape"), 0))
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))

    on(view, run, act)


def test_a_suggestion_is_taken_by_a_click_and_applied_by_another(run: Run) -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        finder, before = app.screen, app.history.knobs.learning_rate
        assert isinstance(finder, Finder)
        listed = finder.query_one(Suggestions)
        assert listed.listed.here == 0
        await pilot.click(listed, offset=(8, 1))
        await until(pilot, lambda: listed.listed.here == 1)
        view = finder.query_one(FinderPlot).view
        rate = listed.listed.rates[1][1]
        assert view is not None
        assert view.cursor == pytest.approx(rate, rel=0.01)
        await pilot.click("#hint", offset=(2, 0))
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
        await until(pilot, lambda: app.history.knobs.learning_rate != before)
        assert app.history.knobs.learning_rate == pytest.approx(rate, rel=0.01)

    on("finder-first", run, act)


def test_the_wheel_goes_through_the_table_of_pairs(run: Run) -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        table = app.screen.query_one(Heatmap)

        def first() -> int:
            assert table.view is not None
            return table.view.first

        before = first()
        await pilot._post_mouse_events([MouseScrollDown], table, offset=(20, 5))
        await until(pilot, lambda: first() == before + 1)
        await pilot._post_mouse_events([MouseScrollUp], table, offset=(20, 5))
        await until(pilot, lambda: first() == before)

    on("dataset-pairs", run, act)


def test_the_wheel_zooms_the_map(run: Run) -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        assert isinstance(app.screen, Embedding)
        state = app.screen.query_one("#state")
        await pilot._post_mouse_events([MouseScrollUp], "EmbeddingPlot", offset=(40, 10))
        await until(pilot, lambda: "zoom ×2" in str(state.render()))
        await pilot._post_mouse_events([MouseScrollDown], "EmbeddingPlot", offset=(40, 10))
        await until(pilot, lambda: "zoom" not in str(state.render()))

    on("embedding", run, act)


def test_every_key_of_the_line_can_be_clicked_and_a_choice_too(run: Run) -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        line = app.screen.query_one(KeyLine)
        text = str(line.render())
        await pilot.click(line, offset=(1 + text.index("q quit"), 0))
        await until(pilot, lambda: isinstance(app.screen, Quit) and app.screen.is_mounted)
        choices = app.screen.query_one(OptionList)
        # A click needs a place.
        await until(pilot, lambda: choices.size)
        await pilot.click(choices, offset=(3, 2))
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))

    on("training", run, act)
