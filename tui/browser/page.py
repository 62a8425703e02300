"""The process behind one page, from the opening of its WebSocket until that closes."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from core.launch import environment
from tui.browser.shown import Shown

LEAVING_SECONDS = 3.0
"""How long the process has to end when its page is closed, before it is killed."""


class Page(AppService):
    """textual-serve's service for one app, which leaves no process behind, and no page without."""

    def __init__(
        self, shown: Shown, websocket: web.WebSocketResponse, downloads: DownloadManager
    ) -> None:
        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,  # type: ignore[arg-type]
            download_manager=downloads,
        )
        self._shown = shown

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        driver = {"TEXTUAL_DRIVER": "tui.browser.driver:TabDriver"}
        path = {"PYTHONPATH": environment()["PYTHONPATH"]}
        return super()._build_environment(width, height) | path | driver

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """As textual-serve, but without a shell, and where no Ctrl-C of the terminal comes."""
        self._process = await asyncio.create_subprocess_exec(
            *await self._shown.command(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        """Carry what the process draws to the page; when it has ended, however, close the page."""
        await super().run()
        await self.remote_close()

    async def on_meta(self, data: bytes) -> None:
        """Hear of another run that the page went on to; the rest is for textual-serve."""
        told = json.loads(data)
        if told["type"] == "shows":
            self._shown.go_on_to(Path(told["run"]), begun=told["begun"])
        else:
            await super().on_meta(data)

    async def stop(self) -> None:
        """End the process: by the end of its input, as if we were gone; failing that, kill it."""
        process, task = self._process, self._task
        if process is None or task is None:
            return
        self.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), LEAVING_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        # What it drew last may wait for ever for a browser that hangs.
        task.cancel()
        await asyncio.wait([task])
        await self._download_manager.cancel_app_downloads(self.app_service_id)
