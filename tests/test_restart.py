"""A new run with other sizes, seed or list, begun from the dashboard; the old one is kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.screen import Screen
from textual.widgets import Input, Static

from core.config import GPUS, KERNELS, PRESETS, RunConfig
from core.dials import ConfigError
from core.differing import facts
from core.errors import UserError
from core.forking import fork
from core.launch import load_data, words_path
from core.on_device import missing
from core.options import Beginning, shipped_names
from core.record import is_served, read_column, read_config
from core.story import read_story
from core.words import read_words
from tests.conftest import MakeRun, begun
from tests.terminal import PROGRAM, Dashboard
from tests.test_dashboard import Hands
from tests.test_other_runs import ended, look_at, steered
from tests.test_time_travel import reopened, train
from tui.history.history import History
from tui.parting import NextRun
from tui.restarting import BEGAN, FIELDS, NOW, PRESET, Origin
from tui.screens.restart import Restart
from tui.standing import status_of
from tui.widgets.choice import Choice


def timeless(config: RunConfig) -> RunConfig:
    """Without the time at which it was made."""
    return msgspec.structs.replace(config, created=0.0)


@pytest.fixture
def old(make_run: MakeRun) -> Path:
    """A run that began at rate 0.2 with seed 7, and is at 0.05 now."""
    return steered(make_run(seed=7, knobs={"learning_rate": 0.2}), 0.05)


SIZES = {"embedding_size": "4", "hidden_size": "16"}
"""As the run of `make_run` has them."""


def value(hands: Hands, name: str) -> str:
    widget = hands.app.screen.query_one(f"#{name}")
    assert isinstance(widget, (Input, Choice))
    return widget.value


def text(hands: Hands, name: str) -> str:
    return text_of(hands.app.screen, name)


def text_of(screen: Screen[Any], name: str) -> str:
    return str(screen.query_one(f"#{name}", Static).render())


async def open_form(hands: Hands) -> None:
    await hands.press("R")
    await hands.open(Restart)
    await hands.until(lambda: "parameters" in text(hands, "model"))


async def turn(hands: Hands, name: str, word: str) -> None:
    """Turn a choice until it shows the word."""
    choice = hands.app.screen.query_one(f"#{name}", Choice)
    choice.focus()
    while choice.value != word:
        await hands.press("right")


async def start(hands: Hands) -> None:
    await hands.press("enter")
    await hands.until(lambda: hands.app.next_run is not None)


def made(app_run: NextRun | None) -> RunConfig:
    assert app_run is not None
    return read_config(app_run.directory)


def test_the_form_is_filled_with_what_the_run_has(old: Path, names: Path) -> None:
    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        filled = {field.name: value(hands, field.name) for field in FIELDS}
        assert filled == SIZES | {
            "block_size": "3",
            "initialization": "normal",
            "direct": "off",
            "level": "character",
            "seed": "7",
            "data": str(names),
            "device": "cpu",
            "preset": "lecture",
            "recipe": BEGAN,
        }
        assert "Symbols of context. A whole number from 1 to 64." in text(hands, "about")
        await hands.press("down", "down")
        assert "Neurons" in text(hands, "about")
        before = text(hands, "model")
        count = re.search(r"([\d,]+) parameters", before)
        assert count is not None
        await hands.type("#hidden_size", "32")
        assert f"· {count[1]} → " in text(hands, "model")
        assert "was 16" in str(hands.app.screen.query_one("#row-hidden_size .was", Static).render())
        assert "sgd at rate 0.2 (step)" in text(hands, "recipe-text")
        await hands.press("escape")
        await hands.until(lambda: not isinstance(hands.app.screen, Restart))

    assert look_at(old, scenario).next_run is None
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize(
    ("name", "typed"),
    [("hidden_size", "0"), ("block_size", "65"), ("seed", "-1"), ("embedding_size", "ten")],
)
def test_a_wrong_value_is_explained_in_place_as_on_the_command_line(
    name: str, typed: str, old: Path, names: Path
) -> None:
    with pytest.raises(UserError) as told:
        begun(data=str(names), **{name: typed})

    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await hands.type(f"#{name}", typed)
        await hands.until(lambda: str(told.value) in text(hands, "about"))
        await turn(hands, "initialization", "scaled")
        await hands.press("enter")
        # Nothing is begun, nothing lost, and the person stands where the mistake is.
        assert isinstance(hands.app.screen, Restart)
        assert hands.app.screen.focused is hands.app.screen.query_one(f"#{name}")
        assert value(hands, name) == typed
        assert value(hands, "initialization") == "scaled"
        await hands.until(lambda: str(told.value) in text(hands, "about"))

    assert look_at(old, scenario).next_run is None


def test_a_gpu_that_is_not_here_is_explained_in_place_and_the_processor_taken_instead(
    old: Path,
) -> None:
    absent = next(device for device in GPUS if missing(device))

    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await turn(hands, "device", absent)
        await hands.press("up", "up", "enter")
        await hands.until(lambda: f"✗ device {absent} is not to be had" in text(hands, "about"))
        assert hands.app.screen.focused is hands.app.screen.query_one("#device")
        # Asked again, it is the same.
        await hands.press("enter")
        assert f"✗ device {absent} is not to be had" in text(hands, "about")
        await turn(hands, "device", "cpu")
        await hands.until(lambda: "on the processor" in text(hands, "about"))
        await start(hands)

    assert made(look_at(old, scenario).next_run).device == "cpu"


def test_an_answer_that_comes_while_another_screen_is_looked_at_takes_nothing_away(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begin = threading.Event(), Origin.begin

    def slowly(*given: Any) -> Beginning:
        assert go_on.wait(20)
        return begin(*given)

    monkeypatch.setattr(Origin, "begin", slowly)

    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        form = hands.app.screen
        await hands.press("enter", "f1")
        await hands.until(lambda: hands.app.screen is not form)
        over = hands.app.screen
        go_on.set()
        await hands.until(lambda: text_of(form, "model").startswith("MLP"))
        assert hands.app.screen is over
        assert hands.app.next_run is None
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is form)
        await start(hands)

    assert made(look_at(old, scenario).next_run).seed == 7


def test_a_list_that_cannot_be_used_is_explained_in_place_and_another_is_counted(
    old: Path, tmp_path: Path
) -> None:
    missing, other = tmp_path / "missing.txt", tmp_path / "other.txt"
    with pytest.raises(UserError) as told:
        read_words(missing)

    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        before = text(hands, "model")
        field = hands.app.screen.query_one("#data", Input)
        field.focus()
        field.value = str(missing)
        await hands.press("enter")
        await hands.until(lambda: str(told.value) in text(hands, "about").replace("\n", " "))
        assert isinstance(hands.app.screen, Restart)
        other.write_text("\n".join(["abba", "baab"] * 10), "utf-8")
        field.value = str(other)
        await hands.until(lambda: "→3 · " in text(hands, "model"))
        field.value = read_config(old).data.path
        await hands.until(lambda: text(hands, "model") == before)
        field.value = str(other)
        # At once: what is missing is awaited.
        await start(hands)

    config = made(look_at(old, scenario).next_run)
    assert config.data.path == str(other)
    assert config.data.sha256 == read_words(other).sha256


def test_what_is_begun_is_what_the_command_line_would_begin(old: Path, names: Path) -> None:
    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await hands.type("#hidden_size", "64")
        await hands.type("#block_size", "4")
        await turn(hands, "initialization", "scaled")
        await start(hands)

    here = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    app = look_at(old, scenario)
    expected = begun(
        data=str(names),
        seed="7",
        learning_rate="0.2",
        block_size="4",
        embedding_size="4",
        hidden_size="64",
        initialization="scaled",
    )
    assert timeless(made(app.next_run)) == timeless(expected)
    assert app.next_run is not None
    assert app.next_run.begin
    assert app.next_run.behind == old
    assert app.next_run.directory.parent == old.parent
    # The old run stays as it was.
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == here


def test_another_preset_brings_its_own_recipe_and_initialization(old: Path, names: Path) -> None:
    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await turn(hands, "preset", "fast")
        assert (value(hands, "initialization"), value(hands, "recipe")) == ("scaled", PRESET)
        await turn(hands, "preset", "lecture")
        assert (value(hands, "initialization"), value(hands, "recipe")) == ("normal", BEGAN)
        await turn(hands, "preset", "fast")
        await start(hands)

    expected = begun(data=str(names), seed="7", preset="fast", **SIZES)
    assert timeless(made(look_at(old, scenario).next_run)) == timeless(expected)


def test_the_knobs_may_be_those_in_force_now(old: Path, names: Path) -> None:
    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await turn(hands, "recipe", NOW)
        assert "sgd at rate 0.05 (step)" in text(hands, "recipe-text")
        await start(hands)

    expected = begun(data=str(names), seed="7", learning_rate="0.05", **SIZES)
    assert timeless(made(look_at(old, scenario).next_run)) == timeless(expected)


def test_the_list_is_the_runs_own_copy_though_the_file_has_changed_or_gone(
    old: Path, names: Path
) -> None:
    names.unlink()

    async def scenario(hands: Hands) -> None:
        await open_form(hands)
        await start(hands)

    found = look_at(old, scenario).next_run
    assert made(found).data == read_config(old).data
    assert found is not None
    assert (found.directory / "words.txt").read_bytes() == (old / "words.txt").read_bytes()


def test_a_list_too_large_to_be_copied_is_read_where_it_is(old: Path, names: Path) -> None:
    (old / "words.txt").unlink()
    config = read_config(old)
    origin = Origin(config, config.knobs, config.settings, words_path(old, config))
    assert origin.file(config.data.path, "character") == names
    assert origin.file("", "character") == shipped_names()
    assert origin.file("~/list.txt", "character") == Path("~/list.txt").expanduser()


def test_a_fork_is_restarted_from_nothing_with_the_knobs_it_was_given(old: Path) -> None:
    forked = fork(old, old.parent, step=500, knobs={"schedule": "cosine", "batch_size": 64})
    config = read_config(forked)
    origin = Origin(config, config.knobs, config.settings, words_path(forked, config))
    again = origin.begin(origin.texts, read_words(origin.words)).config
    assert again.parent is None
    assert again.plan == ()
    assert (again.knobs.schedule, again.knobs.batch_size) == ("cosine", 64)
    assert again.knobs.schedule_start == 0
    assert again.knobs.learning_rate == 0.05
    assert again.settings == PRESETS["lecture"].settings


def test_a_run_of_a_gpu_is_restarted_there_or_on_another_device(old: Path) -> None:
    config = msgspec.structs.replace(read_config(old), device="cuda", kernel=KERNELS["cuda"])
    origin = Origin(config, config.knobs, config.settings, words_path(old, config))
    words = read_words(origin.words)
    assert origin.texts["device"] == "cuda"
    if missing("cuda"):
        with pytest.raises(ConfigError, match="device cuda is not to be had"):
            origin.begin(origin.texts, words)
    else:
        again = origin.begin(origin.texts, words).config
        assert (again.device, again.kernel) == ("cuda", KERNELS["cuda"])
    here = origin.begin(origin.texts | {"device": "cpu"}, words).config
    assert (here.device, here.kernel) == ("cpu", KERNELS["cpu"])
    history = History(config)
    data = load_data(old, read_config(old))
    assert status_of(history, data, "live").model.endswith("→27 on cuda")
    assert facts(config, config.knobs, config.settings)["device"] == "cuda"


@pytest.fixture
def dashboard(tmp_path: Path, names: Path) -> Iterator[Dashboard]:
    runs = tmp_path / "in-terminal"
    dashboard = Dashboard(runs, "--data", str(names), "--steps", "900000", program=PROGRAM)
    yield dashboard
    dashboard.close()


def test_restart_in_a_terminal_trains_a_second_run_with_the_first_behind(
    dashboard: Dashboard,
) -> None:
    dashboard.wait_until_it_trains()
    first = dashboard.run
    dashboard.press("R")
    dashboard.wait_for("11,897 parameters")
    # Down to the hidden size; what is typed takes the place of the 200 that is selected. All in one
    # go, as from hands that know the way.
    dashboard.press("\x1b[B\x1b[B64\r")
    dashboard.wait_for(lambda: len(list(first.parent.iterdir())) == 2)
    (second,) = set(first.parent.iterdir()) - {first}
    dashboard.wait_for(lambda: is_served(second) and not is_served(first), 30)
    dashboard.wait_for(lambda: "→64→" in dashboard.lines[0] and dashboard.step > 0, 30)
    dashboard.wait_for(lambda: f"A is run {first.name}" in dashboard.text)
    dashboard.wait_for("the run before")
    dashboard.wait_for("hidden size 64 (there 200)")
    # Saved where it stood, so that it can be trained on.
    story = read_story(first)
    assert story.step == read_column(first, 0).size > 0
    assert list((first / "checkpoints").glob("*.safetensors"))
    dashboard.press("Q")
    assert dashboard.wait_for_end() == 0
    again = reopened(first)
    train(again, 10)
    assert ended(again) == first
    assert read_story(first).step == story.step + 10
