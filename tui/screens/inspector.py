"""A look inside the model: what may come next, and how a word surprises it, live.

The cursor in the word is the place that is looked at: before it stands what the odds are asked
after, and its row in the walk is marked.
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

from core.bigram import Bigram, count_bigrams
from core.dataset import Dataset
from core.protocol import Predicted, Scored
from core.words import BOUNDARY, LONGEST_WORD
from tui.history.history import History
from tui.inspector.bars import Titled
from tui.inspector.inspecting import Looks, Names, Send, known
from tui.inspector.odds import OddsView, Order
from tui.inspector.pairs import Pairs
from tui.inspector.walk import WalkView
from tui.reader import News
from tui.screens.dialog import LiveDialog
from tui.widgets.bars import Bars
from tui.widgets.beginning import Beginning
from tui.widgets.name_list import NameList, NamesPane

TICKS_PER_SECOND = 10
"""How often it looks whether there is something to ask; that is far less often."""
LEGEND = "█ the model now · ┃ the bigram, counted on train"
NO_BIGRAM = "█ the model now · too many symbols for a bigram table"
HINT = "←→ move · ctrl+o order · Tab names · Escape leaves"
HINT_NAMES = "Enter takes · r asks again · Tab back · Escape leaves"
ASIDE = {"train": "stands in train", "dev": "stands in dev, not in train", "test": "stands in test"}


class Inspector(LiveDialog[None]):
    """Type a beginning, walk through it, choose a name of dev to look at; Escape leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "order", "order", show=False),
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
        self._looks, self._names = Looks(send), Names()
        self._pairs: Pairs | None = None
        self._counted = False
        """The bigrams are known, and who stands in which split."""
        self._order: Order = "likely"

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title, box.border_subtitle = "Inspector", LEGEND
            yield Beginning(longest=LONGEST_WORD)
            yield Static(id="note", markup=False)
            with Horizontal(id="panes"):
                yield Bars(id="odds", classes="pane")
                yield Bars(id="walk", classes="pane")
                yield NamesPane(id="names", classes="pane")
            yield Static(HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        field = self.query_one(Beginning)
        field.show(next(iter(self._dataset.words_of("dev")), ""))
        self.watch(field, "selection", self._follow_the_cursor, init=False)
        field.focus()
        self.set_interval(1 / TICKS_PER_SECOND, self._ask)
        self._count()
        self._follow_the_cursor()
        self._draw_names()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _count(self) -> None:
        counted = count_bigrams(self._dataset)
        # Of a long list the first look into its splits takes a while, too.
        self._dataset.split_of("")
        self.app.call_from_thread(self._compare, counted)

    def _compare(self, bigram: Bigram | None) -> None:
        self._counted = True
        if bigram is None:
            self.query_one("#box").border_subtitle = NO_BIGRAM
        else:
            self._pairs = Pairs(bigram)
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
        self.query_one(Beginning).cursor_position = event.place

    @on(Bars.Picked, "#odds")
    def write_the_symbol(self, event: Bars.Picked) -> None:
        event.stop()
        if symbol := self._dataset.itos[event.place].removeprefix(BOUNDARY):
            self.query_one(Beginning).insert_text_at_cursor(symbol)

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
        self.query_one("#hint", Static).update(HINT_NAMES if names else HINT)
        if names and self._names.state == "unasked":
            self.action_names()

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
    def _word(self) -> str:
        return known(self.query_one(Beginning).value, self._dataset.stoi)[0]

    @property
    def _place(self) -> int:
        """Of the cursor, in what is known of the word."""
        return min(self.query_one(Beginning).cursor_position, len(self._word))

    def _follow_the_cursor(self) -> None:
        self._ask()
        self._draw()

    def _ask(self) -> None:
        history = self._history()
        # On its way to another state the engine refuses every look.
        if history.reaching is None:
            word, now = self._word, time.monotonic()
            self._looks.ask(word[: self._place], word, history.branch, history.step, now)

    def _draw(self) -> None:
        wrong = known(self.query_one(Beginning).value, self._dataset.stoi)[1]
        reason = self._looks.reason or wrong
        self.set_class(bool(reason), "-wrong")
        self.say("#note", f"✗ {reason}" if reason else self._aside())
        data, word, place, pairs = self._dataset, self._word, self._place, self._pairs
        # What follows in the field, where something is wrong with it, is no end of a word.
        following = [data.stoi[symbol] for symbol in word] + [0] * (not wrong)
        odds, walk = self._looks.odds.answer, self._looks.walk.answer
        if isinstance(odds, Predicted):
            known_next = odds.prefix == word[:place] and place < len(following)
            here = following[place] if known_next else None
            view = OddsView.told(odds, data, pairs, self._order, here)
            self._show("#odds", "Next symbol", odds.step, view)
        if isinstance(walk, Scored):
            current = walk.words == (word,)
            ends, at = not (current and wrong), place if current else None
            self._show("#walk", "Surprise", walk.step, WalkView.told(walk, data, pairs, ends, at))

    def _show(self, pane: str, title: str, step: int, view: OddsView | WalkView) -> None:
        self.query_one(pane, Bars).view = Titled(f"{title}, step {step:,}", view)

    def _aside(self) -> str:
        word = self._word
        if not word:
            return "no word yet: these are the odds of the first symbol"
        if not self._counted:
            return "counting …"
        return ASIDE.get(self._dataset.split_of(word) or "", "stands in none of the lists: new")

    def _draw_names(self) -> None:
        self.query_one(NamesPane).tell(self._names, self._mean if self._pairs else None)

    def _mean(self, name: str) -> float:
        assert self._pairs is not None
        return float(self._pairs.surprises(self._dataset.encode(name)).mean())
