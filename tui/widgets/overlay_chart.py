"""The loss chart with the curves of several runs: each has its letter beside its end."""

from __future__ import annotations

from textual.reactive import reactive

from tui.cells import Cells, Role
from tui.chart.layout import Frame, frame_of
from tui.chart.traces import beside
from tui.chart.view import GUTTER
from tui.comparing.overlay import End, Overlay
from tui.widgets.chart import LossChart


class OverlayChart(LossChart):
    """Draws an Overlay."""

    overlay: reactive[Overlay] = reactive(Overlay(), repaint=False)
    """What is drawn. The same value costs nothing."""

    def watch_overlay(self, overlay: Overlay) -> None:
        self.view = overlay.view

    def picture(self, width: int, height: int) -> Cells:
        cells = super().picture(width, height)
        frame = frame_of(self.view, width, height)
        if frame is not None:
            put_letters(self.overlay.ends, frame, cells)
        return cells


def put_letters(ends: tuple[End, ...], frame: Frame, cells: Cells) -> None:
    """Each beside the end of its curve, where no other letter stands; those of the lowest curves
    keep to the lowest places.
    """
    taken: set[tuple[int, int]] = set()
    for end in sorted(ends, key=lambda end: end.loss):
        row, column = frame.row(end.loss), frame.column(end.x)
        if column is None:
            continue
        if row is None:
            # Beyond the limits it ends at the edge.
            row = 0 if end.loss > frame.low else frame.height - 1
        near = beside(row, column, frame.height, frame.width)
        place = next((place for place in near if place not in taken), None)
        if place is not None:
            taken.add(place)
            role = Role.CURVE if end.bold else Role.OTHER
            cells.write(GUTTER + place[1], place[0], end.letter, role)
