"""What stands around the embedding map: axes in equal steps, and what share each has."""

from __future__ import annotations

import numpy as np

from tui.cells import Cells, Role
from tui.chart.view import GUTTER
from tui.embedding.projection import Plane
from tui.embedding.window import Window


def origin(canvas: Cells, window: Window, role: Role) -> None:
    """Dotted lines through the origin."""
    column, row = np.floor(window.cells(np.zeros((1, 2)))[0]).astype(int).tolist()
    if 0 <= row < canvas.height:
        canvas.glyphs[row], canvas.roles[row] = ord("┈"), role
    if 0 <= column < canvas.width:
        canvas.glyphs[:, column], canvas.roles[:, column] = ord("┊"), role


def surround(cells: Cells, canvas: Cells, window: Window, plane: Plane) -> None:
    """Put the canvas into `cells`, axes left and below, the names of both at their ends."""
    rows, line = canvas.height, canvas.height + 1
    cells.glyphs[1:line, GUTTER:] = canvas.glyphs
    cells.roles[1:line, GUTTER:] = canvas.roles
    for row in range(1, line):
        cells.write(GUTTER - 1, row, "│", Role.AXIS)
    cells.write(GUTTER - 1, line, "└" + "─" * canvas.width, Role.AXIS)
    across, up = window.ticks()
    for row, text in up.items() if plane.axes[1].any() else ():
        if row < rows:
            cells.write(0, row + 1, f"{text:>5}┤", Role.AXIS)
    end = 0
    for place, text in across.items():
        column = GUTTER + place
        start = column - len(text) // 2
        cells.write(column, line, "┬", Role.AXIS)
        if start > end and start + len(text) <= cells.width:
            cells.write(start, line + 1, text, Role.AXIS)
            end = start + len(text)
    first, second = axis_names(plane, short=canvas.width < 60)
    cells.write(GUTTER - 1, 0, f"↑ {second}" if second else "", Role.AXIS)
    cells.write(cells.width - len(first) - 3, line, f" {first} →", Role.AXIS)


def axis_names(plane: Plane, *, short: bool) -> tuple[str, str]:
    """Across and up, each with its share of the variance; empty where there is no such axis."""
    called = "principal axis" if plane.principal else "dimension"
    ending = "" if short else " of the variance"
    names = [
        f"{called} {number} · {share:.0%}{ending}"
        for number, share in enumerate(plane.shares, start=1)
    ]
    return names[0], names[1] if plane.axes[1].any() else ""
