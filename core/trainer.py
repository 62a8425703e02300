"""The training state and its one motion, `advance`: no files, no sockets, no clock.

Apart from the run that records it, so that undo, replay and the finder can rest on one promise: the
state after n updates depends, to the last bit, on where it began and on the knobs, on nothing else.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.config import Device, Knobs, ModelConfig
from core.gradient import Memory, Symbols, arrange, memory_for, minibatch_losses
from core.minibatch import minibatch
from core.model import Model, little_endian
from core.on_device import OnDevice
from core.optimizer import Optimizer
from core.schedule import effective_rate
from core.updates import update

if TYPE_CHECKING:
    from core.dataset import Dataset

# Shapes: K steps of a chunk, B minibatch, T block_size, V vocab_size

_MOST_BYTES = 4 * 1024 * 1024
_MOST_STEPS = 64
_LINE = 16
"""float32 numbers in a cache line."""
_DRAWN_AT_ONCE = 16_384
"""Examples: drawn by the chunk, which is some 30 steps, they would cost a twelfth of the step."""


@dataclass(frozen=True)
class Snapshot:
    """A training state, apart from the trainer that it was taken from; its tensors are its own."""

    tensors: dict[str, Tensor]
    """C, W1, b1, W2, b2, W where there is one; and the optimizer's: `momentum`, or `exp_avg` and
    `exp_avg_sq`, flat."""
    step: int
    updates: int
    """The optimizer's own count."""
    knobs: Knobs

    @property
    def bytes(self) -> int:
        """Memory that the tensors take."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


class Drawn(NamedTuple):
    """Minibatches that were drawn ahead; which they are depends on nothing but their steps."""

    of: tuple[int, int | None]
    """Batch size and fixed batch."""
    first: int
    """The step of the first of them."""
    rows: Symbols  # (K, B, T + 1)

    @property
    def end(self) -> int:
        """The step after the last of them."""
        return self.first + len(self.rows)


class Trainer:
    """A model, its optimizer and its knobs, at a step.

    `step` counts finished updates: update s leads from state s to state s + 1, uses minibatch(s)
    and the effective rate at s, and its loss is taken before it.
    """

    def __init__(
        self,
        dataset: Dataset,
        config: ModelConfig,
        knobs: Knobs,
        seed: int,
        device: Device = "cpu",
    ) -> None:
        """In the first state of these; raises DeviceMissing."""
        self.dataset = dataset
        self.config = config
        self.seed = seed
        self.step = 0
        self.knobs = knobs
        self.device = device
        self._model = Model(config, dataset.vocab_size)
        self._model.initialize(seed)
        self._optimizer = Optimizer(self._model.flat, knobs, self._model.spared)
        self._memory: Memory | None = None
        self._place = None if device == "cpu" else OnDevice(self._model, device)
        """Where updates are computed, if not here."""
        self._is_here, self._is_there = True, False
        """Whether the present state is; in one of both it always is."""
        train = dataset.splits["train"]
        if train.examples == 0:
            raise ValueError("the train split has no examples; give a list of more words")
        self._train = train
        self._drawn: Drawn | None = None

    @property
    def model(self) -> Model:
        """The weights and the forward pass as they are now, to be looked at, and changed."""
        self._bring_home()
        return self._model

    @property
    def optimizer(self) -> Optimizer:
        """What updates the weights, and its memory."""
        self._bring_home()
        return self._optimizer

    @property
    def measured(self) -> Model:
        """The model where updates are computed, only to be looked at: the fastest to measure."""
        if self._place is None:
            return self._model
        self._send()
        return self._place.model

    @torch.inference_mode()
    def _bring_home(self) -> None:
        if self._place is not None and not self._is_here:
            self._place.give(self._model.flat, self._optimizer.tensors)
        # Whoever asked for it may change it.
        self._is_here, self._is_there = True, False

    @torch.inference_mode()
    def _send(self) -> None:
        if self._place is not None and not self._is_there:
            self._place.take(self._model.flat, self._optimizer.tensors)
            self._is_there = True

    def set_knobs(self, knobs: Knobs) -> bool:
        """Put `knobs` in force from the next update on; True if the optimizer restarted."""
        self.knobs = knobs
        return self.optimizer.adapt(knobs)

    @torch.inference_mode()
    def advance(self, updates: int) -> npt.NDArray[np.float32]:
        """Make `updates` updates; return their minibatch losses (updates,), each taken before."""
        return self._advance(updates, None)

    @torch.inference_mode()
    def advance_at(self, rates: Sequence[float]) -> npt.NDArray[np.float32]:
        """As `advance`, but by one update at each of these effective rates (updates,), whatever
        base rate and schedule say.
        """
        return self._advance(len(rates), rates)

    def _advance(self, updates: int, rates: Sequence[float] | None) -> npt.NDArray[np.float32]:
        losses = np.empty(updates, dtype=np.float32)
        steps = self._steps_at_once()
        for done in range(0, updates, steps):
            piece = losses[done : done + steps]
            if rates is None:
                span = range(self.step, self.step + len(piece))
                at = [effective_rate(self.knobs, step) for step in span]
            else:
                at = list(rates[done : done + steps])
            piece[:] = self._update(at)
        return losses

    def _steps_at_once(self) -> int:
        """How many minibatches may be gathered together, so that their memory stays bounded."""
        if self._place is not None:
            return self._place.steps_at_once(self.knobs.batch_size)
        sizes, V = self.config, self._model.vocab_size
        per_example = 4 * sizes.block_size * (sizes.embedding_size + 4) + 16 * V
        return max(1, min(_MOST_STEPS, _MOST_BYTES // (self.knobs.batch_size * per_example)))

    def _update(self, rates: list[float]) -> npt.NDArray[np.float32]:
        """An update at each of these effective rates, as many as may be gathered together."""
        knobs, steps = self.knobs, len(rates)
        examples = self._examples(steps)
        if self._place is not None:
            losses = self._update_there(self._place, examples, rates)
        else:
            if self._memory is None or len(self._memory.minus_ones) != knobs.batch_size:
                self._memory = memory_for(self._model, knobs.batch_size)
            batches = arrange(examples, self.config.embedding_size)
            logits = self._room_for_logits(steps)
            update(self._memory, self._optimizer, knobs, batches, logits, rates)
            losses = minibatch_losses(logits, batches.targets)
        self.step += steps
        return losses

    def _update_there(
        self, place: OnDevice, examples: Symbols, rates: list[float]
    ) -> npt.NDArray[np.float32]:
        self._send()
        optimizer = self._optimizer
        terms = optimizer.terms(self.knobs)
        self._is_here = False
        losses = place.update(optimizer.kind, terms, examples, rates, optimizer.updates)
        optimizer.updates += len(rates)
        return losses

    def _room_for_logits(self, steps: int) -> Tensor:
        """Memory for logits (steps, V, B), each step's beginning on a cache line of its own.

        The last bits of a matrix product may depend on where in a line its result begins.
        """
        V, B = self._model.vocab_size, self.knobs.batch_size
        padded = -(-V * B // _LINE) * _LINE
        return self._model.flat.new_empty(steps, padded)[:, : V * B].view(steps, V, B)

    def _examples(self, steps: int) -> Symbols:
        """Symbols (steps, B, T + 1) of the next minibatches, each context with its target last."""
        drawn, at = self._drawn, self.step
        of = (self.knobs.batch_size, self.knobs.fixed_batch)
        if drawn is None or drawn.of != of or not drawn.first <= at <= drawn.end - steps:
            self._drawn = drawn = self._draw(max(steps, _DRAWN_AT_ONCE // of[0]))
        return drawn.rows[at - drawn.first : at - drawn.first + steps]

    def _draw(self, steps: int) -> Drawn:
        """The minibatches of so many steps from here on."""
        fixed, B, N = self.knobs.fixed_batch, self.knobs.batch_size, self._train.examples
        if fixed is not None:
            chosen = minibatch(self.seed, fixed, 1, B, N).repeat(steps, axis=0)
        else:
            chosen = minibatch(self.seed, self.step, steps, B, N)
        return Drawn((B, fixed), self.step, self._train.rows(chosen))

    def snapshot(self) -> Snapshot:
        """The present state, copied."""
        tensors = {
            **self.model.named(self.model.flat.clone()),
            **{name: tensor.clone() for name, tensor in self.optimizer.tensors.items()},
        }
        return Snapshot(tensors, self.step, self.optimizer.updates, self.knobs)

    def restore(self, snapshot: Snapshot) -> None:
        """Return to the state of `snapshot`, which stays its own."""
        self.knobs, self.step = snapshot.knobs, snapshot.step
        model = self._model
        self._optimizer = Optimizer(model.flat, snapshot.knobs, model.spared)
        self._optimizer.updates = snapshot.updates
        with torch.no_grad():
            for name, tensor in {**model.named(model.flat), **self._optimizer.tensors}.items():
                tensor.copy_(snapshot.tensors[name].view(tensor.shape))
        self._is_here, self._is_there = True, False

    def copy(self) -> Trainer:
        """Another trainer in the same state, on the same data; neither can touch the other."""
        # Not made anew: the data is shared and never written, and first weights cost a millisecond.
        twin = copy.copy(self)
        twin._model = Model(self.config, self._model.vocab_size)
        twin._memory = None
        if self._place is not None:
            twin._place = OnDevice(twin._model, self.device)
        twin.restore(self.snapshot())
        return twin

    def state_sha256(self) -> str:
        """Digest of everything that the next update depends on, but data and seed."""
        digest = hashlib.sha256(little_endian(self.model.flat))
        for name, tensor in sorted(self.optimizer.tensors.items()):
            digest.update(name.encode())
            digest.update(little_endian(tensor))
        digest.update(f"{self.optimizer.updates} {self.step} ".encode())
        digest.update(msgspec.json.encode(self.knobs))
        return digest.hexdigest()
