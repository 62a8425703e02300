"""What the dashboard remembers: kept for its person alone, and never in the way of anything."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.run import Run
from tests.conftest import MakeRun
from tests.stage import Stage, play
from tests.test_time_travel import reopened, train
from tui.chart.look import USUAL
from tui.memory import Memory, memory_path, recall, remember
from tui.widgets.cost_line import CostLine
from tui.widgets.welcome import Welcome

WIDE = (120, 36)
Scene = Callable[[Stage, Pilot[None]], Awaitable[None]]


@pytest.fixture
def visit(make_run: MakeRun) -> Callable[[Scene], None]:
    """A function that opens the dashboard on one run, each time anew."""
    run: Run = reopened(make_run())
    train(run, 60)

    def come(scene: Scene) -> None:
        play(run, scene, WIDE)

    return come


def kept() -> dict[str, object]:
    found = json.loads(memory_path().read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_theme_look_and_own_cost_line_are_as_they_were_left(visit: Callable[[Scene], None]) -> None:
    async def before(app: Stage, pilot: Pilot[None]) -> None:
        app.theme = "steermore-safe-light"
        await pilot.press("y", "X", "v", "w", "Y", "C", "z")
        await pilot.pause()
        app._leave()

    async def after(app: Stage, pilot: Pilot[None]) -> None:
        look = app._training.look
        assert app.theme == "steermore-safe-light"
        assert (look.log_y, look.log_x, look.unit, look.full) == (True, True, "epochs", True)
        assert look.smoothing == 0.99
        assert app._training.query_one(CostLine).display
        # The part in view belongs to that run at that moment.
        assert (look.window, look.cursor, look.follows) == (None, None, False)

    visit(before)
    visit(after)


def test_a_change_is_kept_at_once_so_that_a_killed_dashboard_has_kept_it(
    visit: Callable[[Scene], None],
) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        assert kept()["log_y"] is False
        await pilot.press("y")
        await pilot.pause()
        assert kept()["log_y"] is True
        assert stat.S_IMODE(memory_path().stat().st_mode) == 0o600
        assert [*memory_path().parent.iterdir()] == [memory_path()]

    visit(scene)


def test_what_changes_nothing_that_is_kept_writes_nothing(visit: Callable[[Scene], None]) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        before = memory_path().stat()
        await pilot.press("left", "z", "escape", "Z", "0")
        await pilot.pause()
        after = memory_path().stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    visit(scene)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\x00",
        b"[]",
        b"null",
        b'{"log_y": "perhaps"}',
        b'{"unit": "fortnights"}',
        b'{"smoothing": {"of": "later"}}',
        b"[" * 20_000,
        b" " * 100_000,
    ],
)
def test_a_broken_memory_is_no_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "screen.json"
    path.write_bytes(content)
    assert recall(path) == Memory()


def test_no_file_a_folder_or_a_pipe_is_no_memory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "nothing", tmp_path, tmp_path / "pipe"):
        assert recall(path) == Memory()


def test_fields_of_a_later_version_are_passed_over_and_those_known_are_taken(
    tmp_path: Path,
) -> None:
    path = tmp_path / "screen.json"
    path.write_text('{"log_y": true, "panels": {"left": [1, 2]}, "smoothing": 0.7}', "utf-8")
    memory = recall(path)
    assert memory.log_y
    # A smoothing that this version does not offer.
    assert memory.look.smoothing == USUAL.smoothing


def test_a_theme_that_is_not_here_is_neither_taken_nor_forgotten(
    visit: Callable[[Scene], None],
) -> None:
    remember(memory_path(), Memory(theme="of-a-later-version", welcomed=True))

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        assert app.theme == "textual-dark"
        await pilot.press("y")
        await pilot.pause()
        assert kept()["theme"] == "of-a-later-version"

    visit(scene)


def test_a_theme_that_was_tried_and_given_up_again_is_not_what_is_kept(
    visit: Callable[[Scene], None],
) -> None:
    remember(memory_path(), Memory(theme="nord", welcomed=True))

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        assert app.theme == "nord"
        for theme in ("textual-light", "nord"):
            await app.run_action(f"theme('{theme}')")
            await pilot.pause()
            assert kept()["theme"] == theme

    visit(scene)


def test_a_memory_that_cannot_be_kept_stops_nothing(
    visit: Callable[[Scene], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file stands where its folder should be.
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("STEERMORE_STATE", str(tmp_path / "file"))

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("y", "C")
        await pilot.pause()
        assert app._training.look.log_y
        app._leave()

    visit(scene)
    assert (tmp_path / "file").read_text("utf-8") == ""


def test_the_person_decides_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEERMORE_STATE", "/somewhere")
    assert memory_path() == Path("/somewhere/screen.json")
    monkeypatch.delenv("STEERMORE_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", "/states")
    assert memory_path() == Path("/states/steermore/screen.json")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert memory_path() == Path("/home/somebody/.local/state/steermore/screen.json")


def test_at_the_first_start_of_all_the_keys_are_said_and_any_key_goes_on_and_does_its_job(
    visit: Callable[[Scene], None],
) -> None:
    memory_path().unlink()

    async def first(app: Stage, pilot: Pilot[None]) -> None:
        welcome = app._training.query_one(Welcome)
        text = str(welcome.render())
        for words in ("space", "draw names", "take back a change", "leave"):
            assert words in text
        assert kept()["welcomed"] is True
        # Nothing waits for it: the keyboard is where it would be without it.
        assert app.screen is app._training
        assert app.focused is None
        assert not app._training.look.log_y
        await pilot.press("y")
        await pilot.pause()
        assert app._training.look.log_y
        assert not app._training.query(Welcome)

    async def second(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)
        assert not app._training.query(Welcome)

    visit(first)
    visit(second)


def test_the_welcome_goes_with_a_click_and_comes_back_by_the_palette(
    visit: Callable[[Scene], None],
) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        (again,) = (c for c in app.get_system_commands(app.screen) if c.title == "Welcome")
        await again.callback()
        await pilot.pause()
        await pilot.click(Welcome)
        await pilot.pause()
        assert not app._training.query(Welcome)

    visit(scene)
