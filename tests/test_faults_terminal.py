"""What can go wrong around the dashboard, in a real terminal: killed, stopped, resized to nothing,
its engine frozen or out of room. The engine's side of it is test_faults.py; that SIGTERM and a
closed terminal leave a training engine is told by test_terminal.py.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from core.client import Client
from core.record import read_column
from tests.conftest import FUZZ, Open, delete
from tests.terminal import PROGRAM, Dashboard, Terminal, kill, processes_naming
from tests.test_terminal import KEY, NO_END, TRAINING, assert_trains_on_and_can_be_ended, is_whole
from tests.test_time_travel import replayed
from tui.reader import POLL, SILENT_POLLS

MINUTE = 60.0 if FUZZ > 10 else 3.0
"""Seconds that a dashboard is stopped; `make fuzz` takes the whole minute."""


@pytest.fixture
def open_dashboard(open_dashboard: Open) -> Open:
    """A small model, trained without an end."""
    return partial(open_dashboard, *NO_END, "--hidden-size", "16")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, few_names: Path) -> Iterator[Dashboard]:
    """One dashboard for several tests; each finds it at 120×36, training, and leaves it so."""
    runs = tmp_path_factory.mktemp("session") / "runs"
    sizes = ("--hidden-size", "16", "--evaluation-interval", "1000000")
    dashboard = Dashboard(runs, "--data", str(few_names), *NO_END, *sizes)
    try:
        dashboard.wait_until_it_trains()
        yield dashboard
    finally:
        dashboard.close()


def words(dashboard: Dashboard) -> str:
    """The screen's text, joined where toast and log wrap it beside empty panels."""
    return re.sub(r"[│▌\s]+", " ", dashboard.text)


def goes_on(dashboard: Dashboard) -> None:
    """Steps are told, and a key is obeyed."""
    dashboard.wait_for(lambda: "training" in dashboard.lines[0], KEY)
    reached = dashboard.step
    dashboard.wait_for(lambda: dashboard.step > reached, KEY)
    before = dashboard.effective
    dashboard.press("+" if before < 0.2 else "-")
    dashboard.wait_for(lambda: dashboard.effective != before, KEY)


def test_a_frozen_engine_is_told_within_two_seconds_and_taken_back(session: Dashboard) -> None:
    os.kill(session.engine, signal.SIGSTOP)
    try:
        # Silence and a frame; the rest of the limit is for a busy machine.
        assert SILENT_POLLS * POLL < 2.0
        session.wait_for(lambda: "engine not answering" in session.lines[0], KEY)
    finally:
        os.kill(session.engine, signal.SIGCONT)
    goes_on(session)


def test_a_dashboard_that_attaches_to_a_frozen_engine_says_so_and_waits_for_it(
    session: Dashboard,
) -> None:
    engine, second = session.engine, None
    os.kill(engine, signal.SIGSTOP)
    try:
        second = Dashboard(session.run.parent, "last", program=(*PROGRAM, "attach"))
        second.wait_for(lambda: "engine not answering" in second.lines[0])
        os.kill(engine, signal.SIGCONT)
        second.wait_for(lambda: second.step > 0 and "training" in second.lines[0], KEY)
    finally:
        os.kill(engine, signal.SIGCONT)
        if second is not None:
            os.kill(second.process.pid, signal.SIGTERM)
            second.wait_for_end()
            second.hang_up()
    goes_on(session)


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (400, 2)])
def test_a_window_of_hardly_any_size_and_back(session: Dashboard, size: tuple[int, int]) -> None:
    session.resize(*size)
    quiet = len(session.output)
    session.wait_for(lambda: len(session.output) > quiet, KEY)
    session.resize(120, 36)
    session.wait_for(lambda: is_whole(session) and "q quit" in session.text, KEY)
    goes_on(session)


def test_a_window_drawn_small_and_wide_again_within_a_moment_is_painted_whole(
    session: Dashboard,
) -> None:
    session.resize(2, 40)
    session.resize(120, 36)
    assert not is_whole(session)
    session.wait_for(lambda: is_whole(session) and "q quit" in session.text, KEY)


@pytest.mark.fuzz
def test_a_dashboard_that_was_stopped_for_a_while_catches_up(session: Dashboard) -> None:
    frozen = session.process.pid
    os.kill(frozen, signal.SIGSTOP)
    try:
        watcher = Client(session.run, "watcher")
        reached = watcher.attach(20).welcome.step
        began = time.monotonic()
        while time.monotonic() - began < MINUTE:
            watcher.receive(0.2)
        there = watcher.attach(20).welcome.step
        watcher.close()
    finally:
        os.kill(frozen, signal.SIGCONT)
    # It trained meanwhile; how far depends on the machine.
    assert there > reached
    session.wait_for(lambda: session.step >= there, TRAINING)
    goes_on(session)


def child_of(pid: int) -> int:
    """The one process that it has started."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_a_killed_dashboard_leaves_a_usable_terminal_and_an_engine_that_trains_on(
    tmp_path: Path, few_names: Path
) -> None:
    # Below a shell that does not care for the terminal's modes itself.
    program = ("sh", "-c", '"$@"; cat', "sh", *PROGRAM)
    # No evaluations: their lines would push from the log what is looked for.
    sizes = ("--hidden-size", "16", "--evaluation-interval", "1000000")
    flags = ("--data", str(few_names), *NO_END, *sizes)
    dashboard = Dashboard(tmp_path / "runs", *flags, program=program)
    try:
        dashboard.wait_until_it_trains()
        assert not dashboard.is_given_back
        os.kill(child_of(dashboard.process.pid), signal.SIGKILL)
        dashboard.wait_for(lambda: dashboard.is_given_back, KEY)
        dashboard.wait_for("`steermore attach` shows it", KEY)
        mouse = b"\x1b[?1003"
        assert dashboard.output.rfind(mouse + b"l") > dashboard.output.rfind(mouse + b"h")
        steps = read_column(dashboard.run, 0).size
        again = Dashboard(dashboard.run.parent, "last", program=(*PROGRAM, "attach"))
        try:
            again.wait_for(lambda: again.step > steps, TRAINING)
            again.wait_for("run opened", KEY)
            os.kill(again.process.pid, signal.SIGTERM)
            again.wait_for_end()
        finally:
            again.hang_up()
        assert_trains_on_and_can_be_ended(dashboard)
    finally:
        dashboard.close()


class Shell(Terminal):
    """An interactive shell, in which the dashboard is a job."""

    def __init__(self) -> None:
        super().__init__(["bash", "--norc", "--noprofile", "-i"], environment={"PS1": "ready> "})

    def is_in_front(self) -> bool:
        """The newest thing on the screen, which is not the alternate one, is the prompt."""
        since = self.output[max(self.output.rfind(b"\x1b[?1049l"), 0) :]
        return b"\x1b[?1049h" not in since and b"ready> " in since

    def says(self, line: str, answer: str) -> None:
        """Type a line, and read what it gives."""
        self.press(f"{line}\r")
        self.wait_for(lambda: answer.encode() in self.output, KEY)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no shell with jobs here")
def test_ctrl_z_gives_the_terminal_back_fg_the_dashboard_and_a_kill_the_shell(
    tmp_path: Path, few_names: Path
) -> None:
    shell = Shell()
    try:
        shell.wait_for("ready>")
        runs, program = tmp_path / "runs", " ".join(PROGRAM)
        shell.press(f"{program} --data {few_names} --runs-dir {runs} {' '.join(NO_END)}\r")
        shell.wait_for(lambda: "training" in shell.lines[0], 60)
        (run,) = runs.iterdir()
        shell.press("\x1a")
        shell.wait_for("Stopped", KEY)
        shell.wait_for(shell.is_in_front, KEY)
        shell.says("echo $((6 * 7)) is shown", "42 is shown")
        steps = read_column(run, 0).size
        shell.wait_for(lambda: read_column(run, 0).size > steps, KEY)
        assert shell.is_in_front()
        shell.press("fg\r")
        # This terminal has one screen for both: what the shell wrote is painted over, all of it.
        shell.wait_for(lambda: "ready>" not in shell.text and "42 is" not in shell.text, KEY)
        shell.wait_for(lambda: "training" in shell.lines[0] and "q quit" in shell.text, KEY)
        shell.press("+")
        shell.wait_for("(you)", KEY)
        os.kill(child_of(shell.process.pid), signal.SIGKILL)
        shell.wait_for(lambda: b"steermore attach` shows it" in shell.output, KEY)
        shell.says("echo $((6 * 9)) is shown", "54 is shown")
    finally:
        shell.close()
        for process in processes_naming(tmp_path):
            kill(process)


def test_without_room_the_screen_says_so_and_space_goes_on(open_dashboard: Open) -> None:
    dashboard = open_dashboard("--evaluation-interval", "1000000")
    dashboard.wait_until_it_trains()
    engine, run = dashboard.engine, dashboard.run
    size = max(path.stat().st_size for path in run.glob("*.*"))
    _, hard = resource.prlimit(engine, resource.RLIMIT_FSIZE)
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (size + 1_001, hard))
    dashboard.wait_for(lambda: "cannot write" in dashboard.lines[0])
    dashboard.wait_for(lambda: "make room" in words(dashboard), KEY)
    written = read_column(run, 0).size
    dashboard.wait_for(lambda: dashboard.step == written, KEY)
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (hard, hard))
    dashboard.press("space")
    dashboard.wait_for(lambda: dashboard.step > written, TRAINING)
    dashboard.press("Q")
    assert dashboard.wait_for_end() == 0
    assert replayed(run).identical


def test_a_run_deleted_under_the_dashboard_is_told_and_can_be_left(
    open_dashboard: Open,
) -> None:
    dashboard = open_dashboard()
    dashboard.wait_until_it_trains()
    delete(dashboard.run)
    dashboard.wait_for(lambda: "engine ended" in dashboard.lines[0])
    dashboard.wait_for(lambda: "deleted or moved away" in words(dashboard), KEY)
    dashboard.press("r")
    dashboard.wait_for(lambda: "no engine can be started" in words(dashboard), KEY)
    # Rooms and dialogs that look at its files open, and close again.
    rooms = {"R": "╭─ Restart", "o": "╭─ Runs", "E": "╭─ Write to a file", "D": "Lengths, mean"}
    for key, title in rooms.items():
        dashboard.press(key)
        dashboard.wait_for(title, KEY)
        dashboard.press("escape")
        dashboard.wait_for(lambda title=title: title not in dashboard.text, KEY)  # type: ignore[misc]
    dashboard.press("q")
    assert dashboard.wait_for_end() == 0
    assert dashboard.is_given_back
    assert b"Traceback" not in dashboard.output


def test_a_missing_torch_is_told_on_the_screen_with_the_cure(
    tmp_path: Path, few_names: Path
) -> None:
    missing = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "torch.py").write_text(missing)
    path = "import sys; sys.argv[0] = 'steermore'; from tui.__main__ import main; main()"
    program = ("env", f"PYTHONPATH={tmp_path / 'modules'}", sys.executable, "-c", path)
    dashboard = Dashboard(tmp_path / "runs", "--data", str(few_names), program=program)
    try:
        dashboard.wait_for(lambda: "engine ended" in dashboard.lines[0])
        dashboard.wait_for(lambda: "No module named 'torch'" in words(dashboard), KEY)
        assert "install them as the README says" in words(dashboard)
        dashboard.press("q")
        assert dashboard.wait_for_end() == 0
    finally:
        dashboard.close()
