"""Whether a line of the record can be believed: what no engine can have written is damage.

It is of the right shape already (core/protocol.py). Here is what shape does not tell: that values
are ones a dial can hold, that names lead nowhere and do nothing to a screen. A run directory may
come from a failing disk, or from anybody. How lines follow on each other: core/coherence.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.config import MOST_STEP
from core.dials import DIALS, KNOB_NAMES, Value
from core.protocol import (
    AnyRecorded,
    EngineStarted,
    EngineStopped,
    KnobsChanged,
    RolledBack,
    SamplesDrawn,
    SettingChanged,
    SnapshotTaken,
)
from core.words import FORBIDDEN

CHECKPOINT = re.compile(r"step-\d{1,13}-act-\d{1,19}\.safetensors", re.ASCII)
"""What checkpoints are called; anything else could lead out of their folder."""


def check_line(event: AnyRecorded, seq: int) -> None:
    """Raise ValueError unless an engine can have written this as event number `seq`."""
    if event.seq != seq:
        raise ValueError(f"it has number {event.seq}, and {seq} is next")
    if not (0 <= event.step <= MOST_STEP and 0 <= event.branch <= seq):
        raise ValueError("no run has such a step or branch")
    if event.client:
        _check_text(event.client)
    match event:
        case KnobsChanged() | RolledBack():
            _check_changes(event.changes)
        case SettingChanged(name=name, old=old, new=new):
            if name not in DIALS or name in KNOB_NAMES:
                raise ValueError("it names no setting")
            DIALS[name].check(old)
            DIALS[name].check(new)
        case SnapshotTaken(file=file, name=name):
            _check_text(name)
            if not CHECKPOINT.fullmatch(file):
                raise ValueError("no checkpoint is called so")
        case SamplesDrawn(names=names, prefix=prefix):
            if not FORBIDDEN.isdisjoint(prefix) or any(map(FORBIDDEN.intersection, names)):
                raise ValueError("no name holds such characters")
        case EngineStopped(reason=reason):
            _check_text(reason)
        case EngineStarted(environment=environment):
            for text in (*environment, *environment.values()):
                _check_text(str(text))
        case _:
            pass


def _check_changes(changes: Mapping[str, tuple[Value, Value]]) -> None:
    for name, values in changes.items():
        if name not in KNOB_NAMES:
            raise ValueError("it names no knob")
        for value in values:
            DIALS[name].check(value)


def _check_text(text: str) -> None:
    if not text.isprintable():
        raise ValueError("it holds characters that no screen should be sent")
