"""What is served: textual-serve's server behind our door, with a page that needs nothing from afar.

textual-serve brings the terminal in the page (xterm.js) and the carrying of keys and frames. Its
own page fetches a font from the web, its server asks nobody who they are, starts apps through a
shell, and may leave them behind: those parts are replaced here.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

from aiohttp import WSCloseCode, web
from textual_serve.server import Server, to_int

from core.errors import UserError
from tui.browser.door import Door
from tui.browser.page import Page
from tui.browser.shown import Shown

SHUTDOWN_SECONDS = 5.0
"""How long open connections may take to end."""

HERE = Path(__file__).parent

CLOSING_SECONDS = 2.0
"""How long a browser may take to agree that a page is closed."""

LARGEST = 1000
"""Columns or rows that a page may ask for at first."""


class Pages(Server):
    """Serves a page for every tab that passes the door, each with a process of its own."""

    def __init__(self, shown: Shown, door: Door) -> None:
        super().__init__(
            "",
            title=f"steermore: {shown.directory.name}",
            public_url=door.origin,
            templates_path=HERE,
        )
        self._shown = shown
        self._door = door
        self._open: set[Page] = set()

    async def serve_until_told(self, listener: socket.socket) -> None:
        """Serve what comes to `listener` until SIGINT or SIGTERM, then end every page's process."""
        told = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        # Without an access log: the address has the token in it.
        runner = web.AppRunner(
            await self._make_app(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )
        await runner.setup()
        await web.SockSite(runner, listener).start()
        await told.wait()
        await runner.cleanup()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.router.add_get("/page.js", _script)
        app.middlewares.append(self._door.admit)
        app.on_response_prepare.append(self._door.harden)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing; the command has said it."""

    async def on_shutdown(self, app: web.Application) -> None:
        """End the processes; each closes its page as it ends."""
        await asyncio.gather(*(page.stop() for page in self._open))

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A page has opened: run the dashboard for it until one of the two ends."""
        websocket = web.WebSocketResponse(heartbeat=15, timeout=CLOSING_SECONDS)
        await websocket.prepare(request)
        page = Page(self._shown, websocket, self.download_manager)
        self._open.add(page)
        try:
            await page.start(_cells(request, "width", 80), _cells(request, "height", 24))
            await self._process_messages(websocket, page)
        except (OSError, UserError) as error:
            print(f"steermore: {error}", file=sys.stderr)
            await websocket.close(code=WSCloseCode.INTERNAL_ERROR)
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
            # Not what our page sends.
            await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA)
        finally:
            await page.stop()
            self._open.discard(page)
        return websocket


async def _script(request: web.Request) -> web.FileResponse:
    return web.FileResponse(HERE / "page.js")


def _cells(request: web.Request, name: str, default: int) -> int:
    return min(max(to_int(request.query.get(name, ""), default), 1), LARGEST)
