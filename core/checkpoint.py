"""Training states on disk, as safetensors: tensors and JSON, nothing that could run as code."""

from __future__ import annotations

from pathlib import Path

import msgspec
import safetensors
import safetensors.torch

from core.decoding import soundly
from core.protocol import Point
from core.record import RunError
from core.seal import KEY, Description
from core.trainer import Snapshot, Trainer


def file_name(point: Point) -> str:
    """A name for the state at `point`, which no other branch's state at the same step has."""
    return f"step-{point.step}-act-{point.seq}.safetensors"


def describe(trainer: Trainer, point: Point, branch: int) -> Description:
    """What a checkpoint of the trainer's present state says of itself."""
    return Description(
        point=point,
        branch=branch,
        updates=trainer.optimizer.updates,
        knobs=trainer.knobs,
        state_sha256=trainer.state_sha256(),
        weights_sha256=trainer.model.weights_sha256(),
    )


def pack(trainer: Trainer, description: Description) -> bytes:
    """The trainer's present state as the bytes of a checkpoint."""
    meta = {KEY: msgspec.json.encode(description).decode()}
    return safetensors.torch.save(trainer.snapshot().tensors, metadata=meta)


def load(path: Path) -> tuple[Snapshot, Description]:
    """Read a checkpoint; raises RunError with a sentence if it is damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description = _decode(meta.get(KEY, "").encode())
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


_decode = soundly(msgspec.json.Decoder(Description).decode)
