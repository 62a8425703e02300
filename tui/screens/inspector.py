"""A look inside the model: what may come next, and how a word or a text surprises it, live.

The cursor is the place that is looked at: before it stands what the odds are asked after, and its
row in the walk is marked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widgets import Input, OptionList, Static

from core.dataset import Dataset
from core.protocol import Predicted, Scored
from core.sentences import Sentences
from core.text import NO_WORDS, Text
from core.words import BOUNDARY, LONGEST_WORD
from tui.history.history import History
from tui.inspector.bars import Titled
from tui.inspector.inspecting import PAUSE_OF_TEXTS, Looks, Names, Send
from tui.inspector.odds import OddsView, Order
from tui.inspector.pairs import AnyPairs, pairs_of
from tui.inspector.reading import Reading, inserted, read
from tui.inspector.saying import HINT_NAMES, NO_BIGRAM, aside, manner_of
from tui.inspector.walk import WalkView
from tui.reader import News
from tui.screens.dialog import LiveDialog
from tui.widgets.bars import Bars
from tui.widgets.beginning import Beginning
from tui.widgets.name_list import NameList, NamesPane

TICKS_PER_SECOND = 10
"""How often it looks whether there is something to ask; that is far less often."""


class Inspector(LiveDialog[None]):
    """Type a beginning, walk through it, choose a name or a sentence of dev to look at; Escape
    leaves.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "order", "order", show=False),
        Binding("up", "walk(-1)", "symbol or word before", show=False),
        Binding("down", "walk(1)", "symbol or word after", show=False),
        Binding("tab,shift+tab", "other_side", "word or names", show=False),
    ]

    DEFAULT_CSS = """
    Inspector {
        background: $surface;
        #note { color: $text-muted; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #panes { height: 1fr; }
        .pane {
            width: 1fr;
            height: 100%;
            margin-left: 2;
        }
        #odds { margin-left: 0; }
        #names {
            display: none;
            border-top: solid $primary 60%;
            border-title-color: $text-primary;
        }
        &.-names #odds { display: none; }
        &.-names #walk { margin-left: 0; }
        &.-names #names { display: block; }
        &.-wide #odds, &.-wide #names { display: block; }
        &.-wide #walk { margin-left: 2; }
        &.-high #panes, &.-high #hint { margin-top: 1; }
        &.-wrong #note { color: $text-error; }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012

    def __init__(self, history: Callable[[], History], dataset: Dataset, send: Send) -> None:
        """`history` gives the run as it is known now: after a new attach that is another one."""
        super().__init__()
        self._history, self._dataset, self._send = history, dataset, send
        self._text = dataset if isinstance(dataset, Text) else None
        self._manner = manner_of(dataset)
        self._looks, self._names = Looks(send), Names()
        if self._text is not None:
            self._looks.walk.again = PAUSE_OF_TEXTS
        self._pairs: AnyPairs | None = None
        self._counted = False
        """The bigrams are known, and who stands in which split."""
        self._order: Order = "likely"

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title, box.border_subtitle = "Inspector", self._manner.legend
            yield Beginning(longest=LONGEST_WORD)
            yield Static(id="note", markup=False)
            with Horizontal(id="panes"):
                yield Bars(id="odds", classes="pane")
                yield Bars(id="walk", classes="pane")
                of_text = self._text is not None
                yield NamesPane(of_text=of_text, id="names", classes="pane")
            yield Static(self._manner.hint, id="hint", markup=False)

    def on_mount(self) -> None:
        field = self.query_one(Beginning)
        sentences = None if self._text is None else Sentences(self._text, "dev")
        words = self._dataset.words_of("dev") if sentences is None else sentences
        field.show(words[0] if len(words) else "")
        self.watch(field, "selection", self._follow_the_cursor, init=False)
        field.focus()
        self.set_interval(1 / TICKS_PER_SECOND, self._ask)
        self._count()
        self._follow_the_cursor()
        self._draw_names()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _count(self) -> None:
        pairs = pairs_of(self._dataset)
        if self._text is None:
            # Of a long list the first look into its splits takes a while, too.
            self._dataset.split_of("")
        self.app.call_from_thread(self._compare, pairs)

    def _compare(self, pairs: AnyPairs | None) -> None:
        self._counted, self._pairs = True, pairs
        if pairs is None:
            self.query_one("#box").border_subtitle = NO_BIGRAM
        self._draw()
        self._draw_names()

    def overhear(self, news: Sequence[News]) -> None:
        looks = [self._looks.hear(item) for item in news]
        names = [self._names.hear(item) for item in news]
        if any(looks):
            self._draw()
        if any(names):
            self._draw_names()

    @on(Input.Changed)
    def look_at_what_was_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._follow_the_cursor()

    @on(Bars.Picked, "#walk")
    def go_to_the_place(self, event: Bars.Picked) -> None:
        event.stop()
        self.query_one(Beginning).cursor_position = self._reading.cursor(event.place)

    @on(Bars.Picked, "#odds")
    def write_the_symbol(self, event: Bars.Picked) -> None:
        event.stop()
        if self._text is not None:
            self._write_the_word(event.place)
        elif symbol := self._dataset.itos[event.place].removeprefix(BOUNDARY):
            self.query_one(Beginning).insert_text_at_cursor(symbol)

    def _write_the_word(self, index: int) -> None:
        data = self._dataset
        if isinstance(data, Text) and index not in NO_WORDS:
            field = self.query_one(Beginning)
            text, cursor = inserted(self._reading, self._place, data.itos[index], data.splitting)
            if len(text) <= LONGEST_WORD:
                field.value = text
                field.cursor_position = cursor

    @on(OptionList.OptionSelected)
    def look_at_the_name(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        field = self.query_one(Beginning)
        field.show(self.query_one(NameList).name_of(event.option))
        field.focus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Come to the names: they have not been asked for before somebody wants them."""
        names = isinstance(event.widget, NameList)
        self.set_class(names, "-names")
        self.query_one("#hint", Static).update(HINT_NAMES if names else self._manner.hint)
        if names and self._names.state == "unasked":
            self.action_names()

    def action_walk(self, by: int) -> None:
        """Go to the symbol before, or to the one after."""
        reading = self._reading
        place = min(max(self._place + by, 0), len(reading.symbols))
        self.query_one(Beginning).cursor_position = reading.cursor(place)

    def action_order(self) -> None:
        """Sort the odds the other way."""
        self._order = "alphabet" if self._order == "likely" else "likely"
        self._draw()

    def action_other_side(self) -> None:
        """From the word to the names of dev, or back."""
        if isinstance(self.focused, NameList):
            self.query_one(Beginning).focus()
        else:
            # In a small terminal it is not displayed before it has the keyboard.
            self.add_class("-names")
            self.query_one(NameList).focus()

    def action_names(self) -> None:
        """Ask for the names of dev that surprise most and least, as the model is now."""
        self._names.ask(self._send)
        self._draw_names()

    @property
    def _reading(self) -> Reading:
        return read(self.query_one(Beginning).value, self._dataset)

    @property
    def _place(self) -> int:
        """Of the cursor, in what is known of the word."""
        return self._reading.place(self.query_one(Beginning).cursor_position)

    def _follow_the_cursor(self) -> None:
        self._ask()
        self._draw()

    def _ask(self) -> None:
        history = self._history()
        # On its way to another state the engine refuses every look.
        if history.reaching is None:
            reading, now = self._reading, time.monotonic()
            before = reading.before(self._place)
            self._looks.ask(before, reading.text, history.branch, history.step, now)

    def _draw(self) -> None:
        reading, place = self._reading, self._place
        reason = self._looks.reason or reading.wrong
        self.set_class(bool(reason), "-wrong")
        data, pairs = self._dataset, self._pairs
        told = f"✗ {reason}" if reason else aside(reading, data, counted=self._counted)
        self.say("#note", told)
        # What follows in the field, where something is wrong with it, is no end of a word; and a
        # text has none.
        ends = self._text is None and not reading.wrong
        following = (*reading.symbols, 0) if ends else reading.symbols
        odds, walk = self._looks.odds.answer, self._looks.walk.answer
        if isinstance(odds, Predicted):
            known_next = odds.prefix == reading.before(place) and place < len(following)
            here = following[place] if known_next else None
            view = OddsView.told(odds, data, pairs, self._order, here)
            self._show("#odds", f"Next {self._manner.unit}", odds.step, view)
        if isinstance(walk, Scored):
            current = walk.words == (reading.text,)
            whole, at = not (current and reading.wrong), place if current else None
            self._show("#walk", "Surprise", walk.step, WalkView.told(walk, data, pairs, whole, at))

    def _show(self, pane: str, title: str, step: int, view: OddsView | WalkView) -> None:
        self.query_one(pane, Bars).view = Titled(f"{title}, step {step:,}", view)

    def _draw_names(self) -> None:
        # A sentence needs the room.
        compared = self._pairs is not None and self._text is None
        self.query_one(NamesPane).tell(self._names, self._mean if compared else None)

    def _mean(self, name: str) -> float:
        assert self._pairs is not None
        return float(self._pairs.surprises(self._dataset.encode(name)).mean())
