"""Nothing from outside runs, leads astray, ends the engine or takes over the terminal.

That sockets and keys are private, and that strangers are dropped, stands in test_engine.py; that
records lead to no file elsewhere, in test_damaged_files.py.
"""

from __future__ import annotations

import ast
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import time
import tomllib
import types
import typing
from collections.abc import Callable
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

import tui.program  # noqa: F401 - gathers all commands
from core.client import Client, Endpoint
from core.commands import obey
from core.dials import DIALS
from core.launch import start_engine
from core.protocol import (
    MAX_FRAME,
    PROTOCOL,
    AnyCommand,
    CommandRejected,
    Hello,
    Point,
    Sample,
    SetKnobs,
    Shutdown,
    Step,
    TakeSnapshot,
    Welcome,
    decode_command,
    decode_event,
    encode_wire,
)
from core.record import read_events
from core.run import Run
from tests.conftest import Engine, MakeRun, run_program
from tests.sentences import FUZZ, is_sentence
from tests.test_time_travel import replayed

ROOT = Path(__file__).parent.parent
Start = Callable[[Path], Engine]


# --- nothing that could run as code --------------------------------------------------------------

RUNS_CODE = {"eval", "exec", "compile", "__import__", "breakpoint"}
LOADS_CODE = {"torch.load", "yaml.load", "yaml.unsafe_load", "numpy.load", "np.load", "os.system"}
LOADS_CODE |= {"os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "runpy.run_path"}
MODULES = {"pickle", "cPickle", "shelve", "marshal", "dill", "cloudpickle", "joblib", "yaml"}


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("tui/**/*.py")]), ids=lambda p: p.stem
)
def test_no_source_unpickles_evaluates_or_asks_a_shell(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & MODULES
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in RUNS_CODE | LOADS_CODE
            assert not any(word.arg == "shell" for word in node.keywords)
            if called.endswith(".recv"):
                # Of a Connection it would unpickle; of a socket it reads bytes, at most so many.
                assert len(node.args) == 1


# --- what a terminal would obey ------------------------------------------------------------------

HOSTILE = "\x1b[2J\x1b]52;c;AAAA\x07\x1b]8;;x\x1b\\\x9b31m\u202e"
"""Clears the screen, writes the clipboard, makes a link, colours (C1), and turns the direction."""


def is_harmless(text: str) -> bool:
    """Nothing but what is printed, line ends and the padding of tables."""
    return text.replace("\n", "").isprintable()


def steermore(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def hostile(make_run: MakeRun) -> Path:
    """A run whose own name and whose list's name a terminal would obey."""
    directory = make_run(path=f"/nowhere/{HOSTILE}.txt".replace("\x07", ""))
    run = Run(directory)
    for deed in (Step(count=5), Sample(count=3), Shutdown()):
        obey(run, deed)
        while run.errand is not None or run.single_steps:
            run.work()
    run.close()
    return directory.rename(directory.with_name(HOSTILE.replace("/", "")))


TOLD: list[tuple[str, ...]] = [
    ("runs",),
    ("runs", "--json"),
    ("sample", "last", "--count", "2"),
    ("sample", "last", "--count", "2", "--json"),
    ("sample", "last", "--prefix", HOSTILE),
    ("sample", HOSTILE + "x"),
    ("export", "last", "--to", "csv"),
    ("export", "last", "--to", "json"),
    ("export", "last", "--samples", "-"),
    ("export", "last", "--to", HOSTILE),
    ("export", "last", "--to", "csv", "--output", f"nowhere/{HOSTILE}"),
    ("replay", "last"),
    ("replay", "last", "--json"),
    ("fork", "last", "--headless", "--at", HOSTILE),
    ("resume", "last", "--headless", "--schedule", HOSTILE),
    ("evaluate", "last", "--split", HOSTILE),
    ("stop", "last"),
    ("rm", "--yes", "last"),
    ("fit", "--data", HOSTILE),
    ("fit", "--data", "nowhere", "--preset", HOSTILE),
    (HOSTILE,),
    ("fit", f"--{HOSTILE}"),
]


def test_no_command_sends_a_terminal_what_it_would_obey(
    hostile: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEERMORE_RUNS", str(hostile.parent))
    monkeypatch.chdir(hostile.parent)
    for arguments in TOLD:
        code = run_program(*arguments)
        out, err = capsysbinary.readouterr()
        said = out.decode() + err.decode()
        assert code in (0, 2)
        assert is_harmless(said), (arguments, said)
        assert said
    assert not hostile.exists(), "the last but some was rm"


def test_training_on_a_list_and_in_a_folder_of_hostile_names_says_them_harmlessly(
    names: Path, tmp_path: Path
) -> None:
    folder = tmp_path / f"{HOSTILE.replace('/', '')}\udcff"
    folder.mkdir()
    words = tmp_path / f"{HOSTILE.replace('/', '')}.txt"
    words.write_bytes(names.read_bytes())
    done = steermore("fit", "--data", str(words), "--steps", "3", "--runs-dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert is_harmless(done.stdout + done.stderr)
    assert r"\x1b[2J" in done.stdout
    listed = steermore("runs", "--runs-dir", str(folder))
    assert "finished" in listed.stdout
    (log,) = folder.glob("*/engine.log")
    assert is_harmless(log.read_text("utf-8"))


@pytest.mark.parametrize("arguments", [("runs",), ("export", "last", "--to", "json")])
def test_on_a_terminal_too_names_are_shown_and_not_obeyed(
    arguments: tuple[str, ...], hostile: Path
) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STEERMORE_RUNS": str(hostile.parent)}
    command = [sys.executable, "-m", "tui", *arguments]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            data = os.read(ours, 65_536)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(ours)
    assert process.wait(60) == 0
    text = seen.decode()
    assert not any(code in text for code in ("\x1b[2J", "\x1b]52", "\x1b]8", "\x9b", "\u202e"))
    assert "2J" in text


# --- commands ------------------------------------------------------------------------------------

INTEGERS = st.sampled_from(
    [0, 1, -1, 2, 31, 1_000, 65_536, 10**6, 10**12, 10**12 + 1, 2**63 - 1, -(2**63), 2**64 - 1]
)
NUMBERS = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, 1.7e308, float("inf"), float("-inf"), float("nan"), 1e6]
)
TEXTS = st.sampled_from(
    [
        *("", "a", "emma", "é", "\x1b[2J", "\0", "x" * 5_000, "cosine", "step", "exponential"),
        *("adamw", "off", "on", "act", ".", "created", "__class__", *DIALS),
    ]
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type: those at its edges, and others."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, parts))
    if origin is dict:
        return st.dictionaries(TEXTS, values(parts[1]), max_size=3)
    if origin is tuple:
        return st.lists(values(parts[0]), max_size=3).map(tuple)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: INTEGERS | st.integers(-100, 100),
        float: NUMBERS | st.floats(),
        str: TEXTS | st.text(st.characters(codec="utf-8"), max_size=5),
        bool: st.booleans(),
        type(None): st.none(),
        Point: st.builds(Point, st.integers(-2, 9), st.integers(-2, 99)),
    }
    return plain[kind]


def commands_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Well-typed commands of one kind, drawn from its fields, so that a new one is covered."""
    hints = typing.get_type_hints(kind)
    fields = [field for field in msgspec.structs.fields(kind) if field.name != "id"]
    given_fields = {field.name: values(hints[field.name]) for field in fields}
    return st.builds(kind, **given_fields)


KINDS = [kind for kind in typing.get_args(AnyCommand) if kind is not Shutdown]
COMMANDS = st.one_of(*map(commands_of, KINDS))


def digest_again(directory: Path) -> tuple[str, int]:
    """The state that the record leads to, opened anew, and its step."""
    again = Run(directory)
    try:
        while again.errand is not None:
            again.work()
        return again.trainer.state_sha256(), again.step
    finally:
        again.close()


@settings(
    max_examples=40 * FUZZ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(commands=st.lists(COMMANDS, min_size=1, max_size=12))
def test_whatever_is_asked_of_a_run_it_obeys_or_says_why_and_its_record_stays_sound(
    make_run: MakeRun, commands: list[Any]
) -> None:
    directory = make_run(
        model={"embedding_size": 2, "hidden_size": 4}, settings={"step_limit": 500}
    )
    run = Run(directory)
    try:
        for number, command in enumerate(commands, start=1):
            sent = msgspec.structs.replace(command, id=number)
            obey(run, decode_command(encode_wire(sent)), "asker")
            for _ in range(3):
                run.work()
            run.journal.settle()
            for event, to in run.journal.take():
                assert decode_event(encode_wire(event))
                if isinstance(event, CommandRejected):
                    assert to in ("asker", None)
                    assert is_sentence(event.reason)
        obey(run, Shutdown())
        state = run.trainer.state_sha256(), run.step
    finally:
        run.close()
    assert digest_again(directory) == state
    verdict = replayed(directory)
    assert verdict.identical, verdict.difference


# --- the engine's socket -------------------------------------------------------------------------


class Raw:
    """A peer that has shown the key and said Hello, and can send any bytes."""

    def __init__(self, directory: Path, name: str = "raw") -> None:
        endpoint = msgspec.json.decode((directory / "engine.json").read_bytes(), type=Endpoint)
        self.end = socket.socket(socket.AF_UNIX)
        # Waits where too many are before it.
        self.end.connect(endpoint.socket)
        self.end.settimeout(20)
        self.send(endpoint.key.encode())
        self.send(encode_wire(Hello(protocol=PROTOCOL, client=name)))

    def send(self, message: bytes) -> None:
        self.end.sendall(struct.pack("!i", len(message)) + message)

    def receive(self) -> Any:
        (length,) = struct.unpack("!i", self._exactly(4))
        return decode_event(self._exactly(length))

    def is_dropped(self) -> bool:
        """Whether the engine hangs up, whatever it may still send before."""
        try:
            while self.end.recv(65_536):
                pass
        except ConnectionError:
            pass
        return True

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            piece = self.end.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


WIRE = msgspec.msgpack.encode
NO_COMMANDS: dict[str, bytes] = {
    "nothing": b"",
    "no msgpack": b"\xc1",
    "text that is not UTF-8": b"\x82\xa4type\xacTakeSnapshot\xa4name\xa2\xff\xfe",
    "nested without end": b"\x82\xa1a" + b"\x91" * 200_000 + b"\x01",
    "an array of four billion": b"\x82\xa4type\xa5Score\xa5words\xdd\xff\xff\xff\xff",
    "an unknown tag": WIRE({"type": "Explode"}),
    "an event": WIRE({"type": "Heartbeat", "step": 1, "running": True}),
    "an unknown field": WIRE({"type": "Pause", "why": 1}),
    "a field of another type": WIRE({"type": "Step", "count": "many"}),
    "a number too large": WIRE({"type": "Step", "count": 1.5e300}),
    "a field missing": WIRE({"type": "SetSetting", "name": "pace"}),
    "a list": WIRE([1, 2, 3]),
    "cut": WIRE({"type": "SetSetting", "name": "pace", "value": 1})[:-3],
    "bytes for a value": WIRE({"type": "SetSetting", "name": "pace", "value": b"1"}),
}


def test_an_engine_survives_all_that_is_no_command_and_drops_the_sender(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run())
    for what, message in NO_COMMANDS.items():
        peer = Raw(engine.directory)
        assert isinstance(peer.receive(), Welcome)
        peer.send(message)
        assert peer.is_dropped(), what
        peer.end.close()
    asked = engine.ask(SetKnobs(values={"learning_rate": -1.0}))
    assert "must be" in engine.until(CommandRejected, answers=asked).reason
    assert is_harmless((engine.directory / "engine.log").read_text("utf-8"))


def test_a_client_is_recorded_under_a_name_that_no_screen_obeys(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run())
    peer = Raw(engine.directory, HOSTILE)
    welcome = peer.receive()
    assert isinstance(welcome, Welcome)
    assert welcome.client.isprintable()
    peer.send(encode_wire(SetKnobs(id=1, values={"learning_rate": 0.5})))
    peer.send(encode_wire(TakeSnapshot(id=2, name=HOSTILE)))
    while not isinstance(event := peer.receive(), CommandRejected):
        pass
    assert event.answers == 2
    assert is_sentence(event.reason)
    assert {event.client for event in read_events(engine.directory)} == {"", welcome.client}
    peer.end.close()


@settings(
    max_examples=1,
    deadline=None,
    # Shrinking would start an engine for every step of it.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    commands=st.lists(COMMANDS, min_size=60 * min(FUZZ, 20), max_size=60 * min(FUZZ, 20)),
    junk=st.lists(st.binary(max_size=300), min_size=20, max_size=20),
)
def test_a_live_engine_answers_the_asker_alone_whatever_is_sent_to_it(
    make_run: MakeRun, commands: list[Any], junk: list[bytes]
) -> None:
    directory = make_run(model={"embedding_size": 2, "hidden_size": 4}, settings={"step_limit": 90})
    process = start_engine(directory)
    asker, bystander = Client(directory, "asker", process), Client(directory, "bystander")
    heard: list[Any] = []
    try:
        asker.attach(60)
        bystander.attach(60)
        for command in commands:
            asker.send(command)
            asker.receive(0)
        for message in junk:
            peer = Raw(directory)
            peer.send(message)
            peer.end.close()
        last = asker.send(SetKnobs(values={"no_such_knob": 1}))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(
            isinstance(event, CommandRejected) and event.answers == last for event in heard
        ):
            heard += asker.receive(0.2)
        assert any(getattr(event, "answers", None) == last for event in heard)
        told = bystander.receive(1.0)
        planned = [event for event in told if isinstance(event, CommandRejected) and event.answers]
        assert not planned
        asker.send(Shutdown())
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(10)
        asker.close()
        bystander.close()
    events = read_events(directory)
    assert type(events[-1]).__name__ == "EngineStopped"
    assert digest_again(directory)[1] == events[-1].step


def test_frames_have_a_limit_that_no_command_of_ours_comes_near() -> None:
    longest = SetKnobs(values={"drops": tuple(range(10**12, 10**12 + 1_000))})
    assert len(encode_wire(longest)) < MAX_FRAME / 100


# --- what lies on disk ---------------------------------------------------------------------------


def test_the_key_stands_in_one_private_file_and_nowhere_else(
    make_run: MakeRun,
) -> None:
    # Started as a person's is: what it was given on its way is looked at.
    with closing(Engine(make_run())) as engine:
        look_for_its_key(engine)


def look_for_its_key(engine: Engine) -> None:
    key = msgspec.json.decode((engine.directory / "engine.json").read_bytes(), type=Endpoint).key
    holders = [
        path.name
        for path in engine.directory.rglob("*")
        if path.is_file() and key.encode() in path.read_bytes()
    ]
    assert holders == ["engine.json"]
    assert (engine.directory / "engine.json").stat().st_mode & 0o077 == 0
    for part in ("cmdline", "environ"):
        told = Path(f"/proc/{engine.process.pid}/{part}")
        if told.exists():
            assert key.encode() not in told.read_bytes()


def needed() -> set[str]:
    """Names of all packages that we need here, directly or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ahead = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    found: set[str] = set()
    while ahead:
        wanted = Requirement(ahead.pop())
        name = wanted.name.lower().replace("_", "-")
        if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        ahead += metadata.requires(wanted.name) or []
    return found


def test_every_package_that_is_installed_for_us_is_pinned() -> None:
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all("==" in line for line in lines if line and not line.startswith("#"))
    # What torch needs of it comes with every environment of Python 3.11.
    assert needed() - {"setuptools", "steermore"} <= pinned


def test_every_pinned_version_but_that_of_torch_has_its_hashes() -> None:
    pinned = {
        line
        for line in (ROOT / "constraints.txt").read_text().lower().splitlines()
        if not line.startswith(("#", "torch=="))
    }
    hashed = re.findall(
        r"^(\S+==\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        (ROOT / ".ci" / "hashes.txt").read_text(),
        re.MULTILINE,
    )
    normal = {re.sub(r"[-_.]+(?=.*==)", "-", pin) for pin in pinned}
    assert {re.sub(r"[-_.]+(?=.*==)", "-", pin) for pin, _ in hashed} == normal
