"""A run as a table, as JSON and as names: what other programs read is what was recorded."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

import core.run_commands  # noqa: F401 - adds its commands to the program
from core import story
from core.commands import obey
from core.config import Knobs
from core.exporting import COLUMNS
from core.lineage import Stretch
from core.protocol import (
    Evaluate,
    KnobsChanged,
    Point,
    Resume,
    RolledBack,
    RunOpened,
    Sample,
    SetKnobs,
    Shutdown,
    Step,
    Undo,
)
from core.record import column_path, read_column, read_config, read_events
from core.run import Run
from core.schedule import effective_rate, factor
from core.story import Piece, read_story
from tests.conftest import MakeRun, Steermore


@pytest.fixture
def steered(make_run: MakeRun) -> Path:
    """A run of 90 updates: 40, then a rate undone after 30, then drops set, and 50 more.

    One loss is made infinite, and one NaN, as a rate too high would.
    """
    directory = make_run(
        "fast", settings={"evaluation_interval": 25, "step_limit": 1_000}, knobs={"warmup": 30}
    )
    # As an engine does; two threads that wait for each other on a busy machine take seconds.
    torch.set_num_threads(1)
    run = Run(directory)
    for command in (
        Step(count=40),
        SetKnobs(values={"learning_rate": 0.5}),
        Step(count=30),
        Sample(count=2, temperature=0.5, top_k=4, prefix="ma"),
        Undo(),
        SetKnobs(values={"schedule": "step", "drops": (5, 9)}),
        Step(count=50),
        Sample(count=3),
        Evaluate(),
        Shutdown(),
    ):
        obey(run, command)
        while run.errand is not None or run.single_steps:
            run.work()
    run.close()
    with column_path(directory, 1).open("r+b") as column:
        column.seek(4 * 10)
        column.write(np.array([np.inf, np.nan], "<f4").tobytes())
    return directory


def recorded_losses(steered: Path) -> np.ndarray:
    """Of the present lineage."""
    return np.concatenate([read_column(steered, 0)[:40], read_column(steered, 1)])


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_has_a_row_for_every_update_of_the_lineage(
    steered: Path, steermore: Steermore
) -> None:
    code, said, errors = steermore("export", steered, "--to", "csv")
    assert (code, errors) == (0, "")
    *updates, last = rows(said)
    assert list(last) == list(COLUMNS)
    assert [row["step"] for row in updates] == [str(step) for step in range(90)]
    assert [row["branch"] for row in updates] == ["0"] * 40 + ["1"] * 50
    losses = recorded_losses(steered)
    assert [updates[50]["loss"], updates[51]["loss"]] == ["", ""]
    for row, loss in zip(updates, losses, strict=True):
        if np.isfinite(loss):
            assert np.float32(row["loss"]) == loss
    assert (last["step"], last["loss"]) == ("90", "")


def test_rates_are_bit_for_bit_those_of_the_updates(steered: Path, steermore: Steermore) -> None:
    updates = rows(steermore("export", steered, "--to", "csv")[1])[:-1]
    opened = read_config(steered).knobs
    (changed,) = [
        stretch.knobs
        for stretch in read_story(steered).path
        if isinstance(stretch.act, KnobsChanged)
    ]
    for step, row in enumerate(updates):
        knobs = opened if step < 40 else changed
        assert float(row["effective_rate"]) == effective_rate(knobs, step)
        assert float(row["factor"]) == factor(knobs, step)
        assert float(row["base_rate"]) == knobs.learning_rate
        assert row["batch_size"] == "128"
        assert row["optimizer"] == "adamw"


def test_measurements_and_acts_stand_at_their_step(steered: Path, steermore: Steermore) -> None:
    table = rows(steermore("export", steered, "--to", "csv")[1])
    assert [row["step"] for row in table if row["dev_loss"]] == ["25", "50", "75", "90"]
    assert 1 < float(table[-1]["train_loss"]) < 4
    assert [(row["step"], row["act"].split("; ")[0]) for row in table if row["act"]] == [
        ("40", "undo from step 70")
    ]
    assert "drops=5,9" in table[40]["act"].split("; ")
    assert float(table[-1]["seconds"]) > 0


def test_json_holds_the_lineage_as_arrays_and_all_that_is_recorded(
    steered: Path, steermore: Steermore
) -> None:
    def never(text: str) -> Any:
        raise AssertionError(f"{text} is no JSON")

    code, said, _ = steermore("export", steered, "--to", "json")
    told = json.loads(said, parse_constant=never)
    assert code == 0
    assert (told["run"], told["step"]) == (steered.name, 90)
    assert told["config"]["knobs"]["warmup"] == 30
    assert told["steps"] == list(range(90))
    expected = [float(loss) if np.isfinite(loss) else None for loss in recorded_losses(steered)]
    assert told["losses"][50:52] == [None, None]
    assert [None if loss is None else np.float32(loss) for loss in told["losses"]] == expected
    table = rows(steermore("export", steered, "--to", "csv")[1])
    assert told["effective_rates"] == [float(row["effective_rate"]) for row in table[:-1]]
    lengths = {len(told[name]) for name in ("steps", "losses", "branches", "factors")}
    assert lengths == {90}
    kinds = [(act["type"], act["on_lineage"]) for act in told["acts"]]
    assert kinds == [
        ("RunOpened", True),
        ("KnobsChanged", False),
        ("RolledBack", True),
        ("KnobsChanged", True),
    ]
    assert [each["on_lineage"] for each in told["samples"]] == [False, True]
    assert [each["step"] for each in told["evaluations"]] == [25, 50, 50, 75, 90]
    assert told["clock"][-1]["seconds"] == float(table[-1]["seconds"])


def test_names_stand_one_on_a_line_under_their_drawing(
    steered: Path, steermore: Steermore, tmp_path: Path
) -> None:
    drawn = [event for event in read_events(steered) if type(event).__name__ == "SamplesDrawn"]
    code, said, _ = steermore("export", steered, "--samples", tmp_path / "names.out")
    assert (code, said) == (0, "")
    lines = (tmp_path / "names.out").read_text("utf-8").splitlines()
    assert lines == [
        "# step 70, temperature 0.5, top-k 4, beginning with ma, on a branch that was left",
        *drawn[0].names,  # type: ignore[union-attr]
        "# step 90, temperature 1",
        *drawn[1].names,  # type: ignore[union-attr]
    ]


def test_where_nothing_was_drawn_a_sentence_says_so(
    make_run: MakeRun, steermore: Steermore, tmp_path: Path
) -> None:
    directory = make_run()
    Run(directory).close()
    code, said, told = steermore("export", directory, "--samples", tmp_path / "names.out")
    assert (code, said) == (0, "")
    assert "nothing was drawn while it trained; `steermore sample` draws now" in told
    assert (tmp_path / "names.out").read_text("utf-8") == ""


def test_files_are_not_overwritten_unless_it_is_forced(
    steered: Path, steermore: Steermore, tmp_path: Path
) -> None:
    table, names = tmp_path / "table.csv", tmp_path / "names.out"
    names.write_text("precious")
    ask = ("export", steered, "--to", "csv", "--output", table, "--samples", names)
    code, _, sentence = steermore(*ask)
    assert (code, sentence) == (2, f"steermore: {names}: exists already; --force overwrites it\n")
    assert names.read_text() == "precious"
    assert not table.exists()
    assert steermore(*ask, "--force")[0] == 0
    assert len(rows(table.read_text())) == 91
    assert names.read_text().startswith("# step 70")


MISTAKES: dict[tuple[str, ...], str] = {
    (): "say what to export",
    ("--samples", ""): "the name of the file after --samples is empty",
    ("--to", "csv", "--output", ""): "the name of the file after --output is empty",
    ("--samples", "a", "--output", "b"): "say what to write to b: --to csv, json or tensorboard",
    ("--to", "xml"): "to xml must be csv, json or tensorboard",
    ("--to", "csv", "--output", "nowhere/a.csv"): "cannot be written: No such file",
    ("--to", "csv", "--output", "a", "--samples", "./a"): "must name different files",
    ("--to", "csv", "--samples", "-"): "must name different files",
}


@pytest.mark.parametrize(("flags", "sentence"), MISTAKES.items())
def test_a_mistake_gets_one_sentence(
    flags: tuple[str, ...],
    sentence: str,
    steered: Path,
    steermore: Steermore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    code, said, errors = steermore("export", steered, *flags)
    assert (code, said) == (2, "")
    assert sentence in errors
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_be_told_is_not_exported_and_leaves_no_file(
    steered: Path, make_run: MakeRun, steermore: Steermore, tmp_path: Path
) -> None:
    wanted = ("--to", "json", "--output", tmp_path / "out.json")
    code, _, sentence = steermore("export", make_run(), *wanted)
    assert (code, "nothing is recorded of it yet" in sentence) == (2, True)
    events = steered / "events.jsonl"
    events.write_bytes(events.read_bytes().partition(b"\n")[2])
    code, _, sentence = steermore("export", steered, *wanted)
    assert (code, "is damaged" in sentence) == (2, True)
    assert not (tmp_path / "out.json").exists()


def test_a_file_that_cannot_be_finished_is_removed(
    steered: Path, steermore: Steermore, tmp_path: Path
) -> None:
    column_path(steered, 1).unlink()
    column_path(steered, 1).mkdir()
    code, _, sentence = steermore(
        "export", steered, "--to", "csv", "--output", tmp_path / "out.csv"
    )
    assert (code, "Is a directory" in sentence) == (2, True)
    assert not (tmp_path / "out.csv").exists()


def test_a_live_run_can_be_exported_as_far_as_it_has_come(
    make_run: MakeRun, steermore: Steermore
) -> None:
    run = Run(make_run())
    obey(run, Resume())
    while run.step < 20:
        run.work()
    run.journal.flush()
    told = json.loads(steermore("export", run.directory, "--to", "json")[1])
    assert told["step"] == len(told["losses"]) == run.step
    run.close()


@pytest.mark.parametrize("schedule", ["constant", "step", "exponential", "linear", "cosine"])
@pytest.mark.parametrize("first", [0, 3, 40, 70, 95, 100, 120, 140])
def test_factors_of_many_steps_are_those_of_each(
    schedule: str, first: int, make_run: MakeRun
) -> None:
    knobs = Knobs(
        schedule=schedule,  # type: ignore[arg-type]
        schedule_start=40,
        schedule_length=60,
        warmup=10,
        floor=0.01,
        drops=(20, 50, 90),
    )
    directory = make_run(knobs=msgspec.structs.asdict(knobs))
    opened = RunOpened(
        seq=0, branch=0, step=0, time=0.0, before=Point(-1, 0), config=read_config(directory)
    )
    stretch = Stretch(opened, 0, 200, knobs)
    for length in (1, 2, 30):
        steps = range(first, first + length)
        found = Piece(directory, stretch, 0, steps).factors
        assert found.tolist() == [factor(knobs, step) for step in steps]


def test_how_a_run_is_cut_into_pieces_never_shows(
    steered: Path, steermore: Steermore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [type(act) for act in read_story(steered).acts.list]
    assert kinds == [RunOpened, KnobsChanged, RolledBack, KnobsChanged]
    whole = [steermore("export", steered, "--to", kind)[1] for kind in ("csv", "json")]
    monkeypatch.setattr(story, "PIECE", 7)
    assert [steermore("export", steered, "--to", kind)[1] for kind in ("csv", "json")] == whole
