"""The commands without a screen, as people call them: each as a real process, and within the tests'
own (`within`) where it is only a way to something else.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import core.answering
import core.fit
from core.record import is_served, read_events
from tests import quick_engines
from tests.conftest import run_program, write_few_names

Program = Callable[..., subprocess.CompletedProcess[str]]
"""Of the words of a command, and of the folder that it is called in."""


def steermore(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program as a newcomer would, with no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def within(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, which has loaded torch; so have the engines that it starts."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    caught = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        for module in (core.answering, core.fit):
            patch.setattr(module, "start_engine", quick_engines.start)
        try:
            code = run_program(*arguments)
        finally:
            for number, handler in caught.items():
                signal.signal(number, handler)
    said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess(arguments, code, said, complained)


def reported(cwd: Path, *arguments: str | Path, program: Program = within) -> dict[str, Any]:
    """What a command prints with --json."""
    done = program(*arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def fit(cwd: Path, *arguments: str | Path, program: Program = within) -> dict[str, Any]:
    return reported(cwd, "fit", *arguments, program=program)


def test_fit_prints_one_json_object_with_all_that_was_promised(names: Path, tmp_path: Path) -> None:
    flags = ("--data", names, "--steps", "300", "--preset", "fast")
    report = fit(tmp_path, *flags, program=steermore)
    assert set(report) == {
        "run",
        "steps",
        "parameters",
        "examples",
        "train_loss",
        "dev_loss",
        "seconds",
        "wall_seconds",
        "steps_per_second",
        "weights_sha256",
    }
    assert report["steps"] == 300
    assert 1.5 < report["dev_loss"] < 3.0
    assert set(report["examples"]) == {"train", "dev", "test"}
    assert report["wall_seconds"] > report["seconds"] > 0
    assert not is_served(tmp_path / "runs" / report["run"])


def test_a_flag_before_a_command_is_named_as_it_was_typed(tmp_path: Path) -> None:
    for given in ("--ascii", "--paused"):
        done = steermore(given, "attach", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"steermore: {given} must stand after attach")


def test_equal_flags_and_acts_give_equal_weights_and_another_seed_others(
    names: Path, tmp_path: Path
) -> None:
    flags = ("--data", names, "--steps", "200", "--act", "50:learning_rate=0.2")
    first, second = (fit(tmp_path, *flags, program=program) for program in (steermore, within))
    other = fit(tmp_path, *flags, "--seed", "1")
    unsteered = fit(tmp_path, *flags[:-2])
    assert first["weights_sha256"] == second["weights_sha256"]
    assert len({run["weights_sha256"] for run in (first, other, unsteered)}) == 3


def test_fit_tells_people_how_it_goes_and_where_the_run_is(names: Path, tmp_path: Path) -> None:
    done = steermore(
        *("fit", "--data", names, "--steps", "100", "--evaluation-interval", "50"),
        *("--act", "60:learning_rate=0.05"),
        cwd=tmp_path,
    )
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("step        50  train ")
    assert lines[1] == "step        60  learning rate 0.1 → 0.05"
    assert lines[3].startswith("finished at step 100")
    run = Path(lines[-1].split()[-1])
    assert (tmp_path / run / "events.jsonl").exists()
    drawn = within("sample", run, "--count", "3", cwd=tmp_path)
    assert len(drawn.stdout.splitlines()) == 3


def test_sample_draws_equal_names_from_equal_seeds(names: Path, tmp_path: Path) -> None:
    fit(tmp_path, "--data", names, "--steps", "200", "--preset", "fast")
    ask = ("sample", "last", "--json", "--count", "5", "--prefix", "ma", "--seed")
    one = steermore(*ask, "1", cwd=tmp_path)
    again, two = (within(*ask, seed, cwd=tmp_path) for seed in ("1", "2"))
    assert one.stdout == again.stdout != two.stdout
    drawn = json.loads(one.stdout)
    assert len(drawn["names"]) == 5
    assert all(name.startswith("ma") for name in drawn["names"])
    assert drawn["step"] == 200


def test_ctrl_c_stops_and_saves(names: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "fit", "--data", names, "--evaluation-interval", "100"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("step       100")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped at step" in rest
    (run,) = (tmp_path / "runs").iterdir()
    assert list((run / "checkpoints").iterdir())
    assert not is_served(run)


def test_a_live_run_can_be_sampled(names: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "fit", "--data", names, "--steps", "100000000"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("runs/*/engine.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        drawn = steermore("sample", "last", "--count", "4", cwd=tmp_path)
        assert len(drawn.stdout.splitlines()) == 4, drawn.stderr
        refused = within("sample", "last", "--prefix", "É", cwd=tmp_path)
        assert refused.returncode == 2
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


MISTAKES = {
    ("--learning-rate", "-1"): "learning rate -1 must be a number above 0",
    ("--learning-rate", "fast"): "learning rate fast must be a number above 0",
    ("--batch-size", "0"): "batch size 0 must be a whole number from 1 to 65,536",
    ("--steps", "0"): "step limit 0 must be a whole number from 1",
    ("--preset", "slow"): "preset slow must be one of lecture, fast",
    ("--initialization", "zero"): "initialization zero must be one of normal, scaled",
    ("--hidden-size", "1e400"): "hidden size '1e400' must be a whole number",
    ("--seed", "-1"): "seed -1 must be a whole number from 0",
    ("--schedule", "zigzag"): "schedule zigzag must be one of constant, step",
    ("--schedule", "exponential"): "floor 0 cannot end an exponential schedule",
    ("--drops", "9,5"): "drops 9, 5 must be rising step numbers",
    ("--act", "nonsense"): "must read STEP:knob=value",
    ("--act", "5:temperature=1"): "names no knob",
    ("--act", "200000:learning_rate=0.1"): "lies at or past the step limit, 200,000",
    ("--data", "nowhere.txt"): "nowhere.txt: no such file",
    ("--data", "."): ".: is a folder",
    ("--runs-dir", "/dev/null/runs"): "choose another folder with --runs-dir",
}


@pytest.mark.parametrize(("flags", "sentence"), MISTAKES.items(), ids=" ".join)
def test_a_mistake_gets_one_sentence_and_exit_code_2(
    flags: tuple[str, str], sentence: str, tmp_path: Path
) -> None:
    done = within("fit", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout
    assert not (tmp_path / "runs").exists()


def test_the_same_mistake_is_found_before_any_screen_opens(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui", "--data", "."]
    script = f"import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn({command})))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert b"is a folder" in done.stdout
    assert b"\x1b[?1049h" not in done.stdout
    assert done.returncode == 2


def test_without_a_terminal_it_says_so_and_names_fit(tmp_path: Path) -> None:
    done = steermore(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "steermore: the dashboard needs a terminal; without one, use `steermore fit`\n"
    )


@pytest.mark.parametrize(
    ("name", "sentence"), [("last", "no run here yet"), ("x", "no run of that name")]
)
def test_a_run_that_is_not_there_is_named(name: str, sentence: str, tmp_path: Path) -> None:
    done = within("sample", name, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_flag_in_front_of_a_command_is_not_silently_lost(tmp_path: Path) -> None:
    done = steermore("--steps", "5", "fit", cwd=tmp_path)
    assert done.returncode == 2
    assert "--steps" in done.stderr
    assert "after fit" in done.stderr


def test_version_help_and_the_list_of_runs_come_without_torch_or_textual(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from tui.program import app\n"
        "for word in ('--version', '--help', 'runs'):\n"
        "    try:\n"
        "        app([word])\n"
        "    except SystemExit as end:\n"
        "        assert not end.code\n"
        "assert not {'torch', 'textual', 'plotext'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("steermore 0.")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a list of names and a run of twenty steps in it."""
    folder = tmp_path_factory.mktemp("trained")
    fit(folder, "--data", write_few_names(folder), "--steps", "20", "--hidden-size", "8")
    return folder


def buffered() -> dict[str, str]:
    """The environment, in which output is kept until there is much of it or the program ends."""
    return {**os.environ, "PYTHONUNBUFFERED": ""}


def redirected(streams: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """As `steermore`, with its streams as a shell says."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "tui", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env=buffered(),
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "the dashboard needs a terminal; without one, use `steermore fit`"),
        (("attach", "last"), "the dashboard needs a terminal; without one, use `steermore runs`"),
        (("rm", "last"), "rm asks before it deletes; without a terminal, say --yes"),
        (("evaluate", "last", "--split", "test"), "without a terminal, say --yes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_closed_standard_input_is_no_terminal(
    arguments: tuple[str, ...], sentence: str, trained: Path
) -> None:
    done = redirected("<&-", *arguments, cwd=trained)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert sentence in done.stderr


@pytest.mark.parametrize(
    "arguments", [("sample", "last"), ("export", "last", "--to", "csv")], ids=" ".join
)
def test_what_a_closed_standard_output_is_told_is_lost_and_nothing_else(
    arguments: tuple[str, ...], trained: Path
) -> None:
    done = redirected(">&-", *arguments, cwd=trained)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
NO_ROOM = "steermore: standard output: cannot be written: No space left on device; make room"


@FULL
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("runs",),
        ("keys",),
        ("sample", "last", "--count", "1000"),
        ("export", "last", "--to", "csv"),
        ("replay", "last"),
    ],
    ids=" ".join,
)
def test_a_full_standard_output_is_one_sentence(arguments: tuple[str, ...], trained: Path) -> None:
    done = redirected(">/dev/full", *arguments, cwd=trained)
    assert (done.returncode, done.stderr) == (2, f"{NO_ROOM}\n")


@FULL
@pytest.mark.parametrize("how", [("--json",), ("--steps", "100000000")], ids=" ".join)
def test_a_run_that_a_full_standard_output_ends_is_saved(
    how: tuple[str, ...], names: Path, tmp_path: Path
) -> None:
    flags = ("--steps", "20", "--evaluation-interval", "10", "--hidden-size", "8", *how)
    done = redirected(">/dev/full", "fit", "--data", names, *flags, cwd=tmp_path)
    (run,) = (tmp_path / "runs").iterdir()
    told = f"{NO_ROOM}; the run is saved, as far as it came, in runs/{run.name}"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, told)
    assert "Traceback" not in done.stderr
    assert not is_served(run)
    assert reported(tmp_path, "sample", "last")["step"] >= 10


def test_when_nobody_reads_what_is_left_to_say_it_ends_quietly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "tui", "keys"],
            cwd=tmp_path,
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            env=buffered(),
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_planned_act_stands_in_the_record_as_the_command_lines(
    names: Path, tmp_path: Path
) -> None:
    report = fit(tmp_path, "--data", names, "--steps", "100", "--act", "30:batch_size=64")
    events = read_events(tmp_path / "runs" / report["run"])
    acts = [event for event in events if type(event).__name__ == "KnobsChanged"]
    assert [(act.step, act.by) for act in acts] == [(30, "command line")]  # type: ignore[union-attr]
