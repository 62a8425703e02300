"""A real Chromium without a window, driven by the protocol of its developer tools.

What is typed goes in as a keyboard's events; what it fetches, what comes in by its WebSockets, and
what it paints is seen from outside. The page's text is read from the bytes that it was sent, by the
same pyte that plays a terminal elsewhere, as a page draws its text on a canvas.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pyte

from tests.terminal import FOREIGN

PROGRAM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
"""None where there is no such browser."""

ENTER = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.fetched: list[str] = []
        """Every address that the page asked for, sockets included."""
        self.complaints: list[str] = []
        """Errors that the page reported, and what its policy kept it from."""
        self.screen = pyte.Screen(400, 200)
        self._stream = pyte.ByteStream(self.screen)
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._listening = asyncio.create_task(self._listen())

    @property
    def text(self) -> str:
        """What a person would read on the page."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    async def ask(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol, and its result."""
        number = next(self._ids)
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, 30)

    async def evaluate(self, script: str) -> Any:
        """The value of a script in the page."""
        result = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True)
        return result["result"].get("value")

    async def until_script(self, script: str, seconds: float = 30.0) -> None:
        """Until a script in the page gives something true."""
        try:
            async with asyncio.timeout(seconds):
                while not await self.evaluate(script):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not within {seconds:g} s: {script}\n{self.text}") from None

    async def press(self, *keys: str) -> None:
        """Type characters, or `enter`."""
        for key in keys:
            event = ENTER if key == "enter" else {"key": key, "text": key}
            await self.ask("Input.dispatchKeyEvent", type="keyDown", **event)
            await self.ask("Input.dispatchKeyEvent", type="keyUp", key=event["key"])

    async def picture(self) -> bytes:
        """What it has painted, as PNG."""
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])

    async def until(self, what: str | Callable[[], object], seconds: float = 30.0) -> None:
        """Until the text stands on the page, or the function is true of it."""
        try:
            async with asyncio.timeout(seconds):
                while not (what in self.text if isinstance(what, str) else what()):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            told = "\n".join(self.complaints)
            raise AssertionError(
                f"not within {seconds:g} s: {what!r}\n{told}\n{self.text}"
            ) from None

    async def close(self) -> None:
        """Close the page."""
        with suppress(ConnectionError, asyncio.TimeoutError):
            await self._socket.send_json({"id": 0, "method": "Page.close"})
        await self._listening

    async def _listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if answer := self._answers.pop(told.get("id", -1), None):
                if "error" in told:
                    answer.set_exception(AssertionError(told["error"]))
                else:
                    answer.set_result(told["result"])
            elif "method" in told:
                self._hear(told["method"], told["params"])

    def _hear(self, event: str, about: dict[str, Any]) -> None:
        match event:
            case "Network.requestWillBeSent":
                self.fetched.append(about["request"]["url"])
            case "Network.webSocketCreated":
                self.fetched.append(about["url"])
                self.screen.reset()
            case "Network.webSocketFrameReceived" if about["response"]["opcode"] == 2:
                data = base64.b64decode(about["response"]["payloadData"])
                self._stream.feed(FOREIGN.sub(b"", data))
            case "Log.entryAdded" if about["entry"]["level"] == "error":
                self.complaints.append(f"{about['entry']['text']} {about['entry'].get('url')}")
            case "Runtime.exceptionThrown":
                self.complaints.append(str(about["exceptionDetails"]))
            case _:
                pass


class Chromium:
    """The browser, until the end of `started`."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self._http = http
        self._tools = f"http://127.0.0.1:{port}"

    async def open(self, address: str) -> Tab:
        """A new page at this address, of which everything is seen from the first request on."""
        async with self._http.put(f"{self._tools}/json/new?about:blank") as response:
            about = await response.json()
        socket = await self._http.ws_connect(about["webSocketDebuggerUrl"], max_msg_size=0)
        tab = Tab(socket)
        for domain in ("Network", "Log", "Runtime", "Page"):
            await tab.ask(f"{domain}.enable")
        await tab.ask("Page.navigate", url=address)
        return tab


@asynccontextmanager
async def started(profile: Path, width: int = 1280, height: int = 800) -> AsyncIterator[Chromium]:
    """A Chromium with a profile of its own."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", "--disable-background-networking", "--remote-debugging-port=0"),
        *(f"--user-data-dir={profile}", f"--window-size={width},{height}", "about:blank"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as http:
            said = profile / "DevToolsActivePort"
            while not (said.exists() and said.read_text().count("\n")):
                assert process.returncode is None, "chromium ended at its start"
                await asyncio.sleep(0.02)
            port = int(said.read_text().split("\n")[0])
        async with aiohttp.ClientSession() as http:
            yield Chromium(http, port)
    finally:
        process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
