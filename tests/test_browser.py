"""`steermore serve`: real servers, asked as browsers ask, and looked at in a real Chromium."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import aiohttp
import msgspec
import pyte
import pytest
from aiohttp import web

from core.client import Endpoint
from core.launch import new_run
from core.options import shipped_names
from core.protocol import KnobsChanged
from core.record import is_served, read_config, read_events
from core.words import read_words
from tests import chromium
from tests.chromium import Chromium, Tab
from tests.conftest import begun
from tests.terminal import FOREIGN, kill, processes_naming
from tests.test_cli import Program, steermore, within

needs_chromium = pytest.mark.skipif(chromium.PROGRAM is None, reason="chromium is not installed")


class Serving:
    """A `steermore serve` of its own, until `close`."""

    def __init__(self, runs: Path, *arguments: str) -> None:
        self.runs = runs.resolve()
        command = [sys.executable, "-m", "tui", "serve", *arguments]
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--runs-dir", str(self.runs)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", said)):
            line = self.process.stdout.readline()
            assert line, said
            said += line
        self.address, self.token = found[0], found[2]
        self.port = int(found[1])
        self.origin = f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> HTTPResponse:
        """Ask for a path; `Host` is the right one unless given."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def enter(self) -> str:
        """Come in by the token; the cookie, as it is to be sent."""
        cookie = self.get(f"/?token={self.token}").headers["Set-Cookie"]
        return str(cookie.partition(";")[0])

    @property
    def run(self) -> Path:
        """The newest of its runs."""
        return max(self.runs.iterdir())

    @property
    def engine(self) -> int | None:
        """The process of the newest run's engine."""
        announced = self.run / "engine.json"
        if not announced.exists():
            return None
        return msgspec.json.decode(announced.read_bytes(), type=Endpoint).pid

    @property
    def apps(self) -> list[int]:
        """The processes behind its pages."""
        naming = processes_naming(self.runs)
        apps = [pid for pid in naming if "tui.browser.tab" in _told(pid, "args")]
        # Asked once, as they may end meanwhile: what has ended has no parent, and is none of them.
        parents = {pid: _told(pid, "ppid") for pid in apps}
        # What one of them has just forked still has its command line.
        return [pid for pid, by in parents.items() if by and by not in map(str, apps)]

    def close(self) -> str:
        """End it and its engine; what it said at its end."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=30)
        for left in processes_naming(self.runs):
            kill(left)
        return said


def _told(pid: int, what: str) -> str:
    """What `ps` says of a process, or nothing if it has ended."""
    command = ["ps", "-ww", "-o", f"{what}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for it to become true, or fail."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.02)


def resting_run(folder: Path) -> Path:
    """A run that nobody has trained, in `folder`."""
    config = begun(hidden_size="8", embedding_size="2")
    return new_run(folder / "runs", config, read_words(shipped_names()).raw)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server into which nobody comes: its token stays good."""
    folder = tmp_path_factory.mktemp("door")
    serving = Serving(folder / "runs", str(resting_run(folder)))
    yield serving
    serving.close()


Serve = Callable[..., Serving]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A function that serves a run of its own, or, given `--new`, options of a new one."""
    started: list[Serving] = []

    def start(*options: str) -> Serving:
        arguments = options or (str(resting_run(tmp_path)),)
        started.append(Serving(tmp_path / "runs", *arguments))
        return started[-1]

    yield start
    for serving in started:
        serving.close()


def is_refused(response: HTTPResponse) -> bool:
    """Whether it is a refusal: one sentence, and nothing with which to come back."""
    text = response.read().decode()
    told = text.startswith("steermore: ") and text.endswith(".\n") and text.count("\n") == 1
    return response.status == 403 and told and "Set-Cookie" not in response.headers


PATHS = ("/", "/?token=", "/?token=%C3%A9", "/page.js", "/static/js/textual.js", "/nowhere", "/ws")


@pytest.mark.parametrize("path", PATHS)
def test_without_token_or_cookie_nothing_is_served(path: str, door: Serving) -> None:
    assert is_refused(door.get(path, Origin=door.origin))
    assert is_refused(door.get(path, Origin=door.origin, Cookie=f"steermore-{door.port}=wrong"))


@pytest.mark.parametrize("host", ["evil.example:{port}", "localhost:{port}", "127.0.0.1", ""])
def test_a_host_that_is_not_ours_is_refused_even_with_the_token(host: str, door: Serving) -> None:
    response = door.get(f"/?token={door.token}", Host=host.format(port=door.port))
    assert is_refused(response)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", ""])
def test_an_origin_that_is_not_ours_is_refused_even_with_the_token(
    origin: str, door: Serving
) -> None:
    assert is_refused(door.get(f"/?token={door.token}", Origin=origin))


def test_the_token_lets_one_browser_in_once_and_a_cookie_lets_it_stay(serve: Serve) -> None:
    serving = serve()
    first = serving.get(f"/?token={serving.token}")
    assert first.status == 200
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert serving.token not in cookie
    assert is_refused(serving.get(f"/?token={serving.token}"))
    cookie = cookie.partition(";")[0]
    for path in ("/", f"/?token={serving.token}", "/page.js", "/static/js/textual.js"):
        response = serving.get(path, Cookie=cookie)
        assert response.status == 200, path
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert serving.get("/nowhere", Cookie=cookie).status == 404


def test_the_page_names_no_address_but_its_own(serve: Serve) -> None:
    serving = serve()
    page = serving.get("/", Cookie=serving.enter()).read().decode()
    assert serving.token not in page
    named = re.findall(r"[\"'(](?:\w+:)?//([^/\"']+)", page)
    assert set(named) == {f"127.0.0.1:{serving.port}"}


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}


def test_a_socket_from_a_page_that_is_not_ours_is_refused_even_with_the_cookie(
    serve: Serve,
) -> None:
    serving = serve()
    cookie = serving.enter()
    for origin in ({"Origin": "http://evil.example"}, {"Origin": "http://127.0.0.1:1"}, {}):
        assert is_refused(serving.get("/ws", Cookie=cookie, **UPGRADE, **origin))
    assert not serving.apps
    opened = serving.get("/ws", Cookie=cookie, Origin=serving.origin, **UPGRADE)
    assert opened.status == 101


class Page:
    """An open page as a program sees it: a socket, and what it has drawn on 80×24."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)

    async def shows(self, text: str) -> None:
        """Wait until it does."""
        while not any(text in line for line in self._screen.display):
            self._stream.feed(FOREIGN.sub(b"", await self.socket.receive_bytes()))

    async def is_closed(self) -> None:
        """Wait until the server has closed it."""
        while (await self.socket.receive()).type != aiohttp.WSMsgType.CLOSE:
            pass


def with_pages(
    serving: Serving,
    count: int,
    scene: Callable[[list[Page]], Awaitable[None]],
    cookie: str | None = None,
) -> None:
    """Play a scene with several pages open, each of which has drawn the dashboard."""
    headers = {"Cookie": cookie or serving.enter(), "Origin": serving.origin}

    async def play() -> None:
        async with asyncio.timeout(60), aiohttp.ClientSession(headers=headers) as http:
            sockets = [await http.ws_connect(f"{serving.origin}/ws") for _ in range(count)]
            pages = [Page(socket) for socket in sockets]
            for page in pages:
                await page.shows("Loss, nats per symbol")
            assert len(serving.apps) == count
            await scene(pages)

    asyncio.run(play())


def test_closing_a_page_ends_its_process_and_no_other(serve: Serve) -> None:
    serving = serve()

    async def scene(pages: list[Page]) -> None:
        await pages[0].socket.close()
        await asyncio.to_thread(until, lambda: len(serving.apps) == 1)
        await pages[1].socket.send_json(["stdin", "?"])
        await pages[1].shows("Escape leaves")

    with_pages(serving, 2, scene)
    until(lambda: not serving.apps)


ENDS = {signal.SIGINT: 0, signal.SIGTERM: 0, signal.SIGHUP: -1, signal.SIGKILL: -9}
"""Signals, and the exit code of a server that gets them."""


@pytest.mark.parametrize("number", ENDS)
def test_however_serving_ends_no_process_of_a_page_is_left(
    number: signal.Signals, serve: Serve
) -> None:
    serving = serve()

    async def scene(pages: list[Page]) -> None:
        serving.process.send_signal(number)
        await asyncio.to_thread(serving.process.wait, 20)
        assert serving.process.returncode == ENDS[number]
        await asyncio.to_thread(until, lambda: not serving.apps)

    with_pages(serving, 2, scene)


def test_a_process_that_does_not_answer_is_killed_when_its_page_closes(serve: Serve) -> None:
    serving = serve()

    async def scene(pages: list[Page]) -> None:
        (app,) = serving.apps
        os.kill(app, signal.SIGSTOP)
        await pages[0].socket.close()
        await asyncio.to_thread(until, lambda: not serving.apps)

    with_pages(serving, 1, scene)


def test_a_page_whose_process_dies_is_closed(serve: Serve) -> None:
    serving = serve()

    async def scene(pages: list[Page]) -> None:
        (app,) = serving.apps
        os.kill(app, signal.SIGKILL)
        await pages[0].is_closed()

    with_pages(serving, 1, scene)


STRANGE = ["[]", '["resize"]', "{}", "not json", '["stdin", 5]']


def test_a_message_that_our_page_never_sends_ends_that_page(serve: Serve) -> None:
    serving = serve()
    cookie = serving.enter()
    for message in STRANGE:

        async def scene(pages: list[Page], message: str = message) -> None:
            await pages[0].socket.send_str(message)
            await pages[0].is_closed()
            await asyncio.to_thread(until, lambda: not serving.apps)
            assert serving.process.poll() is None

        print("sent:", message)
        with_pages(serving, 1, scene, cookie)


def refuse(*arguments: str, folder: Path, program: Program = steermore) -> str:
    """Call `serve` with a mistake in it; its one sentence."""
    done = program("serve", *arguments, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert not done.stdout
    assert done.stderr.startswith("steermore: ")
    assert done.stderr.count("\n") == 1
    assert not (folder / "runs").exists()
    return done.stderr


MISTAKES = {
    ("--port", "70000"): "port 70,000 must be a whole number from 0 to 65,535",
    ("--port", "http"): "port http must be a whole number",
    ("--host", "0.0.0.0"): "ssh -L 8177:127.0.0.1:8177",
    ("--host", "example.org"): "must be localhost, 127.0.0.1 or ::1",
    ("last",): "no run here yet",
    ("last", "--steps", "5"): "--steps is for a new run",
    ("last", "--paused"): "--paused is for a new run",
    ("--port", "0", "--batch-size", "0"): "batch size 0 must be",
}


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES.items(), ids=" ".join)
def test_a_mistake_gets_one_sentence_and_makes_no_run(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    assert sentence in refuse(*arguments, folder=tmp_path, program=within)


def test_a_port_that_is_taken_is_named_with_the_cure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = refuse("--port", port, folder=tmp_path)
    assert f"cannot listen on port {port} of 127.0.0.1: Address already in use" in told
    assert "--port 0" in told


def test_without_textual_serve_it_says_how_to_install_it(tmp_path: Path) -> None:
    script = (
        "import sys\nsys.modules['textual_serve'] = None\nsys.argv[1:] = ['serve']\n"
        "from tui.__main__ import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "steermore: serve needs textual-serve, which is not installed;"
        " `pip install 'steermore[browser]'` brings it\n"
    )


def test_the_other_commands_load_nothing_of_it(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom tui.program import app\n"
        "for words in (['--help'], ['serve', '--help'], ['runs']):\n"
        "    try:\n        app(words)\n"
        "    except SystemExit as end:\n        assert not end.code\n"
        "assert not {'aiohttp', 'textual', 'textual_serve', 'asyncio'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


Scene = Callable[[Chromium, Tab], Awaitable[None]]


def in_chromium(address: str, profile: Path, scene: Scene) -> None:
    """Open the address in a browser that nothing else has used, and play a scene there."""

    async def play() -> None:
        async with chromium.started(profile) as browser:
            tab = await browser.open(address)
            await scene(browser, tab)

    asyncio.run(play())


def rate_acts(run: Path) -> list[float]:
    """The rates that were set in a run, as its record tells."""
    acts = [event for event in read_events(run) if isinstance(event, KnobsChanged)]
    return [act.changes["learning_rate"][1] for act in acts if "learning_rate" in act.changes]  # type: ignore[misc]


NO_END = ("--steps", "900000", "--pace", "1000")


@needs_chromium
def test_a_key_in_the_browser_steers_the_run_and_nothing_is_fetched_from_elsewhere(
    serve: Serve, tmp_path: Path
) -> None:
    serving = serve(*NO_END)

    async def scene(browser: Chromium, tab: Tab) -> None:
        await tab.until(lambda: re.search(r"▶ training +step +[1-9]", tab.text))
        await tab.press("+")
        await tab.until("rate 0.1 → 0.2 (you)")
        assert rate_acts(serving.run) == [0.2]
        # An empty page makes a picture of some 4 kB.
        assert len(await tab.picture()) > 20_000
        await tab.press("?")
        await tab.until("Help · Loss chart")
        assert await tab.evaluate("location.href") == f"{serving.origin}/"
        hosts = {re.sub(r"^\w+://([^/]*).*", r"\1", address) for address in tab.fetched}
        assert hosts <= {f"127.0.0.1:{serving.port}", "data:,"}
        assert not tab.complaints
        await tab.close()
        await asyncio.to_thread(until, lambda: not serving.apps)

    in_chromium(serving.address, tmp_path / "profile", scene)
    assert is_served(serving.run)
    assert f"`steermore stop {serving.run}`" in serving.close()


@needs_chromium
def test_the_page_goes_on_to_a_new_run_is_loaded_anew_there_and_ends_with_q(
    serve: Serve, tmp_path: Path
) -> None:
    serving = serve(*NO_END, "--paused")
    first = serving.run

    async def scene(browser: Chromium, tab: Tab) -> None:
        await tab.until(lambda: "paused" in tab.text.split("\n")[0])
        (app,) = serving.apps
        tab.screen.reset()
        await tab.ask(
            "Emulation.setDeviceMetricsOverride",
            width=900, height=600, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        # Drawn anew, it has its new size; what it drew before would stay beyond its edge.
        await tab.until(lambda: "paused" in tab.text.split("\n")[0])
        await tab.press("R")
        await tab.until("hidden size")
        tab.screen.reset()
        await tab.press("enter")
        await tab.until(lambda: serving.run != first and "▶ training" in tab.text)
        assert serving.apps == [app]
        assert max(map(len, tab.text.split("\n"))) <= 900 // 9
        await tab.until(lambda: not is_served(first))
        await tab.press("+")
        await tab.until(lambda: rate_acts(serving.run) == [0.2])
        await tab.ask("Page.reload")
        await tab.until(lambda: serving.apps and app not in serving.apps)
        # The page that is gone had the act too, until the next one opened its socket.
        await tab.until(lambda: sum("/ws" in address for address in tab.fetched) == 2)
        await tab.until("▾rate 0.1→0.2")
        assert read_config(serving.run).created > read_config(first).created
        await tab.press("Q")
        await tab.until_script(
            "getComputedStyle(document.querySelector('.ended')).display == 'block'"
        )
        assert not serving.apps

    in_chromium(serving.address, tmp_path / "profile", scene)
    assert not is_served(serving.run)


@needs_chromium
def test_a_foreign_page_in_the_same_browser_cannot_drive_the_dashboard(
    serve: Serve, tmp_path: Path
) -> None:
    serving = serve()
    knock = (
        "new Promise(done => {"
        f"const socket = new WebSocket('ws://127.0.0.1:{serving.port}/ws');"
        "socket.onopen = () => done('open'); socket.onerror = () => done('refused') })"
    )

    async def foreign(request: web.Request) -> web.Response:
        return web.Response(text="<title>foreign</title>", content_type="text/html")

    async def scene(browser: Chromium, tab: Tab) -> None:
        await tab.until("steermore")
        assert await tab.evaluate(knock) == "open"
        # Of another port only: for cookies that is the same site.
        app = web.Application()
        app.router.add_get("/", foreign)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            port = runner.addresses[0][1]
            other = await browser.open(f"http://127.0.0.1:{port}/")
            await other.until_script(f"location.port == '{port}'")
            assert await other.evaluate(knock) == "refused"
        finally:
            await runner.cleanup()

    in_chromium(serving.address, tmp_path / "profile", scene)
