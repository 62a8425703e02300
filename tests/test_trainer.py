"""The trainer's promise: its state depends, to the last bit, on its start and the knobs alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from core import updates
from core.config import PRESETS, Knobs, ModelConfig
from core.dataset import Dataset
from core.evaluation import measure
from core.minibatch import minibatch
from core.sampling import draw
from core.schedule import effective_rate
from core.trainer import Trainer

SMALL = ModelConfig(block_size=3, embedding_size=4, hidden_size=16, initialization="scaled")
RECIPES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9, "weight_decay": 0.01},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
    "clipped": {"optimizer": "adamw", "learning_rate": 0.01, "clip": 0.5},
    "scheduled": {"schedule": "cosine", "schedule_length": 60, "warmup": 10, "batch_size": 7},
    "one batch": {"fixed_batch": 5},
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in a run; and threads that wait for one another make a busy machine crawl."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_data() -> Dataset:
    generator = np.random.default_rng(0)
    words = ["".join(generator.choice(list("abcdefg"), size=5)) for _ in range(400)]
    return Dataset.from_words(words, block_size=3, split_seed=42, sha256="")


DATA = make_data()


def make(config: ModelConfig = SMALL, seed: int = 1, **knobs: Any) -> Trainer:
    return Trainer(DATA, config, Knobs(**knobs), seed)


def changed(trainer: Trainer, **knobs: Any) -> Knobs:
    return msgspec.structs.replace(trainer.knobs, **knobs)


# --- what an update is ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_advance_makes_the_updates_of_the_lecture(optimizer: str) -> None:
    """Twenty updates by autograd and torch.optim, as in the notebook, on the same minibatches."""
    trainer = make(
        optimizer=optimizer, learning_rate=0.05, schedule="linear", schedule_length=40, warmup=3
    )
    model, split = trainer.model, DATA.splits["train"]
    weights = [w.clone().requires_grad_() for w in model.views(model.flat)]
    reference: torch.optim.Optimizer = torch.optim.SGD(weights, lr=1.0)
    if optimizer == "adamw":
        reference = torch.optim.AdamW(weights, lr=1.0, betas=(0.9, 0.99), weight_decay=0.0)
    losses = []
    for step in range(20):
        rows = torch.tensor(split.rows(minibatch(1, step, 1, 32, split.examples)[0]).tolist())
        X, Y = rows[:, :-1], rows[:, -1]
        C, W1, b1, W2, b2 = weights
        loss = cross_entropy(torch.tanh(C[X].flatten(1) @ W1 + b1) @ W2 + b2, Y)
        reference.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        reference.param_groups[0]["lr"] = effective_rate(trainer.knobs, step)
        reference.step()
        losses.append(loss.item())
    np.testing.assert_allclose(trainer.advance(20), losses, rtol=1e-4)
    for ours, theirs in zip(model.views(model.flat), weights, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-3, atol=1e-4)
    assert trainer.step == 20


def test_weights_are_drawn_in_the_order_of_the_notebook() -> None:
    model = make(ModelConfig(), seed=2_147_483_647).model
    g = torch.Generator().manual_seed(2_147_483_647)
    V = DATA.vocab_size
    for weights, shape in zip(
        model.views(model.flat), [(V, 10), (30, 200), (200,), (200, V), (V,)], strict=True
    ):
        assert torch.equal(weights, torch.randn(shape, generator=g))


def test_scaled_weights_are_the_same_draws_scaled() -> None:
    normal, scaled = make(ModelConfig()).model, make(ModelConfig(initialization="scaled")).model
    assert torch.equal(scaled.C, normal.C)
    torch.testing.assert_close(scaled.W1, normal.W1 * (5 / 3) / 30**0.5)
    torch.testing.assert_close(scaled.W2, normal.W2 * 0.01)
    assert not scaled.b1.any()
    assert not scaled.b2.any()


def test_the_lectures_model_has_11_897_parameters() -> None:
    words = ["abcdefghijklmnopqrstuvwxyz"] * 3
    data = Dataset.from_words(words, block_size=3, split_seed=42, sha256="")
    assert Trainer(data, ModelConfig(), Knobs(), 1).model.parameter_count == 11_897


def test_training_lowers_the_loss() -> None:
    trainer = make(**RECIPES["adamw"])
    losses = trainer.advance(600)
    assert losses[:50].mean() == pytest.approx(np.log(DATA.vocab_size), rel=0.1)
    assert losses[-50:].mean() < np.log(DATA.vocab_size) - 0.1


def test_one_batch_for_ever_is_learnt_by_heart() -> None:
    trainer = make(fixed_batch=3, optimizer="adamw", learning_rate=0.02, batch_size=4)
    assert trainer.advance(400)[-1] < 0.05


# --- determinism ---------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    recipe=st.sampled_from(sorted(RECIPES)),
    pieces=st.lists(st.integers(0, 70), min_size=1, max_size=6),
)
def test_the_state_does_not_depend_on_how_steps_are_cut(recipe: str, pieces: list[int]) -> None:
    whole, cut = make(**RECIPES[recipe]), make(**RECIPES[recipe])
    losses = whole.advance(sum(pieces))
    parts = [cut.advance(piece) for piece in pieces]
    assert np.concatenate(parts).tobytes() == losses.tobytes()
    assert cut.state_sha256() == whole.state_sha256()


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_acts_at_given_steps_give_one_state_however_steps_are_cut(data: st.DataObject) -> None:
    changes: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
        [
            {"batch_size": 128},
            {"batch_size": 1},
            {"optimizer": "adamw", "learning_rate": 0.01},
            {"optimizer": "sgd"},
            {"momentum": 0.9},
            {"momentum": 0.0},
            {"clip": 0.5},
            {"weight_decay": 0.1},
            {"fixed_batch": 9},
        ]
    )
    acts = data.draw(st.dictionaries(st.integers(0, 60), changes, max_size=4))
    digests = set()
    for cuts in (set(), data.draw(st.sets(st.integers(0, 80), max_size=6))):
        trainer = make()
        for at in sorted({*acts, *cuts, 80}):
            trainer.advance(at - trainer.step)
            if at in acts:
                trainer.set_knobs(changed(trainer, **acts[at]))
        digests.add(trainer.state_sha256())
    assert len(digests) == 1


@pytest.mark.parametrize("preset", ["lecture", "fast"])
def test_presets_at_full_size_do_not_depend_on_chunks(preset: Any) -> None:
    chosen = PRESETS[preset]
    config = ModelConfig(initialization=chosen.model.initialization)
    digests, losses = set(), set()
    for chunk in (1, 37, 64, 150):
        trainer = Trainer(DATA, config, chosen.knobs, 2_147_483_647)
        parts = [trainer.advance(min(chunk, 150 - at)) for at in range(0, 150, chunk)]
        digests.add(trainer.state_sha256())
        losses.add(np.concatenate(parts).tobytes())
    assert len(digests) == len(losses) == 1


def test_the_largest_batch_trains_and_does_not_depend_on_chunks() -> None:
    whole, cut = make(batch_size=65_536), make(batch_size=65_536)
    losses = whole.advance(3)
    assert [*cut.advance(1), *cut.advance(2)] == losses.tolist()
    assert cut.state_sha256() == whole.state_sha256()


def test_evaluating_and_sampling_between_steps_changes_nothing() -> None:
    quiet, watched = make(**RECIPES["adamw"]), make(**RECIPES["adamw"])
    quiet.advance(60)
    for seed in range(6):
        watched.advance(10)
        for _ in measure(watched.model, DATA.splits["dev"]):
            pass
        draw(
            watched.model,
            DATA.itos,
            count=20,
            temperature=1.0,
            top_k=0,
            seed=seed,
            prefix="",
            max_length=9,
        )
        watched.snapshot()
        torch.manual_seed(seed)
        np.random.seed(seed)
    assert watched.state_sha256() == quiet.state_sha256()


def test_equal_seeds_give_equal_states_and_another_seed_another() -> None:
    first, second, other = make(), make(), make(seed=2)
    assert first.state_sha256() == second.state_sha256() != other.state_sha256()
    for trainer in (first, second, other):
        trainer.advance(30)
    assert first.state_sha256() == second.state_sha256() != other.state_sha256()
    assert first.model.weights_sha256() == second.model.weights_sha256()


def test_no_updates_are_no_change() -> None:
    trainer = make()
    before = trainer.state_sha256()
    assert trainer.advance(0).shape == (0,)
    assert trainer.state_sha256() == before


def test_equal_bits_whether_the_updates_are_compiled_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for recipe in RECIPES.values():
        digests, losses = set(), set()
        for form in (updates.compiled, lambda function: function):
            with monkeypatch.context() as patch:
                patch.setattr(updates, "compiled", form)
                trainer = make(**recipe)
                losses.add(trainer.advance(70).tobytes())
                digests.add(trainer.state_sha256())
        assert len(digests) == len(losses) == 1


@pytest.mark.parametrize("knobs", [{}, {"batch_size": 300}, {"fixed_batch": 7}])
def test_minibatches_drawn_ahead_are_those_of_their_steps(knobs: dict[str, Any]) -> None:
    """Back and forth, over the end of what was drawn, with another batch size in between."""
    trainer, starts = make(**knobs), {0: make(**knobs).snapshot()}
    for at in (30, 510, 540, 1_030):
        trainer.advance(at - trainer.step)
        starts[at] = trainer.snapshot()
    for at in (510, 0, 1_030, 30, 540):
        fresh = make(**knobs)
        trainer.set_knobs(changed(trainer, batch_size=5))
        trainer.advance(1)
        for other in (trainer, fresh):
            other.restore(starts[at])
        assert trainer.advance(9).tobytes() == fresh.advance(9).tobytes()


# --- snapshots -----------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_restored_snapshot_goes_on_with_equal_bits(recipe: str) -> None:
    trainer = make(**RECIPES[recipe])
    trainer.advance(20)
    snapshot, digest = trainer.snapshot(), trainer.state_sha256()
    ahead = trainer.advance(30)
    end = trainer.state_sha256()
    trainer.set_knobs(changed(trainer, optimizer="adamw", batch_size=3))
    trainer.advance(5)
    trainer.restore(snapshot)
    assert trainer.state_sha256() == digest
    assert trainer.advance(30).tobytes() == ahead.tobytes()
    assert trainer.state_sha256() == end


def test_a_snapshot_names_its_tensors_and_stays_as_it_was_taken() -> None:
    trainer = make(**RECIPES["adamw"])
    trainer.advance(3)
    snapshot = trainer.snapshot()
    assert set(snapshot.tensors) == {"C", "W1", "b1", "W2", "b2", "exp_avg", "exp_avg_sq"}
    assert (snapshot.step, snapshot.updates, snapshot.knobs) == (3, 3, trainer.knobs)
    kept = {name: tensor.clone() for name, tensor in snapshot.tensors.items()}
    trainer.advance(3)
    trainer.restore(snapshot)
    trainer.advance(3)
    assert all(torch.equal(snapshot.tensors[name], kept[name]) for name in kept)


def test_a_snapshot_restores_into_another_trainer() -> None:
    trainer, other = make(**RECIPES["momentum"]), make(seed=1)
    trainer.advance(10)
    other.restore(trainer.snapshot())
    assert other.state_sha256() == trainer.state_sha256()
    assert other.advance(10).tobytes() == trainer.advance(10).tobytes()


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_copy_goes_the_same_way_and_never_touches_the_original(recipe: str) -> None:
    trainer = make(**RECIPES[recipe])
    trainer.advance(10)
    before, twin = trainer.state_sha256(), trainer.copy()
    ahead = twin.advance(20)
    twin.set_knobs(changed(twin, optimizer="adamw", batch_size=5))
    twin.advance(5)
    assert trainer.state_sha256() == before
    assert trainer.advance(20).tobytes() == ahead.tobytes()


# --- knobs ---------------------------------------------------------------------------------------


def test_another_optimizer_restarts_and_says_so() -> None:
    trainer = make(momentum=0.9)
    trainer.advance(10)
    assert trainer.set_knobs(changed(trainer, optimizer="adamw"))
    assert trainer.snapshot().updates == 0
    assert trainer.step == 10
    assert not trainer.set_knobs(changed(trainer, learning_rate=1.0))


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.2},
        {"batch_size": 33},
        {"momentum": 0.5},
        {"weight_decay": 0.1},
        {"clip": 0.1},
        {"fixed_batch": 0},
        {"schedule": "linear", "schedule_length": 50},
    ],
)
def test_a_knob_changes_the_next_update_and_the_digest(change: dict[str, Any]) -> None:
    trainer, other = make(), make()
    trainer.advance(5)
    other.advance(5)
    assert not other.set_knobs(changed(other, **change))
    assert other.state_sha256() != trainer.state_sha256()
    assert other.model.weights_sha256() == trainer.model.weights_sha256()
    trainer.advance(2)
    other.advance(2)
    assert other.model.weights_sha256() != trainer.model.weights_sha256()


def test_weights_that_are_not_finite_give_losses_that_are_not_and_no_crash() -> None:
    trainer = make(clip=1.0)
    trainer.model.flat[0:4] = torch.nan
    trainer.model.b2[0] = torch.nan
    losses = trainer.advance(10)
    assert np.isnan(losses).all()
    assert trainer.step == 10


def test_a_train_split_without_examples_is_refused() -> None:
    empty = Dataset.from_words(["ab"], block_size=3, split_seed=42, sha256="")
    with pytest.raises(ValueError, match="no examples"):
        Trainer(empty, SMALL, Knobs(), 1)
