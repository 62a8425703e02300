"""A terminal's end of the wire: what an app sends to it, without a terminal.

Textual takes a headless app for one that nobody sees, and does not even put its frames into words.
This driver lets it do all of that in a test, and keeps what comes of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import pyte
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot


class Wire(HeadlessDriver):
    """Counts what is sent, and shows it on a screen if there is one."""

    sent = 0
    """Characters so far."""
    newest = ""
    """The last of them, of one write."""
    screen: pyte.Screen | None = None
    """Of the terminal."""

    @property
    def is_headless(self) -> bool:
        """Frames are to be sent."""
        return False

    def write(self, data: str) -> None:
        """Take what a terminal would be sent."""
        self.sent += len(data)
        self.newest = data
        if self.screen is not None:
            pyte.Stream(self.screen).feed(data)


def wire_of(app: App[None]) -> Wire:
    """The driver of a running app."""
    assert isinstance(app._driver, Wire)
    return app._driver


async def play(
    app: App[None],
    scenario: Callable[[Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (120, 36),
) -> None:
    """Run an app, whose driver is a `Wire`, for as long as the scenario lasts."""
    failed: list[BaseException] = []

    async def pilot_in(pilot: Pilot[object]) -> None:
        try:
            while not (app.screen_stack and app.screen.is_mounted and app.screen.size):
                await pilot.pause(0.01)
            await scenario(pilot)  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - the app would swallow it
            failed.append(error)
        finally:
            app.exit()

    with contextlib.suppress(SystemExit):
        await app.run_async(headless=False, size=size, auto_pilot=pilot_in)
    if failed:
        raise failed[0]
