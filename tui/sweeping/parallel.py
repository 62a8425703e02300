"""The settings of all trials side by side: an axis for each, a line for each trial.

Parallel coordinates (Inselberg 1985): where the lines of good trials run together, that setting
matters. A trial's line is painted by its rank, and the dev loss is an axis by rank, since a few bad
trials would press all others together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from core.stand_ins import LEFT, RIGHT
from core.sweep_standing import Standing, Tried
from tui.inspector.bars import Line, Piece, Role, fit
from tui.telling import dial_name, loss

MOST_LINES = 100
"""The best are drawn; more could not be told apart."""
GOOD = 0.25
"""The share of the trials whose lines stand out."""
RANK: dict[Role, int] = {"quiet": 0, "bar": 1, "here": 2, "mark": 3}
"""Which line is on top where two pass through one cell."""
LEAST_CELLS = 10
"""Between two axes."""


@dataclass(frozen=True)
class Axis:
    """One of them, and where each trial stands on it, from 0 (below) to 1."""

    name: str
    low: str
    high: str
    shares: tuple[float, ...]
    weight: float = 0.0
    """The lighter, the sooner it makes room for others."""


@dataclass(frozen=True)
class Parallel:
    """What is drawn: the axes, and the roles of the trials' lines, the best first."""

    axes: tuple[Axis, ...]
    roles: tuple[Role, ...]

    def lines(self, width: int, height: int) -> list[Line]:
        """The names, the upper ends, the lines between, the lower ends."""
        rows = height - 3
        axes = self._fitting(max(width // LEAST_CELLS, 2))
        if rows < 1 or width < LEAST_CELLS:
            return []
        if not self.roles:
            return [Line((("no trial has a dev loss yet", "quiet"),))]
        places = [round(i * (width - 1) / (len(axes) - 1)) for i in range(len(axes))]
        return [
            _labels([axis.name for axis in axes], places, width, "title"),
            _labels([axis.high for axis in axes], places, width, "quiet"),
            *self._canvas(axes, places, width, rows),
            _labels([axis.low for axis in axes], places, width, "quiet"),
        ]

    def _fitting(self, most: int) -> tuple[Axis, ...]:
        """The heaviest, in their order."""
        heavy = sorted(self.axes, key=lambda axis: axis.weight, reverse=True)[:most]
        return tuple(axis for axis in self.axes if axis in heavy)

    def _canvas(
        self, axes: Sequence[Axis], places: Sequence[int], width: int, rows: int
    ) -> list[Line]:
        bits = [[0] * width for _ in range(rows)]
        tops: list[list[Role]] = [["quiet"] * width for _ in range(rows)]
        order = sorted(range(len(self.roles)), key=lambda trial: RANK[self.roles[trial]])
        for trial in order:
            heights = [axis.shares[trial] for axis in axes]
            _draw(heights, places, rows, bits, tops, self.roles[trial])
        ends = set(places)
        made: list[Line] = []
        for row, paints in zip(bits, tops, strict=True):
            cells = [
                (chr(0x2800 + bit), paint) if bit else ("│" if x in ends else " ", "rule")
                for x, (bit, paint) in enumerate(zip(row, paints, strict=True))
            ]
            made.append(Line(tuple(_joined(cells))))
        return made


def parallel(standing: Standing, chosen: int | None) -> Parallel:
    """The picture of a study; the line of the trial with the number `chosen` is on top."""
    ranges = standing.sweep.ranges
    known = [
        trial
        for trial in standing.shown
        if trial.dev is not None and trial.values.keys() == ranges.keys()
    ]
    known.sort(key=lambda trial: (trial.dev or 0.0, trial.number))
    drawn = [t for place, t in enumerate(known) if place < MOST_LINES or t.number == chosen]
    weights = dict(standing.importance)
    axes = [
        Axis(
            dial_name(name),
            each.ordered[0],
            each.ordered[-1],
            tuple(each.share(trial.values[name]) for trial in drawn),
            weights.get(name, 0.0),
        )
        for name, each in ranges.items()
    ]
    devs = [trial.dev or 0.0 for trial in drawn]
    ranks = tuple(place / max(len(drawn) - 1, 1) for place in range(len(drawn)))
    axes.append(
        Axis("dev rank", *((loss(devs[0]), loss(devs[-1])) if devs else ("", "")), ranks, inf)
    )
    best = standing.best
    good = len(known) * GOOD

    def role(place: int, trial: Tried) -> Role:
        if trial.number == chosen:
            return "mark"
        if best is not None and trial.number == best.number:
            return "here"
        return "bar" if place < good else "quiet"

    return Parallel(tuple(axes), tuple(role(place, trial) for place, trial in enumerate(drawn)))


def _draw(
    heights: Sequence[float],
    places: Sequence[int],
    rows: int,
    bits: list[list[int]],
    tops: list[list[Role]],
    role: Role,
) -> None:
    """One trial's line, two dots a cell across and four down; neighbours are joined."""
    dots = 4 * rows - 1
    levels = [round((1.0 - share) * dots) for share in heights]
    before = levels[0]
    for i in range(len(places) - 1):
        first, last = 2 * places[i], 2 * places[i + 1]
        for x in range(first, last + 2 * (i == len(places) - 2)):
            part = min((x - first) / max(last - first, 1), 1.0)
            level = round(levels[i] + part * (levels[i + 1] - levels[i]))
            low, high = sorted((level, before + (level > before) - (level < before)))
            side = RIGHT if x % 2 else LEFT
            for dot in range(low, high + 1) if level != before else (level,):
                bits[dot // 4][x // 2] |= side[dot % 4]
                tops[dot // 4][x // 2] = role
            before = level


def _labels(texts: Sequence[str], places: Sequence[int], width: int, role: Role) -> Line:
    """Texts around their axes, the first and the last within the edges."""
    cells = " " * width
    for i, (text, place) in enumerate(zip(texts, places, strict=True)):
        left = (places[i - 1] + place) // 2 + 1 if i else 0
        right = (place + places[i + 1]) // 2 if i + 1 < len(places) else width
        text = fit(text, min(len(text), right - left))
        at = min(max(place - len(text) // 2, left), right - len(text))
        cells = cells[:at] + text + cells[at + len(text) :]
    return Line(((cells, role),))


def _joined(cells: Sequence[Piece]) -> list[Piece]:
    """Neighbours of one role as one piece."""
    made: list[Piece] = []
    for text, role in cells:
        if made and made[-1][1] == role:
            made[-1] = (made[-1][0] + text, role)
        else:
            made.append((text, role))
    return made
