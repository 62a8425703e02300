"""A small plot in text, both axes logarithmic, for the commands without a screen.

Apart from the dashboard's charts, which need a screen and its libraries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.dials import show
from core.smoothing import Doubles
from core.stand_ins import LEFT, RIGHT

_DOTS = (LEFT, RIGHT)
_LEAST = 1e-9
"""What 0 is drawn as."""


def log_plot(
    x: Doubles, y: Doubles, marks: Mapping[str, float], width: int, rows: int = 10
) -> list[str]:
    """The curve of `y` (N,) over the rising `x` (N,), all finite and `x` above 0; N is at least 2.

    `width` cells wide, `rows` high; below the axis each of `marks`, one symbol, stands at its x,
    the first in front of the others.
    """
    x, y = np.log10(x), np.log10(np.maximum(y, _LEAST))
    levels = np.linspace(y.max(), y.min(), 3)
    labels = [f"{10**level:.3g}" for level in levels]
    margin = max(map(len, labels))
    columns = max(width - margin - 2, 8)
    beside = {0: labels[0], rows // 2: labels[1], rows - 1: labels[2]}
    lines = [
        f"{beside.get(row, ''):>{margin}} {'┤' if row in beside else '│'}{cells}"
        for row, cells in enumerate(_curve(x, y, columns, rows))
    ]
    low, high = float(x[0]), float(x[-1])

    def column(exponent: float) -> int:
        return round((exponent - low) / (high - low) * (columns - 1))

    decades = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    ticks = [float(decade) for decade in decades] if len(decades) > 1 else [low, high]
    axis, names, under = ["─"] * columns, [" "] * columns, [" "] * columns
    free = 0
    for tick in ticks:
        axis[column(tick)] = "┬"
        name = show(float(f"{10**tick:.3g}"))
        start = min(max(column(tick) - len(name) // 2, 0), columns - len(name))
        if start >= free:
            names[start : start + len(name)] = name
            free = start + len(name) + 1
    for mark, at in reversed(tuple(marks.items())):
        if low <= math.log10(at) <= high:
            under[column(math.log10(at))] = mark
    blank = " " * (margin + 2)
    lines += [" " * (margin + 1) + "└" + "".join(axis), blank + "".join(names).rstrip()]
    return [*lines, blank + "".join(under).rstrip()] if "".join(under).strip() else lines


def _curve(x: Doubles, y: Doubles, columns: int, rows: int) -> list[str]:
    """Rows of braille cells; neighbours far apart are joined by a vertical."""
    heights = np.interp(np.linspace(x[0], x[-1], 2 * columns), x, y)
    top, bottom = float(y.max()), float(y.min())
    scale = (4 * rows - 1) / (top - bottom) if top > bottom else 0.0
    dots = np.rint((top - heights) * scale).astype(int).tolist()
    cells = [[0x2800] * columns for _ in range(rows)]
    before = dots[0]
    for index, dot in enumerate(dots):
        first, last = sorted((dot, before + (dot > before) - (dot < before)))
        for each in range(first, last + 1):
            cells[each // 4][index // 2] |= _DOTS[index % 2][each % 4]
        before = dot
    return ["".join(map(chr, row)) for row in cells]
