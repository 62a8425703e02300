"""Random keys, clicks and sizes over a live engine: nothing breaks, and the run replays exactly.

What leads away from the run is left out, and whatever else a hand may do by chance is not.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest
from textual.errors import NoWidget
from textual.events import Event, Key, MouseScrollDown, MouseScrollUp
from textual.pilot import OutOfBounds, Pilot

from core.launch import load_data
from core.protocol import Resume, Shutdown
from core.record import read_config
from tests import quick_engines
from tests.conftest import FUZZ, SEED, USUAL, MakeRun
from tests.stage import until
from tui.app import SteermoreApp
from tui.keys import KEYS

SECONDS = 60.0
EVENTS = 1_000 if FUZZ == USUAL else 500 * FUZZ
ROOT = Path(__file__).parent.parent

TYPED = [*"abcmz.0159e-+", "backspace", "delete", "home", "end", "tab", "shift+tab", "pageup"]
MOVED = ["up", "down", "left", "right", "shift+left", "shift+right", "enter", "enter", "escape"]
BOUND = sorted({key for binding in KEYS for key in binding.key.split(",")})
AWAY = {"ctrl+q", "ctrl+z", "ctrl+c"}
"""They end or stop the program anywhere."""
LEAVING = {
    "TrainingScreen": {"q", "Q", "x"},
    "Restart": {"enter"},
    "Runs": {"enter", "r", "x", "d", "delete", "n", "Q"},
    "Quit": {"enter", "q", "s", "k"},
    "Palette": {"enter"},
}
"""Keys of a view that lead away from the run, or change other ones."""
SIZES = ((80, 24), (120, 36), (200, 60), (60, 18), (20, 5), (1, 1), (300, 100))


class Staying(SteermoreApp):
    """It hears no key that would lead it away, whichever view has opened by then."""

    async def on_event(self, event: Event) -> None:
        view = type(self.screen_stack[-1]).__name__ if self.screen_stack else ""
        if not isinstance(event, Key) or event.key not in AWAY | LEAVING.get(view, set()):
            await super().on_event(event)


@pytest.mark.fuzz
def test_whatever_is_pressed_clicked_and_resized_the_run_is_sound(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_run("fast", settings={"evaluation_interval": 500, "step_limit": 20_000})
    monkeypatch.chdir(tmp_path)
    # Before and after each key a pilot waits for an idle processor, 20 ms and more: no hand does.
    for where in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{where}.wait_for_idle", at_once)
    chance = random.Random(SEED)
    print(f"STEERMORE_SEED={SEED}, {EVENTS:,} events")

    async def play() -> None:
        process = quick_engines.start(directory)
        data = load_data(directory, read_config(directory))
        app = Staying(directory, data, commands=(Resume(),), engine=process)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: app._training.link == "live", SECONDS)
            for _ in range(EVENTS):
                await something(app, pilot, chance)
                assert app.is_running
            await pilot.resize_terminal(120, 36)
            for _ in range(20):
                if app.screen is app._training:
                    break
                await pilot.press("escape")
                await pilot.pause(0.05)
            # The reader lives, and what the engine says is still shown.
            await until(pilot, lambda: app._training.link == "live", SECONDS)
            assert app.send(Shutdown()) is not None
            await until(pilot, lambda: process.poll() is not None, SECONDS)

    asyncio.run(play())
    replayed = subprocess.run(
        [sys.executable, "-m", "tui", "replay", str(directory)],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert "bit-identical" in replayed.stdout, replayed.stdout + replayed.stderr


async def at_once(_least: float = 0.0) -> None:
    """Wait for nothing but the turns of others."""
    await asyncio.sleep(0)


async def something(app: SteermoreApp, pilot: Pilot[None], chance: random.Random) -> None:
    """One key, click, turn of the wheel or new size."""
    dice = chance.random()
    if dice < 0.02:
        await pilot.resize_terminal(*chance.choice(SIZES))
    elif dice < 0.12:
        await hit(app, pilot, chance)
    else:
        keys = chance.choice((BOUND, BOUND, MOVED, MOVED, TYPED))
        await pilot.press(chance.choice(keys))


async def hit(app: SteermoreApp, pilot: Pilot[None], chance: random.Random) -> None:
    """A click or a turn of the wheel somewhere, but for where a click would lead away."""
    width, height = app.size
    # The last rows say what keys do, and a click on them presses these.
    x, y = chance.randrange(width), chance.randrange(max(height - 4, 1))
    if type(app.screen).__name__ in {*LEAVING} - {"TrainingScreen"}:
        return
    try:
        if chance.random() < 0.5:
            await pilot.click(offset=(x, y))
        else:
            kind = chance.choice((MouseScrollUp, MouseScrollDown))
            widget, _ = app.screen.get_widget_at(x, y)
            app.screen._forward_event(
                kind(widget, x, y, 0, 0, 0, False, False, False, screen_x=x, screen_y=y)
            )
            await pilot.pause()
    except (OutOfBounds, LookupError, NoWidget):
        # A screen of one cell has no place there, and one that is being built nothing yet.
        pass
