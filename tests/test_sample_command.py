"""`steermore sample`, as people call it: in pipes, by the million, from live runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors
import safetensors.torch

from core.options import shipped_names
from core.protocol import SnapshotTaken, TakeSnapshot
from core.seal import state_sha256
from tests.conftest import Engine, MakeRun
from tests.test_cli import fit, steermore, within


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
    for path in (tmp_path / "broken" / "checkpoints").iterdir():
        with safetensors.safe_open(path, framework="pt") as file:
            metadata, names = file.metadata(), list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
        tensors["b2"][0] = float("nan")
        said = json.loads(metadata["steermore"])
        # Written so by an engine: with the digest that these weights have.
        said["state_sha256"] = state_sha256(safetensors.torch.save(tensors, metadata))
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
    assert "live and has no checkpoint yet; until then, ask for at most 1,000" in refused.stderr
    engine.ask(TakeSnapshot(name="here"))
    engine.until(SnapshotTaken)
    done = steermore(*ask, cwd=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1001
    assert "is live: these are from its checkpoint at step 0" in done.stderr
