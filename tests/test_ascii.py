"""Where there is nothing but ASCII every view is there, and can be read; and no command fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from textual.command import CommandList
from textual.pilot import Pilot

from core.run import Run
from core.stand_ins import SIGNS, stand_in
from tests.conftest import LONG, MakeRun
from tests.stage import Stage, play, seen, until
from tests.terminal import Dashboard
from tests.test_cli import within
from tests.test_golden import WIDE, assert_ascii, compare, is_ascii, nowhere, reach, run, shot
from tests.test_time_travel import reopened
from tui.ascii import is_wanted
from tui.braille import curve
from tui.screens.finding import Palette

__all__ = ["nowhere", "run"]

POOR = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
"""Environments in which standard output takes ASCII only; in the other one file names do too."""


# --- the dashboard -------------------------------------------------------------------------------


def test_the_dashboard_is_drawn_with_nothing_but_ascii(run: Run) -> None:
    """From its first frame; test_golden.py spells the views of a list anew."""
    screens: list[str] = []

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, ())
        screens.append(shot(app, "training-ascii"))

    play(run, scene, WIDE, in_ascii=True)
    assert_ascii(screens[0], WIDE[1])
    compare("training-ascii", screens[0])


def test_the_palette_is_ascii_too(run: Run) -> None:
    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        def rows() -> list[str]:
            return ["".join(segment.text for segment in row) for row in seen(app)]

        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette) and app.screen.is_mounted)
        choices = app.screen.query_one(CommandList)
        await until(pilot, lambda: choices.option_count and choices.size.height)
        title, _, about = str(choices.get_option_at_index(0).prompt).partition("\n")
        # It has something to spell anew.
        assert not is_ascii(about)
        await until(pilot, lambda: any(title in row for row in rows()))
        assert {sign for row in rows() for sign in row if not is_ascii(sign)} == set()

    play(run, scene, WIDE, in_ascii=True)


def test_what_the_list_is_written_with_stays_as_it_is(make_run: MakeRun, names: Path) -> None:
    names.write_text("l·l\nольга\nirène\nжан–жак\n" * 20, "utf-8")
    run = reopened(make_run("fast", path="few-names.txt"))

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, ("D", "tab", "tab"))
        rows = ["".join(segment.text for segment in row) for row in seen(app)]
        for word in ("l·l", "ольга", "irène", "жан–жак"):
            assert any(word in row for row in rows)
        others = {sign for row in rows for sign in row if not is_ascii(sign)}
        assert others <= set(app._training.dataset.itos)

    play(run, scene, WIDE, in_ascii=True)
    run.close()


def test_a_stand_in_takes_as_many_cells_as_what_it_stands_for() -> None:
    drawn = [*SIGNS, *map(chr, range(0x2500, 0x25A0)), *map(chr, range(0x2800, 0x2900))]
    assert all(len(stand_in(sign)) == 1 and is_ascii(stand_in(sign)) for sign in drawn)
    assert stand_in("🔎") == "??"


def test_a_curve_keeps_its_shape() -> None:
    falling = curve([1 - index / 39 for index in range(40)], 3)
    rows = ["".join(map(stand_in, row)) for row in falling]
    ends = [(len(row) - len(row.lstrip()), len(row.rstrip())) for row in rows]
    # Each row begins where the one above it ends, and no row has a hole.
    assert ends[0][0] == 0
    assert ends[-1][1] == 20
    assert all(abs(above[1] - below[0]) <= 1 for above, below in pairwise(ends))
    assert not any(" " in row.strip() for row in rows)
    assert rows[0].strip()[0] in "'-"
    assert rows[-1].strip()[-1] in "._"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "de_DE.utf8@euro"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "POSIX"}, True),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "dumb"}, True),
        ({"TERM": "xterm-256color", "STEERMORE_ASCII": "1"}, True),
        ({"TERM": "linux", "STEERMORE_ASCII": "0"}, False),
        ({"LANG": "C", "STEERMORE_ASCII": ""}, True),
    ],
)
def test_ascii_is_chosen_where_the_terminal_has_no_more(
    environment: dict[str, str], wanted: bool
) -> None:
    assert is_wanted(None, environment) == wanted
    # What is said on the command line counts more.
    assert is_wanted(not wanted, environment) == (not wanted)


@pytest.fixture
def plain_dashboard(tmp_path: Path, names: Path) -> Iterator[Dashboard]:
    dashboard = Dashboard(tmp_path / "runs", "--data", str(names), "--steps", "900000", "--ascii")
    yield dashboard
    dashboard.close()


def test_the_flag_reaches_a_real_terminal(plain_dashboard: Dashboard) -> None:
    plain_dashboard.wait_until_it_trains()
    assert is_ascii(plain_dashboard.text.replace("\n", ""))
    assert "+- Loss" in plain_dashboard.text
    # Not even while it came up.
    assert plain_dashboard.output.isascii()


# --- the commands without a screen ---------------------------------------------------------------


def steermore(
    *arguments: str | Path, cwd: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    cleared = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-m", "tui", *map(str, arguments)],
        cwd=cwd,
        env=cleared | environment,
        capture_output=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-1800:]
    assert b"UnicodeEncodeError" not in done.stderr
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def other_scripts(tmp_path: Path) -> Path:
    path = tmp_path / "имена.txt"
    path.write_text("ольга\nанна\nirène\n日本\n😀\nмарı\n" * 30, "utf-8")
    return path


@pytest.mark.parametrize(
    "environment", [pytest.param(POOR[0], marks=LONG), POOR[1]], ids=("output", "file names too")
)
def test_no_command_fails_where_its_characters_cannot_be_printed(
    other_scripts: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    def call(*arguments: str | Path) -> bytes:
        return steermore(*arguments, cwd=tmp_path, environment=environment).stdout

    said = call("fit", "--data", other_scripts, "--preset", "fast", "--steps", "300",
                "--act", "100:learning_rate=0.02")  # fmt: skip
    listed, again = call("runs"), call("replay", "last")
    drawn = call("sample", "last", "--count", "5", "--seed", "1")
    ask = ("sample", "last", "--count", "5", "--seed", "1", "--json")
    names = json.loads(within(*ask, cwd=tmp_path).stdout)["names"]
    plot = call("find-lr", "--run", "last", "--probes", "50")
    helped = call("--help")
    call("export", "last", "--to", "csv")
    call("export", "last", "--to", "json", "--output", "run.json")
    assert any(sign > "\x7f" for name in names for sign in name)
    assert all(part.isascii() for part in (said, listed, again, drawn, plot, helped))
    assert (
        drawn.decode("unicode_escape")
        .encode("utf-16", "surrogatepass")
        .decode("utf-16")
        .split("\n")[:5]
        == names
    )
    assert b"+--" in plot
    assert b"?" not in plot
