"""A run in TensorBoard: what its own reader finds is what was recorded, live and afterwards."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.run_commands
import core.tensorboard_command  # noqa: F401  (both for the commands that they add)
from core.commands import obey
from core.event_file import scalars
from core.exporting import effects
from core.forking import fork
from core.protocol import (
    Evaluate,
    Evaluated,
    KnobsChanged,
    Recorded,
    Redo,
    Restore,
    Resume,
    RolledBack,
    Sample,
    SamplesDrawn,
    SetKnobs,
    Shutdown,
    Step,
    Undo,
)
from core.record import column_path
from core.run import Run
from core.smoothing import NOTHING
from core.story import Story, read_story
from core.tensorboard_log import run_log
from tests.conftest import Engine, MakeRun, Steermore

pytest.importorskip("tensorboard", reason="comes with the extra `tensorboard`")


def work(run: Run, *commands: Any) -> None:
    """Have the run obey, and do all that follows from it."""
    for command in commands:
        obey(run, command)
        while not run.ended and (run.errand is not None or run.single_steps):
            run.work()


STEERING = (
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
)


@pytest.fixture
def begun(make_run: MakeRun) -> Path:
    """A run that evaluates every 25 steps, with a warmup of 30."""
    return make_run(
        "fast", settings={"evaluation_interval": 25, "step_limit": 1_000}, knobs={"warmup": 30}
    )


@pytest.fixture
def steered(begun: Path) -> Path:
    """90 updates: 40, then a rate undone after 30, then drops set, and 50 more.

    One loss is made infinite, and one NaN, as a rate too high would.
    """
    run = Run(begun)
    work(run, *STEERING)
    run.close()
    with column_path(begun, 1).open("r+b") as column:
        column.seek(4 * 10)
        column.write(np.array([np.inf, np.nan], "<f4").tobytes())
    return begun


class Reader:
    """TensorBoard's own reader of one folder, keeping every point."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

        self._found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
        self.read_on()

    def read_on(self) -> None:
        """Take in what has come since."""
        self._found.Reload()

    def _points(self, tag: str) -> Iterator[tuple[int, float, Any]]:
        from tensorboard.util.tensor_util import make_ndarray

        if tag in self._found.Tags()["tensors"]:
            for point in self._found.Tensors(tag):
                yield point.step, point.wall_time, make_ndarray(point.tensor_proto).item()

    def numbers(self, tag: str) -> list[tuple[int, float, float]]:
        """Step, wall time and value of every point."""
        return list(self._points(tag))

    def texts(self, tag: str) -> list[tuple[int, float, str]]:
        """The same of texts."""
        return [(step, when, text.decode()) for step, when, text in self._points(tag)]

    def hyperparameters(self) -> dict[str, float | str]:
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        tag = "_hparams_/session_start_info"
        content = self._found.SummaryMetadata(tag).plugin_data.content
        table = HParamsPluginData.FromString(content).session_start_info.hparams
        return {name: value.string_value or value.number_value for name, value in table.items()}


def assert_told(reader: Reader, story: Story) -> None:
    """Every number and every text is that of the record, at its step and at its time."""
    pieces = list(story.pieces())
    steps = [step for piece in pieces for step in piece.steps]
    losses = np.concatenate([piece.losses for piece in pieces])
    rates = np.concatenate([piece.rates for piece in pieces]).astype("f4")
    base = np.concatenate([[piece.knobs.learning_rate] * len(piece.steps) for piece in pieces])
    told = reader.numbers("loss/minibatch")
    assert [step for step, _, _ in told] == steps
    np.testing.assert_array_equal(np.array([loss for _, _, loss in told], "f4"), losses)
    for tag, column in (("rate/effective", rates), ("rate/base", base.astype("f4"))):
        points = reader.numbers(tag)
        at, _, values = map(list, zip(*points, strict=True))
        assert at == sorted(set(at))
        assert values == [column[steps.index(step)] for step in at]
        # Where no point stands, the line between two of them is at the recorded rate.
        np.testing.assert_allclose(np.interp(steps, at, values), column, rtol=1e-6)
    lineage: list[Recorded] = [e for e in story.events if story.on_lineage(e)]
    measured = [event for event in lineage if isinstance(event, Evaluated)]
    for tag in ("train", "dev"):
        points = [(e.step, e.time, float(np.float32(getattr(e, tag)))) for e in measured]
        assert reader.numbers(f"loss/{tag}") == points
    acts, drawn = texts_by_step(lineage)
    told_acts = {step: text.split("\n\n") for step, _, text in reader.texts("acts")}
    assert told_acts == {
        step: [f"{'; '.join(effects(act))} ({act.by})" for act in each]
        for step, each in acts.items()
    }
    assert len(reader.texts("acts")) == len(acts)
    assert [step for step, _, _ in reader.texts("samples")] == list(drawn)
    for step, when, text in reader.texts("samples"):
        names = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        assert names == [name for event in drawn[step] for name in event.names]
        assert when == drawn[step][-1].time
    for (step, when, _), after in zip(told, [*told[1:], None], strict=True):
        known = [event for event in lineage if event.step <= step]
        later = [event.time for event in lineage if event.step > step]
        assert known[-1].time <= when <= min(later, default=known[-1].time)
        assert after is None or when <= after[1]


def texts_by_step(
    lineage: list[Recorded],
) -> tuple[dict[int, list[KnobsChanged | RolledBack]], dict[int, list[SamplesDrawn]]]:
    """Acts and drawings by the step at which they happened."""
    acts: dict[int, list[KnobsChanged | RolledBack]] = {}
    drawn: dict[int, list[SamplesDrawn]] = {}
    for event in lineage:
        if isinstance(event, (KnobsChanged, RolledBack)):
            acts.setdefault(event.step, []).append(event)
        elif isinstance(event, SamplesDrawn):
            drawn.setdefault(event.step, []).append(event)
    return acts, drawn


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_is_exported_is_what_was_recorded(
    steered: Path, steermore: Steermore, tmp_path: Path
) -> None:
    asked = ("export", steered, "--to", "tensorboard", "--output", tmp_path / "logs")
    assert steermore(*asked) == (0, "", "")
    reader = Reader(tmp_path / "logs" / steered.name)
    story = read_story(steered)
    assert story.step == 90
    assert_told(reader, story)
    assert reader.numbers("loss/minibatch")[50][2] == np.inf
    ((_, _, told),) = reader.texts("acts")
    assert told.startswith("undo from step 70 (person)\n\n")
    assert told.endswith("drops=5,9; schedule=step (person)")
    table = reader.hyperparameters()
    assert table["hidden_size"] == 16
    assert (table["preset"], table["optimizer"], table["fixed_batch"]) == ("fast", "adamw", "off")


def test_a_second_export_takes_the_place_of_the_first(
    begun: Path, steermore: Steermore, tmp_path: Path
) -> None:
    asked = ("export", begun, "--to", "tensorboard", "--output", tmp_path)
    folder = tmp_path / begun.name
    run = Run(begun)
    work(run, Step(count=40), Shutdown())
    run.close()
    assert steermore(*asked)[0] == 0
    watching = Reader(folder)
    stranger = folder / "events.out.tfevents.1.of-another"
    stranger.write_bytes(b"kept")
    run = Run(begun)
    work(run, Step(count=20), Restore(step=30), Step(count=5), Shutdown())
    run.close()
    assert steermore(*asked)[0] == 0
    assert stranger.read_bytes() == b"kept"
    stranger.unlink()
    watching.read_on()
    # Also in a TensorBoard that has read the first.
    for reader in (watching, Reader(folder)):
        assert_told(reader, read_story(begun))
    first, second = files(folder)
    assert (first.stat().st_size, second.stat().st_size > 0) == (0, True)
    os.utime(first, (0, 0))
    assert steermore(*asked)[0] == 0
    assert first not in files(folder)
    assert len(files(folder)) == 2


def test_a_run_that_is_followed_through_undo_redo_and_restore_is_told_as_it_stands(
    begun: Path, tmp_path: Path
) -> None:
    run = Run(begun)
    work(run, Step(count=10))
    run.journal.flush()
    reader = None
    with run_log(tmp_path, read_story(begun)) as log:
        for command in (*STEERING[:5], Redo(), Undo(), Undo(), Step(count=20), *STEERING[5:8]):
            work(run, command)
            run.journal.flush()
            log.catch_up(read_story(begun), ended=False)
            reader = reader or Reader(tmp_path / begun.name)
            reader.read_on()
        work(run, Restore(step=25), Step(count=5), Shutdown())
        run.close()
        log.catch_up(read_story(begun), ended=True)
    assert reader is not None
    reader.read_on()
    story = read_story(begun)
    assert story.step == 30
    for each in (reader, Reader(tmp_path / begun.name)):
        assert_told(each, story)


def test_a_live_run_is_followed_until_its_engine_ends(
    begun: Path, start: Callable[[Path], Engine], tmp_path: Path
) -> None:
    engine = start(begun)
    follower = subprocess.Popen(
        [sys.executable, "-m", "tui", "tensorboard", str(begun), "--logdir", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert follower.stdout is not None
        assert follower.stdout.readline() == f"look at it with `tensorboard --logdir {tmp_path}`\n"
        engine.ask(SetKnobs(values={"learning_rate": 0.02}))
        engine.ask(Resume())
        engine.until(Evaluated, step=50)
        engine.ask(Undo())
        engine.until(RolledBack)
        engine.until(Evaluated, step=100)
        folder, deadline = tmp_path / begun.name, time.monotonic() + 60
        while not folder.exists() or not Reader(folder).numbers("loss/dev"):
            assert time.monotonic() < deadline
            engine.client.receive(0.2)
        # Nobody but this test has been let in by the engine.
        assert follower.poll() is None
        engine.ask(Shutdown())
        said, _ = follower.communicate(timeout=60)
    finally:
        follower.kill()
    story = read_story(begun)
    assert follower.returncode == 0
    assert said == (f"run {begun.name}: its engine has ended; written up to step {story.step:,}\n")
    assert_told(Reader(folder), story)


def test_a_fork_begins_where_it_left(steered: Path, steermore: Steermore, tmp_path: Path) -> None:
    with column_path(steered, 1).open("r+b") as column:
        column.truncate(40)
    child = fork(steered, tmp_path / "runs", step=40, knobs={}, settings={})
    run = Run(child)
    work(run, Step(count=20), Shutdown())
    run.close()
    logs = tmp_path / "logs"
    for each in (steered, child):
        asked = ("export", each, "--to", "tensorboard", "--output", logs)
        assert steermore(*asked)[0] == 0
    assert {path.name for path in logs.iterdir()} == {steered.name, child.name}
    reader = Reader(logs / child.name)
    assert_told(reader, read_story(child))
    assert reader.numbers("loss/minibatch")[0][0] == 40


def test_columns_are_byte_for_byte_what_tensorboard_would_write() -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    edges = [1 << 7 * bits for bits in range(1, 6)]
    steps = np.array([0, 1, *sorted(edge + by for edge in edges for by in (-1, 0))])
    times = np.linspace(1.8e9, 1.9e9, len(steps))
    values = np.linspace(-1, 1, len(steps)).astype(np.float32)
    values[:4] = 0.0, np.nan, np.inf, -0.0
    expected = io.BytesIO()
    writer = RecordWriter(expected)
    for step, when, value in zip(steps.tolist(), times.tolist(), values.tolist(), strict=True):
        number = Summary.Value(tag="rate/base", simple_value=value)
        event = Event(wall_time=when, step=step, summary=Summary(value=[number]))
        writer.write(event.SerializeToString())
    found = b"".join(each.tobytes() for each in scalars("rate/base", steps, times, values))
    assert found == expected.getvalue()
    nothing = np.arange(0), np.linspace(0, 1, 0), NOTHING
    assert list(scalars("rate/base", *nothing)) == []


MISTAKES: dict[tuple[str, ...], str] = {
    (): "say where TensorBoard is to find it: --output LOGDIR",
    ("--output", "a-file"): "a-file",
    ("--output", "a-file", "--force"): "cannot be written",
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
    Path("a-file").write_text("precious")
    code, said, errors = steermore("export", steered, "--to", "tensorboard", *flags)
    assert (code, said, errors.count("\n")) == (2, "", 1)
    assert sentence in errors
    assert Path("a-file").read_text() == "precious"


@pytest.mark.parametrize(
    "command", [("export", "--to", "tensorboard", "--output"), ("tensorboard", "--logdir")]
)
def test_without_the_package_a_sentence_says_how_to_get_it(
    command: tuple[str, ...],
    steered: Path,
    steermore: Steermore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    code, said, errors = steermore(command[0], steered, *command[1:], tmp_path / "logs")
    assert (code, said, errors.count("\n")) == (2, "", 1)
    assert "`pip install tensorboard` brings it" in errors
    assert not (tmp_path / "logs").exists()
