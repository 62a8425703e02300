"""The runs of the folder: found, sorted, compared; opened, attached, resumed, forked from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widgets import Input, Static

from core.config import RunConfig
from core.differing import Facts
from core.errors import UserError
from tui.chart.companions import differences_text
from tui.comparing.board import Board
from tui.comparing.overlay import Entrant, overlay
from tui.comparing.reading import Shelf, list_key, with_letters
from tui.comparing.settings import DIFFERS, SettingsTable, Side
from tui.comparing.table import RunTable
from tui.inspector.bars import fit, wrap
from tui.screens.run_deeds import DOING
from tui.screens.run_keys import LOOKING
from tui.screens.run_reading import RunReading
from tui.telling import printable
from tui.widgets.key_line import KeyLine
from tui.widgets.overlay_chart import OverlayChart
from tui.widgets.rows import RowsPane
from tui.widgets.runs_list import RunsList

DETAIL_LINES = 2
"""Lines below the list that tell of the run under the cursor."""


class Runs(RunReading):
    """Dismissed with `open`, `resume`, `fork`, `show` or `hide` and a run's directory, or None."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Runs {
        #filter { border: none; height: 1; padding: 0; background: $boost; display: none; }
        #list { height: 1fr; }
        #below { height: 1fr; display: none; }
        #settings { display: none; }
        #chart { width: 1fr; }
        #detail { width: 100%; height: auto; min-height: 2; max-height: 7; color: $text-muted; }
        &.-wrong #detail { color: $text-error; }
        KeyLine { dock: none; background: $surface; padding: 0; }
        &.-at-curves #below, &.-at-settings #below, &.-high #below { display: block; }
        &.-at-curves #list, &.-at-settings #list { display: none; }
        &.-high #list { display: block; }
        &.-high #below { height: 55%; }
        &.-at-settings #chart { display: none; }
        &.-at-settings #settings { display: block; }
    }
    """

    def __init__(
        self,
        here: Path,
        ours: Facts,
        shown: Collection[Path],
        config: RunConfig,
        train_examples: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`here` is the run on the screen, `ours` what it can differ in; `shown`: curves that stand
        behind it now. `now` is the clock by which ages are told, in seconds since 1970.
        """
        super().__init__(Board(here.resolve()), Shelf(train_examples, list_key(config)))
        self._ours, self._shown, self._now = ours, frozenset(shown), now
        self._known: dict[Path, Entrant] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Runs"
            yield Input(
                placeholder="lr>0.05 dev<2.2 state=finished, or part of a name", id="filter"
            )
            yield RunsList(id="list")
            with Horizontal(id="below"):
                yield OverlayChart(id="chart")
                yield RowsPane("Settings", id="settings", focusable=False)
            yield Static("reading the records …", id="detail", markup=False)
            yield KeyLine([binding.id or "" for binding in LOOKING])
            yield KeyLine([binding.id or "" for binding in DOING])

    @property
    def ours(self) -> Facts:
        return self._ours

    @property
    def shown(self) -> frozenset[Path]:
        return self._shown

    # --- showing ----------------------------------------------------------------------------------

    def show_board(self, said: str = "", *, wrong: bool = False, aged: bool = False) -> None:
        """Show how things stand; `said` tells what the last key did. `aged`: show the ages anew."""
        if not (self.is_mounted and self.is_attached):
            return
        board, letters, rows = self.board, self.board.letters, self.query_one(RunsList)
        self.said, self.wrong = said, wrong
        self.set_class(wrong, "-wrong")
        sparks = dict(self.shelf.sparks)
        table = RunTable(
            board.shown, board.order, letters, self._shown, board.here, sparks, self._now
        )
        if aged or not isinstance(rows.table, RunTable) or not table.shows_the_same(rows.table):
            rows.table = table
        rows.cursor = board.row
        self._show_comparison(letters)
        box, title = self.query_one("#box"), self._title()
        if box.border_title != title:
            box.border_title = title
        width = self.query_one("#detail").content_size.width
        self.say("#detail", said or shortened(self._detail(), width))
        seen = [board.shown[at].directory for at in rows.in_view if at < len(board.shown)]
        self.want(list(letters), seen)

    def _show_comparison(self, letters: dict[Path, str]) -> None:
        board, chart = self.board, self.query_one(OverlayChart)
        with_letters(self.shelf, letters, self._known)
        if chart.plot_width:
            entrants = [self._known[path] for path in letters if path in self._known]
            bold = board.at if board.at in letters else board.here
            why = self.shelf.reasons.get(bold, "reading the losses …") if bold else ""
            chart.overlay = overlay(
                entrants, chart.plot_width, self._look, bold, chart.overlay, printable(why)
            )
        settings = self.query_one("#settings", RowsPane)
        sides = [
            Side(letter, run, self._ours if board.is_here(run) else run.facts)
            for path, letter in letters.items()
            if (run := board.runs.get(path)) is not None
        ]
        table = SettingsTable(sides, self._whole)
        settings.table = table
        differ = f"{table.differing} differ{'s' * (table.differing == 1)}, {DIFFERS}"
        differ = differ if table.differing else "none differs"
        title = f" Settings, {differ} · a: {'those that differ' if self._whole else 'all'} "
        if settings.border_title != title:
            settings.border_title = title

    def _title(self) -> str:
        board = self.board
        count = f"{len(board.runs):,}"
        if board.narrowed:
            count = f"{len(board.shown):,} of {count}"
        order = board.order
        by = "newest first"
        if order is not None:
            by = f"by {order.field.short}, the {'highest' if order.reverse else 'lowest'} first"
        marked = f" · {len(board.marked)} marked (u: none)" if board.marked else ""
        return f"Runs · {count}{' …' if self.listing else ''} · {by}{marked}{self.explains}"

    def _detail(self) -> str:
        run = self.board.run
        if self.query_one("#filter", Input).has_focus and run is not None:
            return "Enter keeps the filter · Escape gives it up · ↑ ↓ go through the runs"
        if run is None:
            if self.listing:
                return "reading the records …"
            return "no run is meant by this filter" if self.board.runs else "no run here yet"
        name = printable(run.run)
        if run.why:
            return printable(run.why)
        if self.board.is_here(run):
            return f"{name}: the run on the screen"
        behind = ", its curve stands behind" if run.directory in self._shown else ""
        return f"{name}{behind} · here: {differences_text(self._ours, run.facts)}"

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.show_again)

    # --- keys and mouse ---------------------------------------------------------------------------

    @on(RowsPane.Picked, "#list")
    def go_to_row(self, event: RowsPane.Picked) -> None:
        event.stop()
        self.board.go(event.row)
        self.show_board()

    @on(RunsList.HeadPicked)
    def sort_by_heading(self, event: RunsList.HeadPicked) -> None:
        event.stop()
        self.board.sort_by(event.field)
        self.show_board()

    @on(RunsList.Scrolled)
    def read_what_came_into_view(self, event: RunsList.Scrolled) -> None:
        event.stop()
        self.show_again()

    @on(Input.Changed, "#filter")
    def narrow(self, event: Input.Changed) -> None:
        """Show only what is meant, with every character typed."""
        event.stop()
        try:
            self.board.narrow(event.value)
        except UserError as error:
            self.show_board(f"✗ {error}", wrong=True)
        else:
            self.show_board()

    @on(Input.Submitted, "#filter")
    def keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        # One that cannot be read stays to be mended.
        if not self.wrong:
            self._to_list()


def shortened(text: str, width: int) -> str:
    """In two lines of that width, cut with `…`."""
    lines = wrap(text, max(width, 1))
    if len(lines) <= DETAIL_LINES:
        return text
    *kept, last = lines[:DETAIL_LINES]
    return "\n".join([*kept, fit(f"{last.rstrip()} …", width).rstrip()])
