"""The dashboard on a run whose symbols are words: losses, texts, the text at length, a restart."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input, Static

from core.commands import obey
from core.config import PRESETS, RunConfig
from core.dials import ConfigError
from core.exporting import write_samples
from core.launch import load_data, words_path
from core.protocol import Evaluate, Sample, SamplesDrawn
from core.record import read_config
from core.run import Run
from core.story import read_story
from core.text import Text
from core.tokens import paragraphs, tokens_of
from tests.conftest import MakeRun, begun
from tests.stage import NAME, Stage, play, until
from tests.test_dashboard import Hands, shown
from tests.test_golden import WIDE, compare, reach, shot
from tests.test_other_runs import difference, look_at, open_list, steered
from tests.test_restart import made, open_form, start, text, turn, value
from tests.test_time_travel import settle, train
from tests.test_word_runs import word_run
from tui.chart.companions import read_companion
from tui.chart.look import USUAL
from tui.chart.view import chart_view
from tui.dataset.contexts import ContextTable
from tui.restarting import PRESET, Origin
from tui.samples.wishing import usual, wish_of
from tui.screens.samples import Samples
from tui.screens.text import TextView
from tui.screens.write_names import WriteNames
from tui.telling import texts_entry
from tui.widgets.chart import LossChart
from tui.widgets.dataset import DatasetPanel
from tui.widgets.feed import Feed, wrap
from tui.widgets.name_pane import NamePane
from tui.widgets.rows import RowsPane

SIZES = {"block_size": "3", "embedding_size": "6", "hidden_size": "16", "vocabulary": "400"}
VIEWS: dict[str, tuple[str, ...]] = {
    "training-words": (),
    "samples-words": ("S",),
    "dataset-words-level": ("D",),
    "dataset-words-contexts": ("D", "tab", "tab", *"Citizen"),
}


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine a screen may be looked at just as the cursor of a field is out."""
    monkeypatch.setattr(vars(Input)["cursor_blink"], "_default", False)


@pytest.fixture
def run(few_words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """600 steps, with a text drawn from one seed at two of them."""
    flags = {"rare": "1", "steps": "1000", "evaluation_interval": "200", "threads": "1"}
    opened = Run(word_run(tmp_path, data=str(few_words), **SIZES, **flags))
    settle(opened)
    monkeypatch.setenv("STEERMORE_RUNS", str(opened.directory.parent))
    for updates in (200, 400):
        train(opened, updates)
        obey(opened, Sample(count=1, seed=1, max_length=100, prefix="First Citizen:"), NAME)
    obey(opened, Evaluate(), NAME)
    settle(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("size", [WIDE, (80, 24)], ids=["wide", "80x24"])
def test_a_view_of_words_looks_as_it_did(run: Run, name: str, size: tuple[int, int]) -> None:
    screens: list[str] = []

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, VIEWS[name])
        screens.append(shot(app, f"{name}-{size[0]}"))

    play(run, scene, size)
    compare(name if size == WIDE else f"{name}-80x24", screens[0])


# --- losses ---------------------------------------------------------------------------------------


def test_losses_are_told_per_word_and_as_perplexity(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, ("left",))
        history, view = app.history, app._training.query_one(LossChart).view
        dev = history.evaluations[-1].dev
        assert dev is not None
        told = f"dev {dev:.3f}, perplexity {math.exp(dev):,.1f}"
        assert f"● {told}" in view.subtitle
        assert chart_view(history, 200, USUAL).title == "Loss, nats per word"
        assert view.reading is not None
        assert any(told in part for parts in view.reading.lines for part in parts)
        assert any("interpolated bigram" in label for _, label in view.references)
        log = app._training.query_one("#events", Feed).entries[0]
        assert " ".join(part for word in log.words for part, _ in word).startswith(told)

    play(run, scene, WIDE)


# --- texts ----------------------------------------------------------------------------------------


def drawn(*texts: str) -> SamplesDrawn:
    return SamplesDrawn(
        seq=1, branch=0, step=600, time=0.0, names=texts, losses=(4.5,) * len(texts),
        temperature=0.8, top_k=20, seed=1, prefix="", max_length=100,
    )  # fmt: skip


def test_a_text_is_told_in_its_paragraphs_with_its_loss_above() -> None:
    entry = texts_entry(drawn("Speak, speak. ¶ ¶ All: no", "¶ yes"))
    rows = ["".join(part for part, _ in row) for row in wrap(entry, 60, 3)]
    assert rows == [
        "600  T 0.8, top 20 · 4.50 nats per word",
        "     Speak, speak.",
        "     All: no",
        "     4.50 nats per word",
        "     yes",
    ]


@given(
    st.lists(st.sampled_from(["¶", "to", "中文", "be\x1b[2J", "w" * 70, ","]), max_size=30),
    st.integers(12, 80),
)
@settings(deadline=None)
def test_a_text_fits_any_pane_and_holds_nothing_that_a_terminal_obeys(
    words: list[str], width: int
) -> None:
    for row in wrap(texts_entry(drawn(" ".join(words))), width, 3):
        told = "".join(part for part, _ in row)
        assert cell_len(told) <= max(width, 13)
        assert told.isprintable()


def test_a_text_in_the_feed_stays_beside_its_scrollbar(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, ())
        feed = app._training.query_one("#samples", Feed)
        assert feed.max_scroll_y > 0
        told = " ".join(shown(feed).split())
        (text, *_) = (each.names[0] for each in reversed(app.history.samples))
        assert told.startswith("600 T 1 · ")
        first = " ".join(paragraphs(text).split())
        assert first[:200] in told

    play(run, scene, WIDE)


async def fill(app: Stage, pilot: Pilot[None], **texts: str) -> None:
    for name, typed in texts.items():
        app.screen.query_one(f"#{name}", Input).value = typed
    await pilot.pause()


def said(app: Stage, name: str) -> str:
    return str(app.screen.query_one(f"#{name}", Static).render())


def test_any_beginning_will_do_and_what_is_unknown_is_told(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("S", "b")
        assert isinstance(app.screen, Samples)
        await fill(app, pilot, beginning="the xylophone,", count="2", length="30", seed="9")
        assert said(app, "note") == "Not in the vocabulary, so read as <unk>: xylophone."
        await pilot.press("enter")
        await until(pilot, lambda: app.history.samples[-1].seed == 9)
        made = app.history.samples[-1]
        assert [len(tokens_of(each.replace("<unk>", "x"))) for each in made.names] == [30, 30]
        assert all(each.startswith("the <unk>,") for each in made.names)
        assert "length 30" in said(app, "note")
        left = shown(app.screen.query_one("#names", NamePane))
        assert len(re.findall(r"\d+  \d\.\d\d nats/word", left)) == 2
        assert not re.search(r"[+○●◆]|in train|new", left)

    play(run, scene, WIDE)


def test_a_length_that_cannot_be_drawn_is_explained(run: Run) -> None:
    data, typed = run.data, usual(run.settings, "word")
    assert (wish_of(typed, data).count, wish_of(typed, data).max_length) == (1, 100)
    for change, fault in (
        ({"length": "3", "beginning": "to be or not"}, "more than the 4 words and marks"),
        ({"length": "101", "count": "10"}, "times the count must be at most 1,000"),
        ({"length": "none"}, "length"),
    ):
        with pytest.raises(ConfigError, match=fault) as told:
            wish_of(type(typed)(**(vars(typed) | change)), data)
        assert told.value.field == "length"


def test_texts_are_compared_scrolled_kept_copied_and_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("S")
        screen = app.screen
        assert isinstance(screen, Samples)
        await pilot.pause(0.3)
        early, late = (each.names[0] for each in app.history.samples)
        await pilot.press("c")
        assert app.clipboard == paragraphs(late)
        await pilot.press("left", "c", "f")
        assert app.clipboard == paragraphs(early)
        assert "★ kept" in said(app, "detail")
        await pilot.press("right", "w")
        assert isinstance(app.screen, WriteNames)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert (tmp_path / "texts-step-600.txt").read_text("utf-8") == f"{paragraphs(late)}\n"
        await pilot.press("tab")
        before = shown(screen.query_one("#steps", NamePane))
        assert "step 200" in before
        assert "perplexity" in before
        if screen.query_one("#steps", NamePane).size.height < 20:
            await pilot.press("pagedown")
            after = shown(screen.query_one("#steps", NamePane))
            assert after.splitlines()[4] != before.splitlines()[4]
            last = "".join(tokens_of(late)[-1:])
            assert last in after
            await pilot.press("pageup", "pageup")
            assert shown(screen.query_one("#steps", NamePane)) == before
        await pilot.press("tab")
        kept = shown(screen.query_one("#kept", NamePane))
        assert "★ First Citizen" in kept
        assert "step 200" in kept

    for size in (WIDE, (80, 24)):
        play(run, scene, size)
        (tmp_path / "texts-step-600.txt").unlink()


def test_the_texts_of_a_run_are_exported_with_their_paragraphs(run: Run) -> None:
    run.journal.flush()
    file = io.StringIO()
    write_samples(read_story(run.directory), file)
    (text, _) = (each.names[0] for each in read_story(run.directory).events
                 if isinstance(each, SamplesDrawn))  # fmt: skip
    assert f"First Citizen:\n{paragraphs(text)}\n\n" in file.getvalue()


# --- the text itself ------------------------------------------------------------------------------


def test_a_mark_is_searched_like_a_word_and_seen_in_its_contexts(run: Run) -> None:
    data = run.data

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("D")
        view = app.screen
        assert isinstance(view, TextView)
        search = view.query_one("#search", Input)
        view._go("search")
        await until(pilot, lambda: view.query_one("#matches", RowsPane).table)
        matches, examples = (view.query_one(f"#{id}", RowsPane) for id in ("matches", "examples"))

        def looked_at() -> str:
            assert isinstance(examples.table, ContextTable)
            return examples.table.word

        for query in (".", "First", "it"):
            search.value = query
            await pilot.pause()
            times = sum(word == query for word in data.words)
            assert looked_at() == query
            assert examples.table is not None
            assert examples.table.count(0) == times > 1
            assert f" {times:,} times" in str(examples.border_title)
            assert matches.cursor == 0
        await pilot.press("down")
        assert "it" in looked_at() != "it"
        search.value = "no such word"
        await pilot.pause()
        assert "no word has that" in str(view.query_one("#found", Static).render())

    play(run, scene, (80, 24))


def test_the_panel_tells_the_parts_of_a_text(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, ())
        told = shown(app._training.query_one(DatasetPanel).figures)
        assert isinstance(run.data, Text)
        for name in ("train", "dev"):
            assert re.search(rf"{name} +[\d,]+ +{run.data.unknown[name]:.1%}", told), told
        assert "<s> → First" in told
        assert "<s> <s>" not in told

    play(run, scene, WIDE)


def test_the_curve_of_a_run_of_names_has_no_place_behind_one_of_words(
    run: Run, make_run: MakeRun
) -> None:
    names = steered(make_run(), 0.05)
    names = names.rename(run.directory.parent / names.name)
    why = f"run {names.name}: its losses are nats per character, here they are per word"

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, ())
        hands = Hands(app, pilot)
        await open_list(hands)
        await hands.press("slash", *"few-names", "enter", "b")
        await hands.until(lambda: f"✗ {why}" in difference(hands))
        await hands.press("escape")
        hands.training.show_companion(read_companion(names, "the run before"))
        await hands.until(lambda: f"not behind this curve: {why}" in " ".join(hands.log))
        assert hands.training.companions == ()

    play(run, scene, WIDE)


# --- a restart ------------------------------------------------------------------------------------


def timeless(config: RunConfig) -> RunConfig:
    return msgspec.structs.replace(config, created=0.0)


def test_a_preset_of_words_brings_its_sizes_its_level_and_its_text(make_run: MakeRun) -> None:
    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await hands.type("#hidden_size", "50")
        await turn(hands, "preset", "bengio2003")
        filled = {
            name: value(hands, name)
            for name in ("block_size", "embedding_size", "hidden_size", "initialization", "direct",
                         "level", "data", "recipe")
        }  # fmt: skip
        assert filled == {
            "block_size": "5",
            "embedding_size": "60",
            "hidden_size": "50",
            "initialization": "small",
            "direct": "on",
            "level": "word",
            "data": "",
            "recipe": PRESET,
        }
        await hands.until(lambda: "parameters" in text(hands, "model"))
        await start(hands)

    old = make_run()
    config = made(look_at(old, scenario).next_run)
    wanted = begun(preset="bengio2003", hidden_size="50")
    assert timeless(config) == timeless(wanted)


def test_what_a_preset_brought_goes_again_with_it(make_run: MakeRun) -> None:
    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        before = {name: value(hands, name) for name in ("block_size", "level", "data", "direct")}
        await turn(hands, "preset", "bengio2003")
        assert value(hands, "level") == "word"
        await turn(hands, "preset", "lecture")
        assert {name: value(hands, name) for name in before} == before
        await hands.until(lambda: "parameters" in text(hands, "model"))
        await turn(hands, "level", "word")
        await hands.until(lambda: "parameters" in text(hands, "model"))
        assert value(hands, "data") == ""
        await hands.press("escape")

    assert look_at(make_run(), scenario).next_run is None


def test_a_run_of_words_is_restarted_with_its_own_vocabulary(run: Run) -> None:
    run.journal.flush()
    config = read_config(run.directory)
    origin = Origin(config, run.trainer.knobs, run.settings, words_path(run.directory, config))
    read = origin.read(config.data.path, "word")
    assert read.words is not None
    assert read.vocab_size == run.data.vocab_size
    again = origin.begin(origin.texts | {"hidden_size": "20"}, read.words).config
    model = msgspec.structs.replace(config.model, hidden_size=20)
    assert timeless(again) == timeless(msgspec.structs.replace(config, model=model))
    names = origin.texts | origin.brought("lecture") | {"preset": "lecture", "data": ""}
    listed = origin.read("", "character")
    assert listed.words is not None
    back = origin.begin(names, listed.words).config
    assert (back.data.level, back.model.decay_biases) == ("character", True)
    assert back.model.direct is PRESETS["lecture"].model.direct
    assert load_data(run.directory, config).vocab_size == run.data.vocab_size
