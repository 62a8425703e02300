"""Other names for runs: what may be one, who finds them afterwards, and the commands for it."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

import core.run_commands  # noqa: F401 - adds its commands to the program
from core.catalogue import listed
from core.forking import fork
from core.protocol import SetKnobs, Step
from core.record import RunError, find_run, read_config
from core.renaming import children_of, find_called, former_names, rename
from core.replaying import replay
from tests.conftest import Engine, MakeRun
from tests.test_runs import recorded


@pytest.fixture
def lived(make_run: MakeRun) -> Path:
    return recorded(make_run(), Step(count=20))


@pytest.mark.parametrize("name", ["best of all", "0.05-batch-64", "émile", "x" * 100])
def test_a_renamed_run_is_the_same_run_under_another_name(lived: Path, name: str) -> None:
    before = {path.name: path.read_bytes() for path in lived.iterdir() if path.is_file()}
    now = rename(lived, f" {name} ")
    assert now == lived.with_name(name)
    assert not lived.exists()
    assert find_run(now.parent, name) == now
    assert find_run(now.parent, "last") == now
    after = {path.name: path.read_bytes() for path in now.iterdir() if path.is_file()}
    assert after.pop("former-names.json")
    assert after == before
    assert [(run.run, run.state, run.step) for run in listed(now.parent)] == [(name, "stopped", 20)]
    assert list(replay(now))


@pytest.mark.parametrize(
    ("name", "reason"),
    {
        "": "nothing cannot be a run's name",
        "  ": "nothing cannot be a run's name",
        "a/b": "a/b cannot be a run's name",
        "..": "not begin with a dot",
        ".hidden": "not begin with a dot",
        "-rf": "or a dash",
        "last": "not last",
        "sweeps": "not last or sweeps",
        "x" * 101: "at most 100 characters",
        "é" * 100 + "é": "at most 100 characters",
        "語" * 90: "at most 100 characters",
        "red\x1b[31m": "all of which can be printed",
        "two\nlines": "all of which can be printed",
    }.items(),
)
def test_what_cannot_be_a_name_is_refused_with_the_reason(
    lived: Path, name: str, reason: str
) -> None:
    with pytest.raises(RunError) as refused:
        rename(lived, name)
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()
    assert lived.exists()


def test_a_name_that_is_taken_is_refused_and_its_own_changes_nothing(
    lived: Path, make_run: MakeRun
) -> None:
    other = make_run()
    (lived.parent / "folder").mkdir()
    (lived.parent / "link").symlink_to("nowhere")
    for name in (other.name, "folder", "link"):
        with pytest.raises(RunError, match="something of that name already"):
            rename(lived, name)
    assert rename(lived, lived.name) == lived
    assert former_names(lived) == ()


def test_a_run_that_an_engine_serves_keeps_its_name(
    make_run: MakeRun, start: Callable[[Path], Engine]
) -> None:
    directory = make_run()
    start(directory)
    with pytest.raises(RunError, match="an engine serves it; stop that first"):
        rename(directory, "other")
    assert directory.exists()


def test_an_engine_that_begins_at_that_moment_keeps_its_run(lived: Path) -> None:
    with (lived / "engine.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="an engine serves it"):
            rename(lived, "other")
    assert rename(lived, "other").exists()


def test_forks_find_their_parent_however_often_it_is_renamed(
    lived: Path, make_run: MakeRun
) -> None:
    runs, old = lived.parent, lived.name
    child = fork(lived, runs)
    other = make_run()
    once = rename(lived, "once")
    assert find_called(runs, old) == once
    twice = rename(once, "twice")
    assert former_names(twice) == (old, "once")
    assert find_called(runs, old) == find_called(runs, "once") == twice
    parent = read_config(child).parent
    assert parent is not None
    assert parent.run == old

    # Nobody else may be taken for the parent.
    with pytest.raises(RunError, match=f"run {child.name} is a fork of another run"):
        rename(other, old)
    assert list(children_of(runs, old)) == [child]
    assert rename(other, "once").exists()
    back = rename(twice, old)
    assert find_called(runs, old) == back
    assert former_names(back) == ("once", "twice")


def test_a_parent_that_is_gone_is_not_found(lived: Path) -> None:
    assert find_called(lived.parent, "never") is None
    (lived / "former-names.json").write_text("{damaged")
    assert find_called(lived.parent, "never") is None
    assert former_names(lived) == ()


def test_of_a_link_the_link_is_renamed(lived: Path) -> None:
    elsewhere = lived.parent.parent / "elsewhere"
    lived.rename(elsewhere)
    lived.symlink_to(elsewhere)
    now = rename(lived, "other")
    assert now.is_symlink()
    assert (elsewhere / "config.json").exists()


def test_what_is_no_run_is_not_renamed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(RunError, match="does not look like a run"):
        rename(folder, "other")


# --- the commands --------------------------------------------------------------------------------


def test_the_command_renames_and_says_what_cannot_be(
    lived: Path, steermore: Callable[..., tuple[int, str, str]]
) -> None:
    runs = ("--runs-dir", lived.parent)
    told = f"run {lived.name} is called good now\n"
    assert steermore("rename", "last", "good", *runs) == (0, told, "")
    code, _, sentence = steermore("rename", "goo", "last", *runs)
    assert (code, sentence.startswith("steermore: last cannot be a run's name")) == (2, True)
    assert steermore("rename", "nobody", "other", *runs)[0] == 2


def test_the_list_is_filtered_and_sorted_as_in_the_dashboard(
    make_run: MakeRun, steermore: Callable[..., tuple[int, str, str]]
) -> None:
    for name, rate, hidden in (("slow", 0.01, 8), ("steep", 0.5, 32), ("usual", 0.1, 16)):
        directory = make_run(knobs={"learning_rate": rate}, model={"hidden_size": hidden})
        recorded(directory, SetKnobs(values={"batch_size": 8}), Step(count=3))
        rename(directory, name)
    runs = ("--runs-dir", directory.parent)

    def names(*options: str) -> list[str]:
        code, said, _ = steermore("runs", *options, *runs)
        assert code == 0
        return [line.split()[0] for line in said.splitlines()[1:]]

    assert names("--sort", "lr") == ["slow", "usual", "steep"]
    assert names("--sort", "-hidden") == ["steep", "usual", "slow"]
    assert set(names("--filter", "lr>0.05 batch=8")) == {"steep", "usual"}
    # What was asked for is shown too.
    assert "0.5" in steermore("runs", "--filter", "lr>0.2", *runs)[1]
    assert "none of the 3 runs here" in steermore("runs", "--filter", "lr>3", *runs)[1]
    code, _, sentence = steermore("runs", "--filter", "speed>3", *runs)
    assert (code, "speed is no field of a run" in sentence) == (2, True)
    code, _, sentence = steermore("runs", "--sort", "speed", *runs)
    assert (code, "speed is no field of a run" in sentence) == (2, True)
