"""The closed form against autograd, and the loss against torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.config import ModelConfig
from core.gradient import arrange, differentiate, memory_for, minibatch_losses
from core.model import Model


def both_gradients(
    *, T: int, E: int, H: int, V: int, B: int, seed: int, direct: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Our gradient, autograd's, our logits (B, V), the model's, all in float64."""
    model, examples = drawn(T=T, E=E, H=H, V=V, B=B, seed=seed, direct=direct)

    memory, logits = memory_for(model, B), torch.empty(V, B, dtype=torch.float64)
    batches = arrange(examples[None].numpy(), E)
    with torch.inference_mode():
        differentiate(memory, batches.places[0], batches.cells[0], logits)
    _, autograd = by_autograd(model, examples)
    return memory.gradient.clone(), autograd, logits.t(), model.forward(examples[:, :T])


def drawn(
    *, T: int, E: int, H: int, V: int, B: int, seed: int, direct: bool
) -> tuple[Model, Tensor]:
    """A model in float64, and examples (B, T + 1) for it."""
    generator = torch.Generator().manual_seed(seed)
    config = ModelConfig(block_size=T, embedding_size=E, hidden_size=H, direct=direct)
    model = Model(config, V, dtype=torch.float64)
    model.flat.copy_(torch.randn(model.flat.shape, generator=generator, dtype=torch.float64))
    return model, torch.randint(V, (B, T + 1), generator=generator)


def by_autograd(model: Model, examples: Tensor) -> tuple[Tensor, Tensor]:
    """The mean loss of examples (B, T + 1), and its gradient, flat."""
    T = model.config.block_size
    weights = model.flat.clone().requires_grad_()
    C, W1, b1, W2, b2 = model.views(weights)
    x = C[examples[:, :T]].flatten(1)
    y = torch.tanh(x @ W1 + b1) @ W2 + b2
    if model.config.direct:
        # Equation 1 of Bengio et al. 2003: y = b + W x + U tanh(d + H x).
        y = y + x @ model.named(weights)["W"]
    loss = cross_entropy(y, examples[:, T])
    loss.backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    return loss.detach(), weights.grad


@settings(deadline=None, max_examples=80)
@given(
    T=st.integers(1, 8),
    E=st.integers(1, 16),
    H=st.integers(1, 64),
    V=st.integers(2, 60),
    B=st.integers(1, 64),
    seed=st.integers(0, 1000),
    direct=st.booleans(),
)
def test_gradient_equals_that_of_autograd_for_every_shape(
    T: int, E: int, H: int, V: int, B: int, seed: int, direct: bool
) -> None:
    ours, autograd, our_logits, logits = both_gradients(
        T=T, E=E, H=H, V=V, B=B, seed=seed, direct=direct
    )
    torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(our_logits, logits, rtol=1e-9, atol=1e-12)


def test_gradient_of_a_symbol_that_stands_many_times_in_the_batch_is_the_sum() -> None:
    # Two symbols, 64 examples of 8: every row of C is used hundreds of times.
    ours, autograd, *_ = both_gradients(T=8, E=5, H=7, V=2, B=64, seed=1)
    torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12)


def test_gradient_at_the_sizes_of_the_lecture_equals_that_of_autograd() -> None:
    ours, autograd, *_ = both_gradients(T=3, E=10, H=200, V=27, B=32, seed=2)
    torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("direct", [False, True])
def test_gradient_at_thousands_of_words_equals_that_of_autograd(direct: bool) -> None:
    ours, autograd, *_ = both_gradients(T=5, E=30, H=20, V=3_000, B=16, seed=3, direct=direct)
    torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("direct", [False, True])
def test_gradient_is_computed_anew_at_every_call(direct: bool) -> None:
    model = Model(ModelConfig(hidden_size=8, direct=direct), 5)
    model.initialize(3)
    batches = arrange(np.array([[[1, 2, 3, 4], [1, 1, 1, 0]]]), 10)
    memory, logits = memory_for(model, 2), torch.empty(5, 2)
    with torch.inference_mode():
        differentiate(memory, batches.places[0], batches.cells[0], logits)
        first = memory.gradient.clone()
        differentiate(memory, batches.places[0], batches.cells[0], logits)
    assert torch.equal(memory.gradient, first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_hidden_layer_is_the_tanh_of_any_number(dtype: torch.dtype) -> None:
    """A model that hands numbers through: a symbol's embedding is one of them."""
    x = torch.cat((torch.linspace(-30, 30, 4001), torch.tensor([0.0, torch.inf, -torch.inf])))
    x = torch.cat((x, torch.tensor([torch.nan]))).to(dtype)
    model = Model(ModelConfig(block_size=1, embedding_size=1, hidden_size=1), len(x), dtype)
    model.C[:, 0] = x
    model.W1[:] = 1
    memory, logits = memory_for(model, len(x)), torch.empty(len(x), len(x), dtype=dtype)
    each = np.arange(len(x))
    batches = arrange(np.stack((each, each), axis=1)[None], 1)
    with torch.inference_mode():
        differentiate(memory, batches.places[0], batches.cells[0], logits)
    tolerance = 3e-7 if dtype == torch.float32 else 1e-15
    torch.testing.assert_close(memory.h[0], x.tanh(), rtol=0, atol=tolerance, equal_nan=True)


def test_loss_equals_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 27, 32, generator=generator) * 10
    targets = torch.randint(27, (6, 32), generator=generator)
    expected = [cross_entropy(lg.t(), y).item() for lg, y in zip(logits, targets, strict=True)]
    np.testing.assert_allclose(minibatch_losses(logits, targets), expected, rtol=1e-6)


def test_a_loss_of_hundreds_of_nats_is_finite_and_right() -> None:
    logits = torch.zeros(2, 3, 1)
    logits[0, 0], logits[1, 0] = 500.0, 1e30
    losses = minibatch_losses(logits, torch.tensor([[1], [1]]))
    np.testing.assert_allclose(losses, [500.0, 1e30], rtol=1e-6)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_logits_that_are_not_finite_give_a_loss_that_is_not(broken: float) -> None:
    logits = torch.zeros(2, 3, 4)
    logits[1, 2, 3] = broken
    losses = minibatch_losses(logits, torch.zeros(2, 4, dtype=torch.int64))
    assert np.isfinite(losses[0])
    assert not np.isfinite(losses[1])


@pytest.mark.parametrize("batch", [1, 7, 32, 128])
def test_the_bits_of_a_loss_do_not_depend_on_its_neighbours(batch: int) -> None:
    generator = torch.Generator().manual_seed(batch)
    logits = torch.randn(64, 27, batch, generator=generator) * 5
    targets = torch.randint(27, (64, batch), generator=generator)
    together = minibatch_losses(logits, targets)
    alone = [minibatch_losses(logits[k : k + 1], targets[k : k + 1])[0] for k in range(64)]
    assert together.dtype == np.float32
    assert together.tolist() == [float(loss) for loss in alone]
