"""The engine as a process of its own, over its real sockets."""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core.client import Client, Endpoint, EngineGone
from core.launch import start_engine
from core.protocol import (
    MAX_FRAME,
    CommandRejected,
    EngineStarted,
    EngineStopped,
    Heartbeat,
    KnobsChanged,
    Nudge,
    Pause,
    Resume,
    RunOpened,
    SetKnobs,
    Shutdown,
    StateChanged,
    StepsDone,
)
from core.record import is_served, read_column, read_events
from core.server import Peer, Server
from tests.conftest import Engine, MakeRun

Start = Callable[[Path], Engine]


def test_it_trains_when_asked_and_stands_still_when_asked(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    assert not engine.attached.welcome.running
    resumed = engine.ask(Resume())
    engine.until(StateChanged, running=True, answers=resumed, client="tester")
    engine.until(StepsDone)
    paused = engine.ask(Pause())
    step = engine.until(StateChanged, running=False, answers=paused).step
    assert engine.until(Heartbeat).step == engine.until(Heartbeat).step == step


def test_a_change_is_confirmed_with_the_step_at_which_it_took_effect(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    engine.until(StepsDone)
    asked = engine.ask(Nudge(name="learning_rate", rungs=1))
    act = engine.until(KnobsChanged, answers=asked)
    assert act.changes == {"learning_rate": (0.1, 0.2)}
    assert act.step > 0
    # Every loss before the act was sent, and is on disk, before the act was confirmed.
    assert len(read_column(engine.directory, 0)) >= act.step


def test_a_second_client_gets_the_whole_history_without_a_gap(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run(settings={"evaluation_interval": 100}))
    engine.ask(Resume())
    engine.until(StepsDone)
    engine.ask(Nudge(name="learning_rate", rungs=1))
    second = Client(engine.directory, "tester")
    attached = second.attach(10)
    assert attached.welcome.client == "tester-2"
    assert isinstance(attached.events[0], RunOpened)
    assert isinstance(attached.events[1], EngineStarted)
    losses = attached.losses[0]
    assert len(losses) == attached.welcome.step
    pieces: list[StepsDone] = []
    deadline = time.monotonic() + 10
    while len(pieces) < 3 and time.monotonic() < deadline:
        pieces += [event for event in second.receive(0.1) if isinstance(event, StepsDone)]
    assert pieces[0].first_step == attached.welcome.step
    second.close()
    engine.ask(Pause())
    engine.until(StateChanged, running=False)
    streamed = np.concatenate([losses, *(np.frombuffer(piece.loss, "<f4") for piece in pieces)])
    column = read_column(engine.directory, 0)[: len(streamed)]
    assert streamed.tobytes() == column.tobytes()


def test_a_refusal_goes_to_the_asker_only(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    second = Client(engine.directory, "other")
    second.attach(10)
    asked = second.send(Pause())
    deadline = time.monotonic() + 10
    answers: list[CommandRejected] = []
    while not answers and time.monotonic() < deadline:
        events = second.receive(0.1)
        answers = [event for event in events if isinstance(event, CommandRejected)]
    assert answers[0].answers == asked
    engine.ask(Resume())
    engine.until(StateChanged)
    assert not [event for event in engine.events if isinstance(event, CommandRejected)]
    second.close()


def test_shutdown_leaves_no_process_no_socket_and_no_lock(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    endpoint = endpoint_of(engine.directory)
    engine.ask(Resume())
    engine.until(StepsDone)
    engine.ask(Shutdown())
    stopped = engine.until(EngineStopped)
    assert engine.process.wait(60) == 0
    assert len(read_column(engine.directory, 0)) == stopped.step
    assert not Path(endpoint.socket).parent.exists()
    assert not (engine.directory / "engine.json").exists()
    assert not is_served(engine.directory)


def test_socket_and_key_are_private(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    endpoint = endpoint_of(engine.directory)
    assert (engine.directory / "engine.json").stat().st_mode & 0o777 == 0o600
    assert Path(endpoint.socket).parent.stat().st_mode & 0o777 == 0o700


def test_sigterm_saves_and_ends(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    engine.until(StepsDone)
    engine.process.send_signal(signal.SIGTERM)
    engine.until(EngineStopped, reason="terminated")
    assert engine.process.wait(60) == 0
    assert list((engine.directory / "checkpoints").glob("*.safetensors"))


def test_ctrl_c_in_the_terminal_is_not_for_the_engine(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    engine.process.send_signal(signal.SIGINT)
    engine.ask(Resume())
    engine.until(StepsDone)


def test_a_killed_engine_is_noticed_and_its_record_stays_readable(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    asked = engine.ask(SetKnobs(values={"learning_rate": 0.03}))
    act = engine.until(KnobsChanged, answers=asked)
    os.kill(engine.process.pid, signal.SIGKILL)
    # How it ended is told once it has.
    engine.process.wait(60)
    with pytest.raises(EngineGone, match="killed by signal 9"):
        engine.until(EngineStopped)
    assert act in read_events(engine.directory)
    assert len(read_column(engine.directory, 0)) >= act.step


def test_an_engine_without_a_client_trains_on(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    engine.until(StepsDone)
    engine.client.close()
    assert engine.client.attach(10).welcome.running
    engine.until(StepsDone)


def test_a_word_list_that_vanished_is_told_with_a_sentence(make_run: MakeRun) -> None:
    directory = make_run()
    (directory / "words.txt").write_text("")
    with pytest.raises(EngineGone, match="holds no words"):
        Client(directory, "tester", start_engine(directory)).attach(60)


def test_a_broken_torch_is_told_with_its_own_words(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch is missing')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    directory = make_run()
    with pytest.raises(EngineGone, match="libtorch is missing"):
        Client(directory, "tester", start_engine(directory)).attach(60)


def test_two_engines_asked_for_one_run_are_one(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    second = start_engine(engine.directory)
    assert second.wait(60) == 1
    assert "another engine already serves it" in (engine.directory / "engine.log").read_text()
    engine.ask(Resume())
    engine.until(StepsDone)


STRANGERS = {
    "a wrong key": struct.pack("!i", 5) + b"wrong",
    "half a frame": b"\0\0",
    "a length of two gigabytes": struct.pack("!i", 0x7FFFFFFF),
    "a negative length": struct.pack("!i", -1),
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "nothing at all": b"",
}


@pytest.mark.parametrize("sent", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_is_dropped_and_disturbs_nobody(
    make_run: MakeRun, start: Start, sent: bytes
) -> None:
    engine = start(make_run())
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(endpoint_of(engine.directory).socket)
        stranger.sendall(sent)
        stranger.settimeout(10)
        engine.ask(Resume())
        engine.until(StepsDone)
        assert stranger.recv(1) == b""


@pytest.mark.parametrize(
    "sent",
    [b"no message at all", struct.pack("!i", MAX_FRAME + 1)],
    ids=["no message", "too long"],
)
def test_a_client_that_breaks_the_protocol_is_dropped(
    make_run: MakeRun, start: Start, sent: bytes
) -> None:
    engine = start(make_run())
    endpoint = endpoint_of(engine.directory)
    key = endpoint.key.encode()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(endpoint.socket)
        framed = struct.pack("!i", len(sent)) + sent if sent.startswith(b"no") else sent
        peer.sendall(struct.pack("!i", len(key)) + key + framed)
        peer.settimeout(10)
        assert peer.recv(1) == b""
    engine.ask(Resume())
    engine.until(StepsDone)


def test_what_a_socket_cannot_take_at_once_follows_as_soon_as_it_can(tmp_path: Path) -> None:
    server = Server(tmp_path)
    endpoint = endpoint_of(tmp_path)
    key, large, word = endpoint.key.encode(), b"x" * 8_000_000, struct.pack("!i", 1) + b"?"
    with socket.socket(socket.AF_UNIX) as end, ThreadPoolExecutor(1) as beside:
        end.connect(endpoint.socket)
        end.settimeout(30)
        end.sendall(struct.pack("!i", len(key)) + key + word)

        def take_it_all() -> int:
            with end.makefile("rb") as stream:
                taken = len(stream.read(len(large) + 4))
            end.sendall(word)
            return taken

        told: list[tuple[Peer, bytes]] = []
        while not told:
            told = server.turn(1)
        ((peer, _),) = told
        peer.put(large)
        taken = beside.submit(take_it_all)
        begun = time.monotonic()
        while not server.turn(30):
            # Nothing but room for more ends such a turn before its time.
            assert time.monotonic() - begun < 30
        assert taken.result() == len(large) + 4
    server.close()


def test_the_last_word_of_a_client_that_leaves_at_once_is_heard(tmp_path: Path) -> None:
    server = Server(tmp_path)
    endpoint = endpoint_of(tmp_path)
    key, word = endpoint.key.encode(), struct.pack("!i", 1) + b"?"
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(endpoint.socket)
        end.sendall(struct.pack("!i", len(key)) + key + word)
        told: list[tuple[Peer, bytes]] = []
        while not told:
            told = server.turn(1)
        end.sendall(word)
    # Training went on meanwhile: there is something to send to it before its word is read.
    ((peer, _),) = told
    peer.put(b"a loss")
    assert server.turn(1) == [(peer, b"?")]
    while not peer.gone:
        peer.put(b"a loss")
        server.turn(1)
    server.close()


def endpoint_of(directory: Path) -> Endpoint:
    return msgspec.json.decode((directory / "engine.json").read_bytes(), type=Endpoint)
