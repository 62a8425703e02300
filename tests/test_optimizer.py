"""Our optimizers against those of torch, on the same gradients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from core.config import Knobs
from core.optimizer import Optimizer, adamw_plain, clip

SHAPES = ((7, 3), (9, 5), (5,), (5, 7), (7,))
SIZE = sum(torch.Size(shape).numel() for shape in SHAPES)


def gradients(steps: int) -> Iterator[Tensor]:
    """The same flat gradients at every call, some of them long."""
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        scale = 10.0 if step % 7 == 0 else 0.1
        yield scale * torch.randn(SIZE, generator=generator, dtype=torch.float64)


def start() -> Tensor:
    return torch.randn(SIZE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def changing(step: int, **knobs: float) -> Knobs:
    """Knobs whose rate, decay, momentum, betas and clipping all move during 50 steps."""
    late = step >= 25
    values: dict[str, float] = {
        "momentum": 0.5 if late else 0.9,
        "beta1": 0.8 if late else 0.9,
        "beta2": 0.95 if late else 0.99,
        "weight_decay": 0.02 if late else 0.1,
        "clip": 0.0 if 10 <= step < 20 else 1.5,
        **knobs,
    }
    return Knobs(learning_rate=0.1 / (1 + step), **values)  # type: ignore[arg-type]


def follow_torch(steps: int, kind: str, biases: bool = True, /, **fixed: float) -> Tensor:
    """The weights after `steps` of torch's optimizer on five parameters, under `changing` knobs;
    without `biases` their decay is 0.
    """
    flat = start()
    sizes = [torch.Size(shape).numel() for shape in SHAPES]
    weights = [
        piece.view(shape).clone().requires_grad_()
        for piece, shape in zip(torch.split(flat, sizes), SHAPES, strict=True)
    ]
    matrices = [weight for weight in weights if weight.ndim > 1]
    vectors = [weight for weight in weights if weight.ndim == 1]
    groups = [{"params": matrices}, {"params": vectors}]
    reference: torch.optim.Optimizer
    if kind == "sgd":
        reference = torch.optim.SGD(groups, lr=1.0)
    else:
        reference = torch.optim.AdamW(groups, lr=1.0, eps=1e-8)
    for step, gradient in enumerate(gradients(steps)):
        knobs = changing(step, **fixed)
        pieces = torch.split(gradient, sizes)
        for weight, piece in zip(weights, pieces, strict=True):
            weight.grad = piece.view(weight.shape).clone()
        if knobs.clip:
            torch.nn.utils.clip_grad_norm_(weights, knobs.clip)
        for group, decays in zip(reference.param_groups, (True, biases), strict=True):
            decay = knobs.weight_decay if decays else 0.0
            group.update(lr=knobs.learning_rate, weight_decay=decay)
            group.update(momentum=knobs.momentum, betas=(knobs.beta1, knobs.beta2))
        reference.step()
    return torch.cat([weight.detach().flatten() for weight in weights])


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
@pytest.mark.parametrize("clipping", [0.0, 1.5])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_that_of_torch(weight_decay: float, clipping: float, momentum: float) -> None:
    fixed = {"weight_decay": weight_decay, "clip": clipping, "momentum": momentum}
    flat = start()
    optimizer = Optimizer(flat, changing(0, **fixed))
    for step, gradient in enumerate(gradients(50)):
        knobs = changing(step, **fixed)
        optimizer.adapt(knobs)
        optimizer.update(gradient, knobs, knobs.learning_rate)
    torch.testing.assert_close(flat, follow_torch(50, "sgd", **fixed), rtol=1e-10, atol=1e-12)
    assert optimizer.updates == 50


def test_sgd_is_that_of_torch_while_every_knob_moves() -> None:
    flat = start()
    optimizer = Optimizer(flat, changing(0))
    for step, gradient in enumerate(gradients(50)):
        optimizer.adapt(changing(step))
        optimizer.update(gradient, changing(step), changing(step).learning_rate)
    torch.testing.assert_close(flat, follow_torch(50, "sgd"), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adamw_is_that_of_torch_while_every_knob_moves(weight_decay: float) -> None:
    def knobs_at(step: int) -> Knobs:
        knobs = changing(step, weight_decay=weight_decay)
        return Knobs(**{**_fields(knobs), "optimizer": "adamw"})  # type: ignore[arg-type]

    flat = start()
    optimizer = Optimizer(flat, knobs_at(0))
    for step, gradient in enumerate(gradients(50)):
        optimizer.adapt(knobs_at(step))
        optimizer.update(gradient, knobs_at(step), knobs_at(step).learning_rate)
    expected = follow_torch(50, "adamw", weight_decay=weight_decay)
    torch.testing.assert_close(flat, expected, rtol=1e-9, atol=1e-11)


BIASES = ((66, 71), (106, 113))
"""Where they lie in the flat buffer."""


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_decay_spares_what_it_is_told_to(kind: str) -> None:
    def knobs_at(step: int) -> Knobs:
        return Knobs(**{**_fields(changing(step)), "optimizer": kind})  # type: ignore[arg-type]

    flat, plain = start(), start()
    optimizer = Optimizer(flat, knobs_at(0), BIASES)
    memory = torch.zeros(SIZE).double(), torch.zeros(SIZE).double()
    for step, gradient in enumerate(gradients(50)):
        knobs = knobs_at(step)
        terms, rate = optimizer.terms(knobs), knobs.learning_rate
        if kind == "adamw":
            m, v = memory
            adamw_plain([plain], [gradient.clone()], [m], [v], step + 1, terms, rate)
        optimizer.adapt(knobs)
        optimizer.update(gradient, knobs, rate)
    expected = follow_torch(50, kind, False)
    torch.testing.assert_close(flat, expected, rtol=1e-9, atol=1e-11)
    assert not torch.allclose(flat, follow_torch(50, kind))
    if kind == "adamw":
        torch.testing.assert_close(plain, expected, rtol=1e-9, atol=1e-11)


def test_adamw_in_public_operations_is_that_of_torch() -> None:
    flat, exp_avg, exp_avg_sq = start(), torch.zeros(SIZE).double(), torch.zeros(SIZE).double()
    for step, gradient in enumerate(gradients(50)):
        knobs = changing(step)
        terms, rate = Optimizer(flat, knobs).terms(knobs), knobs.learning_rate
        adamw_plain([flat], [gradient], [exp_avg], [exp_avg_sq], step + 1, terms, rate)
    torch.testing.assert_close(flat, follow_torch(50, "adamw"), rtol=1e-9, atol=1e-11)


def test_clipping_bounds_a_long_gradient_and_leaves_a_short_one_alone() -> None:
    long, short = torch.full((16,), 3.0), torch.full((16,), 0.01)
    clip(long, 1.0)
    clip(short, 1.0)
    assert float(long.norm()) == pytest.approx(1.0, rel=1e-5)
    assert torch.equal(short, torch.full((16,), 0.01))


def test_clipping_does_not_hide_a_gradient_that_is_not_a_number() -> None:
    gradient = torch.tensor([1.0, torch.nan])
    clip(gradient, 1.0)
    assert gradient.isnan().all()


def test_another_optimizer_starts_with_no_memory_and_a_count_of_zero() -> None:
    optimizer = Optimizer(start(), Knobs(momentum=0.9))
    optimizer.update(next(gradients(1)), Knobs(momentum=0.9), 0.1)
    assert optimizer.adapt(Knobs(optimizer="adamw"))
    assert optimizer.updates == 0
    assert set(optimizer.tensors) == {"exp_avg", "exp_avg_sq"}
    assert not any(tensor.any() for tensor in optimizer.tensors.values())


def test_changing_any_other_knob_restarts_nothing() -> None:
    knobs = Knobs(optimizer="adamw")
    optimizer = Optimizer(start(), knobs)
    optimizer.update(next(gradients(1)), knobs, 0.1)
    before = optimizer.tensors["exp_avg"].clone()
    changed = Knobs(
        optimizer="adamw",
        beta1=0.5,
        beta2=0.9,
        weight_decay=1.0,
        clip=2.0,
        batch_size=8,
        momentum=0.3,
    )
    assert not optimizer.adapt(changed)
    assert optimizer.updates == 1
    assert torch.equal(optimizer.tensors["exp_avg"], before)


def test_momentum_turned_off_is_forgotten_and_begins_again_at_zero() -> None:
    optimizer = Optimizer(start(), Knobs(momentum=0.9))
    optimizer.update(next(gradients(1)), Knobs(momentum=0.9), 0.1)
    assert not optimizer.adapt(Knobs())
    assert optimizer.tensors == {}
    assert not optimizer.adapt(Knobs(momentum=0.9))
    assert not optimizer.tensors["momentum"].any()


def _fields(knobs: Knobs) -> dict[str, object]:
    return {name: getattr(knobs, name) for name in knobs.__struct_fields__}
