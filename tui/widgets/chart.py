"""The loss chart. The one file that imports plotext: everything else hands it values.

plotext rasterises the curves, in palette slots that stand for roles; the cells come back here, get
dots, lines and the band behind and the labels before them, and are painted from the theme.
It aborts the process on what it cannot draw, so all data go to it through one door, `_door`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from rich.style import Style
from textual.events import (
    MouseDown,
    MouseEvent,
    MouseMove,
    MouseScrollDown,
    MouseScrollLeft,
    MouseScrollRight,
    MouseScrollUp,
)
from textual.message import Message
from textual.reactive import reactive

from tui.ascii import holds_for
from tui.cells import ON_BAND, Cells, Role
from tui.chart import layout
from tui.chart.cursor import draw_cursor
from tui.chart.layout import Frame
from tui.chart.rate_strip import draw_strip
from tui.chart.traces import LEFT_HERE, trace
from tui.chart.view import GUTTER, ChartView
from tui.widgets.canvas import Canvas

_GROUND = 63
"""Palette slot of the background; without one plotext adds its own white."""
_SLOT = 16
"""Palette slot of role 0; the others follow."""
_RUN = re.compile(r"\x1b\[38;5;(\d+)m\x1b\[48;5;\d+m([^\x1b]*)|\x1b\[0m([^\x1b]+)")

_CLASSES = {
    Role.AXIS: "chart--axis",
    Role.REFERENCE: "chart--reference",
    Role.MARK: "chart--mark",
    Role.RAW: "chart--raw",
    Role.CURVE: "chart--curve",
    Role.TRAIN: "chart--train",
    Role.DEV: "chart--dev",
    Role.LABEL: "chart--reference",
    Role.MARK_LABEL: "chart--mark-label",
    Role.BAND: "chart--band",
    Role.BAND_EDGE: "chart--band",
    Role.ABANDONED: "chart--abandoned",
    Role.OTHER: "chart--other",
    Role.RATE: "chart--rate",
    Role.RATE_AHEAD: "chart--rate-ahead",
    Role.CURSOR: "chart--cursor",
    Role.CURSOR_TEXT: "chart--cursor-text",
}


class LossChart(Canvas):
    """Draws a ChartView: smoothed loss over the band of the raw loss, evaluations, lines, acts;
    what was undone dim; the strip of rates below.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--axis",
        "chart--band",
        "chart--raw",
        "chart--curve",
        "chart--abandoned",
        "chart--other",
        "chart--dev",
        "chart--train",
        "chart--reference",
        "chart--mark",
        "chart--mark-label",
        "chart--rate",
        "chart--rate-ahead",
        "chart--cursor",
        "chart--cursor-text",
    }
    DEFAULT_CSS = """
    LossChart {
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $text-muted;
        .chart--axis { color: $text-muted; }
        .chart--band { color: $primary 20%; }
        .chart--raw { color: $primary; }
        .chart--curve { color: $foreground; text-style: bold; }
        .chart--abandoned { color: $foreground 60%; }
        .chart--other { color: $accent; }
        .chart--dev { color: $warning; text-style: bold; }
        .chart--train { color: $success; }
        .chart--reference { color: $text-muted; }
        .chart--mark { color: $text-secondary; }
        .chart--mark-label { color: $text-secondary; }
        .chart--rate { color: $text-accent; text-style: bold; }
        .chart--rate-ahead { color: $text-accent 70%; }
        .chart--cursor { color: $text-warning; text-style: bold; }
        .chart--cursor-text { color: $foreground; background: $surface; }
    }
    """

    view: reactive[ChartView] = reactive(ChartView(), repaint=False)
    """What is drawn. A new value draws anew; the same value costs nothing."""

    class Pointed(Message):
        """Somebody pointed to a place of the horizontal axis, from 0 to 1."""

        def __init__(self, place: float) -> None:
            super().__init__()
            self.place = place

    class Wheeled(Message):
        """The wheel was turned over a place: down, or to the right, where `turns` is above 0."""

        def __init__(self, place: float, turns: int, sideways: bool) -> None:
            super().__init__()
            self.place = place
            self.turns = turns
            self.sideways = sideways

    @property
    def canvas_width(self) -> int:
        """Cells of the horizontal axis."""
        return max(self.plot_width - GUTTER, 0)

    @property
    def plot_width(self) -> int:
        """Cells of content, for `chart_view(width=…)`; 0 before the first layout."""
        return int(self.content_size.width)

    def on_mount(self) -> None:
        self.call_after_refresh(_plotext)

    def watch_view(self, view: ChartView) -> None:
        self.retitle(view.title, view.subtitle)
        self.repaint()

    def on_mouse_down(self, event: MouseDown) -> None:
        self._point(event)

    def on_mouse_move(self, event: MouseMove) -> None:
        if event.button:
            self._point(event)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, -1, event.shift or event.ctrl)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, 1, event.shift or event.ctrl)

    def on_mouse_scroll_left(self, event: MouseScrollLeft) -> None:
        self._wheel(event, -1, True)

    def on_mouse_scroll_right(self, event: MouseScrollRight) -> None:
        self._wheel(event, 1, True)

    def _point(self, event: MouseEvent) -> None:
        if (place := self._place(event)) is not None:
            self.post_message(self.Pointed(place))

    def _wheel(self, event: MouseEvent, turns: int, sideways: bool) -> None:
        event.stop()
        if (place := self._place(event)) is not None:
            self.post_message(self.Wheeled(place, turns, sideways))

    def _place(self, event: MouseEvent) -> float | None:
        at = event.get_content_offset(self)
        if at is None or at.x < GUTTER or not self.canvas_width:
            return None
        return (at.x - GUTTER + 0.5) / self.canvas_width

    def picture(self, width: int, height: int) -> Cells:
        """The chart as it is to be seen."""
        cells = draw(self.view, width, height)
        if holds_for(self):
            cells.dot_the_band()
        return cells

    def paint_of(self, code: int) -> Style:
        """Roles have the colours of the theme; on the band, its colour lies behind them."""
        role, on_band = Role(code % ON_BAND), code >= ON_BAND
        ground: Style = self.rich_style
        band = self.get_component_rich_style("chart--band")
        if role == Role.BAND_EDGE:
            return Style(color=ground.bgcolor, bgcolor=band.color)
        if role == Role.BAND and holds_for(self):
            # Colons cover less of a cell than blocks do.
            return ground + self.get_component_rich_style("chart--raw")
        style = ground + self.get_component_rich_style(_CLASSES[role]) if role else ground
        return style + Style(bgcolor=band.color) if on_band else style


def draw(view: ChartView, width: int, height: int) -> Cells:
    """The whole picture, or an invitation where there is nothing to show yet."""
    frame = layout.frame_of(view, width, height)
    if frame is None:
        return Cells(width, height)
    if not (len(view.curves) or view.dev or view.train or view.abandoned or view.others):
        cells = Cells(width, height)
        text = view.invitation[:width]
        cells.write((width - len(text)) // 2, height // 2, text, Role.LABEL)
        return cells
    canvas = _rasterised(view, frame)
    layout.put_dots(view, frame, canvas)
    layout.rule_lines(view, frame, canvas)
    trace(tuple((LEFT_HERE, curve) for curve in view.abandoned), frame, canvas, Role.ABANDONED)
    trace(view.others, frame, canvas, Role.OTHER)
    layout.label_marks(view, frame, canvas)
    layout.label_references(view, frame, canvas)
    if not view.sparse.all():
        canvas.band(*layout.band(view, frame))
    cells = layout.surround(canvas, view, frame, height)
    if frame.strip:
        draw_strip(view, frame, cells)
    if view.reading is not None:
        draw_cursor(view.reading, frame, cells)
    return cells


@cache
def _plotext() -> Any:
    """The library, loaded after the first paint: it takes a quarter of the time until then."""
    import plotext  # type: ignore[import-untyped]

    plotext.terminal.limit(False, False)
    return plotext


def _rasterised(view: ChartView, frame: Frame) -> Cells:
    plotext = _plotext()
    figure = type(plotext.figure)(plotext.terminal)
    figure.plot_size(frame.width, frame.height)
    figure.axes(False)
    figure.canvas("default")
    for axis, end in (("x", frame.width), ("y", frame.height)):
        figure.ruler(axis).lim(0, end).ticks([]).alignment(lim="edge")
    curves = view.curves
    sparse = view.sparse[curves.column]
    if sparse.any():
        # Where it is a band there is no line, not even across.
        raw = np.where(sparse[:, None], np.stack([curves.low, curves.high], axis=1), np.nan)
        _door(figure, frame, np.repeat(curves.x, 2), raw.ravel(), Role.RAW)
    _door(figure, frame, curves.x, curves.smooth, Role.CURVE)
    return _cells(figure.build().string(), frame)


def _door(figure: Any, frame: Frame, values: ArrayLike, losses: ArrayLike, role: Role) -> None:
    """Hand one curve to plotext: finite, inside the canvas, not joined over a gap.

    Losses beyond the limits are drawn on the edge where the curve enters or leaves, else left out.
    """
    xs, ys = frame.across(values), frame.up(losses)
    known = np.isfinite(xs) & np.isfinite(ys) & (xs >= 0) & (xs <= frame.width)
    inside = known & (ys >= 0) & (ys <= frame.height)
    kept = inside.copy()
    kept[1:] |= inside[:-1] & known[1:]
    kept[:-1] |= inside[1:] & known[:-1]
    places = np.flatnonzero(kept)
    if not len(places):
        return
    x, y = xs[places], np.clip(ys[places], 0, frame.height)
    plotext = _plotext()
    marker = plotext.marker("braille", plotext.pixel(_SLOT + role, _GROUND))
    signal = figure.signal(x.tolist(), y.tolist(), marker=marker).lines()
    for place in (np.flatnonzero(np.diff(places) > 1) + 1).tolist():
        signal.line(place, False)
    # The colours in use matter only to plotext's automatic colours, and take it half the frame.
    signal._get_unique_pixels = list
    figure.draw(signal)


def _cells(ansi: str, frame: Frame) -> Cells:
    """plotext's rows as cells, the palette slots read back as roles."""
    cells = Cells(frame.width, frame.height)
    for row, line in enumerate(ansi.split("\n")[: frame.height]):
        runs = [(int(slot or _SLOT) - _SLOT, a or b) for slot, a, b in _RUN.findall(line)]
        text = "".join(text for _, text in runs)[: frame.width]
        roles = np.repeat([role for role, _ in runs], [len(text) for _, text in runs])
        cells.glyphs[row, : len(text)] = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        cells.roles[row, : len(text)] = roles[: frame.width]
    return cells
