"""Where labels stand beside their marks, such that none lies on another or on a mark.

Whole cells only. Labels are placed one after another, the most wanted first, each beside its mark
or, where that is full, some cells away with a line that leads there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FREE, _MARK, _LABEL, _LEADER = range(4)

_DIRECTIONS = ((1, 0), (-1, 0), (1, -1), (1, 1), (0, -1), (0, 1), (-1, -1), (-1, 1))
_FARTHEST, _FARTHEST_OF_ALL = 6, 16
SIDES = tuple((dx, dy, far) for far in range(1, _FARTHEST_OF_ALL + 1) for dx, dy in _DIRECTIONS)
"""Where a label may stand, seen from its mark, the best first; `far` in cells."""
_WISHED = _FARTHEST * len(_DIRECTIONS)
"""Those of them that are near; the others are for labels that must stand somewhere."""
_LINES = {(1, 0): "─", (0, 1): "│", (1, -1): "╱", (1, 1): "╲"}

_CROWDED = 6
"""How many sides worse a label is for each mark of another's that it touches."""
_SETTLED = 6
"""How many sides better is the one on which it stood before; to the right is better still."""


@dataclass(frozen=True)
class Wanted:
    """A mark, and how wide the label is that it should have."""

    column: int
    row: int
    width: int
    key: int
    """By which it is known again in the next picture."""


@dataclass(frozen=True)
class Spot:
    """Where a label stands."""

    column: int
    """Of its first cell."""
    row: int
    side: int
    """Index in SIDES."""
    leader: tuple[tuple[int, int], ...] = ()
    """Cells (column, row) of the line from the mark to the label."""

    @property
    def line(self) -> str:
        """What the leader is drawn with."""
        dx, dy, _ = SIDES[self.side]
        return _LINES.get((dx, dy)) or _LINES[-dx, -dy]


@dataclass(frozen=True)
class Placed:
    """What became of the wishes, in their order."""

    spots: tuple[Spot | None, ...]
    """None: there is no room for the label…"""
    marked: tuple[bool, ...]
    """…and False: nor for the mark."""


def place(
    wishes: Sequence[Wanted],
    width: int,
    height: int,
    *,
    sure: int,
    must: int = 0,
    before: Mapping[int, int] | None = None,
) -> Placed:
    """Place labels on a canvas of that size; marks that share a cell have a label each.

    The first `sure` marks are kept free of labels. The first `must` labels stand farther away, and
    with gaps in their lines, rather than not at all. `before` holds the side of each key's label in
    the picture before this one: where that is as good, it stays.
    """
    ground = _Ground(width, height)
    spots: list[Spot | None] = []
    marked: list[bool] = []
    for wish in wishes[:sure]:
        ground.rows[wish.row][wish.column] = _MARK
    for index, wish in enumerate(wishes):
        certain = index < sure
        if not certain and not ground.open_to_mark(wish.column, wish.row):
            spots.append(None)
            marked.append(False)
            continue
        ground.rows[wish.row][wish.column] = _MARK
        sides = range(_WISHED if certain else len(_DIRECTIONS))
        spot = ground.best(wish, sides, (before or {}).get(wish.key))
        if spot is None and index < must:
            anywhere = (ground.spot(wish, side, broken=True) for side in range(len(SIDES)))
            spot = next(filter(None, anywhere), None)
        if spot is not None:
            ground.take(spot, wish.width)
        spots.append(spot)
        marked.append(True)
    return Placed(tuple(spots), tuple(marked))


class _Ground:
    """What is taken already."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows = [bytearray(width) for _ in range(height)]

    def open_to_mark(self, column: int, row: int) -> bool:
        """Whether the cell is free, and no label beside it would seem to be this mark's."""
        stretch = self.rows[row][max(column - 1, 0) : column + 2]
        return self.rows[row][column] == _FREE and _LABEL not in stretch

    def take(self, spot: Spot, width: int) -> None:
        for column, row in spot.leader:
            self.rows[row][column] = _LEADER
        self.rows[spot.row][spot.column : spot.column + width] = bytes([_LABEL]) * width

    def best(self, wish: Wanted, sides: range, before: int | None) -> Spot | None:
        # To the right of its mark a label is nobody else's.
        if (right := self.spot(wish, 0)) is not None:
            return right
        best, lowest = None, float("inf")
        if before is not None and before in sides and (spot := self.spot(wish, before)):
            best, lowest = spot, before - _SETTLED + _CROWDED * self._crowd(wish, spot)
        for side in sides[1:]:
            if side >= lowest:
                break
            spot = self.spot(wish, side)
            if spot is not None and (cost := side + _CROWDED * self._crowd(wish, spot)) < lowest:
                best, lowest = spot, cost
        return best

    def spot(self, wish: Wanted, side: int, *, broken: bool = False) -> Spot | None:
        """The label on that side of its mark, or None where something is in the way; of a
        `broken` line something may be.
        """
        dx, dy, far = SIDES[side]
        row, end = wish.row + dy * far, wish.column + dx * far
        column = (end - (wish.width - 1) // 2, end, end - wish.width + 1)[dx]
        last = column + wish.width
        if not (0 <= row < self.height and column >= 0 and last <= self.width):
            return None
        cells = self.rows[row]
        if any(cells[column:last]):
            return None
        # Two labels side by side would be read as one, a mark before a label as its own.
        after = cells[last] if last < self.width else _FREE
        ahead = cells[column - 1] if column else _FREE
        beside = far == 1 and dy == 0
        if beside and dx == 1:
            if after == _LABEL:
                return None
        elif ahead or (after and not beside):
            return None
        leader = tuple((wish.column + dx * at, wish.row + dy * at) for at in range(1, far))
        if broken:
            leader = tuple((x, y) for x, y in leader if not self.rows[y][x])
        elif any(self.rows[y][x] for x, y in leader):
            return None
        return Spot(column, row, side, leader)

    def _crowd(self, wish: Wanted, spot: Spot) -> int:
        """Marks of others that touch the label."""
        first, last = max(spot.column - 1, 0), spot.column + wish.width + 1
        rows = range(max(spot.row - 1, 0), min(spot.row + 2, self.height))
        touching = sum(self.rows[row][first:last].count(_MARK) for row in rows)
        own = abs(wish.row - spot.row) <= 1 and first <= wish.column < last
        return touching - own
