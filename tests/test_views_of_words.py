"""The embedding map and the inspector over runs whose symbols are words."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.widgets import Static

from core.interpolated import Interpolated
from core.options import shipped_text
from core.protocol import Embedded, Scored
from core.text import NO_WORDS, UNKNOWN, Text
from core.tokens import text_in, tokens_of
from tests.terminal import Dashboard
from tests.test_dashboard import Hands, shown
from tests.test_embedding_map import rows_of, table, view_of
from tests.test_inspector import Eyes, text_of
from tests.test_steering_keys import Start, play
from tests.test_word_runs import word_run
from tui.chart.view import GUTTER
from tui.embedding.choosing import Typed, towards
from tui.embedding.embeddings import Embeddings
from tui.embedding.map import FOLLOWED, NEAR, Picture, draw
from tui.embedding.symbols import LONGEST_LABEL, Symbols, WordKind, word_kind_of
from tui.inspector.bars import Line
from tui.inspector.inspecting import PAUSE_OF_TEXTS, Question
from tui.inspector.odds import OddsView
from tui.inspector.pairs import WordPairs
from tui.inspector.reading import inserted, read
from tui.inspector.walk import WalkView
from tui.screens.embedding import Embedding
from tui.widgets.embedding_plot import EmbeddingPlot
from tui.widgets.name_list import NameList
from tui.widgets.symbol_panel import SymbolPanel

VOCABULARY = ("<s>", "<unk>", ",", ".", "the", "The", "king", "kings", "kingdom", "Kent", "12")
WORDS = Symbols(VOCABULARY, tuple(range(2, len(VOCABULARY))) + NO_WORDS, words=True)
MANY = Symbols(tuple(f"word{at}" for at in range(3_000)), tuple(range(3_000)), words=True)


@pytest.fixture(scope="module")
def speeches() -> str:
    return shipped_text().read_text("utf-8")[:40_000]


@pytest.fixture(scope="module")
def text(speeches: str) -> Text:
    return Text.from_tokens(text_in(speeches.encode(), "x").words, 5, "", most=17_000, rare=3)


# --- words as symbols -----------------------------------------------------------------------------


def test_kinds_of_words_can_be_read_off_them() -> None:
    capitals = ("Romeo", "I", "KING", "Élan", "ǅ")
    assert {word_kind_of(word) for word in capitals} == {WordKind.CAPITAL}
    assert {word_kind_of(word) for word in ("the", "o'er", "élan", "中文")} == {WordKind.SMALL}
    assert {word_kind_of(word) for word in ("<s>", "<unk>", ",", "3.14", "2nd")} == {WordKind.OTHER}
    assert WORDS.called(0) == "before the text"
    assert WORDS.called(1) == "all unknown words"
    assert WORDS.called(5) == "capital"
    assert VOCABULARY[WORDS.first] == "the"


def test_a_long_word_has_a_label_that_is_cut_and_comes_out_of_its_cells_again() -> None:
    long = ("internationalisation", "中" * 20, "z\u0323" * 3, "a\u200db")
    symbols = Symbols((*VOCABULARY, *long), tuple(range(len(VOCABULARY) + 4)), words=True)
    assert all(len(cells) <= LONGEST_LABEL for cells in symbols.cells)
    assert symbols.labels[-4].endswith("…")
    assert symbols.labels[-4][:-1] in long[0]
    assert symbols.labels[-3][:-1] in long[1]
    assert symbols.decoded("".join(symbols.cells)) == "".join(symbols.labels)


# --- choosing -------------------------------------------------------------------------------------


def typed(letters: str, count: int = len(VOCABULARY)) -> Typed:
    beginning = Typed(WORDS)
    for letter in letters:
        beginning.add(letter, count)
    return beginning


def test_a_word_is_chosen_by_its_beginning() -> None:
    meant = {letters: typed(letters).first for letters in ("t", "T", "k", "ken", "kingd", ",")}
    named = {letters: at and VOCABULARY[at] for letters, at in meant.items()}
    assert named == {
        "t": "the",
        "T": "The",
        "k": "king",
        "ken": "Kent",
        "kingd": "kingdom",
        ",": ",",
    }
    assert typed("").first is None


def test_what_begins_no_word_is_not_taken_and_letters_can_be_taken_back() -> None:
    beginning = typed("king")
    assert not beginning.add("x", len(VOCABULARY))
    assert (beginning.text, beginning.count) == ("king", 3)
    following = [beginning.after(at, 1) for at in (6, 7, 8)]
    assert following == [7, 8, 6]
    assert beginning.after(6, -1) == 8
    assert beginning.after(4, 1) == 6
    for _ in range(4):
        beginning.take_back(len(VOCABULARY))
    assert (beginning.text, beginning.first, beginning.after(4, 1)) == ("", None, None)
    # Of a large vocabulary only the first have a place.
    assert typed("kingd", 8).text == "king"


def test_arrows_lead_to_the_nearest_in_a_direction() -> None:
    places = {(10, 10): [4], (20, 10): [5], (14, 8): [6], (10, 3): [7], (2, 11): [8]}
    picture = Picture(draw(view_of(np.zeros((27, 2))), 40, 20).cells, places=places)
    found = [towards(picture, 4, *way) for way in ((1, 0), (-1, 0), (0, -1), (0, 1))]
    assert found == [6, 8, 6, None]
    assert towards(picture, 6, 1, 0) == 5
    assert towards(picture, 9, 1, 0) == 4


# --- the picture ----------------------------------------------------------------------------------


@given(seed=st.integers(0, 1_000), followed=st.integers(0, 2_999), crowd=st.floats(0.0, 3.0))
@settings(deadline=None, max_examples=40)
def test_the_word_followed_and_its_nearest_are_named_in_any_crowd(
    seed: int, followed: int, crowd: float
) -> None:
    chance = np.random.default_rng(seed)
    points = chance.normal(size=(3_000, 2))
    near = frozenset(chance.choice(3_000, 8, replace=False).tolist()) - {followed}
    # Some lie all at one place.
    points[[followed, *near]] *= crowd
    points[[0, 1]] = [[-5, -5], [5, 5]]
    picture = draw(view_of(points, MANY, followed=followed, near=near), 84, 28)
    text = "\n".join(rows_of(picture))
    for at in (followed, *near):
        assert f"word{at}" in text
    roles = picture.cells.roles
    assert (roles == FOLLOWED).any()
    assert (roles >= NEAR).sum() >= 5 * len(near)
    drawn = sum(map(len, picture.places.values()))
    assert drawn + picture.rarer + picture.outside == 3_000
    assert 20 < drawn < 300


def test_words_that_are_drawn_are_the_most_frequent_and_no_labels_meet() -> None:
    points = np.random.default_rng(0).normal(size=(3_000, 2))
    picture = draw(view_of(points, MANY, followed=7, near=frozenset({2_900})), 100, 30)
    drawn = sorted(at for words in picture.places.values() for at in words)
    assert drawn[-1] == 2_900
    assert drawn[:-1] == list(range(len(drawn) - 1))
    taken = [
        (column + cell, row)
        for column, row, width in picture.labels.values()
        for cell in range(width)
    ]
    assert len(taken) == len(set(taken))
    for at, (column, row, width) in picture.labels.items():
        line = rows_of(picture)[row + 1][GUTTER + column :][:width]
        assert line == f"word{at}"
        # A click on a label means its word.
        assert picture.nearest(GUTTER + column + width - 1, row + 1) == at


def test_of_a_table_told_in_part_the_rest_has_no_place() -> None:
    state = Embeddings(MANY)
    state.follow(2_999)
    state.ask((0, 1), 1)
    told = table(500, 60)
    state.hear(Embedded(answers=1, step=1, size=60, table=told.astype("<f4").tobytes()))
    assert (state.count, state.followed) == (500, 499)
    state.follow(600)
    assert state.followed == 499
    state.follow_next(1)
    assert state.followed == 0
    near = state.nearest.by_cosine
    unit = told / np.linalg.norm(told, axis=1, keepdims=True)
    expected = np.argsort(-(unit @ unit[0]), kind="stable")[1:9]
    assert [at for at, _ in near] == expected.tolist()
    picture = draw(state.view(), 84, 28)
    assert all(at < 500 for words in picture.places.values() for at in words)


# --- reading a text -------------------------------------------------------------------------------


@given(st.text(alphabet="ab1é¶ .,:'’-\"()<>\u0301\ud800", max_size=40))
def test_a_text_is_read_in_the_engine_s_tokens_and_every_place_has_a_cursor(
    text: Text, typed: str
) -> None:
    reading = read(typed, text)
    assert reading.symbols == tuple(text.encode(reading.text))
    assert len(reading.ends) == len(reading.symbols)
    reading.text.encode()
    for place in range(len(reading.symbols) + 1):
        assert reading.place(reading.cursor(place)) == place
        # What is sent as a beginning is read as so many symbols.
        assert tuple(text.encode(reading.before(place))) == reading.symbols[:place]


def test_the_cursor_stands_between_words(text: Text) -> None:
    reading = read("to be, xylophone", text)
    assert [reading.place(cursor) for cursor in (0, 1, 2, 3, 4, 5, 6, 7, 16)] == [
        0, 0, 1, 1, 1, 2, 3, 3, 4,
    ]  # fmt: skip
    assert text.itos[reading.symbols[-1]] == UNKNOWN
    assert inserted(reading, 2, "!", "letters") == ("to be!, xylophone", 6)
    assert inserted(reading, 4, "the", "letters") == ("to be, xylophone the", 20)


# --- odds, surprises and the interpolated bigram --------------------------------------------------


def test_pairs_of_words_are_those_of_the_interpolated_bigram(text: Text) -> None:
    pairs, model = WordPairs(text), Interpolated(text, 2)
    for before in (0, 1, 5):
        assert pairs.odds(before).sum() == pytest.approx(1.0)
    dev = text.splits["dev"].targets.astype(int).tolist()
    assert pairs.surprises(dev).mean() == pytest.approx(model.loss("dev"))
    assert len(pairs.surprises([])) == 0
    assert pairs.surprises([7, 9])[1] == pytest.approx(-math.log(pairs.odds(7)[9]))


def rows(lines: list[Line]) -> list[str]:
    return [text_of(line) for line in lines]


@pytest.mark.parametrize("width", [24, 36, 60])
def test_words_are_bars_with_labels_that_keep_to_their_column(width: int) -> None:
    itos = (*VOCABULARY, "internationalisation")
    odds = np.random.default_rng(0).dirichlet(np.ones(len(itos)))
    view = OddsView(itos, odds, odds[::-1], "<s> the", "alphabet", 3, words=True)
    drawn = view.lines(width, 40)
    assert {len(text_of(line)) for line in drawn} == {width}
    names = [itos[line.place] for line in drawn if line.place is not None]
    assert names == sorted(itos, key=lambda name: (name.casefold(), name))
    assert any(text_of(line).startswith("▸ . ") for line in drawn)
    assert any("…" in text_of(line) for line in drawn)
    # Here the full stop is a mark, and no end.
    assert not any(" end " in text_of(line) for line in drawn)


def test_a_walk_through_a_text_ends_with_its_perplexity(text: Text) -> None:
    nats = np.array([2.0, 3.0, 4.0], "<f4")
    answer = Scored(
        answers=1, step=1, words=("the xylophone.",), surprises=(nats.astype("<f4").tobytes(),)
    )
    view = WalkView.told(answer, text, WordPairs(text), True, 1)
    told = rows(view.lines(40, 20))
    assert [line.split()[0] for line in told[1:4]] == ["the", "▸", "."]
    assert told[2].split()[1] == UNKNOWN
    sums = {line.rsplit(None, 2)[0].strip(): line.split()[-2] for line in told[5:8]}
    assert sums == {"total of 3": "9.00", "per word": "3.00", "perplexity": "20.1"}
    for width, height in ((20, 5), (24, 9), (60, 40)):
        assert len(view.lines(width, height)) <= height


def test_the_same_text_is_scored_once_a_second_and_another_at_once() -> None:
    question = Question(again=PAUSE_OF_TEXTS)
    question.ask(1, "to be", 0, 10.0)
    question.hear(Scored(answers=1, step=5, words=("to be",), surprises=(b"",)))
    assert not question.is_due("to be", 0, 6, 10.5)
    assert question.is_due("to be", 0, 6, 11.1)
    assert question.is_due("to be or", 0, 6, 10.3)


# --- the screens, with a real engine --------------------------------------------------------------


@pytest.fixture
def directory(speeches: str, tmp_path: Path) -> Path:
    (tmp_path / "speeches.txt").write_text(speeches, "utf-8")
    sizes = {"embedding_size": "8", "hidden_size": "8", "threads": "1", "steps": "1000000"}
    return word_run(tmp_path, data=str(tmp_path / "speeches.txt"), **sizes)


def says(hands: Hands, selector: str) -> str:
    return str(hands.app.screen.query_one(selector, Static).content)


def panel(hands: Hands) -> str:
    return shown(hands.app.screen.query_one(SymbolPanel))


async def opened(hands: Hands) -> None:
    await hands.press("g")
    await hands.open(Embedding)
    await hands.until(lambda: "%" in shown(hands.app.screen.query_one(EmbeddingPlot)))


def after(eyes: Eyes) -> str:
    """What the odds come after."""
    return eyes.rows("#odds")[0].partition(" model")[0].rstrip()


def follows(hands: Hands, word: str) -> bool:
    return panel(hands).startswith(f" {word} ")


@pytest.mark.parametrize("size", [(60, 18), (80, 24)])
def test_the_map_follows_words_by_beginning_by_arrow_and_by_click(
    directory: Path, start: Start, size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands) -> None:
        await opened(hands)
        plot = hands.app.screen.query_one(EmbeddingPlot)
        words = [word for word in hands.training.dataset.itos if word.startswith("hi")]
        await hands.press(*"hi")
        await hands.until(partial(follows, hands, words[0]))
        begin = sum(word.casefold().startswith("hi") for word in hands.training.dataset.itos)
        assert says(hands, "#hint").startswith(f"hi▏ {begin} words begin so")
        await hands.press("tab")
        await hands.until(partial(follows, hands, words[1]))
        await hands.press("q")
        assert says(hands, "#hint").startswith("hiq▏ no word of the map begins so")
        assert follows(hands, words[1])
        await hands.press("backspace", "backspace", *"the")
        await hands.until(partial(follows, hands, "the"))
        assert "cosine" in panel(hands)
        before = plot.shown
        assert before is not None
        reached = set()
        for key in ("right", "left", "up", "down"):
            await hands.press(key)
            reached.add(hands.app.screen.query_one(SymbolPanel).told.followed)  # type: ignore[union-attr]
        assert len(reached) > 1
        assert "type" in says(hands, "#hint")
        word, (column, row, _) = next(iter(before.labels.items()))
        await hands.pilot.click(EmbeddingPlot, offset=(GUTTER + column, row + 1))
        await hands.until(lambda: plot.shown is not before)
        assert word is not None
        await hands.press("plus", "pageup", "minus")
        await hands.until(lambda: "zoom ×2" in says(hands, "#state"))
        await hands.press("enter")
        await hands.until(lambda: "dimension 1" in shown(plot))
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)
        assert not hands.training.history.acts

    play(directory, start, scenario, size)


def test_the_map_of_words_follows_the_training(directory: Path, start: Start) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("space")
        await hands.until(lambda: hands.training.history.step > 20)
        await opened(hands)
        known = len(hands.training.dataset.itos)
        assert f"{known} words · 8 dimensions" in says(hands, "#state")
        before = says(hands, "#state").partition(",")[0]
        await hands.until(lambda: says(hands, "#state").partition(",")[0] != before)

    play(directory, start, scenario, (120, 36))


@pytest.mark.parametrize("size", [(60, 18), (120, 36)])
def test_a_text_is_typed_and_walked_through_word_by_word(
    directory: Path, start: Start, size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        # A sentence of dev stands there to be walked through.
        assert len(tokens_of(eyes.field.value)) >= 6
        await hands.type("Beginning", "we are xylophones, the")
        await hands.until(lambda: "5 words and marks, 1 of them unknown: <unk>" in eyes.note)
        await hands.until(lambda: "total of 5" in "\n".join(eyes.rows("#walk")))
        assert not eyes.marked("#walk")
        for name in ("the", ",", "<unk>", "are", "we"):
            await hands.press("up")
            await hands.until(partial(eyes.stands_before, name))
            # Until then it may be the walk through all but the last letter that stands there.
            await hands.until(partial(goes_through, eyes, name))
            # The narrowest pane has no column for the bigram.
            figures = eyes.marked("#odds").split()
            odds = float(figures[-2 if size[0] >= 80 else -1].lstrip("<"))
            nats = float(eyes.marked("#walk").split()[-2])
            if odds > 1.0:
                assert math.exp(-nats) == pytest.approx(odds / 100, rel=0.06)
        await hands.press("down")
        await hands.until(lambda: after(eyes).endswith(" we"))
        sums = [row for row in eyes.rows("#walk") if row.lstrip().startswith("per")]
        told = {row.rsplit(None, 2)[0].strip(): row.split()[-2] for row in sums}
        assert float(told["perplexity"]) == pytest.approx(
            math.exp(float(told["per word"])), rel=0.006
        )

    play(directory, start, scenario, size)


def goes_through(eyes: Eyes, name: str) -> bool:
    return eyes.marked("#walk").startswith(f"▸ {name} ")


def test_sentences_of_dev_are_taken_and_a_click_writes_a_word(
    directory: Path, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        await hands.press("tab")
        listed = eyes.screen.query_one(NameList)
        await hands.until(lambda: listed.option_count > 10)
        assert "Sentences of dev" in str(eyes.screen.query_one("#names").border_title)
        loss = str(listed.get_option_at_index(1).prompt).split()[0]
        await hands.press("enter")
        assert eyes.screen.focused is eyes.field
        await hands.until(lambda: loss in eyes.sums())
        await hands.type("Beginning", "we are")
        await hands.until(lambda: after(eyes).endswith(" we are"))
        likeliest = next(
            row.split()[0] for row in eyes.rows("#odds")[1:] if row.split()[0].isalpha()
        )
        at = next(y for y, row in enumerate(eyes.rows("#odds")) if row.split()[:1] == [likeliest])
        await hands.pilot.click("#odds", offset=(3, 1 + at))
        await hands.until(lambda: eyes.field.value == f"we are {likeliest}")
        await hands.until(lambda: after(eyes).endswith(f" are {likeliest}"))

    play(directory, start, scenario, (120, 36))


# --- in a real terminal ---------------------------------------------------------------------------


def test_both_views_in_a_real_terminal(speeches: str, tmp_path: Path) -> None:
    (tmp_path / "speeches.txt").write_text(speeches, "utf-8")
    flags = ("--embedding-size", "8", "--hidden-size", "8", "--paused")
    dashboard = Dashboard(
        tmp_path / "runs",
        "--preset",
        "bengio2003",
        "--data",
        str(tmp_path / "speeches.txt"),
        *flags,
    )
    try:
        dashboard.wait_for(lambda: "paused" in dashboard.lines[0], 60)
        dashboard.press("g")
        dashboard.wait_for(lambda: "principal axis 1" in dashboard.text)
        dashboard.press(*"Marc")
        dashboard.wait_for(lambda: "Marc▏ " in dashboard.text)
        assert "begin" in dashboard.row("Marc▏ ")
        dashboard.press("escape")
        dashboard.wait_for(lambda: "Embedding map" not in dashboard.text)
        dashboard.press("i")
        dashboard.wait_for(lambda: "perplexity" in dashboard.text)
        dashboard.press(*"to be or")
        dashboard.wait_for(lambda: "total of 3" in dashboard.text)
        assert "to be or" in dashboard.lines[1]
        dashboard.press("escape")
        dashboard.wait_for(lambda: "Inspector" not in dashboard.text)
    finally:
        dashboard.close()
