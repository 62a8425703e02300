"""Sweeps in processes of their own, as people start them, for the tests of several files."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from core.errors import UserError
from core.sweep_place import Place, checked_url
from core.sweep_standing import Standing
from core.sweep_study import join, read
from tests import conftest
from tests.terminal import PROGRAM, ROOT, kill, processes_naming

SMALL = ("--embedding-size", "2", "--block-size", "2", "--steps", "200")
T = TypeVar("T")


def long(test: T) -> T:
    """A story of many engines, that is only played by `make fuzz`."""
    for mark in conftest.LONG:
        test = cast(T, mark(test))
    return test


LONG = ("--embedding-size", "2", "--hidden-size", "8", "--steps", "1500", "--pace", "1000")
"""A trial of one and a half seconds, however fast the machine is."""


class Sweeping:
    """One `steermore sweep` without a screen."""

    def __init__(self, runs: Path, *options: str, url: str = "", heartbeat: int = 1) -> None:
        self.runs = runs
        self._place = Place(runs, checked_url(url) if url else "", heartbeat)
        command = [*PROGRAM, "sweep", "--runs-dir", str(runs), *options]
        environment = os.environ | ({"STEERMORE_STORAGE": url} if url else {})
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def standing(self, study: str = "s") -> Standing:
        """How the study stands."""
        return read(self._place, *join(self._place, study))

    def wait_for(self, true: Callable[[Standing], object], seconds: float = 60.0) -> Standing:
        """Until the study stands so."""
        deadline = time.monotonic() + seconds
        while True:
            standing = None
            with contextlib.suppress(UserError):
                # It may not be there yet.
                standing = self.standing()
            if standing is not None and true(standing):
                return standing
            assert time.monotonic() < deadline, standing
            assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.1)

    @property
    def workers(self) -> list[int]:
        """The processes of those that hold a lock."""
        found = (re.search(r"-(\d+)-\w+\.worker$", path.name) for path in self._locks())
        return [int(each[1]) for each in found if each is not None and _lives(int(each[1]))]

    def _locks(self) -> list[Path]:
        return list((self.runs / "sweeps").glob("*.worker"))

    def finish(self, seconds: float = 90.0) -> tuple[int, str]:
        """Its exit code and all that it said."""
        out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, out

    def kill(self) -> None:
        """It and its workers, as a loss of power would; and their engines."""
        self.process.kill()
        for pid in [*self.workers, *processes_naming(self.runs.resolve())]:
            if pid != os.getpid():
                kill(pid)
        self.process.communicate()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
