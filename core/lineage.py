"""Which acts led to a state: lineages, undo and redo, as functions of the acts in order.

Nothing here has memory beyond the list of acts, so engine, dashboard and replay cannot come to
different answers. No torch: states themselves are reached by core/reaching.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from core.config import Knobs, Settings, with_changes
from core.protocol import Act, KnobsChanged, Point, Recorded, RolledBack, RunOpened, SettingChanged


@dataclass(frozen=True)
class Stretch:
    """The updates that followed one act on a path: from state `start` to state `end`."""

    act: Act
    start: int
    end: int
    knobs: Knobs
    """In force for these updates."""

    @property
    def branch(self) -> int:
        """Where the losses of these updates stand."""
        return self.act.branch


Lineage = tuple[Stretch, ...]
"""A lineage, from the beginning of the run to a point."""


class Acts:
    """The acts of a run in order, and what follows from them."""

    def __init__(self, acts: Iterable[Recorded] = ()) -> None:
        self.list: list[Act] = []
        self._seqs: list[int] = []
        self.undo: list[Point] = []
        """Where each undo would lead, the next one last."""
        self.redo: list[tuple[Point, Point]] = []
        """(what the undo list held, where the redo leads), the next one last."""
        for act in acts:
            if isinstance(act, Act):
                self.add(act)

    def add(self, act: Act) -> None:
        """Take in the next act; the undo and redo lists follow RECORD rule by rule."""
        assert not self._seqs or act.seq > self._seqs[-1]
        self.list.append(act)
        self._seqs.append(act.seq)
        match act:
            case RunOpened() | RolledBack(reason="resume"):
                pass
            case RolledBack(reason="undo"):
                self.redo.append((self.undo.pop(), act.before))
            case RolledBack(reason="redo"):
                self.undo.append(self.redo.pop()[0])
            case KnobsChanged(joins=True):
                self.redo.clear()
            case _:
                self.undo.append(act.before)
                self.redo.clear()

    def at(self, seq: int) -> Act:
        """The act with this sequence number; raises KeyError if there is none."""
        index = bisect_left(self._seqs, seq)
        if index == len(self._seqs) or self._seqs[index] != seq:
            raise KeyError(seq)
        return self.list[index]

    def end(self, seq: int, now: int) -> int:
        """The step to which training went on after an act; `now` is the present step."""
        index = bisect_left(self._seqs, seq) + 1
        return self.list[index].before.step if index < len(self.list) else now

    @property
    def branch(self) -> int:
        """The present branch."""
        return self.list[-1].branch if self.list else 0

    def first_step(self, branch: int) -> int:
        """The step of the first state of `branch`, to which element 0 of its column belongs."""
        for act in self.list:
            if act.branch == branch:
                return act.step
        raise KeyError(branch)

    def head(self, column_length: int) -> Point:
        """The newest state that the record tells of, given the losses on the present branch."""
        last = self.list[-1]
        return Point(last.seq, max(last.step, self.first_step(last.branch) + column_length))

    def path(self, point: Point) -> Lineage:
        """How `point` came about; raises KeyError if its act is none."""
        chain: list[tuple[Act, int]] = []
        at = point
        while True:
            act = self.at(at.seq)
            chain.append((act, at.step))
            if isinstance(act, RunOpened):
                break
            at = act.to if isinstance(act, RolledBack) else act.before
        stretches: list[Stretch] = []
        for act, end in reversed(chain):
            knobs = knobs_after(act, stretches[-1].knobs if stretches else None)
            stretches.append(Stretch(act, act.step, end, knobs))
        return tuple(stretches)

    def point_of(self, event: Recorded) -> Point:
        """The point at which a note was made, or to which an act led."""
        if isinstance(event, Act):
            return Point(event.seq, event.step)
        index = bisect_left(self._seqs, event.seq) - 1
        return Point(self._seqs[index], event.step)


def examples_before(path: Sequence[Stretch]) -> int:
    """Examples that the first state of `path` had consumed: 0, but in a fork."""
    opened = path[0].act
    assert isinstance(opened, RunOpened)
    return opened.config.parent.examples if opened.config.parent else 0


def examples_on(stretch: Stretch) -> int:
    """Examples that these updates consumed."""
    return (stretch.end - stretch.start) * stretch.knobs.batch_size


def knobs_after(act: Act, knobs: Knobs | None) -> Knobs:
    """The knobs that `act` leaves in force, given those before it."""
    if isinstance(act, RunOpened):
        return act.config.knobs
    assert knobs is not None
    assert isinstance(act, (KnobsChanged, RolledBack))
    return with_changes(knobs, {name: new for name, (_, new) in act.changes.items()})


def settings_after(settings: Settings, events: Iterable[Recorded]) -> Settings:
    """The settings in force after `events`; they are never undone."""
    changes = {e.name: e.new for e in events if isinstance(e, SettingChanged)}
    return msgspec.structs.replace(settings, **changes)


def on_path(path: Lineage, point: Point) -> bool:
    """Whether `point` is a state that `path` went through."""
    return any(
        stretch.act.seq == point.seq and stretch.start <= point.step <= stretch.end
        for stretch in path
    )


def point_at(path: Lineage, step: int) -> Point | None:
    """The point of `path` at `step`, with the knobs of update `step`; None if it has none."""
    for stretch in reversed(path):
        if stretch.start <= step <= stretch.end:
            return Point(stretch.act.seq, step)
    return None
