"""A real terminal with the real program in it.

A pseudo-terminal, a process whose controlling terminal it is, and pyte as the screen: what a person
would read is read from there, and what they would type goes in as bytes. It plays an old terminal
on purpose: Textual's questions (synchronised output, size reports in band, kitty keys) stay
unanswered, so that sizes arrive by SIGWINCH and frames arrive unmarked.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pyte

ROOT = Path(__file__).parent.parent
PROGRAM = (sys.executable, "-m", "tui")
"""`steermore`, as started from a checkout."""

KEYS = {"enter": "\r", "escape": "\x1b", "space": " ", "tab": "\t", "ctrl+c": "\x03"}

FOREIGN = re.compile(rb"\x1b\[[<=>][0-9;:]*[@-~]")
"""Sequences of later terminals (kitty keys, modifyOtherKeys): pyte draws some of them as text, and
takes others for colours."""
_TORN = re.compile(rb"\x1b(\[[0-?]*[ -/]*)?\Z")
"""A sequence of which the rest has not come yet."""
_FROM_OUTSIDE = ("COLUMNS", "LINES", "NO_COLOR", "TERM_PROGRAM", "STEERMORE_RUNS")


class Terminal:
    """One program in one terminal, until `close`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 36,
        cwd: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.output = bytearray()
        """Every byte that the program has written."""
        self._ends: tuple[int, ...] = ()
        self._stream = pyte.ByteStream(self.screen)
        self._torn = b""
        self._lines: dict[int, str] = {}
        """What `lines` made of the rows that have not changed since."""
        # The program's end stays open here too: its modes are read after the program has left.
        self._own, self._programs = self._ends = os.openpty()
        self._set_size(columns, rows)
        self._modes_before = termios.tcgetattr(self._programs)
        environ = {k: v for k, v in os.environ.items() if k not in _FROM_OUTSIDE}
        environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environ | dict(environment or {}),
            preexec_fn=partial(os.login_tty, self._programs),
            pass_fds=(self._programs,),
        )

    @property
    def lines(self) -> list[str]:
        """The screen, a string a row, without the blanks at the end."""
        for y in self.screen.dirty:
            row = self.screen.buffer[y]
            self._lines[y] = "".join(row[x].data for x in range(self.screen.columns)).rstrip()
        self.screen.dirty.clear()
        return [self._lines[y] for y in range(self.screen.lines)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def row(self, text: str) -> str:
        """The first row that contains `text`; raises AssertionError without one."""
        found = next((line for line in self.lines if text in line), None)
        assert found is not None, f"{text!r} is not on the screen:\n{self.text}"
        return found

    def press(self, *keys: str) -> None:
        """Type keys, one after the other: characters, or names in KEYS."""
        for key in keys:
            os.write(self._own, KEYS.get(key, key).encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size; the system tells the program by SIGWINCH."""
        # What is in the pipe was drawn for the old size.
        self.pump(0)
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def read(self, seconds: float) -> bytes:
        """What the program writes next, at most 64 KiB; nothing if it is silent for `seconds`."""
        if not select.select([self._own], [], [], max(seconds, 0.0))[0]:
            return b""
        return os.read(self._own, 65536)

    def feed(self, data: bytes) -> None:
        """Show what was read."""
        self.output += data
        whole = self._torn + data
        torn = _TORN.search(whole)
        cut = torn.start() if torn else len(whole)
        self._torn = whole[cut:]
        self._stream.feed(FOREIGN.sub(b"", whole[:cut]))

    def pump(self, seconds: float) -> None:
        """Show what has come, waiting for it at most `seconds`."""
        while data := self.read(seconds):
            self.feed(data)
            seconds = 0

    def wait_for(self, what: str | Callable[[], object], seconds: float = 20.0) -> float:
        """Until the text stands on the screen, or the function is true of it; seconds waited.

        Raises AssertionError with the screen after `seconds`.
        """
        start = time.monotonic()
        while not (what in self.text if isinstance(what, str) else what()):
            waited = time.monotonic() - start
            if waited > seconds:
                raise AssertionError(
                    f"not within {seconds:g} s: {what!r} (program's exit code:"
                    f" {self.process.poll()})\n{self.text}"
                )
            self.pump(0.05)
        return time.monotonic() - start

    def wait_for_end(self, seconds: float = 20.0) -> int:
        """The program's exit code, once it has left and its last words are on the screen."""
        self.wait_for(lambda: self.process.poll() is not None, seconds)
        self.pump(0)
        return self.process.returncode

    @property
    def is_given_back(self) -> bool:
        """The program has left the alternate screen, the cursor shows, the modes are as before."""
        in_alternate = self.output.rfind(b"\x1b[?1049h") > self.output.rfind(b"\x1b[?1049l")
        hidden = self.output.rfind(b"\x1b[?25l") > self.output.rfind(b"\x1b[?25h")
        modes = termios.tcgetattr(self._programs)
        return not in_alternate and not hidden and modes == self._modes_before

    def hang_up(self) -> None:
        """Take the terminal away from the program, as closing a window does."""
        for end in self._ends:
            os.close(end)
        self._ends = ()

    def close(self) -> None:
        """End the program if it still runs, and take the terminal away."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Dashboard(Terminal):
    """`steermore` in a terminal, and what a person reads from its screen."""

    def __init__(
        self,
        runs: Path,
        *options: str,
        program: Sequence[str] = PROGRAM,
        columns: int = 120,
        rows: int = 36,
    ) -> None:
        """`runs` is where this dashboard's one run will be kept, and nothing else."""
        self._runs = runs.resolve()
        super().__init__([*program, "--runs-dir", str(runs), *options], columns=columns, rows=rows)

    @property
    def run(self) -> Path:
        """The directory of its run."""
        (directory,) = self._runs.iterdir()
        return directory

    @property
    def processes(self) -> list[int]:
        """All processes that name its directory: dashboard and engine, while they live."""
        return processes_naming(self._runs)

    @property
    def engine(self) -> int:
        """The engine's process."""
        (process,) = (pid for pid in self.processes if pid != self.process.pid)
        return process

    @property
    def step(self) -> int:
        """The step in the status line, -1 where there is none."""
        found = re.search(r" step +([\d,]+)", self.lines[0])
        return int(found[1].replace(",", "")) if found else -1

    @property
    def effective(self) -> float:
        """The effective learning rate on the screen, NaN where there is none."""
        found = re.search(r"(?:= effective|rate \S+ × \S+ =) +([\d.e+-]+)", self.text)
        return float(found[1]) if found else math.nan

    @property
    def names(self) -> tuple[str, ...]:
        """The newest drawing in the samples panel, as far as it is in view, without its marks."""
        top = next((i for i, line in enumerate(self.lines) if "╭─ Samples" in line), None)
        if top is None:
            return ()
        width = self.lines[top].index("╮")
        inside: list[str] = []
        for line in self.lines[top + 1 :]:
            if line[:1] != "│" or (inside and re.match(r" *[\d,]+  T ", line[1:])):
                break
            inside.append(line[1:width])
        text = "".join(inside).partition(" T 1 ")[2]
        return (
            tuple(re.sub(r"\((?:train|dev|test)\)|[\d.]|\s", "", text).split("·")) if text else ()
        )

    def wait_until_it_trains(self) -> None:
        """Until steps are on the screen; raises AssertionError if program or engine ends first."""
        ended = "engine ended"
        self.wait_for(
            lambda: self.step > 0 or ended in self.lines[0] or self.process.poll() is not None, 60
        )
        assert self.step > 0, self.text

    def close(self) -> None:
        """Leave nothing behind: neither dashboard nor engine."""
        super().close()
        for process in self.processes:
            kill(process)


def kill(pid: int) -> None:
    """Kill a process, which may be just ending by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def processes_naming(path: Path) -> list[int]:
    """Running processes with `path` in their command line."""
    proc = Path("/proc")
    if (proc / "self").exists():
        found = {}
        for directory in proc.glob("[0-9]*"):
            # It may end while we look.
            with contextlib.suppress(OSError):
                found[int(directory.name)] = (
                    (directory / "cmdline").read_bytes().decode("utf-8", "replace")
                )
    else:
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        pairs = (line.split(None, 1) for line in listed.stdout.splitlines())
        found = {int(pid): command for pid, command in pairs}
    return [pid for pid, command in found.items() if str(path) in command]
