"""The losses of all branches of a run, and the lineage through them, smoothed.

Apart from the history because it knows no events, only columns. Each loss is kept once, in the
branch in which it arose, and so is each average: a lineage is only the way through the branches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.smoothing import NOTHING, Column, DebiasedAverage, Floats
from tui.history.reduction import Curves, Edges, Losses, Reducer, finite_or_nan, reduce_from

_AT_ONCE = 2**16
"""Losses taken in together, so that what is made of them on the way stays small."""


class Branch:
    """The losses of the updates after one rollback, or from the beginning of the run."""

    def __init__(self, number: int, first: int, parent: Branch | None = None) -> None:
        self.number = number
        self.first = first
        """The step of its first state, where it left its parent."""
        self.parent = parent
        self.clocks: list[tuple[int, float]] = []
        """Steps, and the seconds spent inside updates until then, undone ones included."""
        self._loss = Column()
        self._average: DebiasedAverage | None = None

    def __len__(self) -> int:
        return len(self._loss)

    @property
    def end(self) -> int:
        """The step after its last update."""
        return self.first + len(self)

    def append(self, losses: Floats) -> None:
        """Add losses at its end."""
        for start in range(0, len(losses), _AT_ONCE):
            self._loss.append(finite_or_nan(losses[start : start + _AT_ONCE]))

    def average(self, factor: float) -> DebiasedAverage:
        """The average of its losses, gone on from where it left its parent."""
        average = self._average
        if average is None or average.factor != factor:
            seen = self._before(DebiasedAverage.memory(factor)) if self.parent else NOTHING
            self._average = average = DebiasedAverage(factor, seen)
        for losses in self._loss.pieces(len(average.column), len(self)):
            average.extend(losses)
        return average

    def losses(self, first: int, last: int) -> Floats:
        """Those of the updates [first, last) of the branch; NaN where there is none."""
        return _padded(self._loss, first - self.first, last - self.first)

    def averages(self, first: int, last: int, factor: float) -> Floats:
        """The average at the same updates."""
        return _padded(self.average(factor).column, first - self.first, last - self.first)

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
            left = min(end - branch.first, len(branch))
            while left > 0 and finite > 0:
                piece = branch._loss.piece(max(left - _AT_ONCE, 0), left)
                known = np.flatnonzero(np.isfinite(piece))
                pieces.append(piece[known[-finite] :] if len(known) >= finite else piece)
                finite -= len(known)
                left -= _AT_ONCE
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

    def curves(self, edges: Edges, smoothing: float) -> Curves:
        """As History.curves, of this part."""

        def piece(begin: int, end: int) -> tuple[Floats, Floats]:
            branch = self.branch
            return branch.losses(begin, end), branch.averages(begin, end, smoothing)

        return reduce_from(Losses(piece, self.first, self.end), edges)


class Branches:
    """Every branch of a run by its number; the last one grows."""

    def __init__(self, first: int) -> None:
        """`first` is the step at which the run begins."""
        self._branches = {0: Branch(0, first)}
        self._reducer = Reducer()
        self.join()

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
        return self.present.end

    @property
    def loss(self) -> Floats:
        """The losses along the lineage, float32 (step - first,); NaN where there is none."""
        return self._along(self.first, self.step, None)

    def append(self, losses: Floats) -> None:
        """Add losses to the present branch."""
        self.present.append(losses)

    def begin(self, number: int, first: int, parent: int) -> None:
        """A branch leaves `parent` at step `first`; call `join` before anything is asked."""
        self._branches[number] = Branch(number, first, self._branches[parent])

    def fill(self, number: int, losses: Floats) -> None:
        """Give a branch its losses; call `join` before anything is asked."""
        self._branches[number].append(losses)

    def join(self) -> None:
        """Make the lineage that of the present branch."""
        self._before = self.present.way()[:-1]
        covered = {id(branch): end for branch, end in self._before}
        covered[id(self.present)] = self.present.end
        parts = (
            Abandoned(branch, covered.get(id(branch), branch.first))
            for branch in self._branches.values()
        )
        self.abandoned = tuple(part for part in parts if part.end > part.first)
        """In the order in which the branches began; without those on which nothing was trained."""

    def clock(self, number: int, step: int, seconds: float) -> None:
        """Training on a branch had taken so long when it came to `step`."""
        if number in self._branches:
            self._branches[number].clocks.append((step, seconds))

    def at(self, step: int, factor: float) -> tuple[float, float]:
        """The loss at one step of the lineage, and the average there."""
        loss, average = self._along(step, step + 1, None), self._along(step, step + 1, factor)
        nothing = float("nan")
        return (
            float(loss[0]) if len(loss) else nothing,
            float(average[0]) if len(average) else nothing,
        )

    def smoothed(self, factor: float) -> Floats:
        """The debiased average of `loss` at every step."""
        return self._along(self.first, self.step, factor)

    def latest(self, factor: float) -> float:
        """The average after the last finite loss on the lineage; NaN before the first."""
        return self.present.average(factor).latest

    def curves(self, edges: Edges, smoothing: float) -> Curves:
        """The lineage as a chart draws it; costs what is new, while axis and branch are the same.

        Long lineages are never joined for it: the copy would be large.
        """

        def piece(begin: int, end: int) -> tuple[Floats, Floats]:
            return self._along(begin, end, None), self._along(begin, end, smoothing)

        losses = Losses(piece, self.first, self.step)
        key = (self.number, smoothing)
        return self._reducer.reduce(losses, edges, key=key)

    def _along(self, first: int, last: int, factor: float | None) -> Floats:
        """Losses of the updates [first, last) of the lineage, or their averages."""
        found: list[Floats] = []
        for branch, end in ((self.present, last), *reversed(self._before)):
            begin, stop = max(first, branch.first), min(last, end)
            if begin < stop and factor is None:
                found.append(branch.losses(begin, stop))
            elif begin < stop and factor is not None:
                found.append(branch.averages(begin, stop, factor))
            if branch.first <= first:
                break
        return found[0] if len(found) == 1 else np.concatenate([NOTHING, *reversed(found)])


def _padded(column: Column, first: int, last: int) -> Floats:
    """The values [first, last) of a column, NaN where it ends before."""
    piece = column.piece(first, last)
    missing = last - first - len(piece)
    return np.append(piece, np.full(missing, np.nan, np.float32)) if missing > 0 else piece
