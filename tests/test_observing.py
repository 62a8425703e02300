"""What is said beside the curve: diagnosis, plateau, the floor of one minibatch; the autopilot."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from core.commands import obey
from core.dataset import load
from core.fixed_batch import floor_of
from core.plateau import is_plateau
from core.protocol import (
    Evaluate,
    Evaluated,
    KnobsChanged,
    Resume,
    SetKnobs,
    SettingChanged,
    Shutdown,
    Undo,
)
from core.run import Run
from tests.conftest import MakeRun
from tests.test_time_travel import heard, replayed, settle, train
from tui.history.history import History
from tui.observing import diagnosis, floor_text, plateau_remark, references, remarks

FALLING = [2.5, 2.4, 2.3, 2.25, 2.2, 2.17, 2.15, 2.13]
FLAT = [2.13, 2.128, 2.133, 2.13, 2.129, 2.131, 2.132]


def test_a_plateau_is_seen_when_patience_has_run_out_and_not_before() -> None:
    assert not any(is_plateau(FALLING[:n], 3) for n in range(len(FALLING) + 1))
    flat = FLAT + FLAT
    seen = [is_plateau(FALLING + flat[:n], 3) for n in range(len(flat) + 1)]
    assert seen[:4] == [False] * 4
    assert seen[-1]
    assert not is_plateau([], 1)
    assert not is_plateau([2.0], 1)


def test_small_steps_down_among_noise_are_still_falling() -> None:
    noise = np.random.default_rng(0).normal(0, 0.003, 40)
    slope = 2.3 - 0.004 * np.arange(40)
    assert not any(is_plateau((slope + noise)[:n].tolist(), 5) for n in range(41))


def follow(run: Run, history: History) -> list[Evaluated]:
    run.journal.flush()
    events = heard(run)
    for event in events:
        history.apply(event, 0.0)
    return [event for event in events if isinstance(event, Evaluated)]


def evaluated(history: History, train: float | None, dev: float | None, step: int = 0) -> Evaluated:
    """Feed the history one evaluation."""
    event = Evaluated(
        seq=len(history.all_acts.list) + len(history.evaluations) + 10,
        branch=0,
        step=step,
        time=0.0,
        train=train,
        dev=dev,
        train_examples=10,
        dev_examples=10,
        whole=False,
        best=False,
    )
    history.apply(event, 0.0)
    return event


@pytest.fixture
def history(make_run: MakeRun) -> History:
    """Of a run that has just been opened, and trains."""
    run = Run(make_run(settings={"patience": 3}))
    history = History(run.config)
    obey(run, Resume())
    follow(run, history)
    run.close()
    return history


@pytest.mark.parametrize(
    ("train_loss", "dev", "word"),
    [
        (2.23, 2.24, "underfitting"),
        (2.4726, 2.4944, "underfitting"),
        (2.12, 2.17, "fine"),
        (1.8, 2.2, "overfitting"),
    ],
)
def test_the_diagnosis_names_the_gap_that_it_rests_on(
    train_loss: float, dev: float, word: str, history: History
) -> None:
    assert diagnosis(history) == ""
    evaluated(history, train_loss, dev)
    told = diagnosis(history)
    assert told.startswith(f"{word}: dev {dev:.3f} − train {train_loss:.3f}")
    assert f"= {round(dev, 3) - round(train_loss, 3):.3f}" in told
    assert diagnosis(history, uniform=dev) == f"worse than guessing: dev {dev:.3f}"
    assert diagnosis(history, uniform=dev + 0.1) == told
    evaluated(history, None, dev)
    assert diagnosis(history) == ""


def test_a_plateau_is_told_once_with_the_key_that_decays(history: History) -> None:
    told = [
        "".join(text for word in entry.words for text, _ in word)
        for value in FALLING + FLAT + FLAT
        for entry in plateau_remark(evaluated(history, value, value), history)
    ]
    assert len(told) == 1
    assert "ddecays" in told[0]


def test_the_floor_is_reached_by_a_model_that_learns_the_batch_by_heart(names: Path) -> None:
    data = load(names, 3, 42)
    floor = floor_of(data, 7, 123, 32)
    assert 0 < floor.torn <= 32
    assert len(floor.targets) > 1
    # The best conceivable model: one free distribution for each context.
    train_split = data.splits["train"]
    from core.minibatch import minibatch

    chosen = minibatch(7, 123, 1, 32, train_split.examples)[0]
    rows = train_split.rows(chosen).tolist()
    contexts = sorted({tuple(row[:3]) for row in rows})
    logits = torch.zeros(len(contexts), data.vocab_size, requires_grad=True)
    which = torch.tensor([contexts.index(tuple(row[:3])) for row in rows])
    targets = torch.tensor([row[3] for row in rows])
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(1_500):
        loss = torch.nn.functional.cross_entropy(logits[which], targets)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert floor.loss == pytest.approx(loss.item(), abs=2e-3)
    assert floor.loss <= loss.item()


def test_one_minibatch_is_overfitted_down_to_its_floor(make_run: MakeRun) -> None:
    run = Run(make_run(model={"hidden_size": 64}, knobs={"schedule": "constant", "drops": ()}))
    history = History(run.config)
    obey(run, SetKnobs(values={"fixed_batch": 0}))
    events = heard(run)
    for event in events:
        history.apply(event, 0.0)
    (act,) = (event for event in events if isinstance(event, KnobsChanged))
    (remark,) = remarks(act, history, run.data)
    told = " ".join("".join(text for text, _ in word) for word in remark.words)
    floor = floor_of(run.data, run.config.seed, 0, 32)
    assert told == floor_text(floor)
    assert f"{floor.loss:.3f}" in told
    assert any(value == floor.loss for value, _ in references(history, run.data))
    train(run, 4_000)
    run.journal.flush()
    losses = np.fromfile(run.directory / "loss-0.f32", "<f4")
    assert floor.loss <= losses[-1] + 1e-5
    assert losses[-1] < floor.loss + 0.05
    # And back to all of train: an act like any other.
    obey(run, Undo())
    settle(run)
    assert (run.step, run.trainer.knobs.fixed_batch) == (0, None)
    obey(run, Shutdown())
    run.close()
    assert replayed(run.directory).identical


def test_the_autopilot_decays_at_a_plateau_and_leaves_off_when_undone(make_run: MakeRun) -> None:
    run = Run(
        make_run(
            knobs={"learning_rate": 1e-7, "schedule": "constant", "drops": ()},
            settings={
                "autopilot": "on",
                "patience": 2,
                "evaluation_interval": 20,
                "step_limit": 2_000,
                "autopilot_factor": 0.5,
                "autopilot_minimum": 3e-8,
            },
        )
    )
    obey(run, Resume())
    while not run.finished:
        run.work()
    events = heard(run)
    acts = [event for event in events if isinstance(event, KnobsChanged)]
    # 1e-7 hardly moves: it halves once, and stops above the minimum.
    assert [act.changes["learning_rate"] for act in acts] == [(1e-7, 5e-8)]
    assert acts[0].by == "autopilot"
    assert not acts[0].joins
    evaluations = [event for event in events if isinstance(event, Evaluated)]
    dev = [event.dev for event in evaluations if event.step <= acts[0].step]
    assert is_plateau([value for value in dev if value is not None], 2)
    obey(run, Undo())
    settle(run)
    changed = [event for event in heard(run) if isinstance(event, SettingChanged)]
    assert [(event.name, event.new) for event in changed] == [("autopilot", "off")]
    assert run.trainer.knobs.learning_rate == 1e-7
    obey(run, Shutdown())
    run.close()
    assert replayed(run.directory).identical


def test_the_autopilot_is_off_unless_asked_for(make_run: MakeRun) -> None:
    run = Run(
        make_run(
            knobs={"learning_rate": 1e-6},
            settings={"patience": 1, "evaluation_interval": 10, "step_limit": 300},
        )
    )
    obey(run, Resume())
    while not run.finished:
        run.work()
    assert not [event for event in heard(run) if isinstance(event, KnobsChanged)]
    run.close()


def test_evaluations_by_hand_count_as_well(make_run: MakeRun) -> None:
    run = Run(
        make_run(
            knobs={"learning_rate": 1e-6, "schedule": "constant", "drops": ()},
            settings={"autopilot": "on", "patience": 2},
        )
    )
    obey(run, Resume())
    run.work()
    for _ in range(6):
        obey(run, Evaluate())
        while run.errand is not None:
            run.work()
    rates = [e.changes["learning_rate"][1] for e in heard(run) if isinstance(e, KnobsChanged)]
    assert rates == []
    assert math.isclose(run.trainer.knobs.learning_rate, 1e-6)
    run.close()
