"""The learning rate: base × factor = effective, the schedule ahead, and the other knobs."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from core.config import Knobs
from core.schedule import effective_rate, factor
from tui.braille import curve
from tui.columns import beside
from tui.standing import Rates, schedule_end
from tui.telling import compact, dial_value
from tui.widgets.figures import FiguresPanel

COLUMN = 22
CURVE_ROWS = 3


def figure(value: float) -> str:
    """A rate with up to four digits."""
    return f"{value:.4g}"


def schedule_text(knobs: Knobs) -> str:
    """`cosine to 200,000`: the kind, and the step at which it ends or next drops."""
    end = knobs.schedule_start + knobs.schedule_length
    match knobs.schedule:
        case "constant":
            text = "constant"
        case "step":
            drops = ", ".join(f"{knobs.schedule_start + drop:,}" for drop in knobs.drops)
            text = f"×{figure(knobs.drop_factor)} at {drops}" if drops else "step, no drops"
        case kind:
            text = f"{kind} to {end:,}"
    return text


class RatePanel(FiguresPanel):
    """All knobs of the run, in one column or, where it is wide, in two."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rate--label",
        "rate--figure",
        "rate--effective",
        "rate--past",
        "rate--ahead",
    }

    DEFAULT_CSS = """
    RatePanel {
        .rate--label { color: $text-muted; }
        .rate--figure { color: $foreground; }
        .rate--effective { color: $text-accent; text-style: bold; }
        .rate--past { color: $text-disabled; }
        .rate--ahead { color: $text-primary; }
    }
    """

    rates: reactive[Rates | None] = reactive(None)
    """What the engine last confirmed."""

    def __init__(self, *, id: str, classes: str = "") -> None:
        super().__init__("Learning rate", id=id, classes=classes)

    def watch_rates(self) -> None:
        self.draw()

    def draw(self) -> None:
        # Values may come before the first layout, which draws anyway.
        if self.rates is None or not self.size:
            return
        width = self.scrollable_content_region.width
        rate, knobs = self._rate(self.rates), self._knobs(self.rates)
        if width >= 3 * COLUMN:
            third = width // 3
            lines = beside([rate, self._schedule(self.rates, third - 3), knobs], third)
        elif width >= 2 * COLUMN:
            half = width // 2
            right = [*self._schedule(self.rates, half - 3)]
            lines = beside([[*rate, Text(), *knobs], right], half)
        else:
            lines = [*rate, Text(), *self._schedule(self.rates, width), Text(), *knobs]
        # A layout of the whole screen costs more than the rest of a frame.
        layout = len(lines) != self.figures.size.height
        self.figures.update(Text("\n").join(lines), layout=layout)

    def _rate(self, rates: Rates) -> list[Text]:
        knobs, step = rates.knobs, rates.step
        effective = Text(figure(effective_rate(knobs, step)), self._style("rate--effective"))
        return [
            self._row("  base", figure(knobs.learning_rate)),
            self._row("× factor", figure(factor(knobs, step))),
            self._label("= effective  ").append_text(effective),
            self._row("  since step", f"{rates.changed:,}"),
        ]

    def _schedule(self, rates: Rates, width: int) -> list[Text]:
        knobs = rates.knobs
        first = knobs.schedule_start
        last = schedule_end(knobs, rates.settings, rates.step)
        cells = max(width, 8)
        steps = [first + (last - first) * i // (2 * cells) for i in range(2 * cells)]
        now = min(max((rates.step - first) * cells // max(last - first, 1), 0), cells - 1)
        end = f"{last:,}" if last < 10_000_000 else compact(last)
        lines = [self._label(schedule_text(knobs))]
        if knobs.warmup:
            lines.append(self._label(f"warmup {knobs.warmup:,}"))
        for row in curve([factor(knobs, step) for step in steps], CURVE_ROWS):
            line = Text(row[:now], self._style("rate--past"))
            lines.append(line.append(row[now:], self._style("rate--ahead")))
        return [*lines, self._now(now, cells, end)]

    def _now(self, now: int, cells: int, end: str) -> Text:
        """The mark of the present step below the curve, and the last step at its end."""
        text = " now" if now + 4 < cells - len(end) else ""
        mark = " " * now + "▲" + text
        if not text and now > cells - len(end) - 2:
            end = ""
        if not text and now >= 4:
            mark = " " * (now - 4) + "now ▲"
        return self._label(mark + end.rjust(cells - len(mark)) if end else mark)

    def _knobs(self, rates: Rates) -> list[Text]:
        knobs = rates.knobs
        rows = [
            self._row("batch", f"{knobs.batch_size:,}"),
            self._row("optimizer", knobs.optimizer),
            self._row("weight decay", dial_value("weight_decay", knobs.weight_decay)),
        ]
        if knobs.optimizer == "sgd" and knobs.momentum:
            rows.append(self._row("momentum", figure(knobs.momentum)))
        if knobs.clip:
            rows.append(self._row("clip", figure(knobs.clip)))
        pace = dial_value("pace", rates.settings.pace)
        return [*rows, self._row("pace", f"{pace}/s" if rates.settings.pace else pace)]

    def _row(self, label: str, value: str) -> Text:
        return self._label(f"{label:<13}").append(value, self._style("rate--figure"))

    def _label(self, text: str) -> Text:
        # A base style would reach what is appended later.
        return Text().append(text, self._style("rate--label"))

    def _style(self, component: str) -> Style:
        return self.get_component_rich_style(component)


class RateStrip(Widget):
    """The same in one line, for a small terminal."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rate--label", "rate--effective"}

    DEFAULT_CSS = """
    RateStrip {
        height: 1;
        padding: 0 2;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        .rate--label { color: $text-muted; }
        .rate--effective { color: $text-accent; text-style: bold; }
    }
    """

    rates: reactive[Rates | None] = reactive(None)
    """What the engine last confirmed."""

    def render(self) -> Text:
        """Base × factor = effective, then as much more as fits."""
        if self.rates is None:
            return Text()
        label = self.get_component_rich_style("rate--label")
        effective = self.get_component_rich_style("rate--effective")
        knobs, settings, step = self.rates.knobs, self.rates.settings, self.rates.step
        line = Text.assemble(
            ("rate ", label),
            figure(knobs.learning_rate),
            (" × ", label),
            f"{factor(knobs, step):<6.4f}",
            (" = ", label),
            (f"{figure(effective_rate(knobs, step)):<9}", effective),
        )
        for name, value in (
            ("", schedule_text(knobs)),
            ("batch ", f"{knobs.batch_size:,}"),
            ("", knobs.optimizer),
            ("pace ", dial_value("pace", settings.pace)),
        ):
            if line.cell_len + len(name) + len(value) + 2 <= self.size.width:
                line.append("  ").append(name, label).append(value)
        return line
