"""The learning rate in one line, for a terminal without room for its panel."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from core.schedule import effective_rate, factor
from tui.rate_text import figure, schedule_text
from tui.standing import Rates
from tui.telling import dial_value


class RateStrip(Widget):
    """Base × factor = effective, and as much more as fits."""

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
