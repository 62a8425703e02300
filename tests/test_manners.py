"""Help, palette, reasons, pictures, themes and the shell's Tab: what makes the dashboard polite."""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import OptionList

import tui.screens
import tui.widgets
from core.dials import KNOBS, SETTINGS
from core.launch import load_data, start_engine
from core.record import read_config
from core.run import Run
from tests.conftest import MakeRun
from tests.stage import Stage, play, until
from tests.test_dashboard import Hands
from tests.test_time_travel import reopened, train
from tui.app import SteermoreApp
from tui.explaining import (
    ADAMW,
    BIGRAM,
    COSINE,
    OPTUNA,
    OWN,
    PANELS,
    PART_3,
    PED_ANOVA,
    RANGE_TEST,
    TOP_K,
    TPE,
    VIEWS,
    cited,
)
from tui.history.history import History
from tui.keymap import DEFAULTS
from tui.keys import KEYS, NEED_ENGINE
from tui.refusing import refusal
from tui.screens.ask import AskValue
from tui.screens.dialog import Dialog
from tui.screens.finder import Finder
from tui.screens.help import Help
from tui.themes import OURS
from tui.widgets.choices import Choices

ROOT = Path(__file__).parent.parent
WIDE = (120, 36)
LONGEST = 340
"""Symbols of an explanation: some five lines."""
TIMES = "0:37|0:41|0:45|0:51|0:52|0:53|1:00|1:05|1:07|1:11|1:13"
KNOWN = re.compile(rf"Bengio et al\. 2003, §[2-5](, §[2-5])*|makemore part 2, ({TIMES})")
WORKS = {ADAMW, BIGRAM, COSINE, OPTUNA, OWN, PART_3, PED_ANOVA, RANGE_TEST, TOP_K, TPE}
NO_VIEW = {
    "Dialog",
    "LargeDialog",
    "LiveDialog",
    "Question",
    "SampleKeys",
    "Help",
    "RunDeeds",
    "RunKeys",
    "RunReading",
}
"""Dialogs that are never on the screen themselves, and the one that explains."""

Scene = Callable[[Stage, Pilot[None]], Awaitable[None]]


@pytest.fixture
def run(make_run: MakeRun) -> Iterator[Run]:
    run = reopened(make_run())
    train(run, 30)
    yield run
    run.close()


def toasts(app: SteermoreApp) -> list[str]:
    return [toast.message for toast in app._notifications]


def dialogs() -> set[str]:
    """Every class of a dialog that there is."""
    for module in pkgutil.iter_modules(tui.screens.__path__):
        importlib.import_module(f"tui.screens.{module.name}")
    found: set[str] = set()
    open_: list[type] = [Dialog]
    while open_:
        kind = open_.pop()
        found.add(kind.__name__)
        open_ += kind.__subclasses__()
    return found


# --- help -----------------------------------------------------------------------------------------


def test_every_view_is_explained_and_nothing_that_is_no_view() -> None:
    assert set(VIEWS) == dialogs() - NO_VIEW


@pytest.mark.parametrize("name", [*PANELS, *VIEWS])
def test_an_explanation_is_three_short_sentences_and_says_where_it_comes_from(name: str) -> None:
    explanation = PANELS.get(name) or VIEWS[name]
    assert len(re.findall(r"[.!?](?= [A-Z●`]|$)", explanation.text)) == 3
    assert explanation.text.endswith(".")
    assert len(explanation.text) <= LONGEST
    assert explanation.sources
    for source in explanation.sources:
        assert source in WORKS or KNOWN.fullmatch(source), source


def test_places_in_one_work_are_cited_together() -> None:
    sources = ("Bengio et al. 2003, §2", "makemore part 2, 1:05", "makemore part 2, 1:07", OWN)
    assert cited(sources) == f"Bengio et al. 2003, §2 · makemore part 2, 1:05, 1:07 · {OWN}"


def test_help_begins_with_the_panel_that_has_the_keyboard(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        async def explained() -> str:
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, Help) and app.screen.is_mounted)
            title = str(app.screen.query_one("#box").border_title)
            text = str(app.screen.query_one("#front").render())
            (panel,) = (p for p in PANELS.values() if f"Help · {p.title}" == title)
            assert panel.text in text
            # All others are told below the keys.
            below = str(app.screen.query_one("#panels").render())
            assert all((p.text in below) == (p is not panel) for p in PANELS.values())
            await pilot.press("question_mark")
            await until(pilot, lambda: app.screen is app._training)
            return panel.title

        assert await explained() == "Loss chart"
        focusable = set()
        for _ in range(len(app._training.focus_chain)):
            before = app._training.focused
            await pilot.press("tab")
            await until(pilot, lambda before=before: app._training.focused is not before)  # type: ignore[misc]
            focused = app._training.focused
            assert focused is not None
            assert focused.id in PANELS
            focusable.add(await explained())
        assert len(focusable) == len(app._training.focus_chain) == 5

    play(run, scene, WIDE)


@pytest.mark.parametrize(
    ("keys", "name", "there"),
    [
        (("f",), "Finder", "again"),
        (("i",), "Inspector", "symbol after"),
        (("g",), "Embedding", "zoom in"),
        (("D",), "DatasetView", "next"),
        (("S",), "Samples", "by itself"),
        (("h",), "AskSchedule", "leave"),
        (("k",), "Snapshots", "leave"),
        (("R",), "Restart", "start"),
        (("T",), "LookAtTest", "leave"),
        (("o",), "Runs", "fork"),
        (("I",), "Inside", "leave"),
        (("l",), "AskValue", "a rung up"),
        (("c",), "AskName", "leave"),
        (("E",), "TakeHome", "leave"),
        (("q",), "Quit", "keep training"),
    ],
)
def test_f1_explains_each_view_and_lists_its_keys(
    run: Run, keys: tuple[str, ...], name: str, there: str
) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await until(pilot, lambda: type(app.screen).__name__ == name)
        view = app.screen
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Help))
        assert VIEWS[name].text in str(app.screen.query_one("#front").render())
        keys_there = str(app.screen.query_one("#keys").render())
        assert there in keys_there
        # Neither the two dozen keys of Textual's fields and lists, nor a key's name in words.
        assert not {"page left", "go to start", "slash"} & {
            word for line in keys_there.splitlines() for word in re.split(r" {2,}", line)
        }
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is view)

    play(run, scene, WIDE)


def test_a_question_mark_explains_where_no_text_is_typed_and_is_typed_where_it_is(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Finder))
        assert str(app.screen.query_one("#box").border_title).endswith("· F1 explains")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.press("escape", "escape", "l")
        await until(pilot, lambda: isinstance(app.screen, AskValue))
        await pilot.press("question_mark")
        assert "?" in app.screen.query_one("Input").value  # type: ignore[attr-defined]

    play(run, scene, WIDE)


# --- palette --------------------------------------------------------------------------------------


def test_the_palette_has_every_key_every_dial_and_every_theme_under_titles_of_their_own(
    run: Run,
) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        lower = [title.lower() for title in titles]
        assert len(set(lower)) == len(lower)
        for binding in KEYS:
            if binding.id != "palette":
                assert binding.description in lower
        for dial in (*KNOBS, *SETTINGS):
            if dial.name not in ("schedule_start", "autopilot_factor", "autopilot_minimum"):
                words = "eval every" if dial.name == "evaluation_interval" else dial.name
                known = {"learning_rate": "rate", "batch_size": "batch"}
                assert f"set {known.get(words, words.replace('_', ' '))}" in lower
        for theme in app.available_themes:
            assert f"theme: {theme}" in lower

    play(run, scene, WIDE)


@pytest.mark.parametrize("size", [WIDE, (1, 1)])
@pytest.mark.parametrize("way", ["ctrl+p", "ctrl+p r a t"])
def test_a_page_turned_where_no_choice_can_be_seen_yet_does_nothing(
    run: Run, way: str, size: tuple[int, int]
) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.resize_terminal(*size)
        for key in (*way.split(), "pagedown", "pageup", "pagedown"):
            # As fast as they can be typed: a pilot would wait until all is drawn.
            app.post_message(Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(0)
        await until(pilot, lambda: app.screen is not app._training)
        await pilot.resize_terminal(*WIDE)
        choices = app.screen.query_one(OptionList)
        await until(pilot, lambda: choices.option_count and choices.size.height)
        await pilot.press("pagedown")
        await until(pilot, lambda: choices.highlighted)

    play(run, scene, WIDE)


def test_a_page_turned_in_a_list_without_room_does_nothing() -> None:
    class NoRoom(App[None]):
        def compose(self) -> ComposeResult:
            choices = Choices("one", "two")
            choices.styles.height = 0
            yield choices

    async def show() -> None:
        async with NoRoom().run_test() as pilot:
            choices = pilot.app.query_one(Choices)
            choices.highlighted = 0
            await pilot.press("pagedown", "pageup", "pagedown")
            assert choices.highlighted == 0
            choices.styles.height = 6
            await pilot.pause()
            await pilot.press("pagedown")
            assert choices.highlighted == 1

    asyncio.run(show())


def test_a_knob_and_a_theme_are_found_by_name(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        async def choose(text: str) -> None:
            await pilot.press("ctrl+p")
            await until(pilot, lambda: type(app.screen).__name__ == "Palette")
            palette = app.screen
            await pilot.press(*text)
            options = palette.query_one("CommandList")
            await until(
                pilot,
                lambda: (
                    options.option_count > 0  # type: ignore[attr-defined]
                    and text in str(options.get_option_at_index(0).prompt)  # type: ignore[attr-defined]
                ),
            )
            await pilot.press("down", "enter")

        await choose("safe-light")
        await until(pilot, lambda: app.theme == "steermore-safe-light")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Finder))
        await choose("Help")
        await until(pilot, lambda: isinstance(app.screen, Help))
        assert VIEWS["Finder"].text in str(app.screen.query_one("#front").render())
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app._training)
        await choose("weight decay")
        await until(pilot, lambda: isinstance(app.screen, AskValue))

    play(run, scene, WIDE)


def test_what_is_impossible_now_says_so_in_the_palette_and_when_it_is_chosen(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        (redo,) = (c for c in app.get_system_commands(app.screen) if c.title == "Redo")
        assert redo.help == "Not now: nothing to redo."
        await redo.callback()
        await pilot.pause()
        assert toasts(app) == ["Nothing to redo."]

    play(run, scene, WIDE)


def test_above_a_view_the_palette_leaves_out_what_belongs_to_the_screen_below(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("D")
        await until(pilot, lambda: type(app.screen).__name__ == "DatasetView")
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Help", "Screenshot", "Theme: nord"} <= titles
        assert not {"Undo", "Zoom in", "Dataset", "Set rate"} & titles

    play(run, scene, WIDE)


# --- reasons --------------------------------------------------------------------------------------


def test_undo_with_nothing_to_undo_says_so_once_however_long_the_key_is_held(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Held on a busy machine it would be said again.
    monkeypatch.setattr("tui.hosting.REASON_SECONDS", 60.0)

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("u", "u", "u", "u")
        await until(pilot, lambda: toasts(app))
        assert toasts(app) == ["Nothing to undo."]
        await pilot.press("U", "u", "U")
        await until(pilot, lambda: len(toasts(app)) > 1 and not app._keys_under_way)
        assert toasts(app) == ["Nothing to undo.", "Nothing to redo."]

    play(run, scene, WIDE)


def test_keys_pressed_while_the_engine_loads_are_answered_with_one_sentence(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seven keys on a busy machine may take longer than it stands.
    monkeypatch.setattr("tui.hosting.REASON_SECONDS", 60.0)
    directory = make_run()
    engine = start_engine(directory)
    # It goes on loading for as long as it takes to look at this.
    engine.send_signal(signal.SIGSTOP)

    async def show() -> None:
        data = load_data(directory, read_config(directory))
        app = SteermoreApp(directory, data, engine=engine)
        async with app.run_test(size=WIDE) as pilot:
            hands = Hands(app, pilot)
            assert hands.training.link == "loading"
            await hands.press("space", "s", "plus", "d", "l", "f", "r")
            await hands.until(lambda: bool(toasts(app)) and not app._keys_under_way)
            assert toasts(app) == ["The engine is loading."]
            assert app.screen is hands.training

    try:
        asyncio.run(show())
    finally:
        engine.kill()
        engine.wait(60)


def test_each_refusal_is_a_sentence_and_what_is_possible_is_not_refused(run: Run) -> None:
    history = History(run.config)
    for action in NEED_ENGINE:
        for link in ("loading", "silent", "gone", "resting"):
            why = refusal(action, link, history, DEFAULTS, leaving=False)
            assert 10 < len(why) < 60
        assert refusal(action, "live", history, DEFAULTS, leaving=True)
    assert refusal("decay", "live", history, DEFAULTS, leaving=False) == ""
    assert refusal("resume_engine", "gone", history, DEFAULTS, leaving=False) == ""
    renamed = {**DEFAULTS, "resume_engine": "f9"}
    assert refusal("decay", "gone", history, renamed, leaving=False).endswith("F9 starts one")


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [(), ("l",), ("f",)])
def test_a_screenshot_is_written_where_the_program_was_started_and_says_where(
    run: Run, keys: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press(*keys, "ctrl+s", "ctrl+s")
        await until(pilot, lambda: len(toasts(app)) == 2)
        first, second = sorted(folder.iterdir(), key=lambda file: len(file.name))
        assert first.read_text("utf-8").startswith("<svg")
        assert toasts(app) == [f"Written: {first}", f"Written: {second}"]

    play(run, scene, WIDE)


def test_a_folder_that_is_gone_or_closed_is_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: toasts(app))
        (toast,) = toasts(app)
        assert "the picture cannot be written: No such file or directory" in toast

    try:
        play(run, scene, WIDE)
    finally:
        os.chdir(ROOT)


# --- themes ---------------------------------------------------------------------------------------

TEXTS = ("primary", "secondary", "warning", "error", "success", "accent")
MARKS = ("primary", "warning", "success", "accent")
"""The colours that the chart takes for what is no text."""
GROUNDS = ("background", "surface", "panel")
CHARTS = ("background", "surface")


def painted(colours: dict[str, str], role: str, ground: Color) -> Color:
    """What a role comes to on a ground, `auto 70%` as well."""
    text = colours[role]
    if not text.startswith("auto"):
        return ground + Color.parse(text)
    share = float(text.removeprefix("auto").strip().rstrip("%") or 100) / 100
    return ground + ground.get_contrast_text(share)


def contrast(one: Color, other: Color) -> float:
    """As WCAG 2 has it."""

    def luminance(colour: Color) -> float:
        parts = (colour.r / 255, colour.g / 255, colour.b / 255)
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", OURS, ids=lambda theme: str(theme.name))
def test_text_in_our_themes_can_be_read_on_every_ground_and_marks_can_be_seen(
    theme: object,
) -> None:
    assert theme in OURS
    (chosen,) = (ours for ours in OURS if ours is theme)
    colours = chosen.to_color_system().generate()
    for name in GROUNDS:
        ground = Color.parse(colours[name])
        for role in ("text", "text-muted", "foreground", *(f"text-{text}" for text in TEXTS)):
            assert contrast(painted(colours, role, ground), ground) >= 4.5, (role, name)
    for name in CHARTS:
        ground = Color.parse(colours[name])
        for role in MARKS:
            assert contrast(painted(colours, role, ground), ground) >= 3.0, (role, name)


def test_a_theme_chosen_while_it_runs_repaints_the_chart_in_its_own_colours(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        chart = app._training.query_one("LossChart")
        dev = chart.get_component_rich_style("chart--dev").color
        await app.run_action("theme('steermore-safe-light')")
        await pilot.pause()
        after = chart.get_component_rich_style("chart--dev").color
        assert after is not None
        assert after != dev
        assert after.name == app.theme_variables["warning"].lower()

    play(run, scene, WIDE)


# --- the shell's Tab ------------------------------------------------------------------------------

AS_STEERMORE = "import sys; sys.argv[0] = 'steermore'; from tui.__main__ import main; main()"


def completed(words: str, cwd: Path, **environment: str) -> list[str]:
    """What bash would be offered for the last of these words."""
    asked = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_STEERMORE_COMPLETE": "complete_bash",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", AS_STEERMORE],
        cwd=cwd,
        env={**os.environ, **asked, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_tab_after_attach_offers_the_runs_the_newest_first(
    make_run: MakeRun, tmp_path: Path
) -> None:
    older, newer = make_run(), make_run()
    (tmp_path / "runs" / "no-run").mkdir()
    offered = completed("steermore attach ", tmp_path)
    assert offered == [*sorted([older.name, newer.name], reverse=True), "last"]
    first, second = older.name, newer.name
    assert completed(f"steermore rm {first} ", tmp_path) == [second, "last"]
    assert completed(f"steermore resume {newer.name[:-1]}", tmp_path)[0].startswith(newer.name[:-1])
    assert completed("steermore rm la", tmp_path) == ["last"]


def test_tab_knows_where_runs_are_kept_and_does_without_any(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    runs = str(tmp_path / "runs")
    assert completed("steermore stop ", ROOT, STEERMORE_RUNS=runs) == [run.name, "last"]
    assert completed(f"steermore stop --runs-dir {runs} ", ROOT) == [run.name, "last"]
    assert completed("steermore stop ", ROOT, STEERMORE_RUNS="/nowhere") == ["last"]


def test_tab_offers_the_values_of_a_flag(tmp_path: Path) -> None:
    assert completed("steermore fit --preset ", tmp_path) == ["lecture", "fast", "bengio2003"]
    assert completed("steermore fit --optimizer a", tmp_path) == ["adamw"]
    assert "cosine" in completed("steermore --schedule ", tmp_path)


def test_neither_help_nor_tab_loads_torch_or_textual() -> None:
    script = "import sys, tui.program; print({'torch', 'textual'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_steermore_keys_prints_the_table_and_complains_apart(person: Path) -> None:
    path = person / "config" / "steermore" / "keys.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[keys]\nundo = "ctrl+t"\nfrok = "x"\n', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tui", "keys"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert any(line.startswith('undo = "ctrl+t"') for line in done.stdout.splitlines())
    assert any(line.startswith('# redo = "U"') for line in done.stdout.splitlines())
    assert done.stderr == "steermore: keys.toml: frok: no such id; did you mean fork?\n"
