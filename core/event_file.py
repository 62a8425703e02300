"""An event file, as TensorBoard reads them.

The messages are those of the package tensorboard, which is loaded here only: it is not among those
that steermore needs. Columns of numbers are written in one stroke by numpy, since tensorboard's own
writer takes a tenth of a millisecond for each: it would fall behind the training that it is to
show. Byte for byte the result is the same.

A record is its length, a checksum of that, the message, a checksum of that. A number's message is
an `Event` (event.proto) of a time, a step, and a `Summary` of one tag and one value.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.protocol import Recorded
from core.smoothing import Doubles, Floats

Bytes = NDArray[np.uint8]

# Shapes: R records

_WIDENS = np.array([1, *(1 << 7 * bits for bits in range(1, 9))])
"""Steps from which on a step takes one byte more; 0 is left out of a message altogether."""


class Messages:
    """The messages of the package tensorboard; UserError where it is missing."""

    def __init__(self) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
            from tensorboard.plugins.hparams.summary_v2 import hparams_pb
            from tensorboard.plugins.text.metadata import create_summary_metadata
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise UserError(
                f"this needs the package tensorboard ({error}); `pip install tensorboard` brings it"
            ) from None
        self.event, self.session = event_pb2.Event, event_pb2.SessionLog
        self.summary, self.tensor = summary_pb2.Summary, tensor_pb2.TensorProto
        self.string, self.table, self.writer = types_pb2.DT_STRING, hparams_pb, RecordWriter
        self.as_text = create_summary_metadata("", "")
        self.as_text.data_class = summary_pb2.DATA_CLASS_TENSOR


class EventFile:
    """Writes columns in one stroke, and all else by tensorboard's own writer."""

    def __init__(self, file: BinaryIO, messages: Messages) -> None:
        self._file, self._messages = file, messages
        self._writer = messages.writer(file)
        self._add(wall_time=time.time(), file_version="brain.Event:2")

    def _add(self, **fields: Any) -> None:
        self._writer.write(self._messages.event(**fields).SerializeToString())

    def begin(self, step: int, when: float, hyperparameters: dict[str, float | str]) -> None:
        """All that was told of this step and later ones no longer holds."""
        session = self._messages.session
        self._add(wall_time=when, step=step, session_log=session(status=session.START))
        table = self._messages.table(hyperparameters, start_time_secs=when)
        self._add(wall_time=when, step=step, summary=table)

    def add_column(
        self, tag: str, steps: NDArray[np.int64], times: Doubles, values: NDArray[np.float32]
    ) -> None:
        """Numbers of one tag (R,) at rising steps."""
        for records in scalars(tag, steps, times, values):
            self._file.write(records.data)

    def add_number(self, tag: str, event: Recorded, value: float) -> None:
        """A number that an event tells."""
        self._add_value(event, self._messages.summary.Value(tag=tag, simple_value=value))

    def add_text(self, tag: str, event: Recorded, text: str) -> None:
        """What an event tells in words, as Markdown."""
        tensor = self._messages.tensor(dtype=self._messages.string, string_val=[text.encode()])
        self._add_value(
            event,
            self._messages.summary.Value(tag=tag, metadata=self._messages.as_text, tensor=tensor),
        )

    def _add_value(self, event: Recorded, value: Any) -> None:
        summary = self._messages.summary(value=[value])
        self._add(wall_time=event.time, step=event.step, summary=summary)

    def flush(self) -> None:
        """Hand all to the system, so that TensorBoard reads it."""
        self._file.flush()


def scalars(tag: str, steps: NDArray[np.int64], times: Doubles, values: Floats) -> Iterator[Bytes]:
    """The records of one tag at rising `steps` (R,), with their wall times and values (R,)."""
    widths = np.searchsorted(_WIDENS, steps, side="right")
    cuts = np.flatnonzero(np.diff(widths)) + 1
    for at in np.split(np.arange(len(steps)), cuts):
        if len(at):
            yield _records(tag, int(widths[at[0]]), steps[at], times[at], values[at])


def _records(
    tag: str, width: int, steps: NDArray[np.int64], times: Doubles, values: Floats
) -> Bytes:
    """Records (R · length,) of steps that all take `width` bytes."""
    name = tag.encode()
    number = b"\x0a" + _length(name) + name + b"\x15"
    summary = b"\x0a" + bytes([len(number) + 4]) + number
    before = b"\x10" if width else b""
    parts: list[bytes | Bytes] = [
        b"\x09",
        times.astype("<f8")[:, None].view(np.uint8),
        before,
        _varints(steps, width),
        b"\x2a" + bytes([len(summary) + 4]) + summary,
        values.astype("<f4")[:, None].view(np.uint8),
    ]
    R = len(steps)
    columns = [
        np.broadcast_to(np.frombuffer(part, np.uint8), (R, len(part)))
        if isinstance(part, bytes)
        else part
        for part in parts
    ]
    message = np.concatenate(columns, axis=1)
    length = np.frombuffer(struct.pack("<Q", message.shape[1]), np.uint8)[None]
    head = np.concatenate([length, _masked_checksums(length)], axis=1)
    head = np.broadcast_to(head, (R, head.shape[1]))
    return np.concatenate([head, message, _masked_checksums(message)], axis=1).ravel()


def _length(name: bytes) -> bytes:
    # Longer ones would make lengths of two bytes.
    assert len(name) < 100
    return bytes([len(name)])


def _varints(steps: NDArray[np.int64], width: int) -> Bytes:
    """Seven bits a byte, the lowest first; all but the last have their highest bit set."""
    bits = steps[:, None] >> (7 * np.arange(width)) & 0x7F
    bits[:, :-1] |= 0x80
    return bits.astype(np.uint8)


def _checksum_table() -> NDArray[np.uint32]:
    """What CRC-32C (Castagnoli, reflected) makes of each byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    return table


def _masked_checksums(rows: Bytes) -> Bytes:
    """The CRC-32C of each row (R, length), turned and shifted as event files want it: (R, 4)."""
    table = _checksum_table()
    checksums = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        checksums = table[(checksums ^ column) & 0xFF] ^ checksums >> 8
    checksums = ~checksums
    turned = checksums >> 15 | checksums << 17
    masked = (turned + np.uint32(0xA282EAD8)).astype("<u4")
    return masked[:, None].view(np.uint8)
