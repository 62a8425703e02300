"""The cursor of the loss chart: a line at a step, and beside it a box with what stands there."""

from __future__ import annotations

from tui.cells import ON_BAND, Cells, Role, printable
from tui.chart.layout import Frame
from tui.chart.reading import Reading
from tui.chart.view import GUTTER

_GAP = 2
"""Cells between the line and the box."""
_JOINT = " · "
_UNDER = (Role.BLANK, Role.REFERENCE, Role.MARK, Role.BAND, Role.BAND_EDGE, Role.LABEL)
"""What the line is drawn over; the curves stay whole."""


def draw_cursor(reading: Reading, frame: Frame, cells: Cells) -> None:
    """Draw it into the whole picture, over whatever is less than the curves."""
    column = frame.column(reading.x)
    if column is None:
        return
    at = GUTTER + column
    for row in range(frame.height + frame.strip):
        role = int(cells.roles[row, at])
        if role % ON_BAND in _UNDER:
            cells.write(at, row, "│", Role.CURSOR)
            if role == Role.BAND or role >= ON_BAND:
                cells.roles[row, at] += ON_BAND
    point = frame.row(reading.smoothed)
    if point is not None:
        cells.write(at, point, "◆", Role.CURSOR)
    _box(reading, frame, cells, at)


def _box(reading: Reading, frame: Frame, cells: Cells, at: int) -> None:
    """On the side with more room, and away from the curve; as much of it as fits."""
    left, right = at - _GAP - GUTTER, cells.width - at - _GAP - 1
    room = max(left, right)
    lines = [line for parts in reading.lines for line in _wrapped(parts, room - 2)]
    width = max(map(len, lines), default=0)
    if width > room - 2:
        return
    start = at + _GAP if right >= left else at - _GAP - width - 1
    lines = lines[: frame.height]
    point = frame.row(reading.smoothed)
    top = frame.height - len(lines) if point is not None and 2 * point < frame.height else 0
    for row, line in enumerate(lines, top):
        cells.write(start, row, f" {line:<{width}} ", Role.CURSOR_TEXT)


def _wrapped(parts: tuple[str, ...], width: int) -> list[str]:
    """The parts in as few lines of that width as hold them; none is cut in two."""
    lines: list[str] = []
    for part in map(printable, parts):
        if lines and len(lines[-1]) + len(_JOINT) + len(part) <= width:
            lines[-1] += _JOINT + part
        else:
            lines.append(part)
    return lines
