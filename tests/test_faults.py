"""What can go wrong around an engine: killed, no room, its files gone, no memory, no reader.

Each ends in a stated outcome, with nothing lost that was acknowledged. Real processes, real limits
and, where the system lets us mount one, a real disk that is full. The dashboard's side of it is
test_faults_terminal.py.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from core.catalogue import look
from core.client import Client, EngineGone
from core.launch import start_engine
from core.protocol import (
    AnyCommand,
    AnyEvent,
    CommandRejected,
    Decay,
    EngineFailed,
    EngineStarted,
    EngineStopped,
    Heartbeat,
    KnobsChanged,
    Nudge,
    Pause,
    Recorded,
    Resume,
    Sample,
    SamplesDrawn,
    SetKnobs,
    Shutdown,
    SnapshotTaken,
    Stalled,
    StateChanged,
    StepsDone,
    TakeSnapshot,
    Undo,
    encode_line,
)
from core.record import is_served, read_column, read_events
from core.server import MAX_OUTBOX
from tests.conftest import FUZZ, SEED, Engine, MakeRun, delete
from tests.terminal import PROGRAM, ROOT
from tests.test_engine import endpoint_of
from tests.test_time_travel import replayed

Start = Callable[[Path], Engine]


def steermore(*arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `limit` is the largest file that it may write."""

    def bound() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
        preexec_fn=bound,
    )


# --- killed ---------------------------------------------------------------------------------------


def hear(client: Client, heard: dict[int, AnyEvent]) -> list[AnyEvent]:
    events = client.receive(0.01)
    heard |= {event.seq: event for event in events if isinstance(event, Recorded)}
    return events


@pytest.mark.fuzz
def test_killed_at_any_moment_it_loses_nothing_that_it_confirmed(
    make_run: MakeRun, start: Start
) -> None:
    print(f"seed {SEED} (STEERMORE_SEED), {FUZZ} kills (STEERMORE_FUZZ)")
    chance = random.Random(SEED)
    # Nothing pauses it: a rate raised again and again would make the guard do so.
    settings = {"evaluation_interval": 700, "step_limit": 10**9, "guard": "off"}
    directory = make_run(settings=settings)
    heard: dict[int, AnyEvent] = {}
    commands: list[AnyCommand] = [
        Nudge(name="learning_rate", rungs=1),
        Nudge(name="learning_rate", rungs=-1),
        Decay(factor=0.9),
        Undo(),
        Sample(count=3),
    ]
    for number in range(FUZZ):
        engine = start(directory)
        client = engine.client
        client.send(Resume())
        ahead, steps = chance.randint(1, 1_500), 0
        deadline = time.monotonic() + 30
        while steps < ahead:
            assert time.monotonic() < deadline
            events = hear(client, heard)
            steps += sum(len(e.loss) // 4 for e in events if isinstance(e, StepsDone))
            if events and chance.random() < 0.3:
                client.send(chance.choice(commands))
        if number % 2:
            # While a checkpoint is being written, or just before or after.
            client.send(TakeSnapshot(name=f"number {number}"))
            moment = time.monotonic() + chance.random() * 0.004
            while time.monotonic() < moment:
                pass
        engine.process.kill()
        engine.process.wait(60)
        with contextlib.suppress(EngineGone):
            while True:
                hear(client, heard)
        recorded = {event.seq: event for event in read_events(directory)}
        assert {seq: recorded.get(seq) for seq in heard} == heard
    last = start(directory)
    saved = last.until(SnapshotTaken, answers=last.ask(TakeSnapshot(name="the end")))
    last.ask(Shutdown())
    assert last.process.wait(60) == 0
    verdict = replayed(directory)
    assert (verdict.difference, verdict.state_sha256) == ("", saved.state_sha256)


# --- no room --------------------------------------------------------------------------------------


def set_largest_file(engine: Engine, size: int | None) -> None:
    """What the engine may write to; None: as much as it likes."""
    _, hard = resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE)
    soft = hard if size is None else size
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (soft, hard))


def hear_the_rest(client: Client) -> None:
    """Until the engine has parted from the client."""
    deadline = time.monotonic() + 20
    with contextlib.suppress(EngineGone):
        while True:
            client.receive(1.0)
            assert time.monotonic() < deadline


def attach_anew(engine: Engine) -> None:
    """As a dashboard does when it is dropped."""
    hear_the_rest(engine.client)
    engine.attached = engine.client.attach(20)
    engine.events.clear()


def fill_up(engine: Engine) -> KnobsChanged:
    """Train until there is no room; the act that was confirmed before."""
    engine.ask(Resume())
    engine.until(StepsDone)
    asked = engine.ask(Nudge(name="learning_rate", rungs=1))
    act = engine.until(KnobsChanged, answers=asked)
    assert isinstance(act, KnobsChanged)
    # Not a multiple of four: the last loss is written in half.
    size = max(path.stat().st_size for path in engine.directory.glob("*.*"))
    set_largest_file(engine, size + 1_001)
    return act


def test_without_room_it_pauses_says_so_and_goes_on_when_there_is_some(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run(settings={"evaluation_interval": 10**6}))
    act = fill_up(engine)
    told = engine.until(Stalled).reason
    assert "cannot be written: File too large; make room, then train on" in told
    attach_anew(engine)
    assert is_served(engine.directory)
    # What the newcomer is shown stands on disk, and it hears why there is no more.
    assert act in engine.attached.events
    assert not engine.attached.welcome.running
    assert engine.attached.welcome.step == len(read_column(engine.directory, 0))
    assert engine.until(Stalled).reason == told
    refused = engine.ask(Nudge(name="learning_rate", rungs=1))
    assert engine.until(CommandRejected, answers=refused).reason == told
    # Asked too early, it says so again, and is none the worse for it.
    engine.ask(Resume())
    engine.until(Stalled)
    attach_anew(engine)
    set_largest_file(engine, None)
    asked = engine.ask(Resume())
    engine.until(EngineStarted)
    assert engine.until(StateChanged, answers=asked).running
    assert engine.until(StepsDone).first_step == engine.attached.welcome.step
    engine.ask(Shutdown())
    saved = engine.until(SnapshotTaken, reason="stopped")
    assert engine.process.wait(60) == 0
    assert act in read_events(engine.directory)
    verdict = replayed(engine.directory)
    assert (verdict.difference, verdict.state_sha256) == ("", saved.state_sha256)


def test_asked_to_end_without_room_it_ends_and_what_was_confirmed_is_there(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run(settings={"evaluation_interval": 10**6}))
    act = fill_up(engine)
    set_largest_file(engine, (engine.directory / "events.jsonl").stat().st_size)
    engine.ask(Shutdown())
    assert "All that was confirmed is saved" in engine.until(EngineFailed).reason
    assert engine.process.wait(60) == os.EX_IOERR
    assert not is_served(engine.directory)
    assert act in read_events(engine.directory)
    again = start(engine.directory)
    again.ask(Shutdown())
    again.until(EngineStopped)
    assert replayed(engine.directory).identical


def test_a_checkpoint_for_which_there_is_no_room_is_refused_and_training_goes_on(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run(settings={"evaluation_interval": 10**6}, model={"hidden_size": 300}))
    set_largest_file(engine, 16_384)
    asked = engine.ask(TakeSnapshot(name="mine"))
    refused = engine.until(CommandRejected, answers=asked)
    assert "cannot be written: File too large; make room" in refused.reason
    assert not list((engine.directory / "checkpoints").iterdir())
    engine.ask(Resume())
    engine.until(StepsDone)
    set_largest_file(engine, None)
    engine.until(SamplesDrawn, answers=engine.ask(Sample(count=1)))
    engine.until(SnapshotTaken, answers=engine.ask(TakeSnapshot(name="mine")))


def test_fit_without_room_ends_with_a_sentence_and_can_be_resumed(
    names: Path, tmp_path: Path, start: Start
) -> None:
    runs = ("--runs-dir", str(tmp_path / "runs"))
    sizes = ("--hidden-size", "8", "--steps", "9000", "--evaluation-interval", "100000")
    ended = steermore("fit", "--data", str(names), *sizes, *runs, limit=20_000)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "File too large; make room, then train on, with `steermore resume" in ended.stderr
    (directory,) = (tmp_path / "runs").iterdir()
    assert not is_served(directory)
    assert 0 < len(read_column(directory, 0)) <= 5_000
    again = start(directory)
    again.ask(Resume())
    again.until(StateChanged, finished=True, step=9_000)
    again.ask(Shutdown())
    again.until(EngineStopped)
    assert replayed(directory).identical


def test_a_new_run_or_an_export_without_room_is_refused_and_leaves_nothing(
    make_run: MakeRun, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    ended = steermore("fit", "--runs-dir", str(new), limit=1_000)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "cannot write the run here: File too large; make room, or choose" in ended.stderr
    assert not list(new.iterdir())
    directory = make_run()
    (directory / "loss-0.f32").write_bytes(bytes(4_000))
    (directory / "events.jsonl").write_bytes(opening_lines(directory))
    table = tmp_path / "table.csv"
    ended = steermore("export", str(directory), "--to", "csv", "--output", str(table), limit=4_096)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended
    assert "File too large" in ended.stderr
    assert not table.exists()


def test_a_run_that_cannot_be_renamed_without_room_keeps_its_name(make_run: MakeRun) -> None:
    directory = make_run()
    ended = steermore("rename", str(directory), "other", limit=10)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "cannot be renamed: File too large; make room" in ended.stderr
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


def opening_lines(directory: Path) -> bytes:
    """The record of a run that was opened, and nothing else."""
    from core.protocol import Point, RunOpened
    from core.record import read_config

    config = read_config(directory)
    opened = RunOpened(
        seq=0,
        step=0,
        time=1.8e9,
        branch=0,
        before=Point(-1, 0),
        config=config,
        by="command line",
    )
    return encode_line(opened) + b"\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=1m", "none", place):
        yield place


@contextlib.contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    tried = subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine lets us mount nothing: {tried.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(arguments[-1])], check=True)


def test_on_a_full_disk_it_pauses_and_goes_on_when_a_file_was_deleted(
    make_run: MakeRun, start: Start, small_disk: Path
) -> None:
    directory = small_disk / "run"
    shutil.copytree(make_run(settings={"evaluation_interval": 10**6}), directory)
    engine = start(directory)
    engine.ask(Resume())
    engine.until(StepsDone)
    with (small_disk / "films").open("wb", buffering=0) as films, contextlib.suppress(OSError):
        while True:
            films.write(bytes(512))
    assert "No space left on device; make room" in engine.until(Stalled).reason
    attach_anew(engine)
    (small_disk / "films").unlink()
    engine.ask(Resume())
    engine.until(StepsDone)
    engine.ask(Shutdown())
    engine.until(EngineStopped)
    assert replayed(directory).identical


# --- files gone -----------------------------------------------------------------------------------


def test_a_deleted_run_ends_its_engine_with_a_sentence(make_run: MakeRun, start: Start) -> None:
    engine = start(make_run())
    folder = Path(endpoint_of(engine.directory).socket).parent
    engine.ask(Resume())
    engine.until(StepsDone)
    delete(engine.directory)
    assert "was deleted or moved away" in engine.until(EngineFailed).reason
    assert engine.process.wait(60) == 1
    assert not folder.exists()


def test_what_is_asked_once_the_run_is_deleted_is_not_confirmed(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run())
    delete(engine.directory)
    engine.ask(Nudge(name="learning_rate", rungs=1))
    engine.until(EngineFailed)
    assert not [event for event in engine.events if isinstance(event, KnobsChanged)]


def test_a_run_that_was_moved_ends_its_engine_and_goes_on_at_its_new_place(
    make_run: MakeRun, start: Start, tmp_path: Path
) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    engine.until(StepsDone)
    asked = engine.ask(Nudge(name="learning_rate", rungs=1))
    act = engine.until(KnobsChanged, answers=asked)
    moved = engine.directory.rename(tmp_path / "elsewhere")
    assert "can be opened where it stands now" in engine.until(EngineFailed).reason
    assert engine.process.wait(60) == 1
    assert act in read_events(moved)
    again = start(moved)
    again.ask(Shutdown())
    again.until(EngineStopped)
    assert replayed(moved).identical


def test_a_read_only_run_is_refused_with_a_sentence_and_left_as_it_is(
    make_run: MakeRun, start: Start
) -> None:
    directory = make_run()
    first = start(directory)
    first.ask(Shutdown())
    first.until(EngineStopped)
    first.process.wait(60)
    before = (directory / "events.jsonl").read_bytes()
    with mounted("--bind", "-o", "ro", directory, directory):
        ended = steermore("resume", str(directory), "--headless")
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
        assert "Read-only file system; make it writable" in ended.stderr
    assert (directory / "events.jsonl").read_bytes() == before


@pytest.mark.parametrize("lost", ["socket", "folder", "announcement"])
def test_an_engine_whose_socket_was_tidied_away_can_be_reached_again(
    make_run: MakeRun, start: Start, lost: str
) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    engine.until(StepsDone)
    path = Path(endpoint_of(engine.directory).socket)
    if lost == "folder":
        shutil.rmtree(path.parent)
    else:
        (path if lost == "socket" else engine.directory / "engine.json").unlink()
    second = Client(engine.directory, "second")
    assert second.attach(10).welcome.running
    second.close()
    # Who was there before noticed nothing.
    asked = engine.ask(Pause())
    engine.until(StateChanged, answers=asked)
    engine.ask(Shutdown())
    engine.until(EngineStopped)
    assert engine.process.wait(60) == 0
    assert not (engine.directory / "engine.json").exists()


@pytest.mark.parametrize("name", ["temporary", "x" * 120])
def test_a_folder_for_temporary_files_that_goes_or_has_too_long_a_path_is_done_without(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # That of the test has too long a path already.
    folder = tempfile.mkdtemp()
    temporary = Path(folder, name)
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    engine = Engine(make_run())
    try:
        engine.ask(Resume())
        engine.until(StepsDone)
        assert name == "temporary" or not any(temporary.iterdir())
        shutil.rmtree(temporary)
        path = Path(endpoint_of(engine.directory).socket)
        assert path.exists() == (name != "temporary")
        for _ in range(3):
            engine.until(Heartbeat)
        second = Client(engine.directory, "second")
        assert second.attach(10).welcome.running
        second.close()
        engine.ask(Shutdown())
        engine.until(EngineStopped)
        assert engine.process.wait(60) == 0
        assert not path.parent.exists()
    finally:
        engine.close()
        shutil.rmtree(folder)


# --- clock, memory, torch, readers ----------------------------------------------------------------


def test_a_clock_that_was_set_back_matters_to_nobody(make_run: MakeRun, start: Start) -> None:
    directory = make_run()
    first = start(directory)
    first.ask(Resume())
    first.until(StepsDone)
    first.ask(Nudge(name="learning_rate", rungs=1))
    first.until(KnobsChanged)
    first.ask(Shutdown())
    first.until(EngineStopped)
    first.process.wait(60)
    events = read_events(directory)
    # Every line an hour before the one before it, the first an hour ahead of us.
    late = time.time() + 3_600
    lines = [
        encode_line(msgspec.structs.replace(event, time=late - 3_600 * number))
        for number, event in enumerate(events)
    ]
    (directory / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert look(directory).state == "stopped"
    assert look(directory).age_seconds >= 0
    second = start(directory)
    second.ask(Resume())
    second.until(StateChanged, running=True)
    # As a clock that is set back now would have it: announced in what is the future then.
    ahead = time.time() + 3_600
    os.utime(directory / "engine.json", (ahead, ahead))
    assert look(directory).state == "training"
    second.ask(Shutdown())
    second.until(EngineStopped)
    assert replayed(directory).identical


@pytest.mark.parametrize("megabytes", [300, 600])
def test_memory_that_is_refused_at_the_start_is_told_with_a_sentence(
    make_run: MakeRun, megabytes: int
) -> None:
    directory = make_run()
    process = start_engine(directory)
    limit = megabytes * 1024 * 1024
    resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
    with pytest.raises(EngineGone, match="does not get the memory that it needs"):
        Client(directory, "tester", process).attach(60)
    assert not read_events(directory)


def test_memory_that_is_refused_later_ends_the_engine_and_leaves_the_run_whole(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run(model={"hidden_size": 300}))
    asked = engine.ask(Nudge(name="learning_rate", rungs=1))
    act = engine.until(KnobsChanged, answers=asked)
    status = Path(f"/proc/{engine.process.pid}/status").read_text()
    kilobytes = int(status.split("VmSize:")[1].split()[0])
    limit = kilobytes * 1024
    resource.prlimit(engine.process.pid, resource.RLIMIT_AS, (limit, limit))
    engine.ask(SetKnobs(values={"batch_size": 4_096}))
    engine.ask(Resume())
    assert "memory that it needs" in engine.until(EngineFailed).reason
    assert engine.process.wait(60) != 0
    assert act in read_events(engine.directory)
    again = start(engine.directory)
    again.ask(Shutdown())
    again.until(EngineStopped)
    assert replayed(engine.directory).identical


def test_a_missing_torch_is_told_with_the_cure(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    directory = make_run()
    with pytest.raises(EngineGone, match=r"No module named 'torch'.*install them as the README"):
        Client(directory, "tester", start_engine(directory)).attach(60)
    assert sys.executable in (directory / "engine.log").read_text()


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_a_client_that_stands_still_is_dropped_and_costs_no_memory(
    make_run: MakeRun, start: Start
) -> None:
    engine = start(make_run())
    # Nearly a megabyte of names; the first time also makes room for drawing them.
    wish = Sample(count=1_000, prefix="emma" * 200, max_length=802)
    engine.until(SamplesDrawn, answers=engine.ask(wish))
    before = resident(engine.process.pid)
    sleeper = Client(engine.directory, "sleeper")
    sleeper.attach(10)
    engine.until(Heartbeat, clients=2)
    clients, told = 2, 0
    while clients == 2:
        drawn = engine.until(SamplesDrawn, answers=engine.ask(wish))
        told += len(encode_line(drawn))
        beats = [event for event in engine.events if isinstance(event, Heartbeat)]
        clients = beats[-1].clients if beats else clients
        assert told < 50e6
    assert resident(engine.process.pid) - before < 20e6
    # Awake again, it hears what still came, then the end of the line, and attaches anew.
    hear_the_rest(sleeper)
    welcome = sleeper.attach(10).welcome
    assert welcome.step == engine.until(Heartbeat, clients=2).step
    sleeper.close()


def test_nobody_who_reads_is_dropped_for_the_size_of_what_is_told(
    make_run: MakeRun, names: Path, start: Start
) -> None:
    with names.open("a") as file:
        file.write("éé\n")
    engine = start(make_run())
    other = Client(engine.directory, "other")
    other.attach(10)
    engine.ask(Resume())
    # Each is two megabytes of letters of two bytes; all are told in one go.
    wish = Sample(count=1_000, prefix="é" * 998, max_length=1_000)
    asked = [engine.ask(wish) for _ in range(3)]
    deadline = time.monotonic() + 60

    def read() -> None:
        heard: list[AnyEvent] = []
        while not any(getattr(event, "answers", None) == asked[-1] for event in heard):
            assert time.monotonic() < deadline
            heard += other.receive(1.0)

    # Beside us: who waits until we have read all of it is one who does not read.
    with ThreadPoolExecutor() as beside:
        reading = beside.submit(read)
        for answers in asked:
            assert len(encode_line(engine.until(SamplesDrawn, answers=answers))) > MAX_OUTBOX
        reading.result()
    assert engine.until(Heartbeat).clients == 2
    other.close()
