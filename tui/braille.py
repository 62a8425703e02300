"""A small curve in braille dots: two values a cell, four dots high a row.

Apart from the loss chart: it needs no axes, no library, and two screens draw with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.stand_ins import LEFT, RIGHT

BLOCKS = " ▁▂▃▄▅▆▇█"


def curve(values: Sequence[float], rows: int) -> list[str]:
    """`rows` strings of len(values) // 2 cells; values from 0 (lowest dot) to 1 (highest).

    Neighbours far apart are joined by a vertical.
    """
    dots = 4 * rows
    levels = [round((1.0 - min(max(value, 0.0), 1.0)) * (dots - 1)) for value in values]
    cells = [[0] * (len(values) // 2) for _ in range(rows)]
    for index in range(len(values) // 2 * 2):
        level, before = levels[index], levels[max(index - 1, 0)]
        first, last = sorted((level, before + (level > before) - (level < before)))
        bits = RIGHT if index % 2 else LEFT
        for dot in range(first, last + 1) if level != before else (level,):
            cells[dot // 4][index // 2] |= bits[dot % 4]
    return ["".join(chr(0x2800 + bits) for bits in row) for row in cells]


def bars(counts: Sequence[int], width: int) -> str:
    """One row of block bars, the highest full; counts are added up where `width` is too small."""
    if not counts or width < 1:
        return ""
    together = -(-len(counts) // width)
    sums = [sum(counts[i : i + together]) for i in range(0, len(counts), together)]
    top = max(max(sums), 1)
    # What is there is seen, however little.
    return "".join(BLOCKS[-(-8 * count // top)] for count in sums)
