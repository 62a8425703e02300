"""Every view as it was when somebody last looked at its picture and found it good.

A golden screen is text: the rows, and below them a letter for the colours of each cell. Where a
view is to look otherwise, look at its picture, then `STEERMORE_GOLDEN=write make test
ARGS=tests/test_golden.py`, and see in the difference that nothing else has changed.
"""

from __future__ import annotations

import difflib
import os
import re
import string
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from core.commands import obey
from core.options import shipped_text
from core.protocol import Evaluate, GuardTripped, Sample, SetKnobs, Shutdown, TakeSnapshot, Undo
from core.renaming import rename
from core.run import Run
from tests.conftest import MakeRun
from tests.stage import NAME, Stage, play, seen
from tests.test_time_travel import reopened, settle, train
from tests.test_word_runs import word_run
from tui.ascii import Ascii
from tui.screens.runs import Runs
from tui.widgets.dial_list import DialList

GOLDEN = Path(__file__).parent / "golden"
LETTERS = string.ascii_letters + string.digits + string.punctuation
WIDE = (120, 36)

# What is pressed on the training screen to come to each view.
VIEWS: dict[str, tuple[str, ...]] = {
    "training": (),
    "training-undone": ("u",),
    "chart-cursor": ("left", "j"),
    "chart-zoomed": ("left", "j", "z", "z"),
    "chart-logarithmic": ("X", "y"),
    "chart-epochs": ("v",),
    "chart-maximised": ("m",),
    "knobs": ("3", "down", "down"),
    "type-rate": ("l",),
    "type-batch": ("b",),
    "type-temperature": ("t",),
    "name-a-checkpoint": ("c",),
    "schedule": ("h", "down", "down", "down"),
    "finder": ("f",),
    "finder-first": ("k", "0", "enter", "f"),
    "inspector": ("i", *"mar", "right"),
    "embedding": ("g",),
    "inside": ("I",),
    "dataset": ("D",),
    "dataset-pairs": ("D", "tab", "right"),
    "dataset-words": ("D", "tab", "tab", *".ma", "down"),
    "samples": ("S",),
    "write-samples": ("S", "w"),
    "snapshots": ("k",),
    "restart": ("R", "down"),
    "test-split": ("T",),
    "take-home": ("E",),
    "quit": ("q",),
    "help": ("question_mark",),
}
# The same where the symbols are words.
WORDS: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "embedding-words": (WIDE, ("g", *"him", "tab", "plus", "plus")),
    "embedding-words-80x24": ((80, 24), ("g", *"him", "left")),
    "inspector-words": (WIDE, ("i", "tab", "down", "enter", *["down"] * 4)),
    "inspector-words-80x24": ((80, 24), ("i", *"we are xylophones", "up", "up")),
}
# The same in the view of runs.
RUNS: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "runs": (WIDE, ("down",)),
    "runs-curves": (WIDE, ("home", "down", "space", "space", "up", "y")),
    "runs-settings": (WIDE, ("home", "down", "space", "space", "tab")),
    "runs-filter": (WIDE, ("slash", *"speed>1")),
    "runs-80x24": ((80, 24), ("s", "s")),
}
DAYS = 3
"""That the runs are old, by the clock of that view."""
TRAINING = {
    "training-80x24": ((80, 24), "textual-dark", False),
    "training-200x60": ((200, 60), "textual-dark", False),
    "training-light": (WIDE, "textual-light", False),
    "training-no-colour": (WIDE, "textual-dark", True),
}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One view tells where it would write."""
    monkeypatch.chdir("/")


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine a screen may be looked at just as the cursor of a field is out."""
    monkeypatch.setattr(vars(Input)["cursor_blink"], "_default", False)


@pytest.fixture
def among_others(make_run: MakeRun) -> Iterator[Run]:
    """A run with three others in its folder, one of them damaged; names do not tell the time."""
    usual = {"knobs": {"schedule": "constant", "drops": ()}, "path": "few-names.txt"}
    here = rename(make_run(**usual), "here")
    for name, preset, rate, updates in (
        ("steep", "lecture", 0.5, 300),
        ("fast-one", "fast", 0.01, 400),
    ):
        directory = make_run(preset, knobs={"learning_rate": rate}, path="few-names.txt")
        other = reopened(rename(directory, name))
        train(other, updates)
        obey(other, Evaluate())
        settle(other)
        obey(other, Shutdown())
        other.close()
    broken = rename(make_run(), "broken")
    (broken / "config.json").write_text("{")
    (broken / "events.jsonl").touch()
    run = reopened(here)
    train(run, 500)
    obey(run, Evaluate())
    settle(run)
    yield run
    run.close()


@pytest.fixture
def run(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """1,300 steps that a person steered, undid once, and watched."""
    run = reopened(
        make_run(
            "fast",
            knobs={"optimizer": "sgd", "learning_rate": 0.1, "schedule": "constant", "warmup": 0},
            settings={"evaluation_interval": 200, "step_limit": 2_000},
            # The screen tells where the list came from.
            path="few-names.txt",
        )
    )
    # One view tells how the run is called, which is its path where runs are kept elsewhere.
    monkeypatch.setenv("STEERMORE_RUNS", str(run.directory.parent))
    train(run, 500)
    obey(run, SetKnobs(values={"learning_rate": 0.2}), NAME)
    train(run, 300)
    obey(run, Sample(count=10, seed=1), NAME)
    obey(run, TakeSnapshot(name="before the fall"), NAME)
    obey(run, SetKnobs(values={"learning_rate": 2.0}), "somebody")
    train(run, 200)
    obey(run, Undo(), NAME)
    settle(run)
    obey(run, SetKnobs(values={"learning_rate": 0.05}), NAME)
    train(run, 500)
    obey(run, Sample(count=10, seed=1), NAME)
    obey(run, Evaluate(), NAME)
    settle(run)
    yield run
    run.close()


@pytest.fixture
def run_of_words(tmp_path: Path) -> Iterator[Run]:
    """300 steps on the first speeches of the shipped text."""
    speeches = tmp_path / "speeches.txt"
    speeches.write_text(shipped_text().read_text("utf-8")[:50_000], "utf-8")
    sizes = {"embedding_size": "8", "hidden_size": "16", "threads": "1", "steps": "1000"}
    run = reopened(word_run(tmp_path, data=str(speeches), learning_rate="0.5", **sizes))
    train(run, 300)
    yield run
    run.close()


def golden_of(rows: list[list[Segment]]) -> str:
    """The rows of a screen; then a letter for the colours of each cell, and what they stand for."""
    letters: dict[str, str] = {}
    texts, paints = [], []
    for row in rows:
        text, paint = "".join(text for text, _, _ in row), ""
        for part, style, _ in row:
            name = str(style)
            letter = letters.setdefault(name, LETTERS[len(letters)])
            paint += letter * len(part)
        # How long the updates took is the machine's.
        text = re.sub(r"(· epoch [\d.]+ · )\d:\d\d", r"\g<1>0:00", text)
        # A process has another number each time, of more figures or fewer.
        if found := re.search(r"process \d+ *", text):
            start, end = found.span()
            text = f"{text[:start]}{'process 12345':{end - start}}{text[end:]}"
            paint = paint[:start] + paint[start] * (end - start) + paint[end:]
        texts.append(text.rstrip())
        paints.append(paint)
    legend = [f"{letter} {name}" for name, letter in letters.items()]
    return "\n".join([*texts, "", *paints, "", *legend]) + "\n"


def shot(app: App[None], name: str) -> str:
    """The golden of the screen as it is now; its picture is saved where they are wanted."""
    if folder := os.environ.get("STEERMORE_PICTURES"):
        app.save_screenshot(f"{folder}/{name}.svg")
    return golden_of(seen(app))


def compare(name: str, found: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("STEERMORE_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert path.exists(), f"no golden screen {path.name}: see the beginning of this file"
    known = path.read_text("utf-8")
    if found != known:
        lines = difflib.unified_diff(
            known.splitlines(), found.splitlines(), "golden", "now", lineterm="", n=0
        )
        pytest.fail(f"{name} looks otherwise:\n" + "\n".join(lines))


async def reach(app: Stage, pilot: Pilot[None], keys: tuple[str, ...]) -> None:
    """Press keys, and wait until nothing moves any more."""
    # After the first paint the list is counted, and the chart's library is loaded.
    await pilot.pause(0.3)
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.05)
    # What pops up goes again by the clock.
    app.clear_notifications()
    before: list[list[Segment]] = []
    for _ in range(40):
        # A value that has changed stands out for a second, and until it is painted anew.
        lit = +app._training.query_one(DialList)._lit
        await pilot.pause(0.15)
        now = seen(app)
        if now == before and not lit:
            return
        before = now
    pytest.fail("the screen never came to rest")


async def in_ascii(app: Stage, pilot: Pilot[None], name: str) -> str:
    """The same screen as it would stand on a terminal that has nothing else."""
    app._spelling = (Ascii(app._training.dataset.words.itos),)
    # All is painted anew.
    app.refresh_css(animate=False)
    await pilot.pause(0.1)
    return shot(app, f"{name}-in-ascii")


def is_ascii(text: str) -> bool:
    return all(" " <= sign <= "~" for sign in text)


def assert_ascii(golden: str, height: int) -> None:
    rows = golden.splitlines()[:height]
    assert {sign for row in rows for sign in row if not is_ascii(sign)} == set()
    assert any("+--" in row or "+- " in row for row in rows)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_looks_as_it_did(run: Run, name: str) -> None:
    screens: list[str] = []

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, VIEWS[name])
        screens.append(shot(app, name))
        screens.append(await in_ascii(app, pilot, name))

    play(run, scene, WIDE)
    compare(name, screens[0])
    assert_ascii(screens[1], WIDE[1])


def test_the_question_after_a_trip_looks_as_it_did(run: Run) -> None:
    trip = GuardTripped(
        seq=0, branch=0, time=0.0, step=1_234, loss=12.5, average=9.25, lowest=2.5,
        learning_rate=2.0, rate=2.0, to=None,
    )  # fmt: skip
    screens: list[str] = []

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        app.ask_after_trip(trip)
        await reach(app, pilot, ())
        screens.append(shot(app, "after-trip"))

    play(run, scene, WIDE)
    compare("after-trip", screens[0])


@pytest.mark.parametrize("name", WORDS)
def test_a_view_of_words_looks_as_it_did(run_of_words: Run, name: str) -> None:
    size, keys = WORDS[name]
    screens: list[str] = []

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, keys)
        screens.append(shot(app, name))

    play(run_of_words, scene, size)
    compare(name, screens[0])


@pytest.mark.parametrize("name", RUNS)
def test_the_view_of_runs_looks_as_it_did(among_others: Run, name: str) -> None:
    size, keys = RUNS[name]
    screens: list[str] = []
    then = time.time() + DAYS * 86_400

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        training = app._training
        examples = training.dataset.splits["train"].examples
        config = training.history.config
        app.push_screen(
            Runs(among_others.directory, training.facts, (), config, examples, lambda: then)
        )
        await reach(app, pilot, keys)
        screens.append(shot(app, name))

    play(among_others, scene, size)
    compare(name, screens[0])


@pytest.mark.parametrize("name", TRAINING)
def test_the_training_screen_looks_as_it_did_in_other_sizes_and_colours(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, theme, no_colour = TRAINING[name]
    screens: list[str] = []
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        app.theme = theme
        await reach(app, pilot, ())
        screens.append(shot(app, name))
        screens.append(await in_ascii(app, pilot, name))

    play(run, scene, size)
    compare(name, screens[0])
    assert_ascii(screens[1], size[1])
