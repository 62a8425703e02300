"""Large models and minibatches: they run, in bounded memory, and never hold up control."""

from __future__ import annotations

import numpy as np
import pytest

from core.commands import obey
from core.config import Knobs, ModelConfig
from core.dataset import Dataset
from core.pacing import CHUNK_SECONDS, Pacing
from core.protocol import Resume, SetKnobs
from core.run import Run
from core.trainer import Trainer
from tests.conftest import MakeRun


def test_a_chunk_grows_only_as_it_is_measured_and_begins_anew_after_a_change() -> None:
    pacing = Pacing()
    for _ in range(10):
        pacing.did(pacing.chunk, pacing.chunk * 1e-5)
    assert pacing.chunk == round(CHUNK_SECONDS / 1e-5)
    pacing.restart()
    assert pacing.chunk == 1


def test_the_first_chunk_of_larger_minibatches_is_one_step(make_run: MakeRun) -> None:
    run = Run(make_run(knobs={"batch_size": 1}))
    obey(run, Resume())
    while run.errand is not None:
        run.work()
    for _ in range(20):
        run.work()
    before = run.step
    run.work()
    assert run.step - before > 1
    obey(run, SetKnobs(values={"batch_size": 4096}))
    before = run.step
    run.work()
    assert run.step == before + 1
    run.close()


def words(symbols: int) -> list[str]:
    text = "".join(chr(0x4E00 + place) for place in range(symbols))
    return [text[at : at + 4] for at in range(0, symbols, 4)] * 2


@pytest.mark.parametrize(
    ("model", "batch_size", "symbols"),
    [
        (ModelConfig(initialization="scaled"), 4, 9_999),
        (ModelConfig(hidden_size=4_096, initialization="scaled"), 4, 26),
        (ModelConfig(block_size=32, initialization="scaled"), 4, 26),
        (ModelConfig(hidden_size=8, initialization="scaled"), 65_536, 26),
    ],
    ids=["vocabulary", "hidden", "context", "batch"],
)
def test_the_largest_sizes_are_trained(model: ModelConfig, batch_size: int, symbols: int) -> None:
    data = Dataset.from_words(words(symbols), model.block_size, 42, "")
    assert data.vocab_size == symbols + 1
    # The same examples again and again, so that the loss surely falls.
    knobs = Knobs(batch_size=batch_size, fixed_batch=0, optimizer="adamw", learning_rate=0.001)
    losses = Trainer(data, model, knobs, 1).advance(6)
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def test_however_large_the_minibatches_those_gathered_together_take_some_megabytes() -> None:
    data = Dataset.from_words(words(5_000), 32, 42, "")
    trainer = Trainer(data, ModelConfig(block_size=32, hidden_size=4), Knobs(batch_size=1), 1)
    for batch_size in (1, 32, 1_024):
        trainer.set_knobs(Knobs(batch_size=batch_size))
        steps = trainer._steps_at_once()
        # Logits: what takes most here.
        assert steps == 1 or 4 * steps * batch_size * data.vocab_size <= 4 * 2**20
