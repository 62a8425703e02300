"""The losses of all branches of a run, and the lineage through them: joined, and smoothed.

Apart from the history because it knows no events, only columns. A branch that was left never
changes, so what was smoothed of it stays; going back joins anew what is there already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.smoothing import NOTHING, Column, DebiasedAverage, Floats
from tui.reduction import Curves, finite_or_nan, reduce


class Branch:
    """The losses of the updates after one rollback, or from the beginning of the run."""

    def __init__(self, first: int, parent: Branch | None = None) -> None:
        self.first = first
        """The step of its first state, where it left its parent."""
        self.parent = parent
        self.loss = Column()
        self._average: DebiasedAverage | None = None

    @property
    def end(self) -> int:
        """The step after its last update."""
        return self.first + len(self.loss)

    def average(self, factor: float) -> DebiasedAverage:
        """The average of its losses, gone on from where it left its parent."""
        average = self._average
        if average is None or average.factor != factor:
            seen = self._before(DebiasedAverage.memory(factor)) if self.parent else NOTHING
            self._average = average = DebiasedAverage(factor, seen)
        average.extend(self.loss.values[len(average.column) :])
        return average

    def way(self) -> list[tuple[Branch, int]]:
        """The branches from the beginning of the run to this, each with the step of its end."""
        found = [(self, self.end)]
        while (parent := found[-1][0].parent) is not None:
            found.append((parent, found[-1][0].first))
        return found[::-1]

    def _before(self, finite: int) -> Floats:
        """The last losses of the lineage before this branch: at least so many finite ones."""
        pieces: list[Floats] = []
        for branch, end in self.way()[-2::-1]:
            piece = branch.loss.values[: max(end - branch.first, 0)]
            known = np.flatnonzero(np.isfinite(piece))
            if len(known) >= finite:
                pieces.append(piece[known[-finite] :])
                break
            pieces.append(piece)
            finite -= len(known)
        return np.concatenate([NOTHING, *pieces[::-1]])


@dataclass(frozen=True)
class Abandoned:
    """What was trained on a branch and is not on the lineage: from step `first` to its end."""

    branch: Branch
    first: int

    @property
    def end(self) -> int:
        """The step at which it was left."""
        return self.branch.end

    def curves(self, first: int, last: int, columns: int, smoothing: float) -> Curves:
        """As History.curves, of this part."""
        skipped = self.first - self.branch.first
        loss = self.branch.loss.values[skipped:]
        smooth = self.branch.average(smoothing).column.values[skipped:]
        return reduce(loss, smooth, first, last, columns, start=self.first)


class Branches:
    """Every branch of a run by its number; the last one grows."""

    def __init__(self, first: int) -> None:
        """`first` is the step at which the run begins."""
        self._branches = {0: Branch(first)}
        self._factor = -1.0
        self._loss, self._smooth = Column(), Column()
        self.abandoned: tuple[Abandoned, ...] = ()
        """In the order in which the branches began; without those on which nothing was trained."""

    @property
    def number(self) -> int:
        """Of the present branch."""
        return next(reversed(self._branches))

    @property
    def present(self) -> Branch:
        """The branch that grows."""
        return self._branches[self.number]

    @property
    def first(self) -> int:
        """The step at which the run begins."""
        return self._branches[0].first

    @property
    def step(self) -> int:
        """The step after the last update on the lineage."""
        return self.first + len(self._loss)

    @property
    def loss(self) -> Floats:
        """The losses along the lineage, float32 (step - first,); NaN where there is none."""
        return self._loss.values

    def append(self, losses: Floats) -> None:
        """Add losses to the present branch."""
        losses = finite_or_nan(losses)
        self.present.loss.append(losses)
        self._loss.append(losses)

    def begin(self, number: int, first: int, parent: int) -> None:
        """A branch leaves `parent` at step `first`; call `join` before anything is asked."""
        self._branches[number] = Branch(first, self._branches[parent])

    def fill(self, number: int, losses: Floats) -> None:
        """Give a branch its losses; call `join` before anything is asked."""
        self._branches[number].loss.append(finite_or_nan(losses))

    def join(self) -> None:
        """Make the lineage that of the present branch."""
        self._loss, self._factor = Column(), -1.0
        way = self.present.way()
        for branch, end in way:
            piece = branch.loss.values[: max(end - branch.first, 0)]
            missing = end - branch.first - len(piece)
            self._loss.append(piece)
            if missing > 0:
                self._loss.append(np.full(missing, np.nan, np.float32))
        covered = {id(branch): end for branch, end in way}
        parts = (
            Abandoned(branch, covered.get(id(branch), branch.first))
            for branch in self._branches.values()
        )
        self.abandoned = tuple(part for part in parts if part.end > part.first)

    def smoothed(self, factor: float) -> Floats:
        """The debiased average of `loss` at every step; costs what is new."""
        if factor != self._factor:
            self._factor, self._smooth = factor, Column()
            for branch, end in self.present.way()[:-1]:
                average = branch.average(factor).column.values[: max(end - branch.first, 0)]
                self._smooth.append(average)
                missing = end - branch.first - len(average)
                self._smooth.append(np.full(max(missing, 0), np.nan, np.float32))
        mine = self.present.average(factor).column.values
        known = len(self._smooth) - (self.present.first - self.first)
        self._smooth.append(mine[known:])
        return self._smooth.values

    def latest(self, factor: float) -> float:
        """The average after the last finite loss on the lineage; NaN before the first."""
        return self.present.average(factor).latest
