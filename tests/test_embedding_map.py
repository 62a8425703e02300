"""The embedding map: its plane, its labels, what is near, and its screen over a real engine."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from textual.widgets import Static

from core.protocol import CommandRejected, Embedded
from tests.conftest import MakeRun
from tests.test_dashboard import Hands, shown
from tests.test_steering_keys import Start, play
from tui.cells import Role
from tui.chart.view import GUTTER
from tui.embedding.embeddings import Embeddings
from tui.embedding.map import FOLLOWED, TRAIL, MapView, Picture, draw
from tui.embedding.placing import SIDES, Placed, Wanted, place
from tui.embedding.projection import TURN, Plane, first_two, neighbours, principal
from tui.embedding.symbols import Kind, Symbols, kind_of
from tui.embedding.symbols import shown as shown_symbol
from tui.embedding.window import window_of, zoomed
from tui.screens.embedding import Embedding
from tui.widgets.embedding_plot import EmbeddingPlot
from tui.widgets.symbol_panel import SymbolPanel

LETTERS = Symbols(tuple(".abcdefghijklmnopqrstuvwxyz"), tuple(range(27)))


def table(rows: int = 27, size: int = 10, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """With variances that differ from dimension to dimension."""
    drawn = np.random.default_rng(seed).normal(size=(rows, size)) * np.arange(size, 0, -1)
    return (drawn + 3.0).astype(np.float32)


def view_of(points: Any, symbols: Symbols = LETTERS, **fields: Any) -> MapView:
    plane = first_two(np.zeros((3, 2), np.float32))
    return MapView(symbols, plane, points=np.asarray(points, np.float64), **fields)


def rows_of(picture: Picture) -> list[str]:
    cells = picture.cells
    return ["".join(map(chr, row)) for row in cells.glyphs.tolist()]


# --- the plane ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "size"), [(27, 10), (27, 3), (8, 40), (5, 5), (2, 4)])
def test_the_principal_plane_is_that_of_the_singular_values(rows: int, size: int) -> None:
    found = principal(table(rows, size))
    centred = table(rows, size).astype(np.float64)
    centred -= centred.mean(0)
    _, strengths, directions = np.linalg.svd(centred, full_matrices=False)
    shares = strengths**2 / (strengths**2).sum()
    assert found.shares == pytest.approx(tuple(shares[:2]), abs=1e-9)
    if rows > 2:
        assert np.abs((found.axes * directions[:2]).sum(1)) == pytest.approx([1, 1])
    assert found.axes @ found.axes.T == pytest.approx(np.eye(2), abs=1e-9)


def test_of_a_large_table_the_components_are_found_step_by_step() -> None:
    large = table(600, 400)
    plane = principal(large)
    for _ in range(20):
        plane = principal(large, plane)
    centred = large.astype(np.float64) - large.mean(0, dtype=np.float64)
    strengths = np.linalg.svd(centred, compute_uv=False)
    expected = strengths[:2] ** 2 / (strengths**2).sum()
    assert sum(plane.shares) == pytest.approx(expected.sum(), rel=0.02)


@given(seed=st.integers(0, 10_000), equal=st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_picture_never_flips_while_the_table_moves_a_little(seed: int, equal: bool) -> None:
    """Even where both axes have the same variance, and their order is chance."""
    chance = np.random.default_rng(seed)
    now = chance.normal(size=(27, 10)) * (np.array([3, 3] + [0.3] * 8) if equal else 1.0)
    plane = principal(now.astype(np.float32))
    if equal:
        for _ in range(12):
            now = now + 0.02 * chance.normal(size=now.shape)
            after = principal(now.astype(np.float32), plane)
            moved = after.project(now) - plane.project(now)
            far = np.linalg.norm(after.project(now), axis=1).max()
            assert np.abs(moved).max() < (TURN + 0.05) * far + 0.2
            plane = after


def test_the_axes_come_to_rest_on_the_components_themselves() -> None:
    target = principal(table())
    angle = 0.7
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    plane = Plane(turned @ target.axes, target.centre, (0.0, 0.0), principal=True)
    for _ in range(30):
        before, plane = plane, principal(table(), plane)
        assert np.abs(before.axes - plane.axes).max() < 2 * TURN
    assert np.abs(plane.axes @ target.axes.T) == pytest.approx(np.eye(2), abs=1e-6)


def test_two_dimensions_are_shown_as_they_are_and_one_as_a_line() -> None:
    flat = table(27, 2)
    assert first_two(flat).project(flat) == pytest.approx(flat)
    assert sum(first_two(flat).shares) == pytest.approx(1.0)
    line = table(27, 1)
    assert first_two(line).project(line)[:, 0] == pytest.approx(line[:, 0])
    assert not first_two(line).project(line)[:, 1].any()
    assert first_two(line).shares == pytest.approx((1.0, 0.0))


@given(
    arrays(
        np.float32, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=st.floats(width=32)
    )
)
@settings(deadline=None)
def test_any_table_has_a_plane_and_what_is_not_finite_no_place(weights: Any) -> None:
    finite = np.isfinite(weights).all(1)
    planes = [first_two(weights)]
    if weights.shape[1] > 1:
        planes += [principal(weights), principal(weights, principal(weights))]
    for plane in planes:
        points = plane.project(weights)
        assert np.isfinite(points[finite]).all()
        assert np.isnan(points[~finite]).all()
        assert all(-1e-9 <= share <= 1 + 1e-9 for share in plane.shares)
        symbols = Symbols(tuple("abcdefghi"[: len(weights)]), tuple(range(len(weights))))
        picture = draw(MapView(symbols, plane, points, followed=0), 60, 16)
        assert picture.lost == int((~finite).sum())


# --- near in the full space -----------------------------------------------------------------------


def test_neighbours_are_the_nearest_by_angle_and_by_distance() -> None:
    rows = np.array([[1, 0], [9, 0.1], [0.9, 0.5], [-1, 0], [np.nan, 0], [0, 0]], np.float32)
    found = neighbours(rows, 0)
    assert [at for at, _ in found.by_cosine] == [1, 2, 3]
    assert [at for at, _ in found.by_distance] == [2, 5, 3, 1]
    assert found.by_cosine[0][1] == pytest.approx(9 / np.hypot(9, 0.1))
    assert found.by_distance[1][1] == pytest.approx(1.0)
    assert not neighbours(rows, 4).by_distance
    assert not neighbours(rows, 5).by_cosine


# --- symbols --------------------------------------------------------------------------------------


def test_vowels_are_known_with_their_accents_in_three_scripts() -> None:
    assert {kind_of(symbol) for symbol in "aEiouyéÅøœıωά ёІ".replace(" ", "")} == {Kind.VOWEL}
    assert {kind_of(symbol) for symbol in "bÇñßйλЖ"} == {Kind.CONSONANT}
    assert {kind_of(symbol) for symbol in ".-7' 中ก\u0301"} == {Kind.OTHER}


def test_every_symbol_has_cells_of_its_own_and_comes_out_of_them_again() -> None:
    symbols = Symbols((".", " ", "é", "中", "\u0301", "\u200d"), tuple(range(6)))
    assert symbols.texts == (".", "␣", "é", "中", "◌\u0301", "200d")
    assert [len(cells) for cells in symbols.cells] == [1, 1, 1, 2, 1, 4]
    assert symbols.decoded("".join(symbols.cells)) == "".join(symbols.texts)
    assert shown_symbol("x") == "x"


# --- placing --------------------------------------------------------------------------------------


def cells_of(wishes: list[Wanted], placed: Placed) -> list[tuple[int, int]]:
    """Every cell that a mark, a label or a leader takes."""
    taken = []
    for wish, spot, marked in zip(wishes, placed.spots, placed.marked, strict=True):
        taken += [(wish.column, wish.row)] if marked else []
        if spot is not None:
            taken += [(spot.column + at, spot.row) for at in range(wish.width)]
            taken += list(spot.leader)
    return taken


@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 9), st.integers(1, 7)), max_size=60),
    st.integers(0, 60),
    st.dictionaries(st.integers(0, 59), st.integers(0, len(SIDES) - 1)),
)
@settings(deadline=None)
def test_nothing_on_the_map_lies_on_anything_else(
    drawn: list[tuple[int, int, int]], sure: int, before: dict[int, int]
) -> None:
    places = {(column, row): width for column, row, width in drawn}
    wishes = [Wanted(*at, width, key) for key, (at, width) in enumerate(places.items())]
    placed = place(wishes, 30, 10, sure=sure, before=before)
    taken = cells_of(wishes, placed)
    assert len(taken) == len(set(taken))
    assert all(0 <= column < 30 and 0 <= row < 10 for column, row in taken)
    assert all(placed.marked[:sure])
    for spot, marked in zip(placed.spots, placed.marked, strict=True):
        assert marked or spot is None


def test_a_label_with_room_stands_right_of_its_mark_and_a_moved_one_stays() -> None:
    (spot,) = place([Wanted(3, 3, 1, 0)], 20, 8, sure=1).spots
    assert spot is not None
    assert (spot.column, spot.row) == (4, 3)
    row = [Wanted(3 + at, 3, 1, at) for at in range(3)]
    first = place(row, 20, 8, sure=3)
    sides = {key: spot.side for key, spot in enumerate(first.spots) if spot}
    assert len(sides) == 3
    assert place(row, 20, 8, sure=3, before=sides) == first


# --- the window -----------------------------------------------------------------------------------


def test_the_limits_rest_while_the_cloud_trembles_and_hold_it_when_it_grows() -> None:
    chance = np.random.default_rng(1)
    cloud = chance.normal(size=(27, 2))
    window = window_of(cloud, 80, 24)
    for _ in range(50):
        trembling = cloud + 0.01 * chance.normal(size=cloud.shape)
        assert window_of(trembling, 80, 24, window) is window
    larger = window_of(5 * cloud, 80, 24, window)
    assert larger.inside(5 * cloud).all()
    assert not window.inside(5 * cloud).all()
    assert window_of(cloud, 80, 24, larger).unit < larger.unit
    assert zoomed(window, 1, (0.0, 0.0)).unit == window.unit / 2


def test_equal_distances_are_equal_on_both_axes_where_a_cell_is_twice_as_high_as_wide() -> None:
    window = window_of(np.array([[-1.0, -1.0], [1.0, 1.0]]), 60, 20)
    (left, low), (right, high) = window.cells(np.array([[-1.0, -1.0], [1.0, 1.0]])).tolist()
    assert right - left == pytest.approx(2 * (low - high))


# --- the picture ----------------------------------------------------------------------------------


def test_symbols_at_one_place_are_named_together_and_marked_by_their_kind() -> None:
    points = np.full((27, 2), np.nan)
    points[[1, 2, 5, 26]] = [[0, 0], [0, 0], [0, 0], [5, 5]]
    picture = draw(view_of(points, followed=26), 60, 20)
    text = "\n".join(rows_of(picture))
    assert "○ae•b" in text
    assert "•z" in text
    assert picture.shared == ([1, 5, 2],)
    assert picture.lost == 23
    assert not picture.unnamed


@given(arrays(np.int8, (27, 2), elements=st.integers(-4, 4)), st.integers(0, 26))
@settings(deadline=None, max_examples=50)
def test_with_any_collisions_every_symbol_is_named_once_or_told_of(at: Any, followed: int) -> None:
    picture = draw(view_of(at, followed=followed), 70, 22)
    inner = "".join(row[GUTTER:] for row in rows_of(picture)[1:-2])
    for index, letter in enumerate(LETTERS.itos):
        assert inner.count(letter) <= 1
        hidden = index in picture.unnamed
        assert (letter in inner) != hidden
    assert (picture.cells.roles == FOLLOWED).any()


def test_thousands_of_symbols_are_marked_and_the_most_frequent_named() -> None:
    many = Symbols(tuple(chr(0x4E00 + at) for at in range(3_000)), tuple(range(3_000)))
    points = np.random.default_rng(0).normal(size=(3_000, 2))
    picture = draw(view_of(points, many, followed=7), 100, 30)
    named = set(range(3_000)) - set(picture.unnamed)
    assert 7 in named
    assert 30 < len(named) < 600
    assert len(named & set(range(30))) > 20


def test_the_trail_leads_to_the_symbol_followed() -> None:
    points = np.zeros((27, 2))
    points[1] = [3.0, 3.0]
    trail = np.array([[-3.0, -3.0], [3.0, -3.0], [3.0, 3.0]])
    picture = draw(view_of(points, followed=1, trail=trail), 80, 26)
    rows, columns = np.nonzero(picture.cells.roles == TRAIL)
    mark = np.argwhere(picture.cells.roles == FOLLOWED)[0]
    assert min(abs(rows - mark[0]) + abs(columns - mark[1])) <= 1
    assert rows.max() > mark[0]


def test_no_size_is_too_small() -> None:
    for width in range(0, 40, 3):
        for height in range(12):
            picture = draw(view_of(np.zeros((27, 2))), width, height)
            assert (picture.cells.width, picture.cells.height) == (width, height)
    empty = draw(MapView(LETTERS), 60, 12)
    assert any("no embeddings yet" in row for row in rows_of(empty))
    assert set(np.unique(empty.cells.roles)) == {Role.BLANK, Role.LABEL}


# --- what the engine tells ------------------------------------------------------------------------


def embedded(answers: int, step: int, size: int = 3) -> Embedded:
    weights = table(27, size, step).astype("<f4").tobytes()
    return Embedded(answers=answers, step=step, size=size, table=weights)


def test_one_question_is_under_way_at_a_time_and_none_without_need() -> None:
    state = Embeddings(LETTERS)
    assert state.wants((0, 0))
    state.ask((0, 0), 1)
    assert not state.wants((0, 5))
    assert not state.hear(embedded(9, 4))
    assert state.hear(embedded(1, 4))
    assert state.step == 4
    assert state.wants((0, 5))
    assert not state.wants((0, 0))
    assert state.wants((1, 0))
    state.ask((0, 5), 2)
    state.hear(CommandRejected(answers=2, command="Embed", reason="no"))
    assert state.reason == "no"
    assert not state.wants((0, 5))
    state.ask((0, 6), None)
    assert "does not answer" in state.reason


def test_the_trail_grows_look_by_look() -> None:
    state = Embeddings(LETTERS)
    for look in range(60):
        state.ask((0, look), look)
        state.hear(embedded(look, look))
    assert len(state.view().trail) == 40
    assert state.view().points[state.followed] == pytest.approx(state.view().trail[-1])


# --- the screen, with a real engine ---------------------------------------------------------------


def panel(hands: Hands) -> str:
    return shown(hands.app.screen.query_one(SymbolPanel))


def drawn(hands: Hands) -> str:
    return shown(hands.app.screen.query_one(EmbeddingPlot))


def says(hands: Hands, selector: str) -> str:
    return str(hands.app.screen.query_one(selector, Static).content)


async def opened(hands: Hands) -> None:
    await hands.press("g")
    await hands.open(Embedding)
    await hands.until(lambda: "%" in drawn(hands))


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36), (200, 50)])
def test_g_opens_the_map_which_follows_what_is_typed_and_leaves_with_escape(
    make_run: MakeRun, start: Start, size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands) -> None:
        await opened(hands)
        assert says(hands, "#state").startswith("step 0, paused")
        for typed in "kq.":
            await hands.press("full_stop" if typed == "." else typed)
            await hands.until(partial(lambda seen: f" {seen} " in panel(hands)[:20], typed))
        await hands.press("right")
        await hands.until(lambda: " a " in panel(hands)[:20])
        assert "cosine" in panel(hands)
        assert "principal axis 1" in drawn(hands)
        await hands.press("enter")
        await hands.until(lambda: "dimension 1" in drawn(hands))
        await hands.press("up", "plus")
        await hands.until(lambda: "zoom ×4" in says(hands, "#state") or size[0] < 80)
        await hands.press("space", "escape")
        await hands.until(lambda: hands.app.screen is hands.training)
        history = hands.training.history
        assert not history.running
        assert not history.acts

    play(make_run(), start, scenario, size)


@pytest.mark.parametrize("dimensions", [1, 2, 10])
def test_the_map_is_live_while_the_model_trains(
    make_run: MakeRun, start: Start, dimensions: int
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("space")
        await hands.until(lambda: hands.training.history.step > 100)
        await opened(hands)
        plot = hands.app.screen.query_one(EmbeddingPlot)
        seen = set()

        def changes() -> bool:
            seen.add(says(hands, "#state").partition(" · ")[0])
            assert plot.shown is not None
            return len(seen) > 4 and bool((plot.shown.cells.roles == TRAIL).any())

        await hands.until(changes)
        assert all("training" in text for text in seen)

    constant = {"schedule": "constant", "drops": ()}
    directory = make_run(
        knobs=constant,
        model={"embedding_size": dimensions},
        settings={"step_limit": 10**9},
    )
    play(directory, start, scenario, (100, 30))
