"""Real engine processes, many a second: torch is loaded once, and each engine begins as a fork.

What is forked has loaded torch and never used it: then a fork is as good as a fresh process. For
tests that need many engines; whatever depends on how an engine is started uses core/launch.py.
"""

from __future__ import annotations

import atexit
import functools
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.terminal import ROOT

NURSERY = """
import os, select
import core.run, core.service, core.stall
from core.launch import AS_RECORDED
from core.worker import main

def begin(wanted):
    as_recorded, directory = wanted[0] == "1", wanted[1:]
    if pid := os.fork():
        return pid
    os.setsid()
    log = os.open(directory + "/engine.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if as_recorded:
        os.environ[AS_RECORDED] = "1"
    try:
        code = main([directory])
    except BaseException:
        code = 70
    os._exit(code)

alive = 0
while True:
    if select.select([0], [], [], 0.005)[0]:
        wanted = os.read(0, 65536).decode().splitlines()
        if not wanted:
            break
        for line in wanted:
            print("started", begin(line), 0, flush=True)
            alive += 1
    while alive:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            break
        alive -= 1
        print("ended", pid, os.waitstatus_to_exitcode(status), flush=True)
"""


class QuickEngine(subprocess.Popen[bytes]):
    """One of them, as if it had been started from here."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        # Nothing is started here: it is only waited for, elsewhere.
        self._nursery = nursery
        self._child_created = False
        self.args = ()
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        self._nursery.listen(0.0)
        self.returncode = self._nursery.ended.get(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (60.0 if timeout is None else timeout)
        while (code := self.poll()) is None:
            self._nursery.listen(0.05)
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("engine", timeout or 60.0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Where they begin."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        """The exit code of each that has ended, by its process id."""
        self._started: list[int] = []
        self._lines = b""
        self._reading = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    def start(self, directory: Path, as_recorded: bool) -> QuickEngine:
        """A new engine on that run."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{as_recorded:d}{directory.resolve()}\n".encode())
        while not self._started:
            self.listen(60)
        return QuickEngine(self, self._started.pop())

    def listen(self, seconds: float) -> None:
        """Take in what there is to be told, waiting for it so long."""
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], seconds)[0]:
            # A dashboard's reader and the test itself may both be waiting.
            with self._reading:
                self._take_in(self._process.stdout.fileno())
            seconds = 0

    def _take_in(self, pipe: int) -> None:
        try:
            told = os.read(pipe, 65536)
        except BlockingIOError:
            # The other one has it.
            return
        assert told, "the nursery has ended"
        *lines, self._lines = (self._lines + told).split(b"\n")
        for line in lines:
            what, pid, code = line.split()
            if what == b"started":
                self._started.append(int(pid))
            else:
                self.ended[int(pid)] = int(code)

    def close(self) -> None:
        """No more of them."""
        self._process.kill()
        self._process.communicate()


@functools.cache
def nursery() -> Nursery:
    """The one of this test process."""
    made = Nursery()
    atexit.register(made.close)
    return made


def start(directory: Path, *, as_recorded: bool = False) -> QuickEngine:
    """As `start_engine` of core/launch.py, but a twentieth of its time."""
    return nursery().start(directory, as_recorded)
