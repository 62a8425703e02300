"""The text that a run trains on, at length: its sentences, its words, its parts, and every word in
its contexts.

As the view of a list, with other panes. Without a table of pairs: of thousands of words most stand
next to each other once or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from core.counting import Lengths, count_lengths
from core.dataset import symbol_counts
from core.lexicon import Lexicon, lexicon
from core.text import Text
from tui.dataset.arrangement import Page, Section, page_name_of_texts, pages_of_texts
from tui.dataset.figures import LengthTable
from tui.dataset.frequent import FrequentTable
from tui.dataset.parts import PartTable
from tui.screens.dataset import DatasetView
from tui.widgets.pages import PageLine
from tui.widgets.rows import RowsPane
from tui.widgets.text_browser import TextBrowser


class TextView(DatasetView):
    """Sentences, frequent words, parts and contexts; Tab goes from one to the next."""

    DEFAULT_CSS = """
    TextView {
        #left { width: 5fr; }
        #symbols { width: 6fr; }
        &.-both #splits { height: 16; }
        &.-all {
            #figures { width: 1fr; }
            #left { width: 5fr; }
        }
    }
    """
    stops: ClassVar[Mapping[str, Section]] = {
        "symbols": "list",
        "lengths": "list",
        "splits": "splits",
        "search": "words",
        "examples": "words",
    }
    ways: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "search": (
            "type to search · ↑ ↓ word · ctrl+o order",
            "type to search · ↑ ↓ · ctrl+o order",
        ),
    }

    @dataclass
    class PartsCounted(Message):
        """It is known how much of dev stands in train."""

        parts: PartTable

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Dataset"
            yield PageLine(id="pages", numbered=False)
            with Vertical(id="sections"):
                with Horizontal(id="upper"), Horizontal(id="figures"):
                    with Vertical(id="left"):
                        yield RowsPane("Sentences", id="lengths")
                        yield RowsPane("Parts", id="splits")
                    yield RowsPane("Words", id="symbols")
                yield TextBrowser(self._text, id="words")
            yield Static(id="hint", markup=False)

    @work(thread=True, exclusive=True, exit_on_error=False, group="count")
    def _count(self) -> None:
        worker, text = get_current_worker(), self._text
        self.post_message(self.FiguresCounted(count_lengths(text), symbol_counts(text)))
        if not worker.is_cancelled:
            found = lexicon(text)
            self.post_message(self.WordsCounted(found))
            self.post_message(self.PartsCounted(PartTable.of(text, found)))

    @on(PartsCounted)
    def take_parts(self, event: PartsCounted) -> None:
        self._pane("splits").table = event.parts

    def _show_figures(self, lengths_of: Lengths, counts: NDArray[np.int64]) -> None:
        sentences, words = self._pane("lengths"), self._pane("symbols")
        sentences.table = LengthTable(lengths_of, "words", "sentences")
        sentences.border_title = f" Sentences, mean {lengths_of.mean:.1f} words "
        words.table = FrequentTable(self._text, counts)
        words.border_title = f" Vocabulary, {self._text.vocab_size:,} "
        self.call_after_refresh(self._hint)

    def _show_words(self, lexicon: Lexicon) -> None:
        text, distinct = self._text, len(lexicon.words)
        told = f"{len(text.words):,} words and marks · {distinct:,} distinct"
        self.query_one("#box").border_subtitle = f"{told} · vocabulary {text.vocab_size:,}"
        self.query_one(TextBrowser).take_lexicon(lexicon)

    def _pages_in(self, width: int, height: int) -> tuple[Page, ...]:
        return pages_of_texts(width, height)

    def _name_of(self, page: Page) -> str:
        return page_name_of_texts(page)
