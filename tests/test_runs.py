"""The list of runs, and ending and deleting them: real records, real engine processes."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

import core.run_commands  # noqa: F401 - adds its commands to the program
from core import processes
from core.catalogue import changed, listed, look
from core.commands import obey
from core.journal import Journal
from core.processes import engines
from core.protocol import (
    Clock,
    Evaluated,
    KnobsChanged,
    Pause,
    Point,
    Resume,
    RunOpened,
    SetSetting,
    SettingChanged,
    Shutdown,
    StateChanged,
    Step,
    StepsDone,
)
from core.record import RunError, is_served, read_config, read_events
from core.run import Run
from core.stopping import Patience, stop
from tests.conftest import Engine, MakeRun

Start = Callable[[Path], Engine]
HASTY = Patience(answer=0.5, shutdown=60.0, terminate=60.0)
"""For an engine that does not let us in, but ends when it is terminated."""


Steermore = Callable[..., tuple[int, str, str]]


def recorded(directory: Path, *commands: Any) -> Path:
    """Drive a run through these commands, doing all that each of them leads to, and end it."""
    # As an engine does; two threads that wait for each other on a busy machine take seconds.
    torch.set_num_threads(1)
    run = Run(directory)
    for command in commands:
        obey(run, command)
        while run.errand is not None or run.single_steps or (run.running and not run.finished):
            run.work()
    obey(run, Shutdown())
    run.close()
    return directory


def state(directory: Path) -> str:
    return look(directory).state


@contextmanager
def stand_in(directory: Path, deed: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like the engine of this run, and does this instead."""
    code = (
        "import fcntl, pathlib, signal, sys; lock = pathlib.Path(sys.argv[-1], 'engine.lock');"
        f"{deed or None}; print(flush=True); signal.pause()"
    )
    command = [sys.executable, "-c", code, "-m", "core.worker", str(directory.resolve())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


# --- how a run stands ----------------------------------------------------------------------------


def test_a_live_run_is_paused_training_or_finished_and_can_be_stopped(
    make_run: MakeRun, start: Start, steermore: Steermore
) -> None:
    directory = make_run(settings={"pace": 100})
    engine = start(directory)
    seen = look(directory)
    assert (seen.state, seen.step, seen.pid) == ("paused", 0, engine.process.pid)
    engine.ask(Resume())
    engine.until(StepsDone)
    assert state(directory) == "training"
    engine.ask(Pause())
    engine.until(StateChanged, running=False)
    assert state(directory) == "paused"
    code, _, sentence = steermore("rm", "--yes", directory)
    assert code == 2
    assert f"`steermore stop {directory}`" in sentence
    assert directory.exists()
    engine.ask(SetSetting(name="step_limit", value=1))
    engine.ask(Resume())
    engine.until(StateChanged, finished=True)
    assert state(directory) == "finished"
    code, said, _ = steermore("stop", directory)
    (step,) = {event.step for event in read_events(directory)[-1:]}
    assert (code, said) == (0, f"run {directory.name}: stopped and saved at step {step}\n")
    assert not is_served(directory)
    seen = look(directory)
    assert (seen.state, seen.step, seen.pid) == ("finished", step, None)


def test_a_killed_run_is_crashed_and_a_frozen_one_can_be_ended_with_all_saved(
    make_run: MakeRun, start: Start, steermore: Steermore
) -> None:
    directory = make_run()
    engine = start(directory)
    engine.ask(Resume())
    engine.until(Clock)
    engine.process.kill()
    engine.process.wait(60)
    seen = look(directory)
    assert (seen.state, seen.pid) == ("crashed", None)
    assert seen.step is not None
    assert seen.step > 0
    code, _, sentence = steermore("stop", directory)
    assert (code, sentence) == (
        2,
        f"steermore: run {directory.name}: no engine serves it, so there is nothing to stop\n",
    )

    # The last word of the one before was that it trains.
    # It is found by what it was started as, which those of the nursery were not.
    with closing(Engine(directory)) as frozen:
        assert state(directory) == "paused"
        os.kill(frozen.process.pid, signal.SIGSTOP)
        said = stop(directory, HASTY)
        assert "did not answer and was terminated; stopped and saved at step" in said
        assert frozen.process.wait(60) == 0
        assert state(directory) == "stopped"


def test_a_finished_run_whose_limit_was_raised_is_stopped_before_it(make_run: MakeRun) -> None:
    directory = recorded(make_run(settings={"step_limit": 20}), Resume())
    assert (state(directory), look(directory).step) == ("finished", 20)
    journal = Journal(directory)
    journal.add(SettingChanged, 20, name="step_limit", old=20, new=30)
    journal.record.close()
    assert state(directory) == "crashed"
    recorded(directory)
    assert state(directory) == "stopped"


def test_a_run_of_which_nothing_is_recorded_is_empty(make_run: MakeRun) -> None:
    seen = look(make_run())
    assert (seen.state, seen.step, seen.dev_loss, seen.pid) == ("empty", 0, None, None)


def test_an_engine_that_still_loads_is_seen(make_run: MakeRun, steermore: Steermore) -> None:
    directory = make_run()
    with stand_in(directory, "") as engine:
        assert (state(directory), look(directory).pid) == ("paused", engine.pid)
        assert steermore("rm", "--yes", directory)[0] == 2


@pytest.mark.skipif(shutil.which("ps") is None, reason="ps is not installed here")
def test_engines_are_found_without_proc_too(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_run()
    with stand_in(directory, "") as engine:
        monkeypatch.setattr(processes, "_command_lines", processes._told_by_ps)
        assert engines()[directory.resolve()] == engine.pid


def test_the_best_dev_loss_is_that_of_the_present_lineage(make_run: MakeRun) -> None:
    directory = make_run()
    journal = Journal(directory)
    config = read_config(directory)
    measured: dict[str, Any] = {
        "train": 2.0,
        "train_examples": 1,
        "dev_examples": 1,
        "whole": False,
        "best": True,
    }
    journal.add(RunOpened, 0, config=config)
    journal.add_losses(0, np.ones(30, "<f4"))
    journal.add(Evaluated, 10, dev=2.5, **measured)
    journal.add(Evaluated, 20, dev=2.6, **measured)
    journal.add(Evaluated, 25, dev=None, **measured)
    journal.add(KnobsChanged, 30, changes={"learning_rate": (0.1, 0.2)})
    journal.add_losses(30, np.ones(10, "<f4"))
    journal.add(Evaluated, 40, dev=2.1, **measured)
    assert look(directory).dev_loss == 2.1
    journal.roll_back(Point(0, 30), Point(4, 40), reason="undo")
    assert look(directory).dev_loss == 2.5
    journal.roll_back(Point(0, 5), Point(6, 30), reason="restore")
    assert look(directory).dev_loss is None
    journal.add_losses(5, np.ones(2, "<f4"))
    journal.record.flush()
    assert look(directory).step == 7
    journal.record.close()


def config_is_damaged(directory: Path) -> None:
    (directory / "config.json").write_text('{"format": 1, "crea')


def format_is_of_the_future(directory: Path) -> None:
    (directory / "config.json").write_text('{"format": 99}')


def config_is_gone(directory: Path) -> None:
    (directory / "config.json").unlink()


def line_is_damaged(directory: Path) -> None:
    path = directory / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"type"', b'"tape"', 1))


def first_act_is_lost(directory: Path) -> None:
    path = directory / "events.jsonl"
    path.write_bytes(path.read_bytes().partition(b"\n")[2])


def events_are_a_folder(directory: Path) -> None:
    (directory / "events.jsonl").unlink()
    (directory / "events.jsonl").mkdir()


DAMAGE: dict[Callable[[Path], None], str] = {
    config_is_damaged: "config.json is damaged",
    format_is_of_the_future: "its format is 99",
    config_is_gone: "there is no config.json",
    line_is_damaged: "line 1 is damaged",
    first_act_is_lost: "line 1 is damaged",
    events_are_a_folder: "cannot be read: Is a directory",
}


@pytest.mark.parametrize(
    ("damage", "why"), DAMAGE.items(), ids=lambda it: getattr(it, "__name__", "")
)
def test_a_run_that_cannot_be_read_is_listed_as_such_and_can_be_deleted(
    damage: Callable[[Path], None], why: str, make_run: MakeRun, steermore: Steermore
) -> None:
    sound, broken = make_run(), make_run()
    recorded(sound, Step(count=3))
    recorded(broken, Step(count=3))
    damage(broken)
    code, said, errors = steermore("runs", "--runs-dir", sound.parent)
    assert code == 0
    lines = {line.split()[0]: line.split()[1] for line in said.splitlines()}
    assert lines[sound.name] == "stopped"
    assert lines[broken.name] == "unreadable"
    assert why in errors
    assert steermore("rm", "--yes", broken.name, "--runs-dir", sound.parent)[0] == 0
    assert [run.run for run in listed(sound.parent)] == [sound.name]


def test_an_engine_whose_directory_was_deleted_is_listed_and_can_be_ended(
    make_run: MakeRun, steermore: Steermore
) -> None:
    directory = make_run()
    shutil.copytree(directory, directory.parent / "other")
    with stand_in(directory, "") as engine:
        known = {run.directory: run for run in listed(directory.parent)}
        shutil.rmtree(directory)
        lost, other = listed(directory.parent)
        for before in (known, {other.directory: other}):
            (seen,), gone = changed(directory.parent, before)
            assert (seen.run, seen.state, seen.why, gone) == (lost.run, "unreadable", lost.why, [])
        assert (lost.run, lost.state, lost.pid) == (directory.name, "unreadable", engine.pid)
        assert "is gone" in lost.why
        assert other.run == "other"
        assert stop(directory.parent / lost.run, HASTY)
        assert engine.wait(60) == -signal.SIGTERM


def test_a_run_that_was_opened_between_two_looks_is_looked_at_again(make_run: MakeRun) -> None:
    first, second = make_run(), make_run()
    for directory in (first, second):
        recorded(directory, Step(count=3))
    known = {run.directory: run for run in listed(first.parent)}
    assert changed(first.parent, known) == ([], [])
    recorded(first)
    (seen,), gone = changed(first.parent, known)
    assert (seen.directory, gone) == (first, [])
    assert seen.moment > known[first].moment
    assert changed(first.parent, known | {first: seen}) == ([], [])


# --- runs ----------------------------------------------------------------------------------------


def test_where_there_is_no_run_a_sentence_says_so(tmp_path: Path, steermore: Steermore) -> None:
    code, said, _ = steermore("runs", "--runs-dir", tmp_path / "none")
    assert code == 0
    assert "no run here yet" in said
    assert steermore("runs", "--json", "--runs-dir", tmp_path / "none")[:2] == (0, "[]\n")
    (tmp_path / "file").touch()
    code, _, sentence = steermore("runs", "--runs-dir", tmp_path / "file")
    assert (code, "choose another folder" in sentence) == (2, True)


def test_the_json_list_holds_what_was_promised_the_newest_first(
    make_run: MakeRun, steermore: Steermore
) -> None:
    first, second = make_run(settings={"step_limit": 1_234}), make_run()
    recorded(first, Resume())
    os.utime(first / "config.json", (1e9, 1e9))
    (first.parent / "notes").mkdir()
    code, said, _ = steermore("runs", "--json", "--runs-dir", first.parent)
    assert code == 0
    newest, oldest = json.loads(said)
    assert newest["run"] == second.name
    assert set(oldest) == {"run", "state", "step", "dev_loss", "age_seconds", "pid"}
    assert (oldest["state"], oldest["step"], oldest["pid"]) == ("finished", 1_234, None)
    assert 0 <= oldest["age_seconds"] < 60
    assert 1 < oldest["dev_loss"] < 10


def test_a_line_is_never_cut_without_a_terminal_and_fits_80_columns_in_one(
    make_run: MakeRun, steermore: Steermore
) -> None:
    directory = make_run()
    long = directory.with_name("20260101-120000-" + "x" * 60)
    directory.rename(long)
    arguments = ("runs", "--runs-dir", long.parent)
    _, said, _ = steermore(*arguments)
    assert said.splitlines()[1].split()[:3] == [long.name, "empty", "0"]
    inside, outside = os.openpty()
    command = [sys.executable, "-m", "tui", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    subprocess.run(command, stdout=outside, env=environment, check=True, timeout=60)
    os.close(outside)
    shown = os.read(inside, 10_000).decode()
    os.close(inside)
    plain = [msg for msg in shown.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines() if msg]
    assert max(map(len, plain)) <= 80
    assert "".join(line.split("  ")[0] for line in plain[1:]) == long.name


# --- stop ----------------------------------------------------------------------------------------

HOLD = "lock = lock.open('ab'); fcntl.flock(lock, fcntl.LOCK_EX)"


def test_an_engine_that_ignores_everything_is_killed(make_run: MakeRun) -> None:
    directory = make_run()
    recorded(directory, Step(count=3))
    deaf = f"{HOLD}; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with stand_in(directory, deaf) as engine:
        assert is_served(directory)
        said = stop(directory, Patience(answer=0.1, terminate=0.2))
        assert engine.wait(60) == -signal.SIGKILL
    assert "did not answer and was killed" in said
    assert "step 3" in said


def test_a_stranger_is_never_killed(make_run: MakeRun) -> None:
    directory = make_run()
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    endpoint = {"socket": "/nowhere", "key": "", "pid": stranger.pid}
    (directory / "engine.json").write_bytes(msgspec.json.encode(endpoint))
    try:
        with (directory / "engine.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(RunError, match=f"process {stranger.pid}, .* is another"):
                stop(directory, Patience(answer=0.1))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(60)


# --- rm ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "stays"), [("y", False), ("n", True), ("", True)])
def test_rm_asks_and_only_a_yes_deletes(answer: str, stays: bool, make_run: MakeRun) -> None:
    directory = recorded(make_run(settings={"step_limit": 7}), Resume())
    inside, outside = os.openpty()
    os.write(inside, f"{answer}\n".encode())
    command = [sys.executable, "-m", "tui", "rm", directory.name]
    done = subprocess.run(
        command,
        cwd=directory.parent.parent,
        stdin=outside,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(inside)
    os.close(outside)
    assert done.returncode == 0, done.stderr
    assert f"delete run {directory.name} (step 7, dev " in done.stdout
    assert "? [y/N]" in done.stdout
    assert directory.exists() == stays


def test_rm_deletes_nothing_if_one_of_the_names_is_wrong(
    make_run: MakeRun, steermore: Steermore, tmp_path: Path
) -> None:
    directory = make_run()
    runs = ("--runs-dir", directory.parent)
    assert steermore("rm", directory.name, *runs)[0] == 2
    assert "no run of that name" in steermore("rm", "--yes", directory.name, "nothing", *runs)[2]
    foreign = tmp_path / "model"
    foreign.mkdir()
    (foreign / "config.json").write_text('{"hidden_size": 200}')
    for path in (foreign, tmp_path, directory / "checkpoints"):
        assert steermore("rm", "--yes", directory, path, *runs)[0] == 2
        assert path.exists()
    assert directory.exists()
    assert steermore("rm", "--yes", directory.name, directory, *runs)[0] == 0
    assert not directory.exists()


def test_rm_of_a_link_leaves_what_it_leads_to(make_run: MakeRun, steermore: Steermore) -> None:
    directory = make_run()
    elsewhere = directory.parent.parent / "elsewhere"
    directory.rename(elsewhere)
    directory.symlink_to(elsewhere)
    assert steermore("rm", "--yes", directory.name, "--runs-dir", directory.parent)[0] == 0
    assert not directory.is_symlink()
    assert (elsewhere / "config.json").exists()


def test_listing_a_long_run_is_quick(make_run: MakeRun) -> None:
    directory = make_run(settings={"step_limit": 1_000_000})
    journal = Journal(directory)
    journal.add(RunOpened, 0, config=read_config(directory))
    journal.add_losses(0, np.ones(1_000_000, "<f4"))
    for number in range(2_000):
        journal.add(Clock, 500 * number, seconds=0.1 * number)
    journal.record.close()
    assert look(directory, {}).step == 1_000_000
    # Some 3 ms; the bound is for a machine that is busy with other things.
    assert min(timed(lambda: look(directory, {})) for _ in range(5)) < 0.1


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
