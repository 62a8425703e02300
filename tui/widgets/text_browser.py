"""The words of a text: a search, all that hold what was typed, and one wherever it stands."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.lexicon import Lexicon, occurrences
from core.text import Text
from tui.dataset.contexts import ContextTable
from tui.dataset.rows import Table
from tui.widgets.rows import RowsPane
from tui.widgets.word_browser import WordBrowser


class TextBrowser(WordBrowser):
    """A WordBrowser whose examples are the places of the word."""

    HELD: ClassVar = "text"
    DEFAULT_CSS = """
    TextBrowser #matches { width: 2fr; }
    TextBrowser #examples { width: 5fr; }
    """

    def __init__(self, text: Text, *, id: str) -> None:
        super().__init__(text, id=id)
        self._text = text
        self._most_frequent_first = True

    def _find(self, lexicon: Lexicon, query: str) -> NDArray[np.int32]:
        """A word that is just what was typed comes first."""
        found, end = super()._find(lexicon, query), lexicon.words.itos[0]
        same = lexicon.find(f"{end}{query}{end}")
        return np.concatenate([same, found[~np.isin(found, same)]])

    def _examples_of(self, word: str) -> Table:
        table = ContextTable(self._text, word, occurrences(self._text, word))
        title = f" {len(table.at):,} times, as the model reads it " if word else " In the text "
        pane = self.query_one("#examples", RowsPane)
        if pane.border_title != title:
            pane.border_title = title
        return table
