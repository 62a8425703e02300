"""The picture of the hidden layer: how many tanh outputs lie where, the saturated ends marked.

An end is marked by its own glyph and its share below it, besides its colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.braille import BLOCKS
from tui.cells import Cells, Role

BAR, END = Role.CURVE, Role.MARK_LABEL
ENDS = " ⣀⣤⣶⣿"
"""Glyphs of a saturated end, by quarters of a row."""
FULL = ENDS[-1]


@dataclass(frozen=True)
class HistogramView:
    """What is drawn of one look."""

    counts: tuple[int, ...] = ()
    """As DiagnosticsTaken has them; empty: nothing is known yet."""

    def draw(self, width: int, height: int) -> Cells:
        """The whole picture: bars on an axis, and below it what the ends hold."""
        cells, rows = Cells(width, height), height - 2
        if not sum(self.counts) or rows < 1 or width < 4:
            return cells
        below, *parts, above = self.counts
        together = next(n for n in range(1, len(parts) + 1) if -(-len(parts) // n) <= width - 2)
        parts = [sum(parts[at : at + together]) for at in range(0, len(parts), together)]
        broad = max((width - 2) // len(parts), 1)
        # Ends are as broad as their neighbours, so that a bar's height is a count.
        broad = broad if broad * (len(parts) + 2) <= width else max(broad - 1, 1)
        bars = [below, *parts, above]
        highest = max(bars)
        for at, count in enumerate(bars):
            end = at in (0, len(bars) - 1)
            _stand(cells, at * broad, broad, rows, count / highest, end=end)
        _label(cells, rows, broad * len(bars), below, above, sum(self.counts))
        return cells


def _stand(cells: Cells, column: int, broad: int, rows: int, high: float, *, end: bool) -> None:
    """A bar of `high` times all rows."""
    glyphs, role = (ENDS, END) if end else (BLOCKS, BAR)
    levels = len(glyphs) - 1
    # What is there is seen, however little.
    level = -(-round(high * rows * levels * 1e6) // 10**6)
    for row in range(rows):
        here = min(max(level - (rows - 1 - row) * levels, 0), levels)
        if here:
            cells.write(column, row, glyphs[here] * broad, role)


def _label(cells: Cells, rows: int, length: int, below: int, above: int, total: int) -> None:
    line = "─" * length
    cells.write(0, rows, line, Role.AXIS)
    cells.write(0, rows, "-1", Role.AXIS)
    cells.write((length - 1) // 2, rows, "0", Role.AXIS)
    cells.write(length - 1, rows, "1", Role.AXIS)
    left, right = f"{FULL} {below / total:.1%}", f"{above / total:.1%} {FULL}"
    cells.write(0, rows + 1, left, END)
    cells.write(length - len(right), rows + 1, right, END)
    room = length - len(left) - len(right) - 2
    word = next(
        (word for word in ("saturated · h · saturated", "saturated") if len(word) <= room), ""
    )
    cells.write((length - len(word)) // 2, rows + 1, word, Role.AXIS)
