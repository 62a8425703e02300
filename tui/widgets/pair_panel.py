"""The pairs of a list: the table with its cursor, what it says of a pair, what may follow."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from core.counting import PairTable
from tui.dataset.figures import NextTable
from tui.dataset.heatmap import PairView
from tui.dataset.readout import pair_text, part_text
from tui.embedding.symbols import Symbols
from tui.widgets.heatmap import Heatmap
from tui.widgets.rows import RowsPane

TITLE = " Pairs in train: a row's symbol, then a column's "
TITLE_OF_PART = " Pairs in train · {} "


class PairPanel(Horizontal):
    """The rows beside the table are those of its chosen row, the likeliest first."""

    DEFAULT_CSS = """
    PairPanel {
        #table { width: 1fr; }
        #map { height: 1fr; }
        #pair { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
        #following { width: 28; margin-left: 2; }
    }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="table"):
            yield Heatmap(id="map")
            yield Static(id="pair", markup=False)
        yield RowsPane("What follows", id="following")

    def on_mount(self) -> None:
        self.query_one(Heatmap).border_title = TITLE

    def show(self, pairs: PairTable, symbols: Symbols) -> None:
        """Show these pairs, and look at the most frequent one."""
        first, second = divmod(int(pairs.counts.argmax()), len(pairs.symbols))
        self.query_one(Heatmap).view = PairView(pairs, symbols, first, second)

    @on(Heatmap.Moved)
    def tell_of_the_pair(self, event: Heatmap.Moved) -> None:
        event.stop()
        heatmap, following = self.query_one(Heatmap), self.query_one("#following", RowsPane)
        view, drawn = heatmap.view, heatmap.drawn
        if view is None or drawn is None:
            return
        # Always two lines: nothing else on the screen moves.
        self.query_one("#pair", Static).update(pair_text(view), layout=False)
        part = part_text(view, drawn)
        heatmap.retitle(TITLE_OF_PART.format(part) if part else TITLE, "")
        table = NextTable(view.pairs, view.symbols, view.first, view.second)
        following.table = table
        following.show_row(table.place_of_second)

    @on(RowsPane.Picked)
    def look_at_what_was_clicked(self, event: RowsPane.Picked) -> None:
        event.stop()
        heatmap, table = self.query_one(Heatmap), event.pane.table
        if heatmap.view is not None and isinstance(table, NextTable):
            heatmap.view = heatmap.view.on(table.first, int(table.likeliest[event.row]))
            heatmap.focus()
