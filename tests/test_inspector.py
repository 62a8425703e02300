"""The inspector: odds after a beginning, the walk through a word, the names of dev; live."""

from __future__ import annotations

import itertools
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from textual.widgets import Static

from core.bigram import count_bigrams
from core.dataset import Dataset, load
from core.protocol import AnyCommand, CommandRejected, Predict, Predicted, RolledBack, Score, Scored
from core.protocol import Point as RunPoint
from core.words import BOUNDARY
from tests.conftest import MakeRun
from tests.test_dashboard import Hands, shown
from tests.test_steering_keys import Start, play
from tui.inspector.bars import Drawn, Line, bar
from tui.inspector.inspecting import PAUSE, Looks
from tui.inspector.odds import OddsView, Order, percent
from tui.inspector.pairs import Pairs
from tui.inspector.reading import known, read
from tui.inspector.walk import WalkView, times, verdict
from tui.screens.inspector import Inspector
from tui.widgets.bars import Bars
from tui.widgets.beginning import Beginning
from tui.widgets.name_list import NameList

LETTERS = (BOUNDARY, *"abcdefghijklmnopqrstuvwxyz")
SIZES = tuple(itertools.product((24, 27, 36, 60), (6, 9, 17, 40)))


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line.pieces)


def texts(view: Drawn, width: int = 36, height: int = 40) -> list[str]:
    return [text_of(line) for line in view.lines(width, height)]


def odds_view(V: int = 27, *, order: Order = "likely", here: int | None = None) -> OddsView:
    random = np.random.default_rng(0)
    itos = LETTERS if V == 27 else (BOUNDARY, *map(chr, range(0x4E00, 0x4E00 + V - 1)))
    odds, bigram = random.dirichlet(np.full(V, 0.3)), random.dirichlet(np.full(V, 0.5))
    return OddsView(itos, odds, bigram, "..e", order, here)


def walk_view(word: str, model: list[float], bigram: list[float] | None, here: int = 0) -> WalkView:
    other = None if bigram is None else np.array(bigram)
    ended = len(model) > len(word)
    return WalkView(steps_of(word, 3)[: len(model)], np.array(model), other, 27, here, ended)


def steps_of(word: str, block_size: int) -> tuple[tuple[str, str], ...]:
    """Those of the word and of its end."""
    contexts = [(BOUNDARY * block_size + word)[at : at + block_size] for at in range(len(word) + 1)]
    return tuple(zip(contexts, (*word, "end"), strict=True))


# --- lines ----------------------------------------------------------------------------------------


def test_a_bar_has_its_length_and_its_mark_also_without_colour() -> None:
    assert "".join(text for text, _ in bar(0.5, None, 10)) == "█████     "
    assert "".join(text for text, _ in bar(0.55, 0.8, 10)) == "█████▌  ┃ "
    assert bar(0.5, 0.2, 10) == (("██", "bar"), ("┃", "over"), ("██     ", "bar"))
    assert "".join(text for text, _ in bar(7.0, 7.0, 4)) == "███┃"
    assert "".join(text for text, _ in bar(float("nan"), 0.0, 4)) == "    "


@pytest.mark.parametrize("V", [27, 10_000])
@pytest.mark.parametrize("order", ["likely", "alphabet"])
def test_odds_fill_their_pane_and_tell_what_they_leave_out(V: int, order: Order) -> None:
    for (width, height), here in itertools.product(SIZES, (None, 0, V - 1)):
        view = odds_view(V, order=order, here=here)
        lines = view.lines(width, height)
        assert len(lines) == min(height, V + 1)
        assert all(cell_len(text_of(line)) <= width for line in lines)
        assert {cell_len(text_of(line)) for line in lines if line.place is not None} == {width}
        marked = [line.place for line in lines if text_of(line).startswith("▸")]
        assert marked == ([] if here is None else [here])
        places = [line.place for line in lines if line.place is not None]
        if order == "alphabet":
            assert places == sorted(places)
        elif here is None:
            assert places == np.argsort(-view.odds)[: len(places)].tolist()
        if len(places) < V:
            rest = 1 - view.odds[places].sum()
            assert text_of(lines[-1]).split() == [f"{V - len(places):,}", "more", percent(rest)]


def test_a_row_says_the_model_s_odds_and_the_bigram_s() -> None:
    view = odds_view()
    for line in view.lines(60, 40)[1:]:
        assert line.place is not None
        words = text_of(line).split()
        assert words[0] == ("end" if line.place == 0 else LETTERS[line.place])
        assert words[-2:] == [percent(view.odds[line.place]), percent(view.bigram[line.place])]  # type: ignore[index]
    assert percent(0.0004) == "<0.1"
    assert percent(0.0) == "0.0"


def test_a_walk_fills_its_pane_and_stays_where_the_person_stands() -> None:
    word = "abcdefghijklmnopqrst"
    values = np.linspace(1, 5, 21).tolist()
    for (width, height), here in itertools.product(SIZES, (0, 10, 20)):
        lines = walk_view(word, values, values[::-1], here).lines(width, height)
        assert len(lines) <= height
        assert all(cell_len(text_of(line)) <= width for line in lines)
        (marked,) = [line for line in lines if text_of(line).startswith("▸")]
        assert marked.place == here
        assert f"{values[here]:.2f}" in text_of(marked)


def test_a_walk_adds_up_and_says_what_that_means() -> None:
    rows = texts(walk_view("em", [3.0, 1.0, 2.0], [3.0, 2.0, 3.5]))
    assert rows[0].split() == ["nats", "model", "bigram"]
    assert rows[1].startswith("▸ ... → e")
    assert rows[3].startswith("  .em → end")
    assert rows[5].split()[-2:] == ["6.00", "8.50"]
    assert rows[6].split()[-2:] == ["2.00", "2.83"]
    said = " ".join(" ".join(rows[7:]).split())
    assert said == "the model finds it 12.2 times likelier than the bigram does"


@pytest.mark.parametrize(
    ("model", "bigram", "says"),
    [
        ([2.0], [1.0], "the bigram finds it 2.7 times likelier"),
        ([2.0], [2.01], "about equally likely"),
        ([2.0], None, "likelier than a guess does (ln 27 = 3.30)"),
        ([5.0], None, "less likely than a guess does"),
        ([math.inf], [2.0], "not finite"),
        ([math.nan], [2.0], "not finite"),
    ],
)
def test_the_verdict_is_a_sentence(
    model: list[float], bigram: list[float] | None, says: str
) -> None:
    other = None if bigram is None else np.array(bigram)
    told, _ = verdict(np.array(model), other, 27)
    assert says in told
    for width, height in SIZES:
        walk_view("", model, bigram).lines(width, height)


def test_how_many_times_likelier_is_said_in_figures_that_can_be_read() -> None:
    assert times(1.0) == "2.7 times"
    assert times(10.0) == "22.0 k times"
    assert times(100.0) == "10^43 times"


def test_odds_that_are_not_finite_are_no_bars() -> None:
    view = OddsView(LETTERS, np.full(27, np.nan), None, "...")
    assert any("not finite" in line for line in texts(view))


def test_long_contexts_and_wide_symbols_keep_to_their_columns() -> None:
    word = "東京都" * 5
    view = WalkView(steps_of(word, 16), np.full(16, 2.0), np.full(16, 3.0), 27, 4, ended=True)
    for line in texts(view, 36, 40):
        assert cell_len(line) <= 36
    assert "…京都東 → 京" in "\n".join(texts(view))


# --- words and the bigram -------------------------------------------------------------------------


@pytest.fixture
def data(names: Path) -> Dataset:
    return load(names, 3, 42)


def test_pairs_are_those_of_the_counted_bigram(data: Dataset) -> None:
    bigram = count_bigrams(data)
    assert bigram is not None
    pairs = Pairs(bigram)
    for before in range(data.vocab_size):
        assert pairs.odds(before).sum() == pytest.approx(1.0)
    for word in ("", "anna", *data.words_of("dev")):
        symbols = data.encode(word)
        np.testing.assert_allclose(pairs.surprises(symbols), bigram.surprises(symbols))
    assert -math.log(pairs.odds(0)[1]) == pytest.approx(pairs.surprises([1])[0])


def test_what_cannot_be_asked_is_explained_before_it_is_asked(data: Dataset) -> None:
    assert known("anna", data.stoi) == ("anna", "")
    beginning, why = known("anéna", data.stoi)
    assert beginning == "an"
    assert '"é" stands in no word' in why
    assert known("an.na", data.stoi)[0] == "an"
    assert "boundary" in known(".", data.stoi)[1]
    # A terminal may hand over half a symbol: that could not even be sent.
    assert known("a\ud800", data.stoi)[0] == "a"


# --- questions ------------------------------------------------------------------------------------


class Asked:
    """An engine's end of the line: what was sent, and answers to it."""

    def __init__(self) -> None:
        self.sent: list[AnyCommand] = []
        self.gone = False
        self.looks = Looks(self.send)

    def send(self, command: AnyCommand) -> int | None:
        self.sent.append(command)
        return None if self.gone else len(self.sent)

    def answer(self, step: int) -> None:
        """Answer whatever is under way."""
        odds, walk = self.looks.odds.asked, self.looks.walk.asked
        if odds is not None:
            wish = self.sent[odds - 1]
            assert isinstance(wish, Predict)
            prefix = wish.prefix
            self.looks.hear(Predicted(answers=odds, step=step, prefix=prefix, odds=b""))
        if walk is not None:
            wish = self.sent[walk - 1]
            assert isinstance(wish, Score)
            told = Scored(answers=walk, step=step, words=wish.words, surprises=(b"",))
            self.looks.hear(told)

    def kinds(self) -> list[str]:
        return [type(command).__name__ for command in self.sent]


def test_a_click_on_a_row_whose_symbol_has_just_been_deleted_goes_to_the_end(data: Dataset) -> None:
    mar = read("mar", data)
    assert [mar.cursor(place) for place in range(6)] == [0, 1, 2, 3, 3, 3]
    assert read("", data).cursor(3) == 0


def test_a_standing_run_is_asked_once() -> None:
    line = Asked()
    for tick in range(100):
        line.looks.ask("e", "em", 0, 500, tick / 10)
        line.answer(500)
    assert line.kinds() == ["Predict", "Score"]
    # The cursor moves: the walk stays as it is.
    line.looks.ask("em", "em", 0, 500, 20.0)
    assert line.kinds() == ["Predict", "Score", "Predict"]


def test_a_moving_run_is_asked_at_most_five_times_a_second() -> None:
    line = Asked()
    for tick in range(1_000):
        line.looks.ask("e", "em", 0, tick * 50, tick / 100)
        line.answer(tick * 50)
    assert 40 <= line.kinds().count("Predict") <= 10 / PAUSE + 1
    assert line.kinds().count("Score") == line.kinds().count("Predict")


def test_one_question_of_a_kind_is_under_way() -> None:
    line = Asked()
    for tick in range(100):
        line.looks.ask("e" * tick, "e" * 100, 0, tick, float(tick))
    assert line.kinds() == ["Predict", "Score"]
    line.answer(99)
    line.looks.ask("ee", "eee", 0, 99, 200.0)
    assert line.kinds()[2:] == ["Predict", "Score"]


def test_the_same_step_of_another_branch_is_another_model() -> None:
    line = Asked()
    line.looks.ask("", "", 0, 500, 0.0)
    line.answer(500)
    line.looks.ask("", "", 1, 500, 1.0)
    assert len(line.sent) == 4


def test_after_a_refusal_it_waits_until_something_has_changed() -> None:
    line = Asked()
    line.looks.ask("e", "em", 0, 500, 0.0)
    assert line.looks.odds.asked is not None
    refusal = CommandRejected(answers=line.looks.odds.asked, command="Predict", reason="not now")
    assert line.looks.hear(refusal)
    for tick in range(10):
        line.looks.ask("e", "em", 0, 500 + tick, 1.0 + tick)
    assert len(line.sent) == 2
    assert line.looks.reason == "not now"
    point = RunPoint(0, 100)
    line.looks.hear(
        RolledBack(
            seq=1, branch=1, step=100, time=0.0, before=RunPoint(0, 500), to=point, reason="undo"
        )
    )
    line.looks.ask("e", "em", 1, 100, 20.0)
    assert len(line.sent) == 4
    line.answer(100)
    assert line.looks.odds.answer is not None


def test_without_an_engine_it_says_so_once() -> None:
    line = Asked()
    line.gone = True
    for tick in range(10):
        line.looks.ask("e", "em", 0, 500, float(tick))
    assert len(line.sent) == 1
    assert "does not answer" in line.looks.reason


# --- the screen, with a real engine ---------------------------------------------------------------


class Eyes:
    """What a person before the inspector sees."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands

    async def open(self) -> None:
        await self.hands.press("i")
        await self.hands.open(Inspector)
        await self.hands.until(lambda: bool(self.rows("#odds") and self.rows("#walk")))
        await self.hands.until(lambda: "counting" not in self.note)

    @property
    def screen(self) -> Inspector:
        screen = self.hands.app.screen
        assert isinstance(screen, Inspector)
        return screen

    @property
    def field(self) -> Beginning:
        return self.screen.query_one(Beginning)

    @property
    def note(self) -> str:
        return str(self.screen.query_one("#note", Static).content)

    def pane(self, selector: str) -> Bars:
        return self.screen.query_one(selector, Bars)

    def rows(self, selector: str) -> list[str]:
        """A pane's lines as they are drawn."""
        pane = self.pane(selector)
        lines = pane.view.lines(*pane.content_size) if pane.view else []
        return [text_of(line).rstrip() for line in lines[1:]]

    def marked(self, selector: str) -> str:
        return next((row for row in self.rows(selector) if row.startswith("▸")), "")

    @property
    def goes_to(self) -> str:
        """The symbol of the marked row of the walk."""
        return self.marked("#walk").partition("→")[2].strip().partition(" ")[0]

    def stands_before(self, symbol: str) -> bool:
        """The odds have taken the cursor's place."""
        return self.marked("#odds").startswith(f"▸ {symbol} ")

    def has_moved(self, odds: int, walk: int) -> bool:
        """Both panes tell of a later step than these."""
        return self.step("#odds") > odds and self.step("#walk") > walk

    def step(self, selector: str) -> int:
        found = re.search(r"step ([\d,]+)", shown(self.pane(selector)))
        assert found
        return int(found[1].replace(",", ""))

    def sums(self) -> list[str]:
        """Total and mean of the model."""
        return [row.split()[-2] for row in self.rows("#walk") if "total" in row or "per " in row]


def test_a_word_is_walked_through_and_what_is_typed_takes_its_place(
    make_run: MakeRun, start: Start, names: Path
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        word = load(names, 3, 42).words_of("dev")[0]
        assert eyes.field.value == word
        assert "dev" in eyes.note or "train" in eyes.note
        assert f"... → {word[0]}" in eyes.marked("#walk")
        for place, symbol in enumerate((*word, "end")):
            await hands.until(partial(eyes.stands_before, symbol))
            assert eyes.goes_to == symbol
            # The odds of the symbol and its surprise are one figure, said twice.
            odds = float(eyes.marked("#odds").split()[-2].lstrip("<"))
            nats = float(eyes.marked("#walk").split()[-2])
            if odds > 1.0:
                assert math.exp(-nats) == pytest.approx(odds / 100, rel=0.06)
            assert eyes.field.cursor_position == place
            await hands.press("right")
        await eyes_typed(eyes)

    async def eyes_typed(eyes: Eyes) -> None:
        hands = eyes.hands
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)
        await eyes.open()
        # Keys of the dashboard are letters here, and do nothing behind.
        await hands.press(*"nuds")
        assert eyes.field.value == "nuds"
        await hands.until(lambda: eyes.marked("#walk").startswith("▸ uds → end"))
        await hands.until(lambda: eyes.rows("#odds")[0].startswith("after uds"))
        assert "stands in none of the lists" in eyes.note
        assert hands.training.history.step == 0
        assert hands.training.history.acts == ()
        assert hands.training.history.samples == ()

    play(make_run(), start, scenario, (120, 36))


def test_the_odds_can_be_sorted_and_a_click_goes_or_writes(make_run: MakeRun, start: Start) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        await hands.type("Beginning", "ann")
        await hands.until(lambda: eyes.rows("#odds")[0].startswith("after ann"))
        percents = [float(row.split()[-2].lstrip("<")) for row in eyes.rows("#odds")[1:]]
        assert percents == sorted(percents, reverse=True)
        await hands.press("ctrl+o")
        symbols = [row.lstrip("▸ ").split()[0] for row in eyes.rows("#odds")[1:]]
        assert symbols[:3] == ["end", "a", "b"]
        await hands.pilot.click("#odds", offset=(3, 2 + symbols.index("a")))
        await hands.until(lambda: eyes.field.value == "anna")
        await hands.until(lambda: eyes.marked("#walk").startswith("▸ nna → end"))
        await hands.pilot.click("#walk", offset=(3, 2 + 1))
        await hands.until(lambda: eyes.field.cursor_position == 1)
        await hands.until(lambda: eyes.marked("#walk").startswith("▸ ..a → n"))

    play(make_run(), start, scenario, (120, 36))


def test_it_follows_the_training_and_leaves_it_alone(make_run: MakeRun, start: Start) -> None:
    async def scenario(hands: Hands) -> None:
        eyes, history = Eyes(hands), hands.training.history
        await hands.press("space")
        await hands.until(lambda: history.step > 0)
        await eyes.open()
        await hands.type("Beginning", "anna")
        await hands.until(lambda: "nna" in eyes.marked("#walk"))
        seen = set()
        for _ in range(5):
            odds, walk = eyes.step("#odds"), eyes.step("#walk")
            await hands.until(partial(eyes.has_moved, odds, walk))
            seen.add(tuple(eyes.sums()))
        assert len(seen) > 1
        assert history.running
        assert history.acts == ()
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)

    play(make_run(settings={"step_limit": 10**9}), start, scenario, (80, 24))


def test_an_unknown_symbol_is_explained_in_place_and_the_text_stays(
    make_run: MakeRun, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        await hands.type("Beginning", "anéb")
        await hands.until(lambda: '✗ "é" stands in no word of this list' in eyes.note)
        assert eyes.field.value == "anéb"
        await hands.until(lambda: eyes.rows("#odds")[0].startswith("after .an"))
        # What is wrong is no end of the word.
        await hands.until(lambda: not any("end" in row for row in eyes.rows("#walk")))
        assert not eyes.marked("#odds")
        await hands.press("backspace", "backspace", "full_stop")
        await hands.until(lambda: "boundary" in eyes.note)
        await hands.press("backspace")
        await hands.until(lambda: "✗" not in eyes.note)
        await hands.until(lambda: eyes.marked("#walk").startswith("▸ .an → end"))
        await hands.press("ctrl+u")
        await hands.until(lambda: eyes.marked("#walk").startswith("▸ ... → end"))
        assert not any("not done" in line for line in hands.log)

    play(make_run(), start, scenario, (120, 36))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
def test_names_of_dev_are_asked_for_and_taken_at_every_size(
    make_run: MakeRun, start: Start, size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        wide = size[0] > 100
        assert eyes.pane("#odds").display
        assert eyes.screen.query_one("#names").display == wide
        await hands.press("tab")
        listed = eyes.screen.query_one(NameList)
        await hands.until(lambda: listed.option_count == 22)
        assert eyes.screen.query_one("#names").display
        assert eyes.pane("#odds").display == wide
        rows = [str(listed.get_option_at_index(i).prompt).split() for i in range(22)]
        assert " ".join(rows[0]) == "most surprising"
        assert " ".join(rows[11]) == "least surprising"
        losses = [float(row[0]) for row in rows[1:11]]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] > float(rows[12][0])
        await hands.press("down", "enter")
        assert eyes.hands.app.screen.focused is eyes.field
        assert eyes.field.value == rows[2][2]
        await hands.until(lambda: eyes.goes_to == rows[2][2][0])
        await hands.until(lambda: eyes.sums()[1] == rows[2][0])
        # All of it stands on the screen.
        for selector in ("#odds", "#walk", "#hint"):
            region = eyes.screen.query_one(selector).region
            assert region.height > 0
            assert region.bottom <= size[1]
            assert region.right <= size[0]
        assert "Escape leaves" in shown(eyes.screen.query_one("#hint"))
        await hands.press("tab", "r")
        await hands.until(lambda: "nats/symbol" in shown(eyes.screen.query_one("#told")))
        await hands.press("tab")
        assert eyes.hands.app.screen.focused is eyes.field

    play(make_run(), start, scenario, size)


def test_help_knows_its_key(make_run: MakeRun, start: Start) -> None:
    async def scenario(hands: Hands) -> None:
        titles: list[Any] = [c.title for c in hands.app.get_system_commands(hands.app.screen)]
        assert "Inspect" in titles

    play(make_run(), start, scenario, (80, 24))
