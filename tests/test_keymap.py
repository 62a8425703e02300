"""The person's own keys: read from a file, obeyed as far as it is sound, and shown everywhere."""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.run import Run
from tests.conftest import MakeRun
from tests.stage import Stage, play, until
from tests.test_time_travel import reopened, train
from tui.keymap import DEFAULTS, checked, in_force, key_of, keys_path, read_keys, written
from tui.screens.help import Help
from tui.widgets.key_line import KeyLine

WIDE = (160, 40)


@pytest.fixture
def keys_file(person: Path) -> Path:
    """Where the file of this test's person stands; its folder is there."""
    path = keys_path()
    assert path.is_relative_to(person)
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    run = reopened(make_run())
    train(run, 20)
    return run


def on_stage(run: Run, scene: Callable[[Stage, Pilot[None]], Awaitable[None]]) -> None:
    play(run, scene, WIDE)
    run.close()


def toasts(app: Stage) -> list[str]:
    return [toast.message for toast in app._notifications]


def test_what_steermore_keys_prints_is_a_file_that_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(written({}, path), "utf-8")
    assert tomllib.loads(path.read_text("utf-8")) == {"keys": {}}
    assert read_keys(path).keys == {}
    assert read_keys(path).complaints == ()


def test_each_printed_default_is_accepted_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    lines = written({}, path).splitlines()
    bare = [line.removeprefix("# ") if " = " in line else line for line in lines]
    path.write_text("\n".join(bare), "utf-8")
    found = read_keys(path)
    assert found.complaints == ()
    assert dict(found.keys) == DEFAULTS


def test_a_changed_key_is_printed_as_it_is_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    asked = {"undo": "ctrl+t", "rate_down": "minus,comma"}
    path.write_text(written(asked, path), "utf-8")
    assert read_keys(path).keys == asked


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("+", "plus"),
        (",", "comma"),
        ("?", "question_mark"),
        (" ", "space"),
        ("é", "é"),
        ("U", "U"),
        ("Ctrl+T", "ctrl+t"),
        ("esc", "escape"),
        ("F5", "f5"),
        ("shift+up", "shift+up"),
        ("alt+x", "alt+x"),
    ],
)
def test_keys_are_written_as_people_write_them(typed: str, named: str) -> None:
    assert checked({"fork": typed})[0] == {"fork": named}


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"fork": "sapce"}, "fork: no such key: 'sapce'; did you mean space?"),
        ({"fork": "ctrl+"}, "fork: no such key: 'ctrl+'"),
        ({"fork": "hyperspace+x"}, "fork: no such key: 'hyperspace+x'"),
        ({"fork": "\x07"}, "fork: no such key: '\\x07'"),
        ({"frok": "ctrl+f"}, "frok: no such id; did you mean fork?"),
        ({"fork": 3}, 'fork: must be a key such as "ctrl+t", or a list of keys'),
        ({"fork": []}, 'fork: must be a key such as "ctrl+t", or a list of keys'),
        ({"fork": ["ctrl+f", 3]}, 'fork: must be a key such as "ctrl+t", or a list of keys'),
        ({"fork": "ctrl+c"}, "fork: ctrl+c copies; choose another key"),
        ({"fork": "ctrl+m"}, "fork: ctrl+m is enter to a terminal; choose another key"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_rest_is_obeyed(
    wanted: dict[str, object], sentence: str
) -> None:
    keys, complaints = checked({**wanted, "undo": "ctrl+t"})
    assert keys == {"undo": "ctrl+t"}
    assert complaints == [sentence]


def test_of_two_ids_on_one_key_the_first_has_it_and_the_other_keeps_its_own() -> None:
    keys, complaints = checked({"undo": "ctrl+t", "redo": ["ctrl+t", "ctrl+y"], "fork": "ctrl+t"})
    assert keys == {"undo": "ctrl+t", "redo": "ctrl+y"}
    assert complaints == ["redo: ctrl+t is undo already", "fork: ctrl+t is undo already"]
    assert in_force(keys)["fork"] == "x"


def test_a_key_that_is_taken_from_another_action_is_told_unless_that_has_another() -> None:
    keys, complaints = checked({"undo": "d", "redo": "="})
    assert keys == {"undo": "d", "redo": "equals_sign"}
    assert complaints == ["undo takes d from decay, which has no key now"]
    assert in_force(keys)["decay"] == ""
    assert in_force(keys)["rate_up"] == "plus"
    assert key_of("decay", in_force(keys)) == "no key"


def test_two_actions_can_change_places() -> None:
    keys, complaints = checked({"undo": "U", "redo": "u"})
    assert (keys, complaints) == ({"undo": "U", "redo": "u"}, [])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[keys\nundo = 1", "keys.toml: no TOML: "),
        (b"\xff\xfe\x00", "keys.toml: no TOML: "),
        (b"keys = 3", "keys.toml: keys: must be a table, [keys]"),
        (b"[colours]\nred = 'x'", "keys.toml: colours: not known here; only [keys] is"),
        (b"#" * 100_000, "keys.toml: too large to be read"),
    ],
)
def test_a_broken_file_is_one_complaint(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(content)
    found = read_keys(path)
    assert found.keys == {}
    assert len(found.complaints) == 1
    assert found.complaints[0].startswith(sentence)


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    assert read_keys(tmp_path).complaints == ()


def test_a_remapped_key_works_and_is_shown_in_key_line_help_palette_and_sentences(
    keys_file: Path, run: Run
) -> None:
    keys_file.write_text('[keys]\ndecay = "ctrl+d"\nsample = ["N", "f7"]\nundo = "Z"\n', "utf-8")

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        # At the beginning, as it does not stand for ever.
        told = ["keys.toml: undo takes Z from zoom_out, which has no key now"]
        await until(pilot, lambda: toasts(app) == told)
        before = app.history.knobs.learning_rate
        await pilot.press("d")
        assert app.history.knobs.learning_rate == before
        await pilot.press("ctrl+d")
        await until(pilot, lambda: app.history.knobs.learning_rate == before / 10)
        await pilot.press("Z")
        await until(pilot, lambda: app.history.knobs.learning_rate == before)
        drawn = len(app.history.samples)
        await pilot.press("f7", "N")
        await until(pilot, lambda: len(app.history.samples) == drawn + 2)
        hints = {hint.description: hint.shown for hint in app._training.query_one(KeyLine).hints}
        assert hints["decay"] == "ctrl+d"
        assert hints["sample"] == "N"
        helps = {command.title: command.help for command in app.get_system_commands(app.screen)}
        assert helps["Sample"].endswith("· N F7")
        assert helps["Zoom out"] == "Twice as much of the run"
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        table = str(app.screen.query_one("#keys").render())
        assert any("ctrl+d" in line and "decay" in line for line in table.splitlines())
        assert any("N F7" in line and "sample" in line for line in table.splitlines())
        # And nothing else was said.
        assert toasts(app) in (told, [])

    on_stage(run, scene)


def test_two_actions_that_change_places_do_so_on_the_screen(keys_file: Path, run: Run) -> None:
    keys_file.write_text('[keys]\nundo = "U"\nredo = "u"\n', "utf-8")

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        before = app.history.knobs.learning_rate
        await pilot.press("d", "U")
        await until(pilot, lambda: app.history.redo is not None)
        assert app.history.knobs.learning_rate == before
        await pilot.press("u")
        await until(pilot, lambda: app.history.knobs.learning_rate == before / 10)
        assert toasts(app) == []

    on_stage(run, scene)


def test_help_and_screenshot_are_remapped_in_dialogs_too(keys_file: Path, run: Run) -> None:
    keys_file.write_text('[keys]\nhelp = "f2"\n', "utf-8")

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("l", "f1")
        await pilot.pause()
        assert not isinstance(app.screen, Help)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, Help))

    on_stage(run, scene)


def test_a_file_that_is_no_toml_is_one_sentence_on_the_screen_and_all_keys_are_as_ever(
    keys_file: Path, run: Run
) -> None:
    keys_file.write_text("[keys\n", "utf-8")

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        (toast,) = toasts(app)
        assert toast.startswith("keys.toml: no TOML: ")
        before = app.history.knobs.learning_rate
        await pilot.press("d")
        await until(pilot, lambda: app.history.knobs.learning_rate < before)

    on_stage(run, scene)


def test_many_mistakes_are_one_toast_that_says_how_to_see_them_all(
    keys_file: Path, run: Run
) -> None:
    keys_file.write_text('[keys]\na = "x"\nb = "y"\nundo = "nokey"\nredo = "f9"\n', "utf-8")

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        assert toasts(app) == ["keys.toml: a: no such id (and 2 more: see `steermore keys`)"]
        assert app._keys["redo"] == "f9"

    on_stage(run, scene)
