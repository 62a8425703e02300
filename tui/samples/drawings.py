"""Which drawings stand side by side, under which heads, and which of many are shown.

Name i of a drawing depends on the weights, the seed, i, temperature, top-k and beginning alone
(core/sampling.py), not on the count: so drawings that are equal in these are one series, in which
every row is one name as the model learns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from core.lineage import on_path
from core.protocol import Evaluated, Sample, SamplesDrawn
from tui.history.history import History
from tui.telling import dial_value, printable

NEARBY = 0.2
"""As a share of a drawing's step: so far from it an evaluation may stand in for one at it."""


class Series(NamedTuple):
    """What drawings must share to stand side by side."""

    seed: int
    temperature: float
    top_k: int
    prefix: str
    max_length: int

    @classmethod
    def of(cls, drawn: SamplesDrawn) -> Series:
        """The series of a drawing."""
        return cls(drawn.seed, drawn.temperature, drawn.top_k, drawn.prefix, drawn.max_length)

    def wish(self, count: int) -> Sample:
        """The command that draws one more."""
        return Sample(count=count, **self._asdict())

    def told(self) -> str:
        """`seed 7 · temperature 0.8 · top-k off`, and the beginning if there is one."""
        told = f"seed {self.seed} · temperature {dial_value('temperature', self.temperature)}"
        told += f" · top-k {dial_value('top_k', self.top_k)}"
        return told + (f" · beginning {printable(self.prefix)}" if self.prefix else "")


@dataclass(frozen=True)
class Column:
    """A drawing, and what is known of the weights that it was drawn from."""

    drawn: SamplesDrawn
    undone: bool = False
    """They lie on a branch that was left."""
    dev: float | None = None
    nearby: bool = False
    """`dev` was not measured at this step, but close by."""

    @property
    def step(self) -> int:
        """Where it was drawn."""
        return self.drawn.step

    @property
    def mean(self) -> float | None:
        """Of the names' losses; None in records of before."""
        losses = self.drawn.losses
        return sum(losses) / len(losses) if losses else None


def all_series(samples: Iterable[SamplesDrawn]) -> list[Series]:
    """Every series, that with the newest drawing last."""
    found: dict[Series, None] = {}
    for drawn in samples:
        series = Series.of(drawn)
        found.pop(series, None)
        found[series] = None
    return list(found)


def columns_of(history: History, series: Series) -> list[Column]:
    """The drawings of a series by their steps; of several from the same weights, the longest."""
    lineage, acts = history.lineage, history.all_acts
    found: dict[tuple[int, int], Column] = {}
    for drawn in history.samples:
        if Series.of(drawn) != series:
            continue
        undone = not on_path(lineage, acts.point_of(drawn))
        # A step of the lineage is one state of the weights, whatever acts happened there.
        key = (drawn.branch if undone else -1, drawn.step)
        before = found.get(key)
        if before is None or len(before.drawn.names) <= len(drawn.names):
            dev, nearby = (None, False) if undone else dev_at(history.evaluations, drawn.step)
            found[key] = Column(drawn, undone, dev, nearby)
    return sorted(found.values(), key=lambda column: (column.step, column.drawn.seq))


def dev_at(evaluations: Sequence[Evaluated], step: int) -> tuple[float | None, bool]:
    """The dev loss of the evaluation nearest to `step`, and whether it stands only close by."""
    if not evaluations:
        return None, False
    nearest = min(evaluations, key=lambda evaluation: abs(evaluation.step - step))
    away = abs(nearest.step - step)
    return (nearest.dev, away > 0) if away <= NEARBY * step else (None, False)


def spread(steps: Sequence[int], room: int, newest: int, here: int) -> list[int]:
    """Which `room` of the columns at these steps (rising) to show, as indices.

    The first and the newest, and between them those that lie farthest apart on a logarithmic
    scale: early on, the model learns most. The one that a person looks at is always among them.
    """
    if len(steps) <= room:
        return list(range(len(steps)))
    if room < 3:
        return sorted(dict.fromkeys([here, newest]))[-room:] if room == 2 else [here]
    places = np.log1p(np.array(steps, dtype=float) - steps[0])
    chosen = [*dict.fromkeys([0, newest])]
    away = np.min([abs(places - places[index]) for index in chosen], axis=0)
    while len(chosen) < room:
        away[chosen] = -1.0
        chosen.append(int(away.argmax()))
        away = np.minimum(away, abs(places - places[chosen[-1]]))
    if here not in chosen:
        others = [index for index in chosen if index not in (0, newest)]
        chosen.remove(min(others, key=lambda index: abs(index - here)))
        chosen.append(here)
    return sorted(chosen)
