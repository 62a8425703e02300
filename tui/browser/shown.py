"""The run that is shown in the browser, and the program that shows it in one page."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from core.launch import start_engine
from core.protocol import StateChanged
from core.record import is_served, read_events

LOADING_SECONDS = 10.0
"""How long a page waits for an engine that was started elsewhere to take its run."""


class Shown:
    """One run at a time; a page that goes on to another takes those along that come after it."""

    def __init__(self, directory: Path, *, begun: bool = False, paused: bool = False) -> None:
        """`begun`: it is a new run, whose engine loads from now on, to train, unless `paused`, once
        somebody looks: it could be over before the browser is open.
        """
        self.directory = directory.resolve()
        self._engine: subprocess.Popen[bytes] | None = start_engine(directory) if begun else None
        self._loading_until = time.monotonic() + LOADING_SECONDS if begun else 0.0
        self._train = begun and not paused

    def go_on_to(self, directory: Path, *, begun: bool) -> None:
        """Show another run from now on; `begun`: its engine is being started, to train."""
        self.directory, self._engine, self._train = directory, None, begun
        self._loading_until = time.monotonic() + LOADING_SECONDS if begun else 0.0

    async def command(self) -> list[str]:
        """The program for the next page.

        Waits for an engine that is on its way: without one the run would be shown as it ended.
        """
        if any(isinstance(event, StateChanged) for event in read_events(self.directory)):
            self._train = False
        if self._train and self._engine_has_ended and not is_served(self.directory):
            # Nobody came for ten minutes.
            self._engine = start_engine(self.directory)
            self._loading_until = time.monotonic() + LOADING_SECONDS
        while not (is_served(self.directory) or self._engine_has_ended):
            if time.monotonic() > self._loading_until:
                break
            await asyncio.sleep(0.02)
        # -P: a folder called tui where the person stands must not shadow ours.
        program = [sys.executable, "-P", "-m", "tui.browser.tab", str(self.directory)]
        return [*program, "--train"] if self._train else program

    @property
    def _engine_has_ended(self) -> bool:
        """The engine that was started here; of others nothing is known."""
        return self._engine is not None and self._engine.poll() is not None
