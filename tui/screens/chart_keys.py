"""What keys and mouse do to the loss chart: which part of the run is in view, how, and what is read
out. The run itself is never touched.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.reactive import reactive
from textual.screen import Screen

from core.config import Knobs
from core.dataset import Dataset
from tui.chart import look as looks
from tui.chart.companions import LETTERS, Companion, lettered
from tui.chart.look import USUAL, Look
from tui.chart.view import ChartView, chart_view
from tui.history.history import History
from tui.widgets.chart import LossChart

ZOOM = 0.5
"""One press shows so much of what was in view."""
WHEEL = 0.8
"""So does one turn of the wheel."""
AT_ONCE = 0.03
"""Seconds between two looks that are drawn without waiting for a frame."""
PAN = 0.25
"""Share of what is in view by which one press moves."""


class ChartKeys(Screen[None]):
    """A screen with a LossChart; its subclass says in `draw_chart` when and with what it draws."""

    history: History
    dataset: Dataset

    _looked = 0.0
    """When a look was drawn at once."""

    look: reactive[Look] = reactive(USUAL, repaint=False)
    """How the chart is looked at."""
    companions: reactive[tuple[Companion, ...]] = reactive((), repaint=False)
    """Other runs whose curves stand behind this one."""
    proposed: reactive[Knobs | None] = reactive(None, repaint=False)
    """Knobs with a schedule that the person is thinking about."""

    def draw_chart(self) -> None:
        """Draw the chart as it is to be now."""
        raise NotImplementedError

    def draw_soon(self, *, below: bool = False) -> None:
        """Draw it with the next frame; `below`: even if a dialog lies over it."""
        raise NotImplementedError

    def view_now(
        self, references: tuple[tuple[float, str], ...], remark: str, invitation: str
    ) -> ChartView | None:
        """The view for the chart, or None before the first layout."""
        chart = self.query_one(LossChart)
        if not chart.plot_width:
            return None
        return chart_view(
            self.history,
            chart.plot_width,
            self.look,
            train_examples=self.dataset.splits["train"].examples,
            references=references,
            remark=remark,
            invitation=invitation,
            companions=self.companions,
            proposed=self.proposed,
            previous=chart.view,
        )

    def watch_look(self) -> None:
        # The wheel, or a drag, asks more often than anybody can see.
        if time.monotonic() - self._looked > AT_ONCE:
            self._looked = time.monotonic()
            self.draw_chart()
        else:
            self.draw_soon()

    def watch_companions(self) -> None:
        self.draw_chart()

    def watch_proposed(self) -> None:
        # A frame of its own: the dialog's must not wait for it.
        self.draw_soon(below=True)

    def propose(self, knobs: Knobs | None) -> None:
        """Draw ahead what these knobs would do; None: what is in force will do."""
        self.proposed = knobs

    def add_companion(self, companion: Companion) -> Companion | None:
        """Show the curve of another run; it comes back with its letter, or None if none is left."""
        if len(self.companions) == len(LETTERS):
            self.notify(f"{len(LETTERS)} other curves are shown; hide one first")
            return None
        companion = lettered(companion, self.companions)
        self.companions = (*self.companions, companion)
        return companion

    def hide_companion(self, directory: Path) -> None:
        """Take the curve of another run away."""
        hidden = directory.resolve()
        kept = (other for other in self.companions if other.directory.resolve() != hidden)
        self.companions = tuple(kept)

    def move_companion(self, before: Path, now: Path) -> None:
        """The run of such a curve has another directory now."""
        self.companions = tuple(
            replace(other, directory=now) if other.directory.resolve() == before else other
            for other in self.companions
        )

    # --- axes ------------------------------------------------------------------------------------

    def action_toggle_log(self) -> None:
        """Draw the loss on the other kind of axis."""
        self.look = replace(self.look, log_y=not self.look.log_y)

    def action_toggle_log_x(self) -> None:
        """Draw time on the other kind of axis."""
        self.look = replace(self.look, log_x=not self.look.log_x)

    def action_unit(self) -> None:
        """Count in steps, in epochs, in seconds of training."""
        view, train = self._view, self.dataset.splits["train"].examples
        unit = looks.next_unit(self.look.unit)
        self.look = looks.in_unit(self.look, unit, view, self.history.line(unit, train))

    def action_full_range(self) -> None:
        """Let the loss axis hold every spike, or only where the curve happens."""
        self.look = replace(self.look, full=not self.look.full)

    def action_smoothing(self) -> None:
        """Smooth the loss more, and after the most not at all."""
        self.look = looks.smoothed_on(self.look)
        self.notify(f"Smoothing: {self.look.smoothing or 'off'}", timeout=2)

    # --- the part in view ------------------------------------------------------------------------

    def action_zoom(self, inwards: bool) -> None:
        """Show half as much, or twice, around the cursor or else the newest step."""
        view = self._view
        step = self.look.cursor if self.look.cursor is not None else self.history.step
        place = float(view.axis.places(view.line.values_at(step)))
        factor = ZOOM if inwards else 1 / ZOOM
        self.look = looks.zoomed(self.look, view, factor, min(max(place, 0.0), 1.0))

    def action_pan(self, direction: int) -> None:
        """Show what came earlier, or later."""
        self.look = looks.moved(self.look, self._view, direction * PAN)

    def action_follow(self) -> None:
        """Keep the newest step in view, or hold still."""
        self.look = looks.following(self.look, self._view)

    def action_whole_run(self) -> None:
        """Show the whole run on its usual range, and read nothing out."""
        self.look = looks.shown_whole(self.look)

    # --- the cursor ------------------------------------------------------------------------------

    def action_cursor(self, cells: int) -> None:
        """Read out the step so many cells on; at first the newest in view."""
        view, width = self._view, self.query_one(LossChart).canvas_width
        if self.look.cursor is None or not width:
            at = float(view.line.steps_at(view.axis.high))
            self._put_cursor(min(int(at), self.history.step - 1))
            return
        place = view.axis.places(view.line.values_at(self.look.cursor)) + cells / width
        step = round(float(view.line.steps_at(view.axis.values(place))))
        # Zoomed in, or on a logarithmic axis, a cell may be less than a step.
        least = self.look.cursor + (1 if cells > 0 else -1)
        self._put_cursor(max(step, least) if cells > 0 else min(step, least))

    def action_to_mark(self, direction: int) -> None:
        """Read out the next act, or the one before."""
        steps = [step for step, _ in self._view.acts]
        now = self.look.cursor if self.look.cursor is not None else self.history.step + 1
        found = bisect_right(steps, now) if direction > 0 else bisect_left(steps, now) - 1
        if 0 <= found < len(steps):
            self._put_cursor(steps[found])
        else:
            self.notify("No act " + ("after" if direction > 0 else "before") + " this", timeout=2)

    def keep_cursor_on_the_run(self) -> None:
        """Where the step that is read out was undone, read out the newest."""
        if self.look.cursor is not None and self.look.cursor > self.history.step:
            self.look = replace(self.look, cursor=self.history.step)

    def hide_cursor(self) -> bool:
        """Read nothing out any more; False if nothing was."""
        had = self.look.cursor is not None
        self.look = replace(self.look, cursor=None)
        return had

    @on(LossChart.Pointed)
    def read_out(self, event: LossChart.Pointed) -> None:
        """Read out the step that was pointed to."""
        event.stop()
        view = self._view
        step = round(float(view.line.steps_at(view.axis.values(event.place))))
        # Past the end: the newest loss.
        self._put_cursor(min(step, self.history.step - 1))

    @on(LossChart.Wheeled)
    def turn_the_wheel(self, event: LossChart.Wheeled) -> None:
        """Zoom around the pointer, or move."""
        event.stop()
        if event.sideways:
            self.look = looks.moved(self.look, self._view, event.turns * PAN / 2)
        else:
            factor = WHEEL if event.turns < 0 else 1 / WHEEL
            self.look = looks.zoomed(self.look, self._view, factor, event.place)

    def _put_cursor(self, step: int) -> None:
        first, last = self.history.first, self.history.step
        look = replace(self.look, cursor=min(max(step, first), last))
        self.look = looks.with_cursor_in_view(look, self._view)

    @property
    def _view(self) -> ChartView:
        return self.query_one(LossChart).view
