"""The view of runs in a real terminal: one story, keys in, screen out, and what stands on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalogue import listed
from tests.conftest import MakeRun
from tests.terminal import PROGRAM, Terminal
from tests.test_runs_view import CONSTANT, lived

DOWN = "\x1b[B"
CLEAR = "\x15"


@pytest.fixture
def runs(make_run: MakeRun) -> Path:
    """Four runs, of which two are steep."""
    here = lived(make_run(knobs=CONSTANT), "here", 60)
    lived(make_run("fast"), "fast-one", 60)
    for name, rate in (("steep-a", 0.2), ("steep-b", 0.5)):
        lived(make_run(knobs=CONSTANT | {"learning_rate": rate}), name, 60)
    return here.parent


@pytest.fixture(params=[(120, 36), (80, 24)], ids=["120x36", "80x24"])
def terminal(runs: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    columns, rows = request.param
    command = [*PROGRAM, "attach", "here", "--runs-dir", str(runs)]
    terminal = Terminal(command, columns=columns, rows=rows)
    yield terminal
    terminal.close()


def retype(terminal: Terminal, text: str) -> None:
    """Put another text into the field of the dialog."""
    terminal.press(CLEAR)
    terminal.wait_for(lambda: re.search(r"▊ +▎", terminal.text))
    terminal.press(*text)
    terminal.wait_for(f"▊  {text}")


def is_lit(terminal: Terminal, text: str) -> bool:
    """Whether an answer has another ground than the words below it: it is the one chosen."""
    y = next((y for y, line in enumerate(terminal.lines) if f"│  {text}" in line), None)
    hint = next((y for y, line in enumerate(terminal.lines) if "Enter chooses" in line), None)
    if y is None or hint is None:
        return False
    x = terminal.lines[y].index(text)
    return bool(terminal.screen.buffer[y][x].bg != terminal.screen.buffer[hint][x].bg)


def test_runs_are_found_compared_renamed_and_deleted(terminal: Terminal, runs: Path) -> None:
    small = terminal.screen.columns == 80
    terminal.wait_for("as it ended")
    terminal.press("o")
    terminal.wait_for("Runs · 4 · newest first")
    terminal.press("/")
    terminal.wait_for("Enter keeps the filter")
    terminal.press(*"lr>0.15")
    terminal.wait_for("Runs · 2 of 4")
    terminal.wait_for(lambda: "fast-one" not in terminal.text)
    terminal.press("enter")
    terminal.wait_for("space mark")

    terminal.press("<", "space", "space")
    terminal.wait_for("2 marked")
    terminal.wait_for(lambda: re.search(r"B +steep-a .*\n.* C +steep-b ", terminal.text))
    if small:
        terminal.press("tab")
    terminal.wait_for(lambda: re.search(r"A \d\.\d+ · B \d\.\d+ · C \d\.\d+", terminal.text))
    terminal.press("tab")
    terminal.wait_for(lambda: re.search(r"≠ rate +0\.1 +0\.2 +0\.5 ", terminal.text))
    if small:
        terminal.press("tab")
        terminal.wait_for("loss")

    terminal.press("n")
    terminal.wait_for("is to be called")
    retype(terminal, "here")
    terminal.press("enter")
    terminal.wait_for("something of that name already")
    retype(terminal, "the best")
    terminal.press("enter")
    terminal.wait_for("is called the best now")
    assert {run.run for run in listed(runs)} == {"here", "fast-one", "steep-a", "the best"}

    terminal.press("d")
    terminal.wait_for("would be deleted")
    terminal.wait_for(lambda: is_lit(terminal, "keep it"))
    terminal.press(DOWN)
    terminal.wait_for(lambda: is_lit(terminal, "delete it"))
    terminal.press("enter")
    terminal.wait_for("deleted run the best")
    assert {run.run for run in listed(runs)} == {"here", "fast-one", "steep-a"}
    terminal.wait_for("Runs · 1 of 3")

    terminal.press("escape")
    terminal.wait_for(lambda: "Runs ·" not in terminal.text)
    terminal.press("q")
    assert terminal.wait_for_end() == 0
    assert terminal.is_given_back
