"""The sweep screen: what it shows of a study, its keys, and a real one in a real terminal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.events import Key
from textual.pilot import Pilot

from core.sweep import Sweep as Aim
from core.sweep_standing import Standing, State, Tried
from tests.stage import until
from tests.sweeping import SMALL, long
from tests.terminal import PROGRAM, Terminal, kill, processes_naming
from tests.test_golden import WIDE, compare, shot
from tui.inspector.bars import Line
from tui.screens.confirm import Question
from tui.screens.help import Help
from tui.sweeping.app import SweepApp
from tui.sweeping.importance import Importance
from tui.sweeping.parallel import MOST_LINES, parallel
from tui.sweeping.table import TrialTable

NARROW = (80, 24)
AIM = Aim(
    flags={
        "learning_rate": "0.01:1:log",
        "hidden_size": "50,100,200,300",
        "block_size": "3:8",
        "schedule": "constant,cosine",
    },
    sha256="",
)
RATES = (0.0123457, 0.05, 0.1, 0.31, 0.9, 0.2, 0.4, 0.25)
STATES: tuple[State, ...] = (
    "finished", "finished", "pruned", "finished", "diverged", "lost", "running", "waiting",
)  # fmt: skip


def trial(number: int, state: State, dev: float | None, *, here: bool = True) -> Tried:
    """One of them, its values by its number."""
    course = tuple((200 * i, dev + 1.5 / i) for i in range(1, 8)) if dev is not None else ()
    began = state != "waiting"
    return Tried(
        number=number,
        state=state,
        dev=dev,
        values={
            "learning_rate": RATES[number % len(RATES)],
            "hidden_size": ("50", "300", "100", "200")[number % 4],
            "block_size": 3 + number % 6,
            "schedule": ("constant", "cosine")[number % 2],
        },
        course=course,
        run=f"letters-{number:03}" if began else "",
        directory=Path(f"/runs/letters-{number:03}") if began and here else None,
        host="this-machine" if here else "another-machine",
        why={"pruned": "worse than the median at step 400", "diverged": "guard: …"}.get(state, ""),
    )


def study() -> Standing:
    """Eight trials, one of each kind."""
    devs = (2.81, 2.443, 2.9, 2.3125, 7.5, None, 2.6, None)
    pairs = zip(STATES, devs, strict=True)
    tried = [trial(number, state, dev) for number, (state, dev) in enumerate(pairs)]
    tried[1] = replace(tried[1], directory=None, host="another-machine")
    importance = (
        ("learning_rate", 0.62), ("hidden_size", 0.25), ("block_size", 0.1), ("schedule", 0.03),
    )  # fmt: skip
    return Standing("letters", AIM, tuple(tried), 12, importance)


def play(
    scene: Callable[[SweepApp, Pilot[None]], Awaitable[None]],
    standing: Standing,
    size: tuple[int, int] = WIDE,
    running: int = 2,
    *,
    in_ascii: bool = False,
) -> SweepApp:
    """Open the screen on a study that stands still."""
    app = SweepApp("letters", lambda: standing, lambda: running, in_ascii=in_ascii)

    async def show() -> None:
        async with app.run_test(size=size) as pilot:
            async with asyncio.timeout(10):
                while app._sweep.standing is None:
                    await pilot.pause(0.01)
            await pilot.pause(0.1)
            await scene(app, pilot)

    asyncio.run(show())
    return app


def text_of(app: SweepApp) -> str:
    """What stands on the screen."""
    rows = app.screen._compositor.render_strips()
    return "\n".join("".join(text for text, _, _ in row) for row in rows)


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [("sweep", WIDE, ("down",) * 4), ("sweep-80x24", NARROW, ("s",)), ("sweep-leave", WIDE, "q")],
)
def test_the_sweep_looks_as_it_did(name: str, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    screens: list[str] = []

    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.3)
        screens.append(shot(app, name))

    play(scene, study(), size)
    compare(name, screens[0])


def test_enter_opens_the_trial_under_the_cursor() -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("b", "enter")
        await until(pilot, lambda: app.promoted)

    assert play(scene, study()).promoted == Path("/runs/letters-003")


def test_a_trial_of_another_machine_or_without_a_run_is_not_opened_and_says_so() -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("down", "enter")
        await until(pilot, lambda: "✗ the run of trial 1" in text_of(app))
        assert "✗ the run of trial 1 is not here: it was made on another-machine" in text_of(app)
        await pilot.press("end", "enter")
        await until(pilot, lambda: "✗ trial 7 has no run yet" in text_of(app))

    assert play(scene, study()).promoted is None


def test_leaving_asks_while_trials_are_under_way_and_else_not() -> None:
    async def stay(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert app.is_running

    async def end(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question) and app.screen.is_mounted)
        await pilot.press("enter")
        await until(pilot, lambda: app._exit)

    async def at_once(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: app._exit)

    play(stay, study())
    play(end, study())
    play(at_once, study(), running=0)


def test_the_best_first_and_the_cursor_stays_on_its_trial() -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("down", "s")

        def first() -> list[int]:
            table = app.screen.query_one("#trials").table  # type: ignore[attr-defined]
            return [each.number for each in table.trials][:3]

        await until(pilot, lambda: first() == [3, 1, 0])
        assert app.chosen == 1
        await pilot.press("home")
        await until(pilot, lambda: app.chosen == 3)

    play(scene, study())


def test_a_sweep_has_no_palette() -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        for key in ("ctrl+p", "pagedown"):
            # As fast as they can be typed: Textual's palette fails then.
            app.post_message(Key(key, None))
            await asyncio.sleep(0)
        # The page was turned in the table.
        await until(pilot, lambda: app.chosen == 7)
        assert app.screen is app._sweep

    play(scene, study())


def test_help_explains_the_sweep() -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await until(pilot, lambda: "Watanabe et al. 2023" in text_of(app))

    play(scene, study())


@pytest.mark.parametrize("size", [(40, 10), (200, 60)])
def test_it_can_be_drawn_in_any_size_with_any_number_of_trials(size: tuple[int, int]) -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        assert "Sweep letters" in text_of(app)

    many = tuple(trial(number, "finished", 2.0 + number / 100) for number in range(150))
    for trials in ((), study().trials[:1], many):
        play(scene, replace(study(), trials=trials, importance=()), size)


def test_in_ascii_it_is_ascii() -> None:
    async def scene(app: SweepApp, pilot: Pilot[None]) -> None:
        assert text_of(app).isascii()

    play(scene, study(), in_ascii=True)


def test_an_axis_has_room_or_the_least_important_make_room() -> None:
    drawn = parallel(study(), None)
    names = [axis.name for axis in drawn.axes]
    assert names[-1] == "dev rank"
    wide = drawn.lines(100, 12)[0].pieces[0][0]
    assert all(name[:8] in wide for name in names)
    narrow = drawn.lines(30, 12)[0].pieces[0][0]
    assert "rate" in narrow
    assert "hidden" in narrow
    assert "schedule" not in narrow


@pytest.mark.parametrize("width", [0, 5, 11, 30, 77, 200])
@pytest.mark.parametrize("height", [0, 3, 4, 9])
def test_pictures_keep_to_their_frame(width: int, height: int) -> None:
    def fits(lines: list[Line]) -> bool:
        cells = [sum(cell_len(text) for text, _ in line.pieces) for line in lines]
        return len(lines) <= max(height, 1) and all(each <= max(width, 30) for each in cells)

    assert fits(parallel(study(), 2).lines(width, height))
    assert fits(Importance(study().importance).lines(width, height)) or width < 12


def test_the_best_line_ends_at_the_foot_and_the_worst_at_the_top() -> None:
    many = tuple(trial(number, "finished", 2.0 + number / 100) for number in range(150))
    drawn = parallel(replace(study(), trials=many), 149)
    assert len(drawn.roles) == MOST_LINES + 1
    assert (drawn.axes[-1].shares[0], drawn.axes[-1].shares[-1]) == (0.0, 1.0)
    assert (drawn.roles[0], drawn.roles[-1]) == ("here", "mark")


def test_a_narrow_table_keeps_the_settings_that_matter() -> None:
    table = TrialTable(study(), study().trials)
    narrow = "".join(text for text, _ in table.head(60).pieces)
    assert "rate" in narrow
    assert "schedule" not in narrow


@pytest.fixture
def terminal(tmp_path: Path, few_names: Path) -> Iterator[Terminal]:
    command = [
        *PROGRAM, "sweep", "--study", "s", "--runs-dir", str(tmp_path / "runs"),
        "--data", str(few_names), *SMALL, "--learning-rate", "0.05:0.2", "--hidden-size", "8,16",
        "--trials", "50", "--workers", "1",
    ]  # fmt: skip
    terminal = Terminal(command)
    yield terminal
    terminal.close()
    for process in processes_naming(tmp_path / "runs"):
        kill(process)


@long
def test_a_trial_is_opened_in_the_dashboard_and_the_sweep_goes_on_meanwhile(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.wait_for("Sweep s", 30)
    terminal.wait_for(lambda: re.search(r" 0 finished +\d\.\d+", terminal.text), 60)
    terminal.press("b", "enter")
    terminal.wait_for("as it ended", 30)
    assert "MLP 2×2→" in terminal.lines[0]
    terminal.press("q")
    terminal.wait_for("Settings of each trial", 30)
    terminal.wait_for(lambda: re.search(r" 1 finished +\d\.\d+", terminal.text), 60)
    terminal.press("q")
    terminal.wait_for("end them and leave")
    terminal.press("enter")
    assert terminal.wait_for_end(60) == 130
    assert terminal.is_given_back
    terminal.wait_for("go on: steermore sweep --study s")
    assert processes_naming(tmp_path / "runs") == []
