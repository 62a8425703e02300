"""The list opened large: its figures, its table of pairs, its words; and the screen in the app."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from core.bigram import count_bigrams
from core.counting import count_lengths, count_pairs
from core.dataset import SPLITS, Dataset, load, statistics, symbol_counts
from core.lexicon import Lexicon, lexicon
from core.options import shipped_names
from tests.conftest import MakeRun
from tests.test_dashboard import Hands, shown
from tests.test_dataset import lists_of_words
from tests.test_steering_keys import Start, play
from tui.app import SteermoreApp
from tui.dataset.arrangement import SECTIONS, page_name, pages
from tui.dataset.figures import LengthTable, NextTable, SymbolTable
from tui.dataset.heatmap import GUTTER, SHADES, PairView, draw
from tui.dataset.readout import pair_text, part_text
from tui.dataset.rows import Table, share_text
from tui.dataset.splits import SplitTable
from tui.dataset.words import ExampleTable, WordTable
from tui.embedding.symbols import Symbols
from tui.inspector.bars import Line
from tui.screens.dataset import DatasetView
from tui.widgets.heatmap import Heatmap
from tui.widgets.rows import RowsPane
from tui.widgets.word_browser import WordBrowser

HOSTILE = "ab中🙂קמ\u0301\u200d\x07\x1b[]\\ é-"
hostile_words = st.lists(st.text(HOSTILE, min_size=1, max_size=30), min_size=1, max_size=30)


def dataset_of(words: list[str], block_size: int = 3) -> Dataset:
    return Dataset.from_words(words, block_size, 42, "")


@pytest.fixture(scope="module")
def shipped() -> Dataset:
    return load(shipped_names(), 3)


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line.pieces)


def rows_of(table: Table, width: int) -> list[str]:
    return [text_of(table.row(at, width)) for at in range(table.count(width))]


def tables(dataset: Dataset) -> list[Table]:
    """Every kind of table about a list."""
    symbols, pairs, known = Symbols.of(dataset), count_pairs(dataset), lexicon(dataset)
    last = len(pairs.symbols) - 1
    return [
        LengthTable(count_lengths(dataset)),
        SymbolTable(symbol_counts(dataset), symbols),
        NextTable(pairs, symbols, last, 0),
        SplitTable(dataset, known),
        WordTable(known, known.find("a"), "a"),
        ExampleTable(known.words[0], dataset.block_size, pairs, dataset.stoi),
        ExampleTable(known.words[-1], dataset.block_size, None, dataset.stoi),
    ]


# --- pages ----------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 100))
def test_every_section_stands_on_one_page_in_any_terminal(width: int, height: int) -> None:
    made = pages(width, height)
    assert sum(made, ()) == SECTIONS
    assert all(page_name(page) for page in made)


def test_a_larger_terminal_has_fewer_pages() -> None:
    assert [len(pages(*size)) for size in ((120, 24), (100, 30), (200, 60))] == [4, 3, 1]


# --- rows -----------------------------------------------------------------------------------------


@given(words=hostile_words, width=st.integers(30, 110), block_size=st.integers(1, 12))
@settings(deadline=None, max_examples=40)
def test_every_row_has_the_width_of_its_pane_and_nothing_that_a_terminal_obeys(
    words: list[str], width: int, block_size: int
) -> None:
    for table in tables(dataset_of(words, block_size)):
        for line in [text_of(table.head(width)), *rows_of(table, width)]:
            assert cell_len(line) == width, (type(table), line)
            assert not set(line) & set("\x07\x1b\u200d\n")


@given(words=lists_of_words)
@settings(deadline=None)
def test_lengths_and_symbols_are_told_with_their_counts(words: list[str]) -> None:
    dataset = dataset_of(words)
    lengths, told = Counter(map(len, words)), rows_of(LengthTable(count_lengths(dataset)), 60)
    for row in told:
        length, *_, count, share, _ = row.split()
        assert lengths[int(length)] == int(count)
        assert float(share.lstrip("<")) == pytest.approx(100 * int(count) / len(words), abs=0.11)
    counts = Counter("".join(f"{word}." for word in words))
    table = SymbolTable(symbol_counts(dataset), Symbols.of(dataset))
    figures = sorted(int(row.split()[-3].replace(",", "")) for row in rows_of(table, 60))
    assert figures == sorted(counts.values())
    ends = [row for row in rows_of(table, 60) if row.startswith(". end")]
    assert len(ends) == 1
    assert f"{len(words):,}" in ends[0]


def test_the_smallest_count_still_has_a_bar_and_none_has_none() -> None:
    dataset = dataset_of(["a"] * 5_000 + ["bcd"])
    one, none, last = rows_of(LengthTable(count_lengths(dataset)), 60)
    assert "█" in one
    assert set("▏▎▍▌▋▊▉█") & set(last)
    assert not set("▏▎▍▌▋▊▉█") & set(none)
    assert [share_text(share) for share in (0.0, 0.0001, 0.221, 1.0)] == [
        "0.0 %", "<0.1 %", "22.1 %", "100.0 %",
    ]  # fmt: skip


def test_the_splits_tell_their_overlap_and_what_it_means(shipped: Dataset) -> None:
    table = SplitTable(shipped, lexicon(shipped))
    text = "\n".join(rows_of(table, 76))
    train, dev = set(shipped.words_of("train")), shipped.words_of("dev")
    known = sum(word in train for word in dev)
    assert f"{known:,} of {len(dev):,}" in text
    assert f"{100 * statistics(shipped).dev_in_train:.1f} %" in text
    assert f"{known:,} of dev's words were trained on" in " ".join(text.split())
    for split in SPLITS:
        row = next(line for line in text.splitlines() if line.startswith(f"{split} "))
        words, examples = shipped.splits[split].words, shipped.splits[split].examples
        distinct = len(set(shipped.words_of(split)))
        assert row.split()[1:4] == [f"{figure:,}" for figure in (words, distinct, examples)]
    alone = dataset_of(["ab", "ba", "aab", "bb", "abb"])
    assert "No word of this list repeats" in SplitTable(alone, lexicon(alone)).meaning


def test_a_word_is_told_as_the_rows_of_the_lecture(shipped: Dataset) -> None:
    word = shipped.words_of("train")[0]
    pairs, bigram = count_pairs(shipped), count_bigrams(shipped)
    table = ExampleTable(word, shipped.block_size, pairs, shipped.stoi)
    assert table.examples == list(statistics(shipped).first_examples)
    rows = rows_of(table, 70)
    assert rows[0].split()[:3] == ["...", "→", word[0]]
    assert rows[len(word)].split()[:3] == [word[-3:], "→", "end"]
    assert bigram is not None
    nats = bigram.surprises(shipped.encode(word))
    assert [row.split()[-1] for row in rows[: len(nats)]] == [f"{value:.2f}" for value in nats]
    assert rows[-1].split()[-1] == f"{nats.mean():.2f}"


def test_a_row_of_words_has_its_times_and_the_text_found_is_marked() -> None:
    words = ["anna"] * 12 + ["hannah", "ann", "nan"]
    known = lexicon(dataset_of(words))
    table = WordTable(known, known.find("an."), "an.")
    assert [table.word(at) for at in range(table.count(0))] == ["nan"]
    marked = [text for text, role in table.row(0, 40).pieces if role == "here"]
    assert marked == ["an"]
    table = WordTable(known, known.find("anna"), "anna")
    figures = text_of(table.row(0, 40)).split()[1:]
    assert sum(int(figure) for figure in figures if figure != "·") == 12


# --- the table of pairs ---------------------------------------------------------------------------


def view_of(dataset: Dataset) -> PairView:
    return PairView(count_pairs(dataset), Symbols.of(dataset))


def test_every_pair_is_read_out_as_the_bigram_model_has_it() -> None:
    dataset = dataset_of(["anna", "hannah", "ann", "nan", "ha", "anna", "aha", "hah"])
    view, bigram = view_of(dataset), count_bigrams(dataset)
    assert bigram is not None
    for first in range(dataset.vocab_size):
        for second in range(dataset.vocab_size):
            told = pair_text(view.on(first, second))
            count, total = bigram.counts[first, second], bigram.counts[first].sum()
            nats = bigram.surprise[first, second]
            a, b = dataset.itos[first], dataset.itos[second]
            assert told.startswith(f"{a} → {b}  {count} of the {total} pairs in train")
            assert f"P({b} | {a}) = ({count} + 1) / ({total} + 4)" in told
            assert f"= {100 * math.exp(-nats):.1f} %" in told
            assert f"surprise {nats:.2f} nats" in told
    assert "(h begins a word)" in pair_text(view.on(0, dataset.stoi["h"]))
    assert "(n ends a word)" in pair_text(view.on(dataset.stoi["n"], 0))


def test_a_pair_that_is_never_seen_has_its_odds_in_digits_that_tell(shipped: Dataset) -> None:
    told = pair_text(view_of(shipped).on(0, 0))
    assert "0 of the 25,975 pairs" in told
    assert "= (0 + 1) / (25,975 + 27) = 0.004 % · surprise 10.17 nats" in told


def test_without_colours_every_shade_can_be_told_from_the_others(shipped: Dataset) -> None:
    for view in (view_of(shipped), view_of(shipped).other_measure()):
        picture = draw(view, 90, 31)
        assert not picture.is_cut
        values = view.pairs.counts if view.measure == "times" else view.pairs.odds
        seen = set()
        for first in range(27):
            for second in range(27):
                x = GUTTER + 3 * second + 1
                glyph = chr(picture.cells.glyphs[first + 1, x])
                level = sum(values[first, second] >= step for step in view.steps)
                assert glyph == SHADES[level]
                seen.add(glyph)
        assert seen == set(SHADES)
        legend = "".join(map(chr, picture.cells.glyphs[28].tolist()))
        assert all(shade * 2 in legend for shade in SHADES)


@given(most=st.integers(0, 10**7))
def test_the_shades_begin_at_round_numbers_that_rise(most: int) -> None:
    pairs = count_pairs(dataset_of(["ab", "ba"] * 5))
    pairs.counts[0, 0] = most
    pairs.counts[1:] = 0
    pairs.counts[0, 1:] = 0
    steps = PairView(pairs, Symbols((".", "a", "b"), (0, 1, 2))).steps
    assert list(steps) == sorted(set(steps))
    assert all(f"{step:.0f}".rstrip("0") in ("1", "2", "5") for step in steps)
    assert steps[-1] <= max(most, 1)


@given(
    words=lists_of_words,
    width=st.integers(0, 90),
    height=st.integers(0, 34),
    moves=st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), max_size=12),
)
@settings(deadline=None)
def test_the_cursor_is_always_in_the_window_and_a_click_on_it_means_it(
    words: list[str], width: int, height: int, moves: list[tuple[int, int]]
) -> None:
    view, picture = view_of(dataset_of(words)), None
    for down, right in moves:
        picture = draw(view, width, height, picture)
        assert (picture.cells.width, picture.cells.height) == (width, height)
        if min(picture.shown):
            rows = ["".join(map(chr, row)) for row in picture.cells.glyphs.tolist()]
            y = next(at for at, row in enumerate(rows) if "[" in row[GUTTER:] and at > 0)
            x = rows[y].index("[", GUTTER)
            assert picture.pair_at(x, y) == (view.first, view.second)
        view = view.on(*picture.moved(view.first, view.second, down, right))
    assert draw(view, width, height).pair_at(0, 0) is None


def test_where_not_all_symbols_fit_the_most_frequent_come_first_and_it_says_so(
    shipped: Dataset,
) -> None:
    view = view_of(shipped)
    picture = draw(view, 76, 17)
    assert part_text(view, picture) == "rows 1-15 of 27, most frequent first"
    totals = view.pairs.totals[picture.order].tolist()
    assert totals == sorted(totals, reverse=True)
    low = draw(view.on(int(picture.order[-1]), 0), 76, 17, picture)
    assert part_text(view, low) == "rows 13-27 of 27, most frequent first"
    assert part_text(view, draw(view, 90, 31)) == ""


def test_of_thousands_of_symbols_it_says_how_many_the_table_has() -> None:
    words = [chr(0x4E00 + at) + chr(0x4E01 + at) for at in range(2_400)]
    view = view_of(dataset_of(words))
    picture = draw(view, 80, 20)
    assert "the 500 most frequent of" in part_text(view, picture)
    assert f"+ {view.pairs.vocab_size:,})" in pair_text(view)


# --- the pane of rows -----------------------------------------------------------------------------


class Long:
    """Ten million rows, which remembers those that were made."""

    def __init__(self) -> None:
        self.made: set[int] = set()

    def head(self, width: int) -> Line:
        return Line((("head", "quiet"),))

    def count(self, width: int) -> int:
        return 10_000_000

    def row(self, at: int, width: int) -> Line:
        self.made.add(at)
        return Line(((f"row {at}", "plain"),))


def test_of_millions_of_rows_only_those_that_are_seen_are_made() -> None:
    table = Long()

    class Shows(App[None]):
        def compose(self) -> ComposeResult:
            yield RowsPane("Rows", id="rows")

    async def show() -> None:
        app = Shows()
        async with app.run_test(size=(40, 20)) as pilot:
            pane = app.query_one(RowsPane)
            pane.table = table
            await pilot.pause()
            assert shown(pane).splitlines()[1].strip() == "row 0"
            pane.cursor = 9_999_999
            await pilot.pause()
            assert shown(pane).splitlines()[-1].strip() == "row 9999999"
            pane.cursor = 5_000_000
            await pilot.pause()
            assert shown(pane).splitlines()[0].strip() == "head"
            assert shown(pane).splitlines()[1].strip() == "row 5000000"

    asyncio.run(show())
    assert len(table.made) < 300


# --- the screen -----------------------------------------------------------------------------------

Scenario = Callable[[Hands], Awaitable[None]]


def at_rest(directory: Path, dataset: Dataset, scenario: Scenario, size: tuple[int, int]) -> None:
    """Open the dashboard on a run that has no engine, with any list, and let a scenario play."""

    async def show() -> None:
        app = SteermoreApp(directory, dataset)
        async with app.run_test(size=size) as pilot:
            hands = Hands(app, pilot)
            await hands.until(lambda: hands.training.link == "resting")
            await scenario(hands)

    asyncio.run(show())


def pane(hands: Hands, id: str) -> RowsPane:
    return hands.app.screen.query_one(f"#{id}", RowsPane)


def times_of_q(dataset: Dataset) -> int:
    """The last row of its symbols."""
    return sum(word.count("q") for word in dataset.words)


def found(hands: Hands) -> str:
    return str(hands.app.screen.query_one("#found", Static).content)


def words_listed(hands: Hands) -> list[str]:
    table = pane(hands, "matches").table
    assert isinstance(table, WordTable)
    return [table.word(at) for at in range(table.count(0))]


async def opened(hands: Hands) -> None:
    await hands.press("D")
    await hands.open(DatasetView)
    await hands.until(lambda: "distinct words" in found(hands))
    # Pairs are counted apart; what is said of one comes only once its page is seen.
    heatmap = hands.app.screen.query_one(Heatmap)
    await hands.until(lambda: heatmap.view is not None)


async def turned_to(hands: Hands, stop: str) -> None:
    """Press Tab until that part has the keyboard."""
    for _ in range(8):
        focused = hands.app.screen.focused
        if focused is not None and focused.id == stop:
            return
        await hands.press("tab")
        await hands.until(lambda before=focused: hands.app.screen.focused is not before)  # type: ignore[misc]
    raise AssertionError(f"Tab never came to {stop}")


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36), (200, 60)])
def test_everything_is_reached_by_tab_and_nothing_is_cut_off(
    make_run: MakeRun, shipped: Dataset, size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands) -> None:
        await opened(hands)
        screen = hands.app.screen

        def hint() -> str:
            return str(screen.query_one("#hint", Static).content)

        all_at_once = len(pages(*size)) == 1
        stops = ("symbols", "map", "search")
        for stop in (*stops, "map" if all_at_once else "symbols"):
            await turned_to(hands, stop)
            scrolls = stop == "symbols" and size[1] < 36
            await hands.until(partial(lambda wanted: ("scroll" in hint()) == wanted, scrolls))
            assert cell_len(hint()) <= size[0] - 4 or size[0] < 80, hint()
            part = screen.query_one(f"#{stop}")
            await hands.until(lambda part=part: part.region.area > 0)  # type: ignore[misc]
            for widget in (w for w in screen.query("#sections *") if w.region):
                assert widget.region.right <= size[0] - 2, widget
                assert widget.region.bottom <= size[1] - 2, widget
        await hands.press("end")
        last = f"{times_of_q(shipped):,}"
        await hands.until(lambda: last in shown(pane(hands, "symbols")))
        await turned_to(hands, "map")
        await hands.press("a", "home")
        heatmap = screen.query_one(Heatmap)
        pair, a = screen.query_one("#pair", Static), shipped.stoi["a"]
        await hands.until(lambda: heatmap.view is not None and heatmap.view.first == a)
        await hands.until(lambda: str(pair.content) == pair_text(heatmap.view))  # type: ignore[arg-type]
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)

    at_rest(make_run(), shipped, scenario, size)


def test_the_words_are_searched_as_they_are_typed_and_one_is_shown_as_its_examples(
    make_run: MakeRun, shipped: Dataset
) -> None:
    distinct = list(dict.fromkeys(shipped.words))

    async def scenario(hands: Hands) -> None:
        await opened(hands)
        await turned_to(hands, "search")
        await hands.press("m", "a", "r")
        assert words_listed(hands) == [word for word in distinct if "mar" in word]
        await hands.press("full_stop")
        assert words_listed(hands) == [word for word in distinct if word.endswith("mar")]
        await hands.press(*["backspace"] * 4, "full_stop", "e", "m", "down", "down")
        expected = [word for word in distinct if word.startswith("em")]
        assert words_listed(hands) == expected
        examples = pane(hands, "examples").table
        assert isinstance(examples, ExampleTable)
        assert examples.word == expected[2]
        await hands.press("ctrl+o")
        times = Counter(shipped.words)
        assert words_listed(hands) == sorted(expected, key=lambda word: -times[word])
        await hands.press("ctrl+end")
        assert pane(hands, "matches").cursor == len(expected) - 1
        await hands.pilot.click("#matches", offset=(4, 3))
        assert pane(hands, "matches").cursor is not None
        await hands.press("7")
        assert "no word" in found(hands)
        nothing = pane(hands, "examples").table
        assert nothing is not None
        assert nothing.count(50) == 0

    at_rest(make_run(), shipped, scenario, (120, 36))


def test_the_pairs_are_walked_by_arrows_symbols_and_clicks(
    make_run: MakeRun, shipped: Dataset
) -> None:
    async def scenario(hands: Hands) -> None:
        await opened(hands)
        await turned_to(hands, "map")
        heatmap = hands.app.screen.query_one(Heatmap)
        assert heatmap.view is not None
        pairs = heatmap.view.pairs
        assert pairs.counts[heatmap.view.first, heatmap.view.second] == pairs.counts.max()

        def here() -> tuple[str, str]:
            assert heatmap.view is not None
            return shipped.itos[heatmap.view.first], shipped.itos[heatmap.view.second]

        await hands.press("q", "home", "right", "right", "down", "up")
        await hands.until(lambda: here() == ("q", "b"))
        await hands.pilot.click("#map", offset=(GUTTER + 3 * 5 + 1, 3))
        await hands.until(lambda: here() == ("a", "e"))

        def of_this_symbol() -> bool:
            table = pane(hands, "following").table
            return isinstance(table, NextTable) and shipped.itos[table.first] == here()[0]

        await hands.until(of_this_symbol)
        following = pane(hands, "following").table
        assert isinstance(following, NextTable)
        likeliest = shipped.itos[int(following.likeliest[0])]
        await hands.pilot.click("#following", offset=(2, 2))
        await hands.until(lambda: here() == ("a", likeliest))
        before = shown(heatmap)
        await hands.press("enter")
        await hands.until(lambda: shown(heatmap) != before)
        await hands.until(lambda: "%" in shown(heatmap))

    at_rest(make_run(), shipped, scenario, (120, 36))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_a_hostile_list_is_shown_without_harm(make_run: MakeRun, size: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)
    letters = [*HOSTILE, *map(chr, range(0x4E00, 0x4E40))]
    words = ["".join(chance.choice(letters, chance.integers(1, 40))) for _ in range(300)]
    dataset = dataset_of([*words, "[bold]x[/bold]", "[/]"], block_size=8)

    async def scenario(hands: Hands) -> None:
        await opened(hands)
        for stop in ("map", "search", "symbols"):
            await turned_to(hands, stop)
            await hands.press("down", "down", "right", "[", "pagedown", "up")
            await hands.pilot.pause()
            text = "\n".join(
                shown(widget)
                for widget in hands.app.screen.query("*")
                if widget.display and isinstance(widget, (RowsPane, Heatmap, Static))
            )
            assert not set(text) & set("\x07\x1b\u200d")
        assert hands.app.screen.query_one(Input).value == "["

    at_rest(make_run(), dataset, scenario, size)


def test_a_long_list_opens_while_it_is_counted_and_leaving_early_breaks_nothing(
    make_run: MakeRun,
) -> None:
    words = [f"{at:x}" for at in range(300_000)]
    dataset = dataset_of(words)

    async def scenario(hands: Hands) -> None:
        await hands.press("D")
        await hands.open(DatasetView)
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)
        await opened(hands)
        await turned_to(hands, "search")
        await hands.press("ctrl+end")
        await hands.until(lambda: f"{words[-1]} " in shown(pane(hands, "matches")))
        await hands.press(*"f00d")
        expected = sum("f00d" in word for word in words)
        await hands.until(lambda: found(hands).startswith(f"{expected} of 300,000"))
        assert len(words_listed(hands)) == expected

    at_rest(make_run(), dataset, scenario, (120, 36))


def test_lists_of_one_word_or_two_have_a_view_too(make_run: MakeRun) -> None:
    for words in (["a"], ["ab", "ab"]):

        async def scenario(hands: Hands, words: list[str] = words) -> None:
            await opened(hands)
            assert words_listed(hands) == words[:1]
            await turned_to(hands, "map")
            assert "nats" in str(hands.app.screen.query_one("#pair", Static).content)

        at_rest(make_run(), dataset_of(words), scenario, (80, 24))


def test_a_resize_keeps_the_place_and_a_click_turns_the_page(
    make_run: MakeRun, shipped: Dataset
) -> None:
    async def scenario(hands: Hands) -> None:
        await opened(hands)
        await hands.pilot.click("#pages", offset=(40, 0))
        await turned_to(hands, "search")
        await hands.press("z", "o", "e")
        for width, height in ((120, 36), (200, 60), (80, 24)):
            await hands.pilot.resize_terminal(width, height)
            await hands.pilot.pause()
            focused = hands.app.screen.focused
            assert focused is not None
            assert focused.id == "search"
            assert hands.app.screen.query_one(WordBrowser).display
            assert all("zoe" in word for word in words_listed(hands))
        await hands.pilot.click("#pages", offset=(4, 0))
        await hands.until(lambda: hands.app.screen.query_one("#symbols").has_focus)

    at_rest(make_run(), shipped, scenario, (80, 24))


def test_enter_on_the_dataset_panel_opens_it_while_the_run_trains_on(
    make_run: MakeRun, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("space")
        await hands.until(lambda: hands.training.history.step > 10)
        await hands.press("4", "enter")
        await hands.open(DatasetView)
        await hands.until(lambda: "distinct words" in found(hands))
        step = hands.training.history.step
        await hands.until(lambda: hands.training.history.step > step)
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)
        assert hands.training.history.running

    play(make_run(settings={"step_limit": 10**9}), start, scenario, (120, 36))


def test_the_lexicon_of_a_long_list_keeps_no_strings() -> None:
    known: Lexicon = lexicon(dataset_of([f"{at:x}" for at in range(200_000)]))
    assert known.words.codes.nbytes + known.words.starts.nbytes < 2_500_000
    assert known.words[123_456] == f"{123_456:x}"
