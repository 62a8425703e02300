"""`steermore sample`, as people call it: in pipes, by the million, from live runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import safetensors
import safetensors.torch

from core.commands import obey
from core.drawing import Drawing, draw_names
from core.options import shipped_names
from core.protocol import (
    Restore,
    RolledBack,
    Sample,
    SamplesDrawn,
    Shutdown,
    SnapshotTaken,
    TakeSnapshot,
)
from core.record import column_path, read_events
from core.run import Run
from core.seal import state_sha256
from tests.conftest import Engine, MakeRun
from tests.test_cli import fit, steermore, within
from tests.test_time_travel import settle, train

WISH = Sample(count=20, temperature=1.0, top_k=0, seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run of 300 updates on 301 names, in few-names.txt."""
    folder = tmp_path_factory.mktemp("sampled")
    lines = shipped_names().read_text("utf-8").splitlines()[::108]
    (folder / "few-names.txt").write_text("\n".join(lines) + "\n", "utf-8")
    fit(folder, "--data", "few-names.txt", "--steps", "300", "--preset", "fast")
    return folder


def drawn(folder: Path, *flags: str) -> list[str]:
    done = within("sample", "last", "--seed", "1", *flags, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]


def test_the_first_of_many_are_the_few(folder: Path) -> None:
    many = drawn(folder, "--count", "20000")
    assert len(many) == 20_000
    assert drawn(folder, "--count", "5") == many[:5]


def test_unique_prints_no_name_twice_and_new_none_of_the_list(folder: Path) -> None:
    listed = set((folder / "few-names.txt").read_text("utf-8").split())
    names = drawn(folder, "--count", "20000", "--unique", "--new")
    assert len(names) == len(set(names)) == 20_000
    assert not listed & set(names)
    assert "" not in names


def test_where_new_names_are_too_rare_it_says_so_and_that_is_no_failure(folder: Path) -> None:
    done = within("sample", "last", "--unique", "--top-k", "1", cwd=folder)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == (
        "steermore: 1 of 10 names found; then there was no new one among 100,000"
        " (a higher temperature may find more)\n"
    )


def test_when_nobody_reads_on_it_ends_quietly(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "sample", "last", "--count", "1000000000"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 0
    process.stderr.close()


def test_json_is_one_object_that_says_how_it_was_drawn(folder: Path) -> None:
    done = within("sample", "last", "--json", "--unique", "--count", "30", cwd=folder)
    told = json.loads(done.stdout)
    assert len(set(told["names"])) == 30
    assert (told["unique"], told["new"], told["step"]) == (True, False, 300)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--count", "100001", "--json"), "count 100,001 must be at most 100,000 with --json"),
        (("--count", "0"), "count 0 must be a whole number from 1"),
        (("--count", "2000", "--prefix", "É"), "É"),
        (("--temperature", "0"), "temperature 0 must be a number above 0"),
        (("--max-length", "0"), "max length 0 must be a whole number from 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_gets_one_sentence(folder: Path, flags: tuple[str, ...], sentence: str) -> None:
    done = within("sample", "last", *flags, cwd=folder)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_weights_that_are_not_finite_get_one_sentence(folder: Path, tmp_path: Path) -> None:
    (run,) = (folder / "runs").iterdir()
    shutil.copytree(run, tmp_path / "broken")
    lines = tmp_path / "broken" / "events.jsonl"
    for path in (tmp_path / "broken" / "checkpoints").iterdir():
        with safetensors.safe_open(path, framework="pt") as file:
            metadata, names = file.metadata(), list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
        tensors["b2"][0] = float("nan")
        said = json.loads(metadata["steermore"])
        # Written so by an engine: with the digest that these weights have.
        digest = state_sha256(safetensors.torch.save(tensors, metadata))
        assert digest is not None
        lines.write_text(lines.read_text().replace(said["state_sha256"], digest))
        said["state_sha256"] = digest
        metadata = {"steermore": json.dumps(said)}
        safetensors.torch.save_file(tensors, path, metadata=metadata)
    done = within("sample", tmp_path / "broken", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("steermore: run broken: the weights are not finite")
    assert len(done.stderr.splitlines()) == 1


def test_many_names_of_a_live_run_are_those_of_its_newest_checkpoint(
    make_run: MakeRun, start: Callable[[Path], Engine], tmp_path: Path
) -> None:
    engine = start(make_run())
    ask = ("sample", "last", "--count", "1001")
    refused = within(*ask, cwd=tmp_path)
    assert refused.returncode == 2
    assert "until then, ask for less, at most 1,000 names and 50,000 symbols" in refused.stderr
    engine.ask(TakeSnapshot(name="here"))
    engine.until(SnapshotTaken)
    done = steermore(*ask, cwd=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1001
    assert "is live: these are from its checkpoint at step 0" in done.stderr
    # Few names, if they may be long.
    done = within("sample", "last", "--count", "51", "--max-length", "1000", cwd=tmp_path)
    assert "is live: these are from its checkpoint at step 0" in done.stderr


def test_the_checkpoint_of_a_live_run_is_none_that_it_went_back_from(
    make_run: MakeRun, start: Callable[[Path], Engine], tmp_path: Path
) -> None:
    run = Run(make_run())
    obey(run, TakeSnapshot(name="early"))
    train(run, 20)
    obey(run, Shutdown())
    run.close()
    engine = start(run.directory)
    engine.until(RolledBack, answers=engine.ask(Restore(step=10)))
    done = within("sample", "last", "--count", "1001", cwd=tmp_path)
    assert done.returncode == 0
    assert "is live: these are from its checkpoint at step 0" in done.stderr


# --- which weights, where there are several ------------------------------------------------------


def names_of(drawing: Drawing) -> list[str]:
    return [name for piece in drawing.pieces for name in piece]


def test_names_are_those_of_the_end_whatever_the_times_of_files_say(make_run: MakeRun) -> None:
    run = Run(make_run())
    train(run, 10)
    obey(run, TakeSnapshot(name="early"))
    train(run, 20)
    obey(run, Shutdown())
    run.close()
    early, late = sorted((run.directory / "checkpoints").iterdir(), key=lambda path: path.name)
    assert draw_names(run.directory, WISH).step == 30
    # As after copying it: files are as new as chance has it.
    os.utime(late, (1e9, 1e9))
    os.utime(early, (2e9, 2e9))
    drawing = draw_names(run.directory, WISH)
    assert (drawing.step, drawing.aside) == (30, "")


def left_after_going_back(make_run: MakeRun) -> tuple[Path, tuple[str, ...]]:
    """A run that was at step 30, went back to 10 and on to 15, and whose engine was killed there;
    and the names that it drew last.
    """
    run = Run(make_run())
    train(run, 5)
    obey(run, TakeSnapshot(name="on the way"))
    train(run, 25)
    obey(run, TakeSnapshot(name="given up"))
    obey(run, Restore(step=10))
    settle(run)
    train(run, 5)
    obey(run, WISH)
    run.close()
    (drawn,) = (event for event in read_events(run.directory) if isinstance(event, SamplesDrawn))
    assert drawn.step == 15
    return run.directory, drawn.names


def test_names_are_those_of_the_end_though_it_stands_in_no_checkpoint(make_run: MakeRun) -> None:
    directory, names = left_after_going_back(make_run)
    shown: list[tuple[int, int]] = []

    @contextmanager
    def showing() -> Generator[Callable[[int, int], None], None, None]:
        yield lambda done, total: shown.append((done, total))

    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    drawing = draw_names(directory, WISH, showing=showing)
    assert (drawing.step, drawing.aside) == (15, "")
    assert tuple(names_of(drawing)) == names
    assert shown[-1] == (10, 10)
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    shutil.rmtree(directory / "checkpoints")
    assert tuple(names_of(draw_names(directory, WISH))) == names


def test_where_the_end_comes_out_otherwise_names_are_of_the_checkpoint_and_that_is_said(
    make_run: MakeRun, tmp_path: Path
) -> None:
    directory, names = left_after_going_back(make_run)
    column = column_path(directory, 1)
    losses = bytearray(column.read_bytes())
    losses[4 * 2] ^= 1
    column.write_bytes(losses)
    done = within("sample", "last", "--seed", "1", "--count", "20", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith(
        f"steermore: run {directory.name} stands at step 15, these are from its checkpoint at step"
        " 5: the loss of step 12 differs"
    )
    assert len(done.stderr.splitlines()) == 1
    assert tuple(done.stdout.splitlines()) != names
    shutil.rmtree(directory / "checkpoints")
    done = within("sample", "last", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no sound checkpoint leads to its end, and the loss of step 12 differs" in done.stderr
