"""The learning rate: base × factor = effective, the schedule ahead; and all knobs and settings."""

from __future__ import annotations

from typing import ClassVar, Self

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Click, DescendantBlur, DescendantFocus, Resize
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.reactive import reactive
from textual.widgets import Static

from core.config import Knobs, Settings
from core.dials import DIALS
from core.schedule import effective_rate, factor
from tui.braille import curve
from tui.dial_rows import help_text, rows_of
from tui.rate_text import (
    FIGURE_ROWS,
    FOOT_LEAST,
    FOOT_USUAL,
    RULE,
    Arrangement,
    arrange,
    figure,
    place_of_now,
    rule,
    schedule_text,
    seen,
    wrapped,
)
from tui.standing import Rates
from tui.telling import compact
from tui.widgets.dial_list import DialList

CURVE_ROWS = 5


class RatePanel(Container):
    """The rate's figures, the list of dials, and a foot: the schedule ahead, or help.

    The foot keeps its place and size, so that nothing moves below the pointer when the panel gets
    the keyboard.
    """

    ALLOW_MAXIMIZE = True

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rate--label",
        "rate--figure",
        "rate--effective",
        "rate--past",
        "rate--ahead",
        "rate--help",
    }

    DEFAULT_CSS = """
    RatePanel {
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        layout: grid;
        grid-size: 1 3;
        grid-gutter: 0 2;
        &:focus-within { border: round $primary; }
        Static { height: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
        .rate--label { color: $text-muted; }
        .rate--figure { color: $foreground; }
        .rate--effective { color: $text-accent; text-style: bold; }
        .rate--past { color: $text-disabled; }
        .rate--ahead { color: $text-primary; }
        .rate--help { color: $foreground; }
    }
    """

    rates: reactive[Rates | None] = reactive(None, repaint=False)
    """What the engine last confirmed."""

    live: reactive[bool] = reactive(True)
    """There is an engine that can be asked."""

    def __init__(self, *, id: str, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self.border_title = "Learning rate"
        self.figures, self.dials, self.foot = Static(), DialList(id="dials"), Static(id="foot")
        self._listed: tuple[Knobs, Settings] | None = None
        self._arrangement: Arrangement | None = None
        self._shown: dict[Static, Text] = {}
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.figures
        yield self.dials
        yield self.foot

    def focus(self, scroll_visible: bool = True) -> Self:
        """Give the keyboard to the list."""
        self.dials.focus(scroll_visible)
        return self

    def watch_rates(self, rates: Rates | None) -> None:
        if rates is None:
            return
        if (rates.knobs, rates.settings) != self._listed:
            self._listed = (rates.knobs, rates.settings)
            rows = rows_of(rates.knobs, rates.settings)
            if len(rows) != len(self.dials.rows):
                self.dials.refresh(layout=True)
            self.dials.rows = rows
        self.draw()

    def watch_live(self, live: bool) -> None:
        self.dials.live = live

    def on_resize(self, event: Resize) -> None:
        self.draw()

    def on_click(self, event: Click) -> None:
        self.focus()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        # The colours of the parts come after those of the whole.
        self.call_later(self._draw_anew)

    def _draw_anew(self) -> None:
        self._shown.clear()
        self._drawn = ()
        self.draw()

    @on(DialList.Chosen)
    def tell_of_it(self, event: DialList.Chosen) -> None:
        """Show the help of the dial that was chosen."""
        event.stop()
        self.draw()

    @on(DescendantFocus)
    @on(DescendantBlur)
    def draw(self) -> None:
        """Put into the figures and the foot what differs from what stands there."""
        # Values may come before the first layout, which draws anyway.
        if self.rates is None or self._arrangement is None:
            return
        place, focused = self._arrangement, self.dials.has_focus
        drawn = (*seen(self.rates, place.foot_cells), place, focused, self.dials.chosen)
        # A frame in which nothing changed should cost nothing.
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._put(self.figures, self._figures(self.rates, place.figure_cells))
        self._put(self.foot, self._foot(self.rates, place.foot_cells, place.foot_rows, focused))
        low = focused and place.foot_rows < FOOT_LEAST
        subtitle = self._help() if low else ""
        if self.border_subtitle != subtitle:
            self.border_subtitle = subtitle

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """Divide the room before the children are placed in it.

        Whoever waits until the new size is told shows one frame in which they are in ruins.
        """
        if size.area and not optimal:
            place = arrange(size.width, size.height, len(self.dials.rows))
            if place != self._arrangement:
                self._arrangement = place
                self._divide(place)
        return super().arrange(size, optimal)

    def _divide(self, place: Arrangement) -> None:
        columns: tuple[str, ...] = ("1fr",)
        rows: tuple[str, ...] = (f"{FIGURE_ROWS}", "1fr", f"{place.foot_rows}")
        if place.kind == "two":
            columns, rows = ("1fr", f"{place.list_cells}"), (f"{FIGURE_ROWS}", "1fr")
        elif place.kind == "three":
            columns, rows = ("1fr", f"{place.list_cells}", f"{place.foot_cells}"), ("1fr",)
        self.styles.grid_size_columns, self.styles.grid_size_rows = len(columns), len(rows)
        self.styles.grid_columns, self.styles.grid_rows = " ".join(columns), " ".join(rows)
        self.dials.styles.row_span = 2 if place.kind == "two" else 1
        self.foot.display = place.foot_rows > 0

    def _put(self, static: Static, text: Text) -> None:
        if self._shown.get(static) != text:
            self._shown[static] = text
            static.update(text, layout=False)

    def _figures(self, rates: Rates, width: int) -> Text:
        knobs, step = rates.knobs, rates.step
        rows = (
            ("  base", figure(knobs.learning_rate), "rate--figure"),
            ("× factor", figure(factor(knobs, step)), "rate--figure"),
            ("= effective", figure(effective_rate(knobs, step)), "rate--effective"),
            ("  since step", f"{rates.changed:,}", "rate--figure"),
        )
        return Text("\n").join(
            self._label(label).append(value.rjust(width - len(label)), self._style(style))
            for label, value, style in rows
        )

    def _foot(self, rates: Rates, width: int, rows: int, focused: bool) -> Text:
        lines: list[Text] = []
        if focused and rows >= FOOT_LEAST:
            name = self.dials.chosen.replace("_", " ")
            lines.append(self._label(rule(name, width)))
            lines += (
                Text(line, self._style("rate--help"))
                for line in wrapped(self._help(), width, rows - 1)
            )
        if not focused or rows - len(lines) >= FOOT_USUAL:
            lines += self._schedule(rates, width, rows - len(lines))
        return Text("\n").join(lines)

    def _help(self) -> str:
        return help_text(DIALS[self.dials.chosen]) if self.dials.chosen else ""

    def _schedule(self, rates: Rates, width: int, rows: int) -> list[Text]:
        """What the factor was since the schedule began and what it will be, in at most `rows`."""
        knobs = rates.knobs
        first, cells = knobs.schedule_start, max(width, 8)
        now, last = place_of_now(rates, cells)
        steps = [first + (last - first) * i // (2 * cells) for i in range(2 * cells)]
        end = f"{last:,}" if last < 10_000_000 else compact(last)
        text = schedule_text(knobs)
        if len(text) > cells - RULE:
            # The kind stands among the knobs above, too.
            text = text.removeprefix(knobs.schedule).lstrip(", ")
        warmup = f", warmup {knobs.warmup:,}" if knobs.warmup else ""
        if len(text + warmup) <= cells - RULE:
            text += warmup
        lines = [self._label(rule(text, cells))]
        high = min(max(rows - 2, 1), CURVE_ROWS)
        for row in curve([factor(knobs, step) for step in steps], high):
            line = Text(row[:now], self._style("rate--past"))
            lines.append(line.append(row[now:], self._style("rate--ahead")))
        return [*lines, self._now(now, cells, end)][:rows]

    def _now(self, now: int, cells: int, end: str) -> Text:
        """The mark of the present step below the curve, and the last step at its end."""
        text = " now" if now + 5 < cells - len(end) else ""
        mark = " " * now + "▲" + text
        if not text and now > cells - len(end) - 2:
            end = ""
        if not text and now >= 4:
            mark = " " * (now - 4) + "now ▲"
        return self._label(mark + end.rjust(cells - len(mark)) if end else mark)

    def _label(self, text: str) -> Text:
        # A base style would reach what is appended later.
        return Text().append(text, self._style("rate--label"))

    def _style(self, component: str) -> Style:
        return self.get_component_rich_style(component)
