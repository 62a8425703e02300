"""The keys of the list of runs that only look, sort and compare: they change no run.

Apart from the view, which reads the runs and shows what stands on the board.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from core.errors import UserError
from tui.chart.look import USUAL, Look, next_unit, smoothed_on
from tui.comparing.board import Board
from tui.comparing.table import SORTED_BY
from tui.screens.run_deeds import DOING, RunDeeds, key
from tui.widgets.rows import RowsPane
from tui.widgets.runs_list import RunsList

PAGES = ("list", "curves", "settings")
FAR = 10


LOOKING = (
    key("space", "mark", "mark", "Compare this run, or compare it no more", "space"),
    key("s", "next_order(1)", "sort", "By the next column; < and > do the same"),
    key("S", "reverse", "reverse", "The other way about"),
    key("slash", "filter", "filter", "Only those meant, as in lr>0.05 dev<2.2", "/"),
    key("tab", "turn(1)", "next", "List, curves, settings side by side", "Tab"),
    key("v", "unit", "unit", "Curves on steps, epochs or seconds"),
    key("y", "toggle_log", "log y", "Loss on a logarithmic axis, or not"),
    key("a", "every_setting", "all", "The settings that are the same in all, too"),
)
MOVING: tuple[BindingType, ...] = (
    Binding("up", "move(-1)", "run above", show=False),
    Binding("down", "move(1)", "run below", show=False),
    Binding("pageup", f"far(-{FAR})", "runs above", show=False),
    Binding("pagedown", f"far({FAR})", "runs below", show=False),
    Binding("home", "move(-1_000_000)", "first run", show=False),
    Binding("end", "move(1_000_000)", "last run", show=False),
    Binding("less_than_sign", "next_order(-1)", "sort back", show=False),
    Binding("greater_than_sign", "next_order(1)", "sort on", show=False),
    Binding("shift+tab", "turn(-1)", "back", show=False),
    Binding("u", "unmark", "mark none", show=False),
    Binding("w", "smoothing", "smoothing", show=False),
    Binding("X", "toggle_log_x", "log steps", show=False),
)


class RunKeys(RunDeeds):
    """Moves about on a board of runs."""

    BINDINGS: ClassVar[list[BindingType]] = [*LOOKING, *DOING, *MOVING]

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._look: Look = USUAL
        self._page = PAGES[0]
        self._whole = False
        """Settings that are the same in all are shown too."""

    def action_filter(self) -> None:
        """To the filter."""
        field = self.query_one("#filter", Input)
        # At once: what is typed next must not reach the keys of the list.
        field.display = True
        self.set_focus(field)

    def action_leave(self) -> None:
        """Out of the filter, which is then given up; else back to the run."""
        field = self.query_one("#filter", Input)
        if field.has_focus:
            field.value = ""
            self._to_list()
        else:
            self.dismiss(None)

    def _to_list(self) -> None:
        field = self.query_one("#filter", Input)
        self.set_focus(None)
        field.display = bool(field.value.strip())
        self.call_after_refresh(self.show_again)

    def action_move(self, by: int) -> None:
        """To another run; where only settings are to be seen, to other rows of them."""
        settings = self.query_one("#settings", RowsPane)
        if self._page == "settings" and not self.query_one(RunsList).display:
            settings.scroll_relative(y=by, animate=False)
            return
        self.board.move(by)
        self.show_board()

    def action_far(self, by: int) -> None:
        """Many runs on; while settings are to be seen, many rows of them."""
        settings = self.query_one("#settings", RowsPane)
        if settings.is_scrollable_here:
            settings.scroll_relative(y=by, animate=False)
        else:
            self.action_move(by)

    def action_mark(self) -> None:
        """Compare the run under the cursor, or no more, and go on to the next."""
        try:
            self.board.mark()
        except UserError as error:
            self.show_board(f"✗ {error}", wrong=True)
        else:
            self.board.move(1)
            self.show_board()

    def action_unmark(self) -> None:
        """Mark none."""
        self.board.marked = ()
        self.show_board()

    def action_next_order(self, by: int) -> None:
        """Sort by the next column."""
        self.board.next_order(SORTED_BY, by)
        self.show_board()

    def action_reverse(self) -> None:
        """Sort the other way about."""
        self.board.reverse()
        self.show_board()

    def action_turn(self, by: int) -> None:
        """List, curves, settings; where the list stays in view, only the two."""
        pages = [page for page in PAGES if page != "list" or self.has_class("-low")]
        at = pages.index(self._page) if self._page in pages else 0
        self._page = pages[(at + by) % len(pages)]
        for page in PAGES:
            self.set_class(page == self._page, f"-at-{page}")
        self.call_after_refresh(self.show_again)

    def action_unit(self) -> None:
        """Curves on steps, epochs or seconds."""
        self._look = replace(self._look, unit=next_unit(self._look.unit))
        self.show_board()

    def action_toggle_log(self) -> None:
        """The loss on the other kind of axis."""
        self._look = replace(self._look, log_y=not self._look.log_y)
        self.show_board()

    def action_toggle_log_x(self) -> None:
        """Steps, epochs or seconds on the other kind of axis: a short run beside a long one."""
        self._look = replace(self._look, log_x=not self._look.log_x)
        self.show_board()

    def action_smoothing(self) -> None:
        """Smooth the losses more, less, not at all."""
        self._look = smoothed_on(self._look)
        self.show_board()

    def action_every_setting(self) -> None:
        """Those that are the same in all too, or not."""
        self._whole = not self._whole
        self.show_board()
