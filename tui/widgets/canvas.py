"""A widget that shows a rectangle of cells, and paints only what differs from what stands there.

Textual would paint the whole widget for every new value, and for every new title. That takes most
of the time of a frame, and most of what is sent to the terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Self

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.cells import Cells

_TOGETHER = 8
"""Cells of a row painted together: Textual keeps every region that it was ever told of."""


class Canvas(Widget):
    """Its subclasses say in `picture` what stands in it, and call `repaint` when that changes."""

    ALLOW_SELECT = False

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._cells: Cells | None = None
        self._strips: list[Strip] = []
        self._paints: dict[int, Style] = {}
        self._words = ("", "")
        self._edge: Region | None = None

    def picture(self, width: int, height: int) -> Cells:
        """What is to be seen, in so many cells."""
        raise NotImplementedError

    def paint_of(self, code: int) -> Style:
        """How a cell of that role looks in the present theme."""
        raise NotImplementedError

    def spelled(self, text: str) -> str:
        """What is written for the glyphs of some cells: these, unless a glyph is a stand-in."""
        return text

    def repaint(self) -> None:
        """Make the picture anew, and paint the cells that differ."""
        before, (width, height) = self._cells, self.content_size
        if before is None or (before.width, before.height) != (width, height):
            self._cells = None
            self.refresh()
            return
        cells = self._cells = self.picture(width, height)
        differ = (cells.glyphs != before.glyphs) | (cells.roles != before.roles)
        regions = []
        for row in np.flatnonzero(differ.any(axis=1)).tolist():
            self._strips[row] = self._painted(cells, row)
            columns = np.flatnonzero(differ[row]) // _TOGETHER * _TOGETHER
            first, last = int(columns[0]), min(int(columns[-1]) + _TOGETHER, width)
            regions.append(Region(first, row, last - first, 1))
        if regions:
            self.refresh(*regions)

    def retitle(self, title: str, subtitle: str) -> None:
        """Write on the upper and the lower edge, and paint the one that differs."""
        gutter = self.styles.gutter
        width, height = self.outer_size.width, self.content_size.height
        before, self._words = self._words, (title, subtitle)
        if title != before[0]:
            self._edge = Region(-gutter.left, -gutter.top, width, 1)
            self.border_title = title
        if subtitle != before[1]:
            self._edge = Region(-gutter.left, height + gutter.bottom - 1, width, 1)
            self.border_subtitle = subtitle
        self._edge = None

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """As every widget's; while a title is written, of its edge alone."""
        if self._edge is not None and not (regions or layout or recompose):
            regions = (self._edge,)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """A change of theme paints anew."""
        super().notify_style_update()
        self._cells, self._paints = None, {}

    def render_line(self, y: int) -> Strip:
        """One row of the content."""
        width, height = self.content_size
        cells = self._cells
        if cells is None or (cells.width, cells.height) != (width, height):
            cells = self._cells = self.picture(width, height)
            self._strips = [self._painted(cells, row) for row in range(height)]
        return self._strips[y] if y < height else Strip.blank(width, self.rich_style)

    def _painted(self, cells: Cells, row: int) -> Strip:
        return painted(cells, row, self._paint, self.spelled)

    def _paint(self, code: int) -> Style:
        if code not in self._paints:
            self._paints[code] = self.paint_of(code)
        return self._paints[code]


def painted(
    cells: Cells, row: int, paint: Callable[[int], Style], text_of: Callable[[str], str] = str
) -> Strip:
    """A row of cells, each stretch of one role painted alike; `text_of` may spell what a cell
    stands for.
    """
    roles, text = cells.roles[row], cells.glyphs[row].tobytes().decode("utf-32-le")
    edges = [0, *(np.flatnonzero(np.diff(roles)) + 1).tolist(), len(roles)]
    codes = roles[edges[:-1]].tolist() if len(roles) else []
    spans = zip(pairwise(edges), codes, strict=False)
    return Strip([Segment(text_of(text[a:b]), paint(code)) for (a, b), code in spans], cells.width)
