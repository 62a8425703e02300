"""Inside the model: the checks of the lecture's part 3, live, and what they mean.

Saturation of the hidden layer, gradients and the size of updates, layer by layer and over steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from core.protocol import AnyCommand, Diagnose
from tui.history.history import History
from tui.inside.histogram import HistogramView
from tui.inside.ratios import RatioView
from tui.inside.readings import Readings
from tui.inside.saying import CURVES, LEGEND, SHORT_CURVES, heading, sentences, spelled, state_text
from tui.inside.table import table
from tui.reader import News
from tui.screens.dialog import LiveDialog
from tui.widgets.inside_plot import InsidePlot

ROOMY = 34
"""Rows of the screen from which sentences are told whole."""
TURNS_PER_SECOND = 4
"""How often it sees whether it is time for a look."""


class Inside(LiveDialog[None]):
    """Asks for a look while the run changes the model; changes nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"inside--good", "inside--look", "inside--none"}

    DEFAULT_CSS = """
    Inside {
        .inside--good { color: $text-success; }
        .inside--look { color: $text-warning; }
        .inside--none { color: $text-muted; }
        #state, .heading { color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        .heading { display: none; }
        #upper { height: 8; }
        #histogram { width: 42; }
        #layers { width: 1fr; margin-left: 2; text-wrap: nowrap; text-overflow: ellipsis; }
        #ratios { height: 1fr; min-height: 3; }
        #sentences { text-wrap: nowrap; text-overflow: ellipsis; }
        &.-narrow #histogram { width: 22; }
        &.-broad #histogram { width: 84; }
        &.-least #upper { height: 7; }
        &.-least #hint { display: none; }
        &.-high {
            .heading { display: block; margin-top: 1; }
            #upper { height: 9; }
            #sentences { margin-top: 1; }
        }
        &.-lost #state { color: $text-error; }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide"), (160, "-broad")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-least"), (22, "-low"), (30, "-high")]  # noqa: RUF012

    def __init__(
        self,
        history: Callable[[], History],
        send: Callable[[AnyCommand], int | None],
        readings: Readings,
    ) -> None:
        """`history` gives the run as it is known now: after a new attach that is another one."""
        super().__init__()
        self._history, self._send, self._readings = history, send, readings

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title, box.border_subtitle = "Inside the model", LEGEND
            yield Static(id="state", markup=False)
            yield Static(id="heading", classes="heading", markup=False)
            with Horizontal(id="upper"):
                yield InsidePlot(id="histogram")
                yield Static(id="layers", markup=False)
            yield Static(CURVES, id="curves", classes="heading", markup=False)
            yield InsidePlot(id="ratios")
            yield Static(id="sentences", markup=False)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        self._readings.begin()
        self.set_interval(1 / TURNS_PER_SECOND, self._look)
        self._look()
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def overhear(self, news: Sequence[News]) -> None:
        stale = False
        for item in news:
            stale |= self._readings.hear(item)
        if stale:
            self._draw()

    def _look(self) -> None:
        """Ask anew where the run has moved on, and it is time."""
        history, readings, now = self._history(), self._readings, time.monotonic()
        here = (history.branch, history.step, history.knobs)
        if readings.wants(here, now):
            readings.ask(here, now, self._send(Diagnose()))
        self._tell()

    def _draw(self) -> None:
        readings, history = self._readings, self._history()
        newest = readings.newest
        if newest is not None:
            self.query_one("#histogram", InsidePlot).view = HistogramView(newest.counts)
            along = tuple(readings.along(history.lineage))
            self.query_one("#ratios", InsidePlot).view = RatioView(along)
            layers = self.query_one("#layers", Static)
            self.say("#layers", "\n".join(table(newest, layers.size.width)))
            column = layers.region.x - self.query_one("#heading").region.x
            self.say("#heading", heading(newest, max(column, 0)))
            self.say("#sentences", self._sentences())
        self._tell()

    def _sentences(self) -> Text:
        newest = self._readings.newest
        assert newest is not None
        width, whole = self.query_one("#sentences").size.width, self.size.height >= ROOMY
        lines = []
        for sentence in sentences(newest, self._history().config.model):
            mark, text = spelled(sentence, width, whole=whole)
            style = self.get_component_rich_style(f"inside--{sentence.level}", partial=True)
            lines.append(Text.assemble((mark, style), text))
        return Text("\n").join(lines)

    def _tell(self) -> None:
        history = self._history()
        self.set_class(bool(self._readings.reason), "-lost")
        state = "finished" if history.finished else "training" if history.running else "paused"
        self.say("#state", state_text(self._readings, state))
        leave = "Escape leaves; what was read stays"
        self.say(
            "#hint", leave if self.has_class("-high") else f"curves: {SHORT_CURVES} · Escape leaves"
        )
