"""The walk through the lecture: every task is noticed when it is done, and not before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from textual.pilot import Pilot

from core.client import read_run
from core.commands import obey
from core.config import PRESETS, DataConfig, PresetName, RunConfig
from core.launch import load_data, new_run
from core.options import shipped_names
from core.protocol import Embed, Embedded, Evaluate, FindLearningRate, Sample, SetKnobs, Undo
from core.run import Run
from core.words import read_words
from tests.conftest import MakeRun
from tests.stage import Stage, play, until
from tests.terminal import PROGRAM, Dashboard
from tests.test_time_travel import reopened, settle, train
from tui.embedding.symbols import Symbols
from tui.history.history import History
from tui.learning.chapters import CHAPTERS, Seen
from tui.learning.progress import Progress, vowels_lie_apart
from tui.widgets.lesson import LessonPanel

TITLES = [chapter.title for chapter in CHAPTERS]


@pytest.fixture
def run(make_run: MakeRun) -> Iterator[Run]:
    run = reopened(make_run("fast"))
    yield run
    run.close()


def on_the_shipped_names(runs: Path, preset: PresetName, **sizes: int) -> Run:
    words, chosen = read_words(shipped_names()), PRESETS[preset]
    config = RunConfig(
        created=time.time(),
        version="test",
        preset=preset,
        data=DataConfig(path=str(shipped_names()), sha256=words.sha256),
        model=msgspec.structs.replace(chosen.model, **sizes),
        knobs=chosen.knobs,
        settings=chosen.settings,
    )
    return reopened(new_run(runs, config, words.raw))


def history_of(run: Run) -> History:
    run.journal.take()
    past = read_run(run.directory)
    history = History(past.config)
    history.load(past.events, past.losses, past.welcome, 0.0)
    return history


def is_done(title: str, seen: Seen) -> bool:
    return CHAPTERS[TITLES.index(title)].check(seen)


def test_at_the_beginning_no_task_is_done_but_what_another_model_is(run: Run) -> None:
    seen = Seen(history_of(run))
    done = {chapter.title for chapter in CHAPTERS if chapter.check(seen)}
    large = run.config.model.hidden_size >= 200
    assert done == ({"A larger hidden layer"} if large else set())


def test_one_batch_learned_by_heart_is_noticed_and_minibatches_after_it(run: Run) -> None:
    obey(run, SetKnobs(values={"fixed_batch": 0, "batch_size": 8}))
    train(run, 20)
    assert not is_done("Learn one batch by heart", Seen(history_of(run)))
    train(run, 1_500)
    assert is_done("Learn one batch by heart", Seen(history_of(run)))
    assert not is_done("Another batch each step", Seen(history_of(run)))
    obey(run, Undo())
    settle(run)
    train(run, 499)
    assert not is_done("Another batch each step", Seen(history_of(run)))
    train(run, 1)
    assert is_done("Another batch each step", Seen(history_of(run)))


def test_a_decay_that_helps_is_noticed_and_a_small_change_is_none(tmp_path: Path) -> None:
    run = on_the_shipped_names(tmp_path, "fast")

    def is_noticed() -> bool:
        obey(run, Evaluate())
        settle(run)
        return is_done("Decay the rate", Seen(history_of(run)))

    train(run, 10)
    rate = run.trainer.knobs.learning_rate
    obey(run, SetKnobs(values={"learning_rate": rate / 10}))
    assert not is_noticed(), "dev is high still"
    obey(run, Undo())
    settle(run)
    train(run, 1_000)
    obey(run, SetKnobs(values={"learning_rate": rate / 2}))
    assert not is_noticed()
    obey(run, SetKnobs(values={"learning_rate": rate / 20}))
    assert is_noticed()
    obey(run, Undo())
    settle(run)
    assert not is_noticed()
    run.close()


def test_a_rate_is_found_on_first_weights_and_none_on_trained_ones(tmp_path: Path) -> None:
    run = on_the_shipped_names(tmp_path, "lecture", embedding_size=2, hidden_size=100)

    def found() -> bool:
        obey(run, FindLearningRate())
        settle(run)
        history = History(run.config)
        for event, _ in run.journal.take():
            history.apply(event, 0.0)
        assert history.probes is not None
        assert len(history.probes.losses) > 500
        return is_done("Find the rate", Seen(history))

    assert found()
    train(run, 500)
    assert not found()
    run.close()


def test_vowels_that_have_found_each_other_are_noticed_on_the_map(tmp_path: Path) -> None:
    run = on_the_shipped_names(tmp_path, "lecture", embedding_size=2, hidden_size=100)
    symbols = Symbols.of(load_data(run.directory, run.config))

    def apart() -> bool:
        obey(run, Embed(id=1), "test")
        (told,) = (event for event, _ in run.journal.take() if isinstance(event, Embedded))
        return vowels_lie_apart(np.frombuffer(told.table, "<f4").reshape(-1, told.size), symbols)

    run.journal.take()
    assert not apart()
    train(run, 8_000)
    run.journal.take()
    assert apart()
    history = history_of(run)
    assert not is_done("See the vowels apart", Seen(history, apart=True)), "no map was opened"
    assert is_done("See the vowels apart", Seen(history, frozenset({"Embedding"}), apart=True))
    run.close()


def test_a_trained_model_has_done_what_the_lecture_asks_for(tmp_path: Path) -> None:
    run = on_the_shipped_names(tmp_path, "fast")
    train(run, 3_000)
    obey(run, Evaluate())
    settle(run)
    seen = Seen(history_of(run), drawn=True)
    for title in ("Train, and ask dev", "Beat the lecture", "A larger hidden layer", "New names"):
        assert is_done(title, seen), title
    assert not is_done("The test split, once", seen)
    obey(run, Evaluate(test=True))
    settle(run)
    assert is_done("The test split, once", Seen(history_of(run)))
    run.close()


def test_pages_are_turned_and_a_task_that_is_done_stays_done(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        panel = app._training.query_one(LessonPanel)
        assert panel.border_title == TITLES[0]
        assert not app._training.query_one("#dataset").display
        await pilot.press("D")
        await until(pilot, lambda: panel.page == (0, True))
        await pilot.press("escape", "L")
        await until(pilot, lambda: panel.page == (1, False))
        assert panel.border_title == TITLES[1]
        await pilot.press("H")
        await until(pilot, lambda: panel.page == (0, True))
        await pilot.press(*["L"] * 20)
        await until(pilot, lambda: panel.page == (len(CHAPTERS) - 1, False))
        train(run, 1_000)
        obey(run, Sample(count=3))
        app._hear([event for event, _ in run.journal.take()])
        await until(pilot, lambda: panel.page == (len(CHAPTERS) - 1, True))
        assert "that was the lecture" in str(panel.figures.content)

    play(run, scene, (120, 36), progress=Progress())


def test_without_the_walk_its_keys_say_how_it_begins(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        for key in ("L", "5"):
            app.clear_notifications()
            await pilot.press(key)
            await pilot.pause()
            assert "steermore learn" in next(iter(app._notifications)).message

    play(run, scene, (120, 36))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (200, 60)])
def test_every_page_fits_the_screen_or_can_be_scrolled(run: Run, size: tuple[int, int]) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        panel = app._training.query_one(LessonPanel)
        for chapter in CHAPTERS:
            await until(pilot, lambda title=chapter.title: panel.border_title == title)  # type: ignore[misc]
            await pilot.pause()
            assert panel.display
            assert panel.region.height > 5
            if size[1] >= 36:
                assert panel.max_scroll_y == 0, chapter.title
            await pilot.press("L")

    play(run, scene, size, progress=Progress())


def test_the_walk_can_be_walked_as_it_is_written(tmp_path: Path) -> None:
    """Every key that a page names, on the shipped names: no page may be out of reach."""
    opened = Dashboard(tmp_path / "runs", program=[*PROGRAM, "learn"])

    def leave(title: str) -> None:
        number = TITLES.index(title) + 1
        opened.wait_for(lambda: f"✓ {number} of {len(TITLES)}" in opened.text, 120)
        if number < len(TITLES):
            opened.press("L")
            opened.wait_for(f"╭─ {TITLES[number]}")

    try:
        opened.wait_for("press space to train", 20)
        opened.press("D")
        opened.wait_for("Lengths, mean")
        opened.press("\x1b")
        leave("Names become examples")
        opened.press("B")
        opened.press(" ")
        leave("Learn one batch by heart")
        opened.press("u")
        leave("Another batch each step")
        opened.press(" ")
        opened.wait_for("‖ paused")
        opened.press("k")
        opened.wait_for("╭─ Go back to")
        opened.press("0")
        opened.press("\r")
        opened.wait_for(lambda: opened.step == 0)
        opened.press("f")
        opened.wait_for("half of the minimum", 60)
        opened.press("\r")
        leave("Find the rate")
        opened.press(" ")
        opened.press(">")
        opened.press(">")
        leave("Train, and ask dev")
        opened.wait_for(lambda: opened.step > 100_000, 600)
        opened.press("d")
        leave("Decay the rate")
        opened.press("R")
        opened.wait_for("╭─ Restart")
        opened.press("\x1b[B\x1b[B300\r")
        leave("A larger hidden layer")
        opened.wait_for(lambda: opened.step > 8_000, 600)
        for _ in range(10):
            opened.press("g")
            opened.wait_for("╭─ Embedding map")
            time.sleep(2)  # The page looks four times a second, and is out of sight meanwhile.
            opened.press("\x1b")
            opened.wait_for("╭─ See the vowels apart")
            if "✓ 8 of" in opened.text:
                break
        leave("See the vowels apart")
        opened.press("R")
        opened.wait_for("╭─ Restart")
        opened.press("\x1b[B10\x1b[B200\r")
        opened.wait_for("MLP 3×10→200", 60)
        opened.wait_for(lambda: opened.step > 100_000, 600)
        opened.press("d")
        leave("Beat the lecture")
        opened.press("T")
        opened.wait_for("╭─ Test split")
        opened.press("\x1b[B\r")
        leave("The test split, once")
        opened.press("s")
        leave("New names")
        opened.press("Q")
        assert opened.wait_for_end() == 0
    finally:
        opened.close()


def test_the_page_goes_along_to_the_run_that_is_begun(tmp_path: Path) -> None:
    opened = Dashboard(tmp_path / "runs", "--steps", "5000000", program=[*PROGRAM, "learn"])
    try:
        opened.wait_for(TITLES[0], 60)
        opened.press("L")
        opened.wait_for(TITLES[1], 60)
        opened.wait_for("paused", 60)
        opened.press("R")
        opened.wait_for("Restart", 60)
        opened.press("enter")
        opened.wait_for(lambda: len(list((tmp_path / "runs").iterdir())) == 2, 60)
        opened.wait_for(lambda: TITLES[1] in opened.text and "▶ training" in opened.text, 60)
        opened.press("Q")
        assert opened.wait_for_end() == 0
    finally:
        opened.close()
