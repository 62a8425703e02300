"""The dashboard with its real engine: keys ask, and the screen shows what the engine confirms."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from textual.events import Key
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static

from core.client import Client
from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.dataset import Dataset, load
from core.launch import new_run, start_engine
from core.protocol import Resume, SamplesDrawn
from core.words import read_words
from tests import quick_engines
from tests.conftest import MakeRun, write_few_names
from tui.app import SteermoreApp
from tui.screens.ask import AskValue
from tui.screens.help import Help
from tui.screens.quit import Quit
from tui.screens.schedule import AskSchedule
from tui.screens.training import TrainingScreen
from tui.telling import Entry, Word, samples_entry
from tui.widgets.chart import LossChart
from tui.widgets.dial_list import DialList
from tui.widgets.feed import Feed, wrap
from tui.widgets.key_line import KeyLine
from tui.widgets.status import StatusLine
from tui.widgets.too_small import TooSmall

ROOT = Path(__file__).parent.parent


class Hands:
    """What a person at the dashboard does and sees."""

    def __init__(self, app: SteermoreApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def training(self) -> TrainingScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, TrainingScreen)
        return screen

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for what has to become true; say what the screen showed if it does not."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{self.status}\n{self.rate}\n{self.log}"
            await self.pilot.pause(0.01)

    async def live(self) -> None:
        await self.until(lambda: self.training.link == "live")

    async def open(self, kind: type[object]) -> None:
        """Wait until a screen of this kind is in front, with all that is on it."""

        def is_there() -> bool:
            screen = self.app.screen
            return isinstance(screen, kind) and screen.is_mounted and bool(screen.size)

        await self.until(is_there)
        await self.pilot.pause()

    async def type(self, selector: str, text: str) -> None:
        field = self.app.screen.query_one(selector, Input)
        field.focus()
        field.value = ""
        await self.press(*text)

    def seen(self, selector: str) -> str:
        """The text of a widget as it stands on the screen."""
        return shown(self.app.screen_stack[0].query_one(selector))

    @property
    def status(self) -> str:
        return self.seen("StatusLine")

    @property
    def rate(self) -> str:
        """The panel of the rate and of all dials, its blanks pressed together."""
        parts = self.training.query_one("#rate").children
        lines = "\n".join(map(shown, parts)).splitlines()
        return "\n".join(" ".join(line.split()) for line in lines)

    def dial(self, name: str) -> str:
        """The value of a knob or setting in its row of the panel, which may have to be scrolled."""
        rows = self.training.query_one(DialList).rows
        return next(row.text for row in rows if row.name == name)

    @property
    def log(self) -> list[str]:
        return told(self.training.query_one("#events", Feed))

    @property
    def names(self) -> list[str]:
        return told(self.training.query_one("#samples", Feed))


def shown(widget: Widget) -> str:
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def told(feed: Feed) -> list[str]:
    """A feed's entries as text, the newest first."""
    return [
        f"{entry.head}  "
        + f"{entry.joint} ".join("".join(text for text, _ in word) for word in entry.words)
        for entry in feed.entries
    ]


Scenario = Callable[[Hands], Awaitable[None]]


@pytest.fixture(scope="module")
def dataset_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_few_names(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="module")
def dataset(dataset_path: Path) -> Dataset:
    return load(dataset_path, 3, 42)


@pytest.fixture(scope="module")
def engine_run(dataset_path: Path) -> Iterator[Path]:
    """A run without an end, whose engine stays for the tests of this file: they attach in turn."""
    words, lecture = read_words(dataset_path), PRESETS["lecture"]
    directory = new_run(
        dataset_path.parent / "runs",
        RunConfig(
            created=1.8e9,
            version="test",
            preset="lecture",
            data=DataConfig(path=str(dataset_path), sha256=words.sha256),
            model=ModelConfig(embedding_size=4, hidden_size=16),
            knobs=msgspec.structs.replace(lecture.knobs, schedule="constant", drops=()),
            settings=msgspec.structs.replace(
                lecture.settings, step_limit=10**9, evaluation_interval=10**9
            ),
        ),
        words.raw,
    )
    engine = quick_engines.start(directory)
    Client(directory, "waiting", engine).attach(60)
    yield directory
    engine.terminate()
    engine.wait(60)


@pytest.fixture
def dashboard(engine_run: Path, dataset: Dataset) -> Callable[..., None]:
    """A function that opens the dashboard on that run, paused, and lets a scenario play."""

    def play(scenario: Scenario, size: tuple[int, int] = (120, 36)) -> None:
        async def show() -> None:
            app = SteermoreApp(engine_run, dataset)
            async with app.run_test(size=size) as pilot:
                hands = Hands(app, pilot)
                await hands.live()
                if hands.training.history.running:
                    await hands.press("space")
                await hands.until(lambda: "paused" in hands.status)
                await scenario(hands)

        asyncio.run(show())

    return play


def test_space_asks_the_engine_to_train_and_to_pause(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.until(lambda: "paused" in hands.status)
        await hands.press("space")
        await hands.until(lambda: "▶ training" in hands.status and hands.training.history.step > 50)
        assert "▶ training" in hands.log[0]
        await hands.press("space")
        await hands.until(lambda: "paused" in hands.status)
        step = f"{hands.training.history.step:,}"
        assert hands.log[0].split() == [step, "‖", "paused"]
        await hands.until(lambda: f"step {step:>13}" in hands.status)

    dashboard(scenario)


def test_n_makes_exactly_one_step_and_is_greyed_out_while_training(
    dashboard: Callable[..., None],
) -> None:
    async def scenario(hands: Hands) -> None:
        before = hands.training.history.step
        await hands.press("n")
        await hands.until(lambda: hands.training.history.step == before + 1)
        assert hands.app.check_action("step", ()) is True
        await hands.press("space")
        await hands.until(lambda: hands.app.check_action("step", ()) is None)
        keys = hands.training.query_one(KeyLine)
        await hands.until(
            lambda: "n" in [h.shown for h in keys.hints if not h.enabled],
        )
        await hands.until(lambda: keys.hints[0].description == "pause")
        await hands.press("space")
        await hands.until(lambda: "paused" in hands.status)
        await hands.until(lambda: keys.hints[0].description == "train")

    dashboard(scenario)


def test_plus_and_minus_change_the_rate_on_screen_in_the_log_and_on_the_chart(
    dashboard: Callable[..., None],
) -> None:
    async def scenario(hands: Hands) -> None:
        await type_rate(hands, "0.1")
        await hands.press("plus")
        await hands.until(lambda: "= effective 0.2" in hands.rate)
        assert "rate 0.1 → 0.2 (you)" in hands.log[0]
        step = hands.training.history.acts[-1].step
        assert f"since step {step:,}" in hands.rate
        chart = hands.training.query_one(LossChart)
        await hands.until(lambda: any(at == step for at, _ in chart.view.marks))
        await hands.press("minus", "comma")
        await hands.until(lambda: "base 0.08" in hands.rate)
        await hands.press("full_stop", "equals_sign")
        await hands.until(lambda: "base 0.2" in hands.rate)

    dashboard(scenario)


async def type_rate(hands: Hands, text: str) -> None:
    await hands.press("l")
    await hands.open(AskValue)
    await hands.type("Input", text)
    await hands.press("enter")
    await hands.open(TrainingScreen)
    await hands.until(lambda: hands.training.history.knobs.learning_rate == float(text))


def test_a_held_key_loses_no_press_and_is_one_line_of_the_log(
    dashboard: Callable[..., None],
) -> None:
    async def scenario(hands: Hands) -> None:
        await type_rate(hands, "0.001")
        acts, lines = len(hands.training.history.acts), len(hands.log)
        # In one go: two presses that are a second apart would be two acts.
        for _ in range(6):
            hands.app.post_message(Key("plus", "+"))
        await hands.until(lambda: "effective 0.1\n" in hands.rate)
        assert len(hands.training.history.acts) == acts + 6
        assert len(hands.log) <= lines + 1
        assert hands.log[0].endswith("→ 0.1 (you)")

    dashboard(scenario)


def test_d_multiplies_the_base_rate_by_a_tenth(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await type_rate(hands, "0.1")
        await hands.press("d")
        await hands.until(lambda: "effective 0.01" in hands.rate)
        assert "0.01 (you)" in hands.log[0]

    dashboard(scenario)


def test_a_wrong_rate_is_explained_in_place_and_a_right_one_is_sent(
    dashboard: Callable[..., None],
) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("l")
        await hands.open(AskValue)
        await hands.type("Input", "-3")
        await hands.press("enter")
        error = hands.app.screen.query_one("#error", Static)
        await hands.until(lambda: "must be a number above 0" in shown(error))
        acts = len(hands.training.history.acts)
        await hands.type("Input", "3.5e-2")
        assert not shown(error).strip()
        await hands.press("enter")
        await hands.until(lambda: "base 0.035" in hands.rate)
        assert len(hands.training.history.acts) == acts + 1
        await hands.press("l")
        await hands.open(AskValue)
        await hands.type("Input", "7")
        await hands.press("escape")
        await hands.open(TrainingScreen)
        await hands.press("e")
        await hands.until(lambda: "dev" in hands.log[0])
        assert len(hands.training.history.acts) == acts + 1

    dashboard(scenario)


def test_batch_size_temperature_and_pace_are_set(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("b")
        await hands.open(AskValue)
        await hands.press("up")
        await hands.until(lambda: hands.app.screen.query_one(Input).value == "64")
        await hands.press("enter")
        await hands.until(lambda: "batch 64" in hands.rate)
        await hands.press("t")
        await hands.open(AskValue)
        await hands.type("Input", "0.7")
        await hands.press("enter")
        samples = hands.training.query_one("#samples")
        await hands.until(lambda: "temperature 0.7" in str(samples.border_title))
        await hands.press("less_than_sign")
        await hands.until(lambda: hands.dial("pace") == "1,000")
        await hands.press("greater_than_sign")
        await hands.until(lambda: hands.dial("pace") == "full")

    dashboard(scenario)


async def draw(hands: Hands) -> None:
    """Draw names; those of the tests before are there already."""
    before = len(hands.training.history.samples)
    await hands.press("s")
    await hands.until(lambda: len(hands.training.history.samples) > before)


def test_s_shows_ten_names_with_their_losses_and_marks_those_of_the_list(
    dashboard: Callable[..., None], dataset: Dataset
) -> None:
    async def scenario(hands: Hands) -> None:
        await draw(hands)
        drawn = hands.training.history.samples[-1]
        assert len(drawn.names) == 10
        text = hands.names[0]
        assert text.startswith(f"{drawn.step:,}  T {drawn.temperature:g} ")
        for split in ("train", "dev", "test"):
            known = [name for name in drawn.names if dataset.split_of(name) == split]
            assert text.count(f"({split})") == len(known)
        assert f"{drawn.names[0]}{'' if dataset.split_of(drawn.names[0]) is None else ' ('}" in text
        for loss in drawn.losses:
            assert f" {loss:.2f}" in text
        assert text.count(" ·") == 9
        await hands.until(lambda: drawn.names[0] in hands.seen("#samples"))

    dashboard(scenario)


def test_a_rejected_command_is_explained(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.press("space")
        await hands.until(lambda: "▶ training" in hands.status)
        # The key is greyed out by now; what the engine says to it must still be heard.
        hands.app.action_step()
        await hands.until(lambda: "✗ not done:" in hands.log[0])
        reason = hands.log[0].partition("✗ not done: ")[2]
        assert reason in [toast.message for toast in hands.app._notifications]
        await hands.press("space")
        await hands.until(lambda: "paused" in hands.status)

    dashboard(scenario)


def test_a_schedule_begins_now_from_the_rate_in_force(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await type_rate(hands, "0.1")
        await hands.press("h")
        await hands.open(AskSchedule)
        choice = hands.app.screen.query_one(OptionList)
        kinds = [str(option.prompt) for option in choice.options]
        choice.highlighted = kinds.index("linear")
        await hands.until(lambda: hands.app.screen.query_one("#row-schedule_length").display)
        assert not hands.app.screen.query_one("#row-drops").display
        await hands.type("#schedule_length", "500")
        await hands.type("#floor", "2")
        error = hands.app.screen.query_one("#error", Static)
        await hands.until(lambda: "floor 2 must be" in shown(error))
        await hands.type("#floor", "0.5")
        await hands.press("enter")
        await hands.open(TrainingScreen)
        await hands.until(lambda: hands.training.history.knobs.schedule == "linear")
        knobs, act = hands.training.history.knobs, hands.training.history.acts[-1]
        assert (knobs.schedule_start, knobs.schedule_length, knobs.floor) == (act.step, 500, 0.5)
        await hands.until(lambda: f"linear to {act.step + 500:,}" in hands.rate)
        await hands.press("h")
        await hands.open(AskSchedule)
        await hands.press("enter")
        await hands.open(TrainingScreen)
        assert hands.training.history.acts[-1] is act

    dashboard(scenario)


def test_a_small_terminal_has_the_same_panels_as_pages(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await draw(hands)
        names, log = hands.names, hands.log
        await hands.pilot.resize_terminal(80, 24)
        panels = ("samples", "events", "rate", "dataset")
        for number, panel in enumerate(panels, start=1):
            await hands.press(str(number))
            widgets = {id: hands.training.query_one(f"#{id}") for id in panels}
            await hands.until(lambda w=widgets[panel]: w.size.height >= 5)  # type: ignore[misc]
            assert [id for id, w in widgets.items() if w.display] == [panel]
        assert hands.training.query_one(LossChart).size.height >= 8
        assert "rate" in hands.seen("#strip")
        await hands.pilot.resize_terminal(120, 36)
        await hands.until(lambda: all(w.display for w in hands.training.query(".page")))
        assert (hands.names, hands.log) == (names, log)

    dashboard(scenario)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60), (100, 30), (60, 18)])
def test_no_panel_is_empty_or_cut_at(size: tuple[int, int], dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.pilot.pause()
        columns, rows = size
        for widget in hands.training.query("StatusLine, KeyLine, LossChart, .page"):
            if widget.display:
                region = widget.region
                assert region.right <= columns
                assert region.bottom <= rows
                assert region.area
        assert "quit" in hands.seen("KeyLine")
        assert "paused" in hands.status

    dashboard(scenario, size)


def test_a_tiny_terminal_shows_a_notice_and_the_run_goes_on(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        await hands.pilot.resize_terminal(50, 15)
        notice = hands.training.query_one(TooSmall)
        await hands.until(lambda: notice.size.height > 0 and "50×15" in shown(notice))
        assert not hands.training.query_one("#body").display
        before = hands.training.history.step
        await hands.press("space")
        await hands.until(lambda: hands.training.history.step > before)
        await hands.press("space")
        await hands.pilot.resize_terminal(120, 36)
        await hands.until(lambda: "paused" in hands.status)
        assert not notice.display

    dashboard(scenario)


def test_help_palette_and_key_line_name_every_key(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        commands = {c.title for c in hands.app.get_system_commands(hands.app.screen)}
        await hands.press("question_mark")
        await hands.open(Help)
        text = shown(hands.app.screen.query_one("#keys"))
        for words in ("pause", "decay", "schedule", "type rate", "evaluate", "finely up"):
            assert words in text
            assert words.capitalize() in commands
        await hands.press("escape")
        await hands.open(TrainingScreen)
        await hands.press("ctrl+c")
        assert any("press q" in str(t.message).lower() for t in hands.app._notifications)

    dashboard(scenario)


def test_the_chart_takes_a_logarithmic_axis_another_smoothing_and_the_whole_screen(
    dashboard: Callable[..., None],
) -> None:
    async def scenario(hands: Hands) -> None:
        chart = hands.training.query_one(LossChart)
        await hands.press("y", "w")
        await hands.until(lambda: chart.view.look.log_y)
        await hands.until(lambda: "0.99" in chart.view.subtitle)
        await hands.press("m")
        await hands.until(lambda: chart.size.width > 180)
        await hands.press("m")
        await hands.until(lambda: 0 < chart.size.width < 160)

    dashboard(scenario, (200, 60))


def test_a_name_is_never_read_as_markup_or_as_a_command_to_the_terminal() -> None:
    drawn = SamplesDrawn(
        seq=1, branch=0, step=5, time=0.0, names=("[red]", "a\x1b[2J", ""), temperature=1.0,
        top_k=0, seed=0, prefix="", max_length=50,
    )  # fmt: skip
    text = "".join(
        piece for word in samples_entry(drawn, lambda name: None).words for piece, _ in word
    )
    assert "[red]" in text
    assert "\x1b" not in text
    assert "(empty)" in text


def test_a_fresh_run_begins_by_itself_and_q_saves_and_leaves_no_engine(
    make_run: MakeRun, names: Path
) -> None:
    async def show() -> None:
        directory = make_run()
        engine = start_engine(directory)
        # It goes on loading for as long as it takes to look at this.
        engine.send_signal(signal.SIGSTOP)
        app = SteermoreApp(directory, load(names, 3, 42), commands=(Resume(),), engine=engine)
        async with app.run_test(size=(120, 36)) as pilot:
            hands = Hands(app, pilot)
            try:
                await hands.until(lambda: "loading engine" in hands.status)
            finally:
                engine.send_signal(signal.SIGCONT)
            await hands.until(lambda: hands.training.history.step > 100)
            assert "▶ training" in hands.status
            await hands.press("q")
            await hands.until(lambda: isinstance(app.screen, Quit))
            await hands.press("enter")
            await hands.until(lambda: not app.is_running)
        assert engine.wait(60) == 0
        assert list((directory / "checkpoints").iterdir())

    asyncio.run(show())


def test_an_engine_that_is_killed_is_shown_and_the_dashboard_can_still_be_left(
    make_run: MakeRun, names: Path
) -> None:
    async def show() -> None:
        directory = make_run()
        engine = quick_engines.start(directory)
        app = SteermoreApp(directory, load(names, 3, 42), commands=(Resume(),), engine=engine)
        async with app.run_test(size=(120, 36)) as pilot:
            hands = Hands(app, pilot)
            await hands.until(lambda: hands.training.history.step > 10)
            os.kill(engine.pid, signal.SIGSTOP)
            await hands.until(lambda: "engine not answering" in hands.status)
            os.kill(engine.pid, signal.SIGCONT)
            await hands.until(lambda: "training" in hands.status)
            engine.kill()
            await hands.until(lambda: "engine ended" in hands.status)
            assert "killed by signal 9" in hands.log[0]
            assert app.check_action("nudge", ()) is None
            await hands.press("q")
            await hands.until(lambda: not app.is_running)

    asyncio.run(show())


def test_the_dashboard_never_loads_torch() -> None:
    script = "import sys, tui.app, tui.program; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_the_status_line_keeps_its_figures_in_place(dashboard: Callable[..., None]) -> None:
    async def scenario(hands: Hands) -> None:
        status = hands.training.query_one(StatusLine)
        place = hands.status.index("step ")
        for step in (7, 12_345, 999_999_999):
            status.status = replace(status.status, step=step, state="training")
            await hands.pilot.pause()
            assert shown(status).index("step ") == place

    dashboard(scenario)


@pytest.mark.parametrize("width", [12, 20, 31, 60, 200])
def test_entries_are_wrapped_to_the_width_and_lose_no_letter(width: int) -> None:
    names = ("kimrin", "x" * 50, "名" * 12, "thil")
    words: tuple[Word, ...] = tuple(((name, "plain"),) for name in names)
    rows = wrap(Entry("12,400", words, joint=" ·"), width, 6)
    lines = ["".join(text for text, _ in row) for row in rows]
    assert all(cell_len(line) <= max(width, 6 + 2 + 8) for line in lines)
    letters = "".join(lines).replace(" ", "").replace("·", "")
    assert letters == "12,400" + "".join(names)
