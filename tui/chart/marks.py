"""What the loss chart says of the acts that led to the present state, in a few cells each."""

from __future__ import annotations

from collections.abc import Iterable

from core.dials import Value, show
from core.lineage import Lineage, Stretch
from core.protocol import KnobsChanged, RollbackReason, RolledBack

Mark = tuple[int, str]
"""Step and label."""

ARROWS = "↶↷"
"""A label that begins with one of these tells of a rollback."""

_ROLLBACKS: dict[RollbackReason, str] = {
    "undo": "↶ undo",
    "redo": "↷ redo",
    "restore": "↶ restore",
    "guard": "↶ guard",
    "resume": "↶ resume",
}
_SHORT = {"learning_rate": "rate", "batch_size": "batch", "weight_decay": "decay"}


def marks(lineage: Lineage) -> tuple[Mark, ...]:
    """A mark for every act of the lineage but its first, and for every drop of a step schedule.

    One mark stands for moves that undo takes together, and for going back and steering otherwise.
    """
    found: list[Mark] = []
    joined: dict[str, tuple[Value, Value]] = {}
    back: RolledBack | None = None
    for act in (stretch.act for stretch in lineage):
        if isinstance(act, RolledBack):
            joined, back = {}, act
            found.append((act.step, _ROLLBACKS[act.reason]))
        elif isinstance(act, KnobsChanged):
            changes = dict(act.changes)
            if act.joins and joined:
                for name, (old, _) in joined.items():
                    changes[name] = (old, act.changes.get(name, joined[name])[1])
                found.pop()
            else:
                back = back if back is not None and back.step == act.step else None
                if back is not None and not joined:
                    found.pop()
            joined = changes
            sign = f"{_ROLLBACKS[back.reason][0]} " if back is not None else ""
            found.append((act.step, sign + change_label(changes)))
    found += sorted({drop for stretch in lineage for drop in drops(stretch)})
    return tuple(sorted(found, key=lambda mark: mark[0]))


def change_label(changes: dict[str, tuple[Value, Value]]) -> str:
    """An act in a few cells: `rate 0.2→0.1`, `cosine`, `batch 64`; the first change speaks."""
    # A new schedule restates its own fields and the base rate: the kind says enough.
    for name in ("schedule", *changes):
        if name not in changes:
            continue
        old, new = changes[name]
        if name == "schedule":
            return show(new)
        if name == "learning_rate":
            return f"rate {show(old)}→{show(new)}"
        return f"{_SHORT.get(name, name.replace('_', ' '))} {show(new)}"
    return ""


def drops(stretch: Stretch) -> Iterable[Mark]:
    """Where a step schedule multiplied the rate within this stretch."""
    knobs = stretch.knobs
    if knobs.schedule == "step":
        for step in (knobs.schedule_start + drop for drop in knobs.drops):
            if stretch.start <= step <= stretch.end:
                yield (step, f"rate ×{show(knobs.drop_factor)}")
