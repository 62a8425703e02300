"""The network of Bengio et al. 2003: embeddings, a tanh layer, a softmax; and, if wanted, direct
connections from the embeddings to the output, W of the paper's equation 1.

Apart from training, so that evaluating and sampling need nothing but this. All parameters are views
of one flat buffer: a snapshot is then one clone, and an update is one operation.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from core.config import ModelConfig

# Shapes: B minibatch, T block_size, E embedding_size, H hidden_size, V vocab_size


class Parameters(NamedTuple):
    """A flat buffer (of weights or of gradients) by name, in the order in which it lies there."""

    C: Tensor  # (V, E)
    W1: Tensor  # (T·E, H)
    b1: Tensor  # (H,)
    W2: Tensor  # (H, V)
    b2: Tensor  # (V,)


class Layers(NamedTuple):
    """The same buffer by layer: a layer's bias is the last row of its matrix."""

    C: Tensor  # (V·E,)
    W1b1: Tensor  # (T·E + 1, H)
    W2b2: Tensor  # (H + 1, V)
    W: Tensor  # (T·E, V), or (0, V) where there are no direct connections


class Model:
    """The weights and the forward pass; all zeros until `initialize`, or until `flat` is filled."""

    def __init__(
        self,
        config: ModelConfig,
        vocab_size: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> None:
        self.config = config
        self.vocab_size = vocab_size
        T, E, H, V = config.block_size, config.embedding_size, config.hidden_size, vocab_size
        # Last, so that all others lie where they lie without it.
        direct = (T * E if config.direct else 0, V)
        self._shapes = ((V, E), (T * E, H), (H,), (H, V), (V,), direct)
        sizes = [torch.Size(shape).numel() for shape in self._shapes]
        self._bounds = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
        self.parameter_count = sum(sizes)
        self.flat = torch.zeros(self.parameter_count, dtype=dtype, device=device)
        self.C, self.W1, self.b1, self.W2, self.b2 = self.views(self.flat)
        self.W = self.layers(self.flat).W
        """Direct connections (T·E, V); of no rows where there are none."""

    def views(self, flat: Tensor) -> Parameters:
        """`flat` (parameter_count,) cut into C, W1, b1, W2, b2, without a copy."""
        pieces = [flat[start:end] for start, end in pairwise(self._bounds[:-1])]
        shapes = self._shapes[: len(pieces)]
        return Parameters(*(p.view(shape) for p, shape in zip(pieces, shapes, strict=True)))

    @property
    def spared(self) -> tuple[tuple[int, int], ...]:
        """The parts of a flat buffer that weight decay leaves alone: the biases, or none."""
        _, _, b1, W2, b2, W, _ = self._bounds
        return () if self.config.decay_biases else ((b1, W2), (b2, W))

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """`flat` by name as it lies there, without a copy; W only where there is one."""
        direct = {"W": self.layers(flat).W} if self.config.direct else {}
        return self.views(flat)._asdict() | direct

    def layers(self, flat: Tensor) -> Layers:
        """`flat` (parameter_count,) cut into its layers, without a copy."""
        _, W1, _, W2, _, W, end = self._bounds
        H, V = self._shapes[3]
        return Layers(
            flat[:W1],
            flat[W1:W2].view(-1, H),
            flat[W2:W].view(-1, V),
            flat[W:end].view(-1, V),
        )

    def initialize(self, seed: int) -> None:
        """Draw the weights from N(0, 1), in the order of the lecture's notebook.

        `scaled` takes the same draws: W1 times (5/3)/√fan_in, the gain of tanh (He et al. 2015), W2
        times 0.01, so that the first loss is near ln V, and biases of 0. W is 0 at first in both:
        the sum of so many embeddings would drown what the hidden layer says. `small` is `scaled`
        with C times 0.1.
        """
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weights in (self.C, self.W1, self.b1, self.W2, self.b2):
                # Drawn in float32 whatever the model's own type: equal seeds, equal weights.
                weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float32))
            if self.config.initialization == "small":
                self.C *= 0.1
            if self.config.initialization != "normal":
                self.W1 *= (5 / 3) / self.W1.shape[0] ** 0.5
                self.W2 *= 0.01
                self.b1.zero_()
                self.b2.zero_()

    def forward(self, contexts: Tensor) -> Tensor:
        """Logits (B, V) of the next symbol after each of `contexts` (B, T), integers below V."""
        emb = self.C[contexts].flatten(1)  # (B, T·E)
        h = torch.tanh(emb @ self.W1 + self.b1)  # (B, H)
        logits = h @ self.W2 + self.b2  # (B, V)
        return logits.addmm_(emb, self.W) if self.config.direct else logits

    def weights_sha256(self) -> str:
        """Digest of C, W1, b1, W2, b2 and W as little-endian float32, row by row."""
        return hashlib.sha256(little_endian(self.flat)).hexdigest()


def little_endian(tensor: Tensor) -> bytes:
    """The elements as little-endian float32, for digests."""
    return tensor.detach().numpy().astype("<f4", copy=False).tobytes()
