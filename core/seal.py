"""The digest of a checkpoint as it stands on disk, without torch.

A fork copies a checkpoint without loading torch, and must not copy a damaged one.
"""

from __future__ import annotations

import hashlib

import msgspec
import safetensors
import safetensors.numpy

from core.config import Knobs
from core.protocol import Point

KEY = "steermore"
WEIGHTS = ("C", "W1", "b1", "W2", "b2")
DIRECT = "W"
"""Weights that not every model has."""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint says of itself."""

    format: int = 1
    point: Point
    branch: int
    updates: int
    """The optimizer's own count."""
    knobs: Knobs
    state_sha256: str
    weights_sha256: str


def state_sha256(packed: bytes) -> str | None:
    """What `Trainer.state_sha256` would say of the state in a checkpoint's bytes; None: it is
    damaged.
    """
    try:
        tensors = safetensors.numpy.load(packed)
        header = msgspec.json.decode(packed[8 : 8 + int.from_bytes(packed[:8], "little")])
        said = msgspec.json.decode(header["__metadata__"][KEY], type=Description)
        digest = hashlib.sha256()
        for name in WEIGHTS:
            digest.update(tensors.pop(name).astype("<f4", copy=False).tobytes())
        if DIRECT in tensors:
            digest.update(tensors.pop(DIRECT).astype("<f4", copy=False).tobytes())
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, RecursionError):
        return None
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.astype("<f4", copy=False).tobytes())
    digest.update(f"{said.updates} {said.point.step} ".encode())
    digest.update(msgspec.json.encode(said.knobs))
    return digest.hexdigest()
