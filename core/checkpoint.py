"""Training states on disk, as safetensors:

named tensors and one key of JSON, nothing that could run as code.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import safetensors
import safetensors.torch

from core.config import Knobs
from core.protocol import Point
from core.record import RunError, write_whole
from core.trainer import Snapshot

KEY = "steermore"


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


def file_name(point: Point) -> str:
    """A name for the state at `point`, which no other branch's state at the same step has."""
    return f"step-{point.step}-act-{point.seq}.safetensors"


def save(path: Path, snapshot: Snapshot, description: Description) -> None:
    """Write a checkpoint: whole or not at all, also when the power fails."""
    meta = {KEY: msgspec.json.encode(description).decode()}
    write_whole(path, safetensors.torch.save(snapshot.tensors, metadata=meta))


def load(path: Path) -> tuple[Snapshot, Description]:
    """Read a checkpoint; raises RunError with a sentence if it is damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description = msgspec.json.decode(meta.get(KEY, ""), type=Description)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    except (safetensors.SafetensorError, msgspec.MsgspecError) as error:
        raise RunError(f"{path}: damaged checkpoint: {error}") from None
    snapshot = Snapshot(
        tensors=tensors,
        step=description.point.step,
        updates=description.updates,
        knobs=description.knobs,
    )
    return snapshot, description
