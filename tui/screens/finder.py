"""The learning-rate finder: a range test on a copy of the model, watched live, and a rate to pick.

The test is asked for as the screen opens, so that its key alone does what the lecture does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from core.dials import ConfigError
from core.protocol import AnyCommand, Cancel, FindLearningRate
from core.schedule import effective_rate
from core.suggesting import Probes
from tui.chart.scale import Range
from tui.finder.cursor import chosen, ends, held, moved, standing_on
from tui.finder.finding import Search, apply_text, loss_text, nothing_text, state_text
from tui.finder.view import FinderView, loss_limits
from tui.history.history import History
from tui.reader import News
from tui.screens.dialog import LiveDialog
from tui.widgets.finder_plot import FinderPlot
from tui.widgets.range_fields import RangeFields
from tui.widgets.suggestions import Listed, Suggestions

FRAMES_PER_SECOND = 8
FAR = 5
"""Steps of the cursor in a long one."""
LEGEND = "dots: loss of each minibatch · line: smoothed · ▲ the rate now"
HINT = "Enter applies · Escape leaves · ← → move · 1 2 3 jump · r again · Tab: range"
HINT_MEANWHILE = "Escape gives the test up, and leaves"


class Finder(LiveDialog[float | None]):
    """Dismissed with the base rate to set, or with None where the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("enter", "apply", "apply", show=False),
        Binding("r", "again", "again", show=False),
        Binding("left", "move(-1)", "lower", show=False),
        Binding("right", "move(1)", "higher", show=False),
        Binding("shift+left,ctrl+left,pagedown", f"move({-FAR})", "much lower", show=False),
        Binding("shift+right,ctrl+right,pageup", f"move({FAR})", "much higher", show=False),
        Binding("home", "move_to(0)", "lowest", show=False),
        Binding("end", "move_to(1)", "highest", show=False),
        Binding("up", "turn(-1)", "suggestion before", show=False),
        Binding("down", "turn(1)", "suggestion after", show=False),
        *(Binding(str(n), f"jump({n - 1})", f"suggestion {n}", show=False) for n in range(1, 10)),
    ]

    DEFAULT_CSS = """
    Finder {
        FinderPlot { height: 1fr; min-height: 4; }
        #state { color: $text-muted; }
        #apply { min-height: 2; color: $text-success; }
        #error { display: none; }
        &.-high FinderPlot, &.-high Suggestions, &.-high RangeFields { margin-top: 1; }
        &.-lost #state { color: $text-error; }
        &.-failed #error { display: block; }
        &.-failed #hint { display: none; }
    }
    """

    def __init__(
        self, history: Callable[[], History], send: Callable[[AnyCommand], int | None]
    ) -> None:
        """`history` gives the run as it is known now: after a new attach that is another one."""
        super().__init__()
        self._history, self._send = history, send
        self._search = Search()
        self._probes = _nothing_of(FindLearningRate())
        self._limits: Range | None = None
        self._cursor: float | None = None
        self._seen: tuple[object, ...] = ()
        """What the curve on the screen was made from."""
        self._stale = True

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title, box.border_subtitle = "Learning-rate finder", LEGEND
            yield Static(id="state", markup=False)
            yield FinderPlot()
            yield Suggestions()
            yield Static(id="apply", markup=False)
            yield RangeFields()
            yield Static(id="error", markup=False)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(FinderPlot).focus()
        if self._history().finding:
            self._search.state = "probing"
        else:
            self._ask(FindLearningRate())
        self.set_interval(1 / FRAMES_PER_SECOND, self._draw_if_stale)
        self._draw()

    def overhear(self, news: Sequence[News]) -> None:
        for item in news:
            self._hear(item)

    def _hear(self, item: News) -> None:
        before = self._search.state
        self._search.hear(item)
        self._stale = True
        if before != "found" and self._search.state == "found":
            self._take_probes()
            self._go(math.log10((*self._rates, self._history().knobs.learning_rate)[0]))

    @on(RangeFields.Submitted)
    def try_what_was_typed(self, event: RangeFields.Submitted) -> None:
        event.stop()
        self.action_again()

    @on(RangeFields.Edited)
    def forget_the_error(self, event: RangeFields.Edited) -> None:
        event.stop()
        self._complain("")

    @on(FinderPlot.Picked)
    def put_the_cursor(self, event: FinderPlot.Picked) -> None:
        event.stop()
        view = self.query_one(FinderPlot).view
        if view is not None and self._cursor is not None:
            self._go(held(math.log10(view.rate(event.share)), self._ends))

    @on(Suggestions.Picked)
    def go_to_it(self, event: Suggestions.Picked) -> None:
        event.stop()
        self.action_jump(event.index)

    def action_leave(self) -> None:
        """Leave the rate as it is; a test of ours that is under way is given up."""
        self._give_up()
        self.dismiss(None)

    def action_apply(self) -> None:
        """Leave with the rate under the cursor."""
        if self._search.under_way:
            self._complain("the test is at work; Enter applies when it is done")
        elif self._cursor is None:
            self._complain("there is no rate to apply; r tries again")
        else:
            self.dismiss(chosen(self._cursor))

    def action_again(self) -> None:
        """Try the range in the fields, whatever is under way."""
        try:
            wish = self.query_one(RangeFields).wish()
        except ConfigError as error:
            self._complain(str(error))
        else:
            self._give_up()
            self._ask(wish)
            self.query_one(FinderPlot).focus()
            self._draw()

    def action_move(self, steps: int) -> None:
        """Move the cursor by so many small steps."""
        if self._cursor is not None:
            self._go(held(moved(self._cursor, steps, self._probes), self._ends))

    def action_move_to(self, end: int) -> None:
        """Move the cursor to an end of what was tried."""
        if self._cursor is not None:
            self._go(self._ends[end])

    def action_jump(self, index: int) -> None:
        """Move the cursor to a suggestion."""
        if index < len(self._rates):
            self._go(math.log10(self._rates[index]))

    def action_turn(self, by: int) -> None:
        """Move the cursor to the suggestion before or after the one that it stands on."""
        here, rates = standing_on(self._cursor, self._rates), self._rates
        if rates:
            self.action_jump(0 if here is None else (here + by) % len(rates))

    @property
    def _rates(self) -> tuple[float, ...]:
        return tuple(self._search.suggestions.values())

    @property
    def _ends(self) -> Range:
        return ends(self._probes)

    def _ask(self, wish: FindLearningRate) -> None:
        self._probes, self._limits, self._cursor = _nothing_of(wish), None, None
        self._complain("")
        self._search.ask(self._send(wish))

    def _give_up(self) -> None:
        if self._search.under_way and self._search.asked is not None:
            self._send(Cancel())

    def _go(self, place: float) -> None:
        self._cursor = place
        self._complain("")
        self._draw()

    def _complain(self, reason: str) -> None:
        self.set_class(bool(reason), "-failed")
        self.say("#error", f"✗ {reason}")

    def _take_probes(self) -> None:
        # A new attach forgets them, which is no reason to take them from the screen.
        if self._search.state in ("probing", "found"):
            self._probes = self._history().probes or self._probes

    def _draw_if_stale(self) -> None:
        if self._stale:
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        self._take_probes()
        history, search = self._history(), self._search
        probes = self._probes
        rate = effective_rate(history.knobs, history.step)
        seen = (probes, self._rates, self._cursor, rate)
        if seen != self._seen:
            self._seen = seen
            self._limits = loss_limits(probes, self._limits)
            self.query_one(FinderPlot).view = FinderView(
                probes,
                limits=self._limits,
                suggestions=self._rates,
                cursor=None if self._cursor is None else 10**self._cursor,
                present=rate,
            )
        running = history.running and not history.finished
        self.set_class(search.state in ("refused", "lost"), "-lost")
        self.say("#state", state_text(search, probes, running))
        self.query_one(Suggestions).listed = Listed(
            tuple(search.suggestions.items()),
            standing_on(self._cursor, self._rates),
            nothing_text(history) if search.state == "found" else "",
        )
        self.say("#apply", self._apply_text(history))
        self.say("#hint", HINT_MEANWHILE if search.under_way else HINT)

    def _apply_text(self, history: History) -> str:
        view = self.query_one(FinderPlot).view
        if self._cursor is None or view is None:
            return ""
        rate = chosen(self._cursor)
        at = loss_text(view.probes, round(view.place(10**self._cursor)))
        return f"│ {rate:g}: {at}\n{apply_text(rate, history.knobs, history.step)}"


def _nothing_of(wish: FindLearningRate) -> Probes:
    return Probes(wish.low, wish.high, wish.steps)
