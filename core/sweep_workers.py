"""The workers of a sweep on this machine: started, replaced when killed, ended in good order."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.launch import environment
from core.record import RunError, cure
from core.sweep_place import Order

MOST_DEATHS = 5
"""Workers killed in a row, none of which lived for long; then something else is wrong."""
LONG_SECONDS = 60.0
PATIENCE_SECONDS = 45.0
"""For a worker to have its engine save and end."""


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    since: float


class Workers:
    """Processes that make the trials of one study."""

    def __init__(self, order: Order, count: int, log: Path) -> None:
        """`log` takes what they and their libraries print. Raises RunError."""
        self._order, self._log = order, log
        self._deaths = 0
        self.failure = ""
        """The sentence with which one of them gave up."""
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            self._running = [self._start() for _ in range(count)]
        except OSError as error:
            raise RunError(f"{log}: no worker can be started: {cure(error)}") from None

    @property
    def pids(self) -> tuple[int, ...]:
        """Of those that work."""
        return tuple(each.process.pid for each in self._running)

    def tend(self) -> bool:
        """Replace those that were killed; whether any is still at work."""
        for each in list(self._running):
            code = each.process.poll()
            if code is None:
                continue
            self._running.remove(each)
            if code < 0:
                self._replace(each, -code)
            elif code > 0:
                self.failure = self.failure or _last_line(self._log)
        return bool(self._running)

    def end(self) -> None:
        """Have them save what they train, and end."""
        for each in self._running:
            each.process.terminate()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for each in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.process.wait(max(deadline - time.monotonic(), 0.1))
            each.process.kill()
            each.process.wait()
        self._running = []

    def _replace(self, dead: _Running, number: int) -> None:
        lived = time.monotonic() - dead.since
        self._deaths = 1 if lived > LONG_SECONDS else self._deaths + 1
        if self._deaths > MOST_DEATHS:
            how = signal.Signals(number).name
            self.failure = f"one worker after the other is killed ({how}); see {self._log}"
        else:
            self._running.append(self._start())

    def _start(self) -> _Running:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "core.sweep_worker"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us, who end them in good order.
                start_new_session=True,
                env=environment(),
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # Left open: when it ends, the worker knows that we are gone.
            process.stdin.write(msgspec.json.encode(self._order) + b"\n")
            process.stdin.flush()
        return _Running(process, time.monotonic())


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"a worker ended without a word; see {log}"
