"""The dataset panel: how many words, how dealt, how long, and what the model has to predict.

A list is dealt into splits, words and examples of each; a text is cut into parts, and of each it is
told how much of it the vocabulary lacks.
"""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from core.dataset import SPLITS, Statistics
from core.protocol import TestEvaluated
from core.text import START, UNKNOWN
from tui.braille import bars
from tui.columns import beside
from tui.telling import compact, loss, printable
from tui.widgets.figures import FiguresPanel

COLUMN = 20
"""Cells that a column of figures needs."""
EXAMPLES, FEWEST_EXAMPLES = 8, 2
ARROW = " → "
LEAST = 6
"""Cells of a context before a very long target."""
_STARTS = re.compile(f"{START}( {START})+")


class DatasetPanel(FiguresPanel):
    """Figures about the list or the text, in one column or, where it is wide, in two."""

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
            self._row(f"{s.symbols + 1:,}", "vocabulary" if s.unknown else "symbols"),
        ]
        splits = self._parts(s) if s.unknown else self._splits(s)
        newest, looks = self.tests
        if looks:
            told = f"test {loss(newest[-1].loss)}, " if newest else "test: "
            splits.append(self._label(f"{told}{looks:,} look{'s' if looks > 1 else ''}"))
        if not s.unknown:
            splits.append(self._label(f"dev in train {s.dev_in_train:.0%}"))
        of = "sentence" if s.unknown else "length"
        lengths = [
            Text.assemble(self._label(f"{of}, mean "), f"{s.mean_length:.1f}"),
            Text(bars(s.length_counts, width), self._style("dataset--bars")),
            self._label(f"{s.shortest}{s.longest:>{_bar_width(s, width) - len(str(s.shortest))}}"),
        ]
        examples = [self._label("first examples")]
        for context, target in s.first_examples[:EXAMPLES]:
            before, after = printable(context), printable(target)
            if s.unknown:
                # So many of them say no more than one; the words next to the target say the most.
                before = _STARTS.sub(START, before)
                room = max(width - cell_len(after) - len(ARROW), LEAST)
                before = _last_words(before, room)
            target_style = self._style("dataset--target")
            examples.append(Text.assemble(before, self._label(ARROW), (after, target_style)))
        return [counts, splits, lengths, examples]

    def _splits(self, statistics: Statistics) -> list[Text]:
        """Words and examples of each split of a list."""
        return [
            Text.assemble(
                self._label(f"{name:<5}"),
                f"{statistics.split_words[name]:>7,}",
                self._label(f"{compact(statistics.examples[name]):>7}"),
            )
            for name in SPLITS
        ]

    def _parts(self, statistics: Statistics) -> list[Text]:
        """Words of each part of a text, in its order, and the share that the vocabulary lacks."""
        lines = [self._label(f"{'':<5}{'words':>9}{UNKNOWN:>6}")]
        for name in SPLITS:
            # Of test nothing is told before it is looked at.
            share = "" if name == "test" else f"{statistics.unknown[name]:.1%}"
            lines.append(
                Text.assemble(
                    self._label(f"{name:<5}"),
                    f"{statistics.split_words[name]:>9,}",
                    self._label(f"{share:>6}"),
                )
            )
        return lines

    def _row(self, figure: str, label: str) -> Text:
        return Text.assemble(f"{figure:>7} ", self._label(label))

    def _label(self, text: str) -> Text:
        return Text(text, self._style("dataset--label"))

    def _style(self, component: str) -> Style:
        return self.get_component_rich_style(component)


def _last_words(text: str, room: int) -> str:
    """`text` without the first of its words where it is too long for `room` cells."""
    while cell_len(text) > room and " " in text:
        text = "…" + text.partition(" ")[2]
    return text


def _bar_width(statistics: Statistics, width: int) -> int:
    return max(len(bars(statistics.length_counts, width)), len(str(statistics.longest)) + 2)
