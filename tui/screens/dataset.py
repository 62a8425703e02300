"""The list that a run trains on, at length: its figures, its pairs, and every word.

All of it is counted beside the screen, part by part. It is of the list alone: so it needs no
engine, and does not follow one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from core.counting import Lengths, PairTable, count_lengths, count_pairs
from core.dataset import Dataset, symbol_counts
from core.lexicon import Lexicon, lexicon
from tui.dataset.arrangement import SECTIONS, WIDE, Page, Section, page_name, pages
from tui.dataset.figures import LengthTable, SymbolTable
from tui.dataset.splits import SplitTable
from tui.embedding.symbols import Symbols
from tui.screens.dialog import LargeDialog
from tui.widgets.pages import PageLine
from tui.widgets.pair_panel import PairPanel
from tui.widgets.rows import RowsPane
from tui.widgets.word_browser import WordBrowser

STOPS: dict[str, Section] = {
    "symbols": "list",
    "lengths": "list",
    "splits": "splits",
    "map": "pairs",
    "following": "pairs",
    "search": "words",
    "examples": "words",
}
"""Where Tab goes, and the section of each; the first of a section is its main one."""
WAYS = {
    "map": (
        "arrows, a typed symbol or a click: another pair · Enter: shade by P, or by times",
        "arrows or a symbol: the pair · Enter: P or times",
    ),
    "search": (
        "type to search: .a begins with a, a. ends with it · ↑ ↓ word · ctrl+o order",
        "type to search (.a, a.) · ↑ ↓ · ctrl+o order",
    ),
}
"""What can be done at stops that always take keys; shorter where that has no room."""
SCROLL = "↑ ↓ scroll"
"""At the other ones, where there is more than fits."""


class DatasetView(LargeDialog[None]):
    """Lengths, symbols, splits, pairs and words; Tab goes from one to the next."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "next", show=False),
        Binding("shift+tab", "turn(-1)", "before", show=False),
    ]

    DEFAULT_CSS = """
    DatasetView {
        background: $surface;
        #sections, #upper { height: 1fr; }
        #left { width: 1fr; }
        #symbols { width: 1fr; margin-left: 2; }
        &.-both #splits { height: 15; }
        &.-all {
            #upper { height: 33; }
            #figures { width: 77; }
            #left { width: 41; }
            #splits { height: 16; }
            #pairs { margin-left: 2; }
            #words { margin-top: 1; }
        }
    }
    """

    stops: ClassVar[Mapping[str, Section]] = STOPS
    ways: ClassVar[Mapping[str, tuple[str, ...]]] = WAYS

    @dataclass
    class FiguresCounted(Message):
        """Lengths and symbols are known."""

        lengths: Lengths
        symbols: NDArray[np.int64]

    @dataclass
    class PairsCounted(Message):
        """The bigram table is known."""

        pairs: PairTable

    @dataclass
    class WordsCounted(Message):
        """The distinct words are known."""

        lexicon: Lexicon

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self._dataset = dataset
        self._pages: tuple[Page, ...] = (SECTIONS,)
        self._page: Page = SECTIONS

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Dataset"
            yield PageLine(id="pages", numbered=False)
            with Vertical(id="sections"):
                with Horizontal(id="upper"):
                    with Horizontal(id="figures"):
                        with Vertical(id="left"):
                            yield RowsPane("Lengths", id="lengths")
                            yield RowsPane("Splits", id="splits")
                        yield RowsPane("Symbols", id="symbols")
                    yield PairPanel(id="pairs")
                yield WordBrowser(self._dataset, id="words")
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        self._arrange()
        self._go("symbols")
        self._count()

    def on_resize(self, event: Resize) -> None:
        self._arrange()

    @work(thread=True, exclusive=True, exit_on_error=False, group="count")
    def _count(self) -> None:
        worker, dataset = get_current_worker(), self._dataset
        self.post_message(self.FiguresCounted(count_lengths(dataset), symbol_counts(dataset)))
        if not worker.is_cancelled:
            self.post_message(self.PairsCounted(count_pairs(dataset)))
        if not worker.is_cancelled:
            self.post_message(self.WordsCounted(lexicon(dataset)))

    @on(FiguresCounted)
    def take_figures(self, event: FiguresCounted) -> None:
        self._show_figures(event.lengths, event.symbols)

    def _show_figures(self, lengths_of: Lengths, counts: NDArray[np.int64]) -> None:
        lengths, symbols = self._pane("lengths"), self._pane("symbols")
        order = tuple(np.argsort(-counts, kind="stable").tolist())
        lengths.table = LengthTable(lengths_of)
        lengths.border_title = f" Lengths, mean {lengths_of.mean:.1f} "
        symbols.table = SymbolTable(counts, Symbols(self._dataset.itos, order))
        symbols.border_title = f" Symbols, {len(counts):,} "
        self.call_after_refresh(self._hint)

    @on(PairsCounted)
    def show_pairs(self, event: PairsCounted) -> None:
        self.query_one(PairPanel).show(event.pairs, Symbols.of(self._dataset))
        self.query_one(WordBrowser).take_pairs(event.pairs)

    @on(WordsCounted)
    def take_words(self, event: WordsCounted) -> None:
        self._show_words(event.lexicon)

    def _show_words(self, lexicon: Lexicon) -> None:
        words, distinct = len(self._dataset.words), len(lexicon.words)
        self.query_one(
            "#box"
        ).border_subtitle = (
            f"{words:,} words · {distinct:,} distinct · {self._dataset.vocab_size:,} symbols"
        )
        self._pane("splits").table = SplitTable(self._dataset, lexicon)
        self.query_one(WordBrowser).take_lexicon(lexicon)

    @on(PageLine.Chosen)
    def turn_to(self, event: PageLine.Chosen) -> None:
        """Show the page that was clicked."""
        event.stop()
        self._go(next(stop for stop, section in self.stops.items() if section == event.page))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say what the keyboard can do there, once it is clear what fits."""
        self.call_after_refresh(self._hint)

    def action_turn(self, by: int) -> None:
        """Go on to the next part that has something for the keyboard to do."""
        stops = list(self.stops)
        at = stops.index(self._stop)
        ahead = (stops[(at + by * away) % len(stops)] for away in range(1, len(stops)))
        if (stop := next(filter(self._is_worth_a_stop, ahead), None)) is not None:
            self._go(stop)

    @property
    def _stop(self) -> str:
        """What has the keyboard."""
        id = self.focused.id if self.focused is not None else None
        return id if id is not None and id in self.stops else "symbols"

    def _arrange(self) -> None:
        """Make pages of what does not fit together, and stay with what has the keyboard."""
        width, height = self.app.size
        self._pages = self._pages_in(width, height)
        self.set_class(len(self._pages) == 1, "-all")
        line = self.query_one(PageLine)
        line.display = len(self._pages) > 1
        line.pages = {page[0]: self._name_of(page) for page in self._pages}
        for following in self.query("#following"):
            following.display = width >= WIDE
        self._show_page(self._page_of(self._stop))
        self.call_after_refresh(self._hint)

    def _pages_in(self, width: int, height: int) -> tuple[Page, ...]:
        return pages(width, height)

    def _name_of(self, page: Page) -> str:
        return page_name(page)

    def _hint(self) -> None:
        widget, ways = self.query_one(f"#{self._stop}"), self.ways.get(self._stop, ("",))
        if isinstance(widget, RowsPane) and widget.is_scrollable_here:
            ways = (SCROLL,)
        room = self.query_one("#hint").content_size.width
        hints = [" · ".join(filter(None, ("Tab: next", way, "Escape leaves"))) for way in ways]
        self.say("#hint", next((hint for hint in hints if cell_len(hint) <= room), hints[-1]))

    def _show_page(self, page: Page) -> None:
        self._page = page
        self.query_one(PageLine).page = page[0]
        self.set_class("list" in page and "splits" in page, "-both")
        figures = "list" in page or "splits" in page
        shown = {
            "lengths": "list" in page,
            "symbols": "list" in page,
            "splits": "splits" in page,
            "left": figures,
            "figures": figures,
            "pairs": "pairs" in page,
            "upper": figures or "pairs" in page,
            "words": "words" in page,
        }
        for id, display in shown.items():
            for part in self.query(f"#{id}"):
                part.display = display

    def _page_of(self, stop: str) -> Page:
        return next(page for page in self._pages if self.stops[stop] in page)

    def _is_worth_a_stop(self, stop: str) -> bool:
        page = self._page_of(stop)
        if page != self._page:
            return stop == next(name for name, section in self.stops.items() if section in page)
        widget = self.query_one(f"#{stop}")
        return stop in self.ways or (isinstance(widget, RowsPane) and widget.is_scrollable_here)

    def _go(self, stop: str) -> None:
        """Show a part, and give it the keyboard."""
        self._show_page(self._page_of(stop))
        self.query_one(f"#{stop}", Widget).focus()

    def _pane(self, id: str) -> RowsPane:
        return self.query_one(f"#{id}", RowsPane)
