"""The checks of the lecture's part 3, against autograd and numpy; and they leave no trace."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from core.commands import obey
from core.config import PRESETS, Initialization, Knobs, ModelConfig
from core.dataset import Dataset, load
from core.diagnostics import (
    EXAMPLES,
    MOST_OUTPUTS,
    PARTS,
    counted,
    hidden_layer,
    layers,
    next_change,
    next_gradient,
)
from core.minibatch import minibatch
from core.protocol import (
    SATURATED,
    Diagnose,
    DiagnosticsTaken,
    FindLearningRate,
    decode_event,
    encode_wire,
)
from core.run import Run
from core.trainer import Trainer
from tests.conftest import MakeRun
from tests.test_looking import run
from tests.test_time_travel import heard, settle, train
from tui.inside.saying import expected_saturation

__all__ = ["run"]

EVERY: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd"},
    "decay and clipping": {"optimizer": "sgd", "weight_decay": 0.01, "clip": 0.1},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
    "one minibatch": {"optimizer": "sgd", "fixed_batch": 7},
    "a minibatch of one": {"optimizer": "sgd", "batch_size": 1},
    "cosine": {"schedule": "cosine", "schedule_length": 400, "warmup": 10},
}


@pytest.fixture
def data(names: Path) -> Dataset:
    return load(names, 3, 42)


def knobs_of(**knobs: Any) -> Knobs:
    return msgspec.structs.replace(PRESETS["lecture"].knobs, **knobs)


def trained(data: Dataset, updates: int = 50, **knobs: Any) -> Trainer:
    model = ModelConfig(embedding_size=4, hidden_size=16)
    trainer = Trainer(data, model, knobs_of(**knobs), seed=5)
    trainer.advance(updates)
    return trainer


@pytest.mark.parametrize("knobs", EVERY.values(), ids=EVERY)
def test_the_update_is_to_the_last_bit_that_which_the_trainer_makes(
    data: Dataset, knobs: dict[str, Any]
) -> None:
    trainer = trained(data, **knobs)
    before = trainer.model.flat.clone()
    change = next_change(trainer, next_gradient(trainer))
    trainer.advance(1)
    assert torch.equal(trainer.model.flat - before, change)
    assert change.any()


@pytest.mark.parametrize("knobs", EVERY.values(), ids=EVERY)
def test_a_look_leaves_the_trainer_as_it_was_and_what_it_becomes(
    data: Dataset, knobs: dict[str, Any]
) -> None:
    trainer, other = trained(data, **knobs), trained(data, **knobs)
    before = trainer.state_sha256()
    for _ in range(20):
        hidden_layer(trainer.model, data.splits["train"])
        layers(trainer)
        assert trainer.state_sha256() == before
        trainer.advance(3)
        other.advance(3)
        before = trainer.state_sha256()
        assert before == other.state_sha256()


@pytest.mark.parametrize("knobs", EVERY.values(), ids=EVERY)
def test_gradient_and_weights_are_those_of_autograd_in_float64(
    data: Dataset, knobs: dict[str, Any]
) -> None:
    trainer = trained(data, **knobs)
    at = trainer.knobs.fixed_batch
    train = data.splits["train"]
    chosen = minibatch(
        5, trainer.step if at is None else at, 1, trainer.knobs.batch_size, train.examples
    )
    rows = torch.from_numpy(train.rows(chosen)[0].astype(np.int64))
    weights = trainer.model.flat.double().requires_grad_()
    C, W1, b1, W2, b2 = trainer.model.views(weights)
    h = torch.tanh(C[rows[:, :3]].flatten(1) @ W1 + b1)
    cross_entropy(h @ W2 + b2, rows[:, 3]).backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    parts = zip(trainer.model.views(weights), trainer.model.views(weights.grad), strict=True)
    for figures, (part, gradient) in zip(layers(trainer), parts, strict=True):
        assert figures.shape == tuple(part.shape)
        assert figures.std == pytest.approx(part.std().item(), rel=1e-5)
        assert figures.norm == pytest.approx(part.norm().item(), rel=1e-5)
        assert figures.gradient_std == pytest.approx(gradient.std().item(), rel=1e-4)
        assert figures.gradient_mean == pytest.approx(gradient.mean().item(), rel=1e-3, abs=1e-8)


def test_of_plain_sgd_the_update_is_rate_times_gradient(data: Dataset) -> None:
    trainer = trained(data, optimizer="sgd", learning_rate=0.05)
    for figures in layers(trainer):
        assert figures.gradient_std is not None
        assert figures.update_std == pytest.approx(0.05 * figures.gradient_std, rel=1e-3)


def test_at_the_end_of_a_schedule_nothing_moves(data: Dataset) -> None:
    schedule: dict[str, Any] = {
        "schedule": "linear",
        "schedule_length": 50,
        "floor": 0.0,
        "warmup": 0,
    }
    trainer = trained(data, **schedule)
    assert [figures.update_std for figures in layers(trainer)] == [0.0] * 5


def test_weights_that_are_not_finite_have_no_figures_and_raise_nothing(data: Dataset) -> None:
    trainer = trained(data)
    trainer.model.C[:] = math.nan
    hidden = hidden_layer(trainer.model, data.splits["train"])
    assert sum(hidden.counts) == 0
    assert hidden.dead == 0
    assert layers(trainer)[0].std is None
    assert layers(trainer)[1].gradient_std is None


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60),
    st.lists(st.sampled_from([0.97, -0.97, 1.0, -1.0, 0.0, math.nan]), max_size=9),
)
@settings(deadline=None)
def test_every_output_is_counted_once_and_the_saturated_ones_apart(
    outputs: list[float], special: list[float]
) -> None:
    h = torch.tensor([outputs + special])
    counts = counted(h)
    finite = h[~h.isnan()]
    assert len(counts) == PARTS + 2
    assert min(counts) >= 0
    assert sum(counts) == len(finite)
    assert counts[0] == int((finite < -SATURATED).sum())
    assert counts[-1] == int((finite > SATURATED).sum())


@pytest.mark.parametrize("hidden_size", [1, 16, 200, 4_096])
def test_the_histogram_is_numpy_s_on_the_same_examples(data: Dataset, hidden_size: int) -> None:
    trainer = Trainer(data, ModelConfig(hidden_size=hidden_size), knobs_of(), seed=3)
    train = data.splits["train"]
    hidden = hidden_layer(trainer.model, train)
    assert 0 < hidden.examples <= EXAMPLES
    assert hidden.examples * hidden_size <= max(MOST_OUTPUTS, EXAMPLES)
    assert sum(hidden.counts) == hidden.examples * hidden_size
    rows = torch.from_numpy(train.rows(slice(0, hidden.examples)).astype(np.int64))
    model = trainer.model
    h = torch.tanh(model.C[rows[:, :3]].flatten(1).double() @ model.W1.double() + model.b1.double())
    edges = [-1.01, *np.linspace(-SATURATED, SATURATED, PARTS + 1), 1.01]
    expected, _ = np.histogram(h.numpy(), edges)
    # What lies on an edge may fall on either side of it in float32.
    assert np.abs(expected - np.array(hidden.counts)).max() <= 2
    dead = (h.abs() > SATURATED).all(0).sum().item()
    assert hidden.dead == pytest.approx(dead, abs=1)


def test_a_unit_that_is_saturated_whatever_comes_is_counted_as_dead(data: Dataset) -> None:
    trainer = Trainer(data, ModelConfig(initialization="scaled"), knobs_of(), seed=3)
    assert hidden_layer(trainer.model, data.splits["train"]).dead == 0
    trainer.model.b1[[3, 50, 199]] = torch.tensor([40.0, -40.0, 40.0])
    assert hidden_layer(trainer.model, data.splits["train"]).dead == 3


@pytest.mark.parametrize("initialization", ["normal", "scaled"])
def test_first_weights_saturate_as_much_as_is_said_of_them(
    data: Dataset, initialization: Initialization
) -> None:
    model = ModelConfig(hidden_size=400, initialization=initialization)
    counts = hidden_layer(Trainer(data, model, knobs_of(), 1).model, data.splits["train"]).counts
    found = (counts[0] + counts[-1]) / sum(counts)
    assert found == pytest.approx(expected_saturation(model, initialization), abs=0.05)


# --- asked of a run -------------------------------------------------------------------------------


def taken(run: Run) -> DiagnosticsTaken:
    """The one answer; it goes to the asker alone, and through the wire."""
    obey(run, Diagnose(id=7), "me")
    ((answer, to),) = run.journal.take()
    assert to == "me"
    came = decode_event(encode_wire(answer))
    assert isinstance(came, DiagnosticsTaken)
    return came


def test_a_look_is_answered_with_its_figures_and_its_cost(run: Run) -> None:
    answer = taken(run)
    assert (answer.answers, answer.branch, answer.step) == (7, 0, 300)
    assert [layer.name for layer in answer.layers] == ["C", "W1", "b1", "W2", "b2"]
    assert sum(answer.counts) == answer.examples * answer.hidden_size
    assert answer.rate == run.trainer.knobs.learning_rate
    assert 0 < answer.seconds < 1


def test_a_run_with_looks_equals_one_without_and_records_nothing_of_them(
    run: Run, make_run: MakeRun
) -> None:
    other = Run(make_run())
    train(other, 300)
    recorded = run.journal.seq
    for _ in range(5):
        taken(run)
        assert run.journal.seq == recorded
        assert run.trainer.state_sha256() == other.trainer.state_sha256()
        train(run, 20)
        train(other, 20)
        heard(run)
        recorded = run.journal.seq
    assert run.trainer.model.weights_sha256() == other.trainer.model.weights_sha256()
    other.close()


def test_a_look_waits_for_no_finder_and_does_not_disturb_it(run: Run) -> None:
    obey(run, FindLearningRate(steps=100), "other")
    run.work()
    heard(run)
    before = run.trainer.state_sha256()
    taken(run)
    settle(run)
    assert run.trainer.state_sha256() == before


def test_a_large_vocabulary_and_layer_are_looked_at_too(tmp_path: Path) -> None:
    path = tmp_path / "many-symbols.txt"
    symbols = [chr(0x4E00 + at) for at in range(5_000)]
    path.write_text("\n".join(map("".join, pairwise(symbols))), "utf-8")
    data = load(path, 3, 42)
    trainer = Trainer(data, ModelConfig(hidden_size=512), knobs_of(optimizer="adamw"), seed=1)
    before = trainer.state_sha256()
    figures = layers(trainer)
    assert figures[3].shape == (512, data.vocab_size)
    assert all(layer.update_std for layer in figures)
    assert trainer.state_sha256() == before
