"""The words of a list: a search, all that hold what was typed, and one as its examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from core.counting import PairTable
from core.dataset import Dataset
from core.lexicon import Lexicon
from core.words import LONGEST_WORD
from tui.dataset.rows import Table
from tui.dataset.words import ExampleTable, WordTable
from tui.widgets.rows import RowsPane

SEARCHED_AT_ONCE = 200_000
"""Distinct words that are searched between two keys; more are searched beside the screen."""


class WordBrowser(Vertical):
    """What is typed is searched for, while the arrows choose a word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "browse(-1)", "word before", show=False),
        Binding("down", "browse(1)", "next word", show=False),
        Binding("pageup", "browse(-1, True)", "words before", show=False),
        Binding("pagedown", "browse(1, True)", "words after", show=False),
        Binding("ctrl+home", "browse(-2000000000)", "first word", show=False),
        Binding("ctrl+end", "browse(2000000000)", "last word", show=False),
        Binding("ctrl+o", "order", "order of words", show=False),
    ]

    DEFAULT_CSS = """
    WordBrowser {
        height: 1fr;
        #query { height: 1; }
        #search { width: 1fr; background: $boost; }
        #found { width: auto; margin-left: 2; color: $text-muted; }
        #examples { margin-left: 2; }
    }
    """

    HELD: ClassVar = "list"
    """What the words stand in."""

    @dataclass
    class Found(Message):
        """A search has ended."""

        query: str
        found: NDArray[np.int32]

    def __init__(self, dataset: Dataset, *, id: str) -> None:
        super().__init__(id=id)
        self._dataset = dataset
        self._pairs: PairTable | None = None
        self._lexicon: Lexicon | None = None
        self._most_frequent_first = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="query"):
            yield Input(placeholder="search", compact=True, max_length=LONGEST_WORD, id="search")
            yield Static(id="found", markup=False)
        with Horizontal():
            yield RowsPane("Words", id="matches", focusable=False)
            yield RowsPane("As the model reads it", id="examples")

    def take_pairs(self, pairs: PairTable) -> None:
        """From now on an example has its surprise by the bigram model."""
        self._pairs = pairs
        self._show_examples()

    def take_lexicon(self, lexicon: Lexicon) -> None:
        """These are the words."""
        self._lexicon = lexicon
        self._search()

    @on(Input.Changed)
    def search_what_was_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search()

    @on(Found)
    def show_found(self, event: Found) -> None:
        """List the words found, unless something else is searched for by now."""
        event.stop()
        if event.query == self.query_one(Input).value:
            self._show_found(event.query, event.found)

    @on(RowsPane.Picked, "#matches")
    def choose_what_was_clicked(self, event: RowsPane.Picked) -> None:
        event.stop()
        event.pane.cursor = event.row
        self._show_examples()

    def action_browse(self, by: int, page: bool = False) -> None:
        """Choose another word."""
        pane = self.query_one("#matches", RowsPane)
        if pane.table is not None and pane.cursor is not None:
            rows = by * pane.rows_shown if page else by
            pane.cursor = min(max(pane.cursor + rows, 0), pane.table.count(0) - 1)
            self._show_examples()

    def action_order(self) -> None:
        """The most frequent words first, or as the list has them."""
        self._most_frequent_first = not self._most_frequent_first
        self._search()

    def _search(self) -> None:
        if self._lexicon is None:
            return
        query = self.query_one(Input).value
        if len(self._lexicon.words) <= SEARCHED_AT_ONCE:
            self._show_found(query, self._find(self._lexicon, query))
        else:
            self.query_one("#found", Static).update("searching …")
            self._search_beside(self._lexicon, query)

    @work(thread=True, exclusive=True, exit_on_error=False, group="search")
    def _search_beside(self, lexicon: Lexicon, query: str) -> None:
        self.post_message(self.Found(query, self._find(lexicon, query)))

    def _find(self, lexicon: Lexicon, query: str) -> NDArray[np.int32]:
        found = lexicon.find(query)
        return lexicon.most_frequent_first(found) if self._most_frequent_first else found

    def _show_found(self, query: str, found: NDArray[np.int32]) -> None:
        assert self._lexicon is not None
        pane = self.query_one("#matches", RowsPane)
        pane.cursor = None
        pane.table = WordTable(self._lexicon, found, query)
        pane.cursor = 0 if len(found) else None
        told = f"{len(found):,} of {len(self._lexicon.words):,} distinct words"
        self.query_one("#found", Static).update(told if len(found) else "no word has that")
        own = f"as the {self.HELD} has them"
        order = "the most frequent first" if self._most_frequent_first else own
        pane.border_title = f" Words, {order} "
        self._show_examples()

    def _show_examples(self) -> None:
        words, pane = self.query_one("#matches", RowsPane), self.query_one("#examples", RowsPane)
        if isinstance(words.table, WordTable):
            word = "" if words.cursor is None else words.table.word(words.cursor)
            pane.table = self._examples_of(word)
            pane.scroll_home(animate=False)

    def _examples_of(self, word: str) -> Table:
        """What is to be seen of the word that is chosen."""
        data = self._dataset
        return ExampleTable(word, data.block_size, self._pairs, data.stoi)
