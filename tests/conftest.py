"""What several tests need: a small list, a run directory, a real engine process cleaned up."""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec
import pytest
import torch
import typer

import tui.program  # noqa: F401  (for the commands that it adds)
from core.cli import app, call
from core.client import Attached, Client, EngineGone
from core.config import PRESETS, DataConfig, ModelConfig, PresetName, RunConfig
from core.launch import new_run, start_engine
from core.options import Beginning, begin, shipped_names, shipped_text, with_run_options
from core.protocol import AnyEvent, Shutdown
from core.words import read_words
from tests import quick_engines
from tests.person import FOREIGN, settled
from tests.terminal import PROGRAM, Dashboard

MakeRun = Callable[..., Path]

USUAL = 10
FUZZ = int(os.environ.get("STEERMORE_FUZZ", USUAL))
"""How often tests marked `fuzz` do what they do; `make fuzz` sets it to 100."""
SEED = int(os.environ.get("STEERMORE_SEED", "1"))
"""Where their chances begin."""
LONG = (
    pytest.mark.fuzz,
    pytest.mark.skipif(FUZZ <= USUAL, reason="a long story, which `make fuzz` plays"),
)
"""Marks of what only `make fuzz` does."""

# As in an engine; on a busy machine more threads wait for each other.
torch.set_num_threads(1)
# With torch, Textual and Hypothesis loaded, each search for garbage looks through very much.
gc.set_threshold(50_000)


@pytest.fixture(autouse=True)
def person(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a person who has been here before; never that of whoever runs the tests."""
    home = tmp_path_factory.mktemp("person")
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in settled(home).items():
        monkeypatch.setenv(name, value)
    return home


def delete(directory: Path) -> None:
    """Delete all of it, also where an engine writes or deletes files of its own meanwhile."""
    for _ in range(100):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
    shutil.rmtree(directory)


@functools.cache
def program() -> Callable[..., Any]:
    """The program, put together once: that takes as long as most commands do."""
    return typer.main.get_command(app)


def run_program(*arguments: str | Path) -> int:
    """Run a command within this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["steermore", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            call(program())
    return int(end.value.code or 0)


Steermore = Callable[..., tuple[int, str, str]]
"""Of the words of a command: its exit code, output, errors."""


@pytest.fixture
def steermore(capsysbinary: pytest.CaptureFixture[bytes]) -> Steermore:
    """The program within this process."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = run_program(*arguments)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


def write_few_names(folder: Path) -> Path:
    """Put every 108th name of the shipped list into a file there: 301 of them."""
    path = folder / "few-names.txt"
    lines = shipped_names().read_text("utf-8").splitlines()
    path.write_text("\n".join(lines[::108]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def few_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of 301 names, every 108th of the shipped one."""
    return write_few_names(tmp_path_factory.mktemp("list"))


@pytest.fixture(scope="session")
def few_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first speeches of the shipped text: 3,000 words and marks."""
    path = tmp_path_factory.mktemp("text") / "speeches.txt"
    path.write_text(shipped_text().read_text("utf-8")[:13_000], "utf-8")
    return path


Open = Callable[..., Dashboard]
"""Of options: the program in a terminal of its own."""


@pytest.fixture
def open_dashboard(tmp_path: Path, few_names: Path) -> Iterator[Open]:
    """Starts dashboards on few names, each with runs of its own, and closes them at the end."""
    opened: list[Dashboard] = []

    def start(*options: str, program: tuple[str, ...] = PROGRAM) -> Dashboard:
        runs = tmp_path / f"runs-{len(opened)}"
        opened.append(Dashboard(runs, "--data", str(few_names), *options, program=program))
        return opened[-1]

    yield start
    for dashboard in opened:
        dashboard.close()


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """A list of 301 names, every 108th of the shipped one."""
    return write_few_names(tmp_path)


@pytest.fixture
def make_run(tmp_path: Path, names: Path) -> MakeRun:
    """A function that makes a run directory; arguments replace knobs, settings, config fields."""

    def make(
        preset: PresetName = "lecture",
        *,
        knobs: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        model: dict[str, Any] | None = None,
        path: str = "",
        **config: Any,
    ) -> Path:
        words = read_words(names)
        chosen = PRESETS[preset]
        initial = chosen.model.initialization
        small = {"embedding_size": 4, "hidden_size": 16, "initialization": initial}
        return new_run(
            tmp_path / "runs",
            RunConfig(
                created=1.8e9,
                version="test",
                preset=preset,
                data=DataConfig(path=path or str(names), sha256=words.sha256, splitting="letters"),
                model=ModelConfig(**(small | (model or {}))),
                knobs=msgspec.structs.replace(chosen.knobs, **(knobs or {})),
                settings=msgspec.structs.replace(chosen.settings, **(settings or {})),
                **config,
            ),
            words.raw,
        )

    return make


@with_run_options
def command_line(given: dict[str, Any]) -> Beginning:
    """What every command makes of its flags."""
    return begin(given)


def begun(**flags: Any) -> RunConfig:
    """The configuration that the command line makes from these flags."""
    parameters = inspect.signature(command_line).parameters.values()
    made = command_line(**{p.name: p.default for p in parameters} | flags)
    assert isinstance(made, Beginning)
    return made.config


class Engine:
    """A real engine process with one client, for tests: everything it said stays in `events`."""

    def __init__(
        self, directory: Path, name: str = "tester", process: Popen[bytes] | None = None
    ) -> None:
        self.directory = directory
        self.process = process or start_engine(directory)
        self.client = Client(directory, name, self.process)
        self.attached: Attached = self.client.attach(60)
        self.events: list[AnyEvent] = []

    def ask(self, command: Any) -> int:
        """Send a command; returns its id."""
        return self.client.send(command)

    def until(self, kind: type[Any], *, seconds: float = 30.0, **fields: Any) -> Any:
        """Wait for an event of this kind with these fields, not looked at before; return it."""
        deadline = time.monotonic() + seconds
        seen = 0
        while time.monotonic() < deadline:
            for event in self.events[seen:]:
                seen += 1
                if isinstance(event, kind) and all(
                    getattr(event, name) == value for name, value in fields.items()
                ):
                    del self.events[:seen]
                    return event
            self.events += self.client.receive(0.1)
        raise AssertionError(f"no {kind.__name__} with {fields} within {seconds} s")

    def close(self) -> None:
        """Make sure that nothing of it is left."""
        try:
            with contextlib.suppress(EngineGone):
                self.client.send(Shutdown())
            self.process.wait(60)
        finally:
            self.process.kill()
            self.client.close()


@pytest.fixture
def start() -> Iterator[Callable[[Path], Engine]]:
    """A function that starts an engine on a run directory and attaches to it."""
    engines: list[Engine] = []

    def begin(directory: Path) -> Engine:
        engines.append(Engine(directory, process=quick_engines.start(directory)))
        return engines[-1]

    yield begin
    for engine in engines:
        engine.close()
