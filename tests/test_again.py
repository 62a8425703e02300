"""`replay`, `resume` and `fork` without a screen, as people call them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.protocol import KnobsChanged, Resume, RolledBack, StepsDone, TestEvaluated
from core.record import column_path, is_served, read_config, read_events
from tests.conftest import Engine, MakeRun
from tests.test_cli import fit, reported, steermore, within


def knob_acts(run: Path) -> list[tuple[int, Any]]:
    """(step, new rate) of every change of the rate."""
    return [
        (event.step, event.changes["learning_rate"][1])
        for event in read_events(run)
        if isinstance(event, KnobsChanged)
    ]


def test_a_resumed_run_ends_in_the_weights_of_one_that_was_never_interrupted(
    names: Path, tmp_path: Path
) -> None:
    flags = ("--data", names, "--schedule", "constant")
    whole = fit(tmp_path, *flags, "--steps", "300", "--act", "200:learning_rate=0.02")
    part = fit(tmp_path, *flags, "--steps", "200")
    asked = ("resume", part["run"], "--learning-rate", "0.02", "--steps", "300")
    resumed = reported(tmp_path, *asked, program=steermore)
    assert resumed["weights_sha256"] == whole["weights_sha256"]
    assert resumed["steps"] == 300
    assert knob_acts(tmp_path / "runs" / part["run"]) == [(200, 0.02)]
    replayed = reported(tmp_path, "replay", part["run"])
    assert replayed["identical"]
    assert replayed["weights_sha256"] == whole["weights_sha256"]


def test_a_fork_to_a_lower_limit_leaves_out_what_was_planned_beyond_it(
    names: Path, tmp_path: Path
) -> None:
    acts = ("--act", "50:learning_rate=0.2", "--act", "250:learning_rate=0.02")
    parent = fit(tmp_path, "--data", names, "--schedule", "constant", "--steps", "300", *acts)
    child = reported(tmp_path, "fork", parent["run"], "--at", "20", "--steps", "200")
    directory = tmp_path / "runs" / child["run"]
    assert [act.step for act in read_config(directory).plan] == [50]
    assert knob_acts(directory) == [(50, 0.2)]


def test_replay_says_bit_identical_or_which_step_differs(names: Path, tmp_path: Path) -> None:
    report = fit(tmp_path, "--data", names, "--steps", "200", "--act", "50:batch_size=8")
    told = steermore("replay", "last", cwd=tmp_path)
    assert told.stdout.startswith(f"bit-identical {report['weights_sha256']}\n")
    column = column_path(tmp_path / "runs" / report["run"], 0)
    losses = bytearray(column.read_bytes())
    losses[4 * 123] ^= 1
    column.write_bytes(losses)
    told = within("replay", "last", cwd=tmp_path)
    assert told.returncode == 1
    assert "step 123 differs" in told.stdout
    assert "the machine differs" not in told.stdout


def test_a_fork_goes_its_own_way_and_needs_its_parent_no_more(names: Path, tmp_path: Path) -> None:
    flags = ("--data", names, "--schedule", "constant", "--steps", "300")
    parent = fit(tmp_path, *flags, "--act", "100:learning_rate=0.2")
    steered = fit(
        tmp_path, *flags, "--act", "100:learning_rate=0.2", "--act", "150:learning_rate=0.01"
    )
    asked = ("fork", parent["run"], "--at", "150", "--learning-rate", "0.01")
    child = reported(tmp_path, *asked, program=steermore)
    assert child["weights_sha256"] == steered["weights_sha256"]
    shutil.rmtree(tmp_path / "runs" / parent["run"])
    directory = tmp_path / "runs" / child["run"]
    start = read_config(directory).parent
    assert start is not None
    assert (start.run, start.step) == (parent["run"], 150)
    assert knob_acts(directory) == [(150, 0.01)]
    assert reported(tmp_path, "replay", child["run"])["identical"]
    resumed = reported(tmp_path, "resume", child["run"], "--steps", "320")
    assert resumed["steps"] == 320


@pytest.fixture(scope="module")
def hundred_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run of a hundred steps in it."""
    folder = tmp_path_factory.mktemp("again")
    fit(folder, "--steps", "100")
    return folder


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fork", "last", "--at", "101", "--headless"), "step 101 must be from 0 to 100"),
        (("fork", "last", "--at", "x", "--headless"), "step x must be a whole number"),
        (("fork", "last", "--at", "50"), "use `steermore fork --headless`"),
        (
            ("fork", "last", "--learning-rate", "0.01", "--headless"),
            "step 100 lies at or past the step limit, 100; a higher --steps trains on",
        ),
        (("resume", "last", "--learning-rate", "0", "--headless"), "learning rate 0 must be"),
        (("resume", "last"), "use `steermore resume --headless`"),
        (("attach", "last"), "use `steermore runs`"),
        (("replay", "nowhere"), "no run of that name"),
    ],
)
def test_what_cannot_be_done_again_is_refused_with_a_sentence(
    arguments: tuple[str, ...], sentence: str, hundred_steps: Path
) -> None:
    refused = steermore(*arguments, cwd=hundred_steps)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert len(list((hundred_steps / "runs").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--at", "900000", "--headless"), "step 900,000 must be from 0 to"),
        (("--steps", "1", "--learning-rate", "0.01", "--headless"), "lies at or past the step"),
        (("--momentum", "0.9", "--optimizer", "adamw", "--warmup", "-1", "--headless"), "warmup"),
        ((), "use `steermore fork --headless`"),
        (("--headless",), "is not the list that run"),
    ],
)
def test_a_fork_that_is_refused_leaves_a_live_run_training(
    arguments: tuple[str, ...],
    sentence: str,
    make_run: MakeRun,
    start: Callable[[Path], Engine],
    tmp_path: Path,
) -> None:
    engine = start(make_run())
    engine.ask(Resume())
    engine.until(StepsDone)
    if "not the list" in sentence:
        with (engine.directory / "words.txt").open("a") as words:
            words.write("another\n")
    refused = steermore("fork", "last", *arguments, cwd=tmp_path)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert is_served(engine.directory)
    engine.until(StepsDone)


@pytest.mark.parametrize("how", [(), ("--headless",)])
def test_knobs_that_cannot_be_had_together_are_refused_before_a_run_is_resumed(
    how: tuple[str, ...], hundred_steps: Path
) -> None:
    (run,) = (hundred_steps / "runs").iterdir()
    before = (run / "events.jsonl").read_bytes()
    wishes = ("--steps", "200", "--schedule", "exponential", "--floor", "0")
    refused = within("resume", "last", *wishes, *how, cwd=hundred_steps)
    sentence = "steermore: floor 0 cannot end an exponential schedule; try 0.01\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", sentence)
    assert (run / "events.jsonl").read_bytes() == before


def test_a_knob_that_stands_so_already_keeps_no_run_from_being_resumed(
    make_run: MakeRun, tmp_path: Path
) -> None:
    # No engine has opened it yet: nothing is recorded at first.
    run = make_run(settings={"step_limit": 20})
    for steps in ("20", "30"):
        wishes = ("--steps", steps, "--learning-rate", "0.1", "--headless")
        resumed = within("resume", run, *wishes, cwd=tmp_path)
        assert resumed.returncode == 0
        assert "refused: learning rate is 0.1 already" in resumed.stdout
        assert f"finished at step {steps}" in resumed.stdout


def test_a_schedule_begun_on_resuming_reaches_the_step_limit_given_with_it(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(settings={"step_limit": 20})
    assert within("resume", run, "--headless", cwd=tmp_path).returncode == 0
    wishes = ("--steps", "50", "--schedule", "cosine", "--headless")
    assert within("resume", run, *wishes, cwd=tmp_path).returncode == 0
    acts = [event for event in read_events(run) if isinstance(event, KnobsChanged)]
    assert acts[-1].changes["schedule_length"][1] == 30


def test_the_test_split_is_looked_at_only_if_confirmed_and_every_look_is_counted(
    names: Path, tmp_path: Path
) -> None:
    report = fit(tmp_path, "--data", names, "--steps", "200")
    asked = ("evaluate", "last", "--split", "test")
    refused = steermore(*asked, cwd=tmp_path)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert not [e for e in read_events(tmp_path / "runs" / report["run"]) if is_look(e)]
    first = reported(tmp_path, *asked, "--yes")
    assert (first["looks"], first["step"], first["split"]) == (1, 200, "test")
    assert first["examples"] == report["examples"]["test"]
    second = steermore(*asked, "--yes", cwd=tmp_path)
    assert "(look 2 at the test split)" in second.stdout
    assert f"{first['loss']:.4f}" in second.stdout
    child = reported(tmp_path, "fork", report["run"], "--at", "100", "--steps", "210")
    third = reported(tmp_path, "evaluate", child["run"], "--split", "test", "--yes")
    assert third["looks"] == 3
    dev = reported(tmp_path, "evaluate", report["run"])
    assert dev["loss"] == report["dev_loss"]
    assert reported(tmp_path, "replay", report["run"])["identical"]


@pytest.mark.parametrize("split", ["dev", "test"])
def test_to_measure_a_run_does_not_move_it(names: Path, tmp_path: Path, split: str) -> None:
    flags = ("--data", names, "--schedule", "constant")
    report = fit(tmp_path, *flags, "--steps", "700", "--act", "600:learning_rate=0.02")
    directory = tmp_path / "runs" / report["run"]
    # It crashed before it could save its end; a loss on the way there is another elsewhere.
    (saved,) = (directory / "checkpoints").glob("step-700-*")
    saved.unlink()
    column = bytearray(column_path(directory, 0).read_bytes())
    column[4 * 610] ^= 1
    column_path(directory, 0).write_bytes(column)
    before = read_events(directory)
    told = steermore("evaluate", "last", "--split", split, "--yes", cwd=tmp_path)
    assert told.returncode == 2
    assert "the loss of step 610 differs: recorded" in told.stderr
    assert "`steermore resume` goes on from step 0" in told.stderr
    assert read_events(directory) == before
    # To go on is asked for, and told.
    resumed = steermore("resume", "last", "--headless", cwd=tmp_path)
    said = " ".join(resumed.stdout.split())
    assert (
        "computes the loss of step 610 otherwise: the run goes on from step 0, not from 700" in said
    )
    assert ", with the knobs of there: learning rate 0.1 → 0.02" in said
    (back,) = [event for event in read_events(directory) if isinstance(event, RolledBack)]
    assert (back.step, back.differs) == (0, 610)


def is_look(event: object) -> bool:
    return isinstance(event, TestEvaluated)


def test_evaluate_explains_a_split_that_is_none(tmp_path: Path) -> None:
    done = steermore("evaluate", "last", "--split", "val", cwd=tmp_path)
    assert done.returncode == 2
    assert "split val must be one of train, dev, test" in done.stderr
