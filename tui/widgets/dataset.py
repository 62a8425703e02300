"""The dataset panel: how many words, how dealt, how long, and what the model has to predict."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from core.dataset import Statistics
from core.protocol import TestEvaluated
from tui.braille import bars
from tui.columns import beside
from tui.telling import compact, loss, printable
from tui.widgets.figures import FiguresPanel

COLUMN = 20
"""Cells that a column of figures needs."""
EXAMPLES, FEWEST_EXAMPLES = 8, 2


class DatasetPanel(FiguresPanel):
    """Figures about the list of words, in one column or, where it is wide, in two."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "app.dataset", "open large", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"dataset--label", "dataset--bars", "dataset--target"}

    DEFAULT_CSS = """
    DatasetPanel {
        .dataset--label { color: $text-muted; }
        .dataset--bars { color: $text-primary; }
        .dataset--target { color: $text-accent; }
    }
    """

    statistics: reactive[Statistics | None] = reactive(None)
    """None until they are counted."""

    tests: reactive[tuple[tuple[TestEvaluated, ...], int]] = reactive(((), 0))
    """The newest look at the test split, if there was one, and how many there were."""

    def __init__(self, *, id: str, classes: str = "") -> None:
        super().__init__("Dataset", id=id, classes=classes)

    def watch_statistics(self) -> None:
        self.draw()

    def watch_tests(self) -> None:
        self.draw()

    def draw(self) -> None:
        # Values may come before the first layout, which draws anyway.
        if not self.size:
            return
        width = self.scrollable_content_region.width
        if self.statistics is None:
            self.figures.update(self._label("counting…"))
            return
        blocks = self._blocks(self.statistics, min(width, COLUMN))
        if width >= 3 * COLUMN:
            left = [*blocks[0], Text(), *blocks[2]]
            examples = blocks[3][: max(self.scrollable_content_region.height, len(left))]
            lines = beside([left, blocks[1], examples], width // 3)
        elif width >= 2 * COLUMN:
            lines = beside([[*blocks[0], *blocks[1]], [*blocks[2], *blocks[3]]], width // 2)
        else:
            lines = [line for block in blocks for line in (*block, Text())][:-1]
            # Examples are there to fill what is left, not to be scrolled to.
            least = len(lines) - len(blocks[3]) + 1 + FEWEST_EXAMPLES
            lines = lines[: max(self.scrollable_content_region.height, least)]
        self.figures.update(Text("\n").join(lines))

    def _blocks(self, statistics: Statistics, width: int) -> list[list[Text]]:
        s = statistics
        counts = [
            self._row(f"{s.words:,}", "words"),
            self._row(f"{s.distinct:,}", "distinct"),
            self._row(f"{s.symbols + 1:,}", "symbols"),
        ]
        splits = [
            Text.assemble(
                self._label(f"{name:<5}"),
                f"{s.split_words[name]:>7,}",
                self._label(f"{compact(s.examples[name]):>7}"),
            )
            for name in ("train", "dev", "test")
        ]
        newest, looks = self.tests
        if looks:
            told = f"test {loss(newest[-1].loss)}, " if newest else "test: "
            splits.append(self._label(f"{told}{looks:,} look{'s' if looks > 1 else ''}"))
        splits.append(self._label(f"dev in train {s.dev_in_train:.0%}"))
        lengths = [
            Text.assemble(self._label("length, mean "), f"{s.mean_length:.1f}"),
            Text(bars(s.length_counts, width), self._style("dataset--bars")),
            self._label(f"{s.shortest}{s.longest:>{_bar_width(s, width) - len(str(s.shortest))}}"),
        ]
        examples = [self._label("first examples")]
        for context, target in s.first_examples[:EXAMPLES]:
            examples.append(
                Text.assemble(
                    printable(context),
                    self._label(" → "),
                    (printable(target), self._style("dataset--target")),
                )
            )
        return [counts, splits, lengths, examples]

    def _row(self, figure: str, label: str) -> Text:
        return Text.assemble(f"{figure:>7} ", self._label(label))

    def _label(self, text: str) -> Text:
        return Text(text, self._style("dataset--label"))

    def _style(self, component: str) -> Style:
        return self.get_component_rich_style(component)


def _bar_width(statistics: Statistics, width: int) -> int:
    return max(len(bars(statistics.length_counts, width)), len(str(statistics.longest)) + 2)
