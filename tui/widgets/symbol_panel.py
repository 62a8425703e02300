"""What is known of the symbol followed: its nearest neighbours, and what the map could not name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from tui.embedding.map import Picture
from tui.embedding.projection import Neighbours
from tui.embedding.symbols import MARKS, Kind, Symbols
from tui.inspector.bars import fit

_CLASSES: Mapping[int, str] = {
    Kind.VOWEL: "symbol--vowel",
    Kind.CONSONANT: "symbol--consonant",
    Kind.OTHER: "symbol--other",
}
_ROOMY = 17
"""Rows from which blank lines part the blocks."""


@dataclass(frozen=True, eq=False)
class Told:
    """What the panel says."""

    followed: int
    nearest: Neighbours
    picture: Picture


class SymbolPanel(Widget):
    """Beside the map; as narrow as 20 cells."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *_CLASSES.values(),
        "symbol--followed",
        "symbol--heading",
        "symbol--figure",
        "symbol--quiet",
    }

    DEFAULT_CSS = """
    SymbolPanel {
        text-wrap: nowrap;
        text-overflow: ellipsis;
        .symbol--vowel { color: $text-warning; text-style: bold; }
        .symbol--consonant { color: $text-primary; }
        .symbol--other { color: $foreground; }
        .symbol--followed { color: $text-success; text-style: bold reverse; }
        .symbol--heading { color: $foreground; text-style: bold; }
        .symbol--figure { color: $foreground; }
        .symbol--quiet { color: $text-muted; }
    }
    """

    told: reactive[Told | None] = reactive(None)
    """What is shown."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__()
        self._symbols = symbols

    def render(self) -> Text:
        """The symbol, its neighbours by both measures, and the places shared."""
        told = self.told
        if told is None:
            return Text()
        near = self._nearest_words if self._symbols.words else self._nearest
        blocks = [self._heading(told.followed), near(told.nearest)]
        blocks += self._not_shown(told.picture) + self._shared(told.picture.shared)
        return Text("\n\n" if self.size.height >= _ROOMY else "\n").join(blocks)

    def _heading(self, at: int) -> Text:
        symbols = self._symbols
        rank = symbols.order.index(at) + 1
        return Text.assemble(
            (f" {symbols.labels[at]} ", self._style("followed")),
            (f" {MARKS[symbols.kinds[at]]} {symbols.called(at)}\n", self._style("heading")),
            (f"{_ordinal(rank)} most frequent", self._style("quiet")),
        )

    def _nearest(self, nearest: Neighbours) -> Text:
        half = min(self.size.width // 2, 14)
        columns = nearest.by_cosine, nearest.by_distance
        widest = max((cell_len(self._symbols.texts[at]) for at, _ in sum(columns, ())), default=1)
        text = Text.assemble(
            (
                "nearest, in all E" if half < 13 else "nearest, in all dimensions",
                self._style("heading"),
            ),
            ("\n" + "cosine".ljust(half), self._style("quiet")),
            # As their names are underlined on the map.
            ("distance", self._style("quiet") + Style(underline=True)),
        )
        for rank in range(max(map(len, columns))):
            text.append("\n")
            for column in columns:
                line = Text()
                if rank < len(column):
                    at, value = column[rank]
                    line = self._marked([at])
                    line.pad_right(widest + 3 - line.cell_len)
                    line.append(_figure(value), self._style("figure"))
                line.pad_right(max(half - line.cell_len, 0))
                text.append_text(line)
        if not nearest.by_distance:
            text.append("\nnone: not finite", self._style("quiet"))
        return text

    def _nearest_words(self, nearest: Neighbours) -> Text:
        """A word a line, the likest first."""
        text = Text.assemble(
            ("nearest", self._style("heading")),
            ("cosine".rjust(self.size.width - 7), self._style("quiet")),
        )
        for at, cosine in nearest.by_cosine:
            kind = self._symbols.kinds[at]
            style = self.get_component_rich_style(_CLASSES[kind])
            text.append(f"\n{MARKS[kind]} ", style)
            text.append(fit(self._symbols.texts[at], self.size.width - 8), style)
            text.append(f"{cosine:6.2f}", self._style("figure"))
        if not nearest.by_cosine:
            text.append("\nnone: 0, or not finite", self._style("quiet"))
        return text

    def _shared(self, shared: Sequence[Sequence[int]]) -> list[Text]:
        # Of words the map names the nearest each by itself, and of others one at a place.
        if not shared or self._symbols.words:
            return []
        text = Text.assemble(("share a place", self._style("heading")))
        room = max(self.size.height - (17 if self.size.height >= _ROOMY else 13), 1)
        for together in shared[:room]:
            text.append("\n").append_text(self._marked(together[:9]))
            if len(together) > 9:
                text.append(f" +{len(together) - 9}", self._style("quiet"))
        if (left := len(shared) - room) > 0:
            places = "place" if left == 1 else "places"
            text.append(f"\nand {left:,} {places} more", self._style("quiet"))
        return [text]

    def _not_shown(self, picture: Picture) -> list[Text]:
        lines = []
        nearer, farther = "+-" if self._symbols.words else "↑↓"
        if unnamed := picture.unnamed:
            few = " ".join(self._symbols.texts[at] for at in unnamed)
            told = f": {few}" if len(unnamed) < 5 and not self._symbols.words else ""
            lines.append(f"{len(unnamed):,} not named{told} ({nearer})")
        if picture.rarer:
            lines.append(f"{picture.rarer:,} not drawn ({nearer})")
        if picture.outside:
            lines.append(f"{picture.outside:,} outside ({farther})")
        if picture.lost:
            lines.append(f"{picture.lost:,} not finite: no place")
        return [Text("\n".join(lines), self._style("quiet"))] if lines else []

    def _marked(self, symbols: Sequence[int]) -> Text:
        """Each kind's symbols after its mark."""
        text, kind = Text(), None
        for at in symbols:
            if self._symbols.kinds[at] != kind:
                kind = self._symbols.kinds[at]
                style = self.get_component_rich_style(_CLASSES[kind])
                text.append(f"{' ' if text else ''}{MARKS[kind]}", style)
            text.append(f" {self._symbols.texts[at]}", style)
        return text

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"symbol--{part}")


def _figure(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0e}"


def _ordinal(rank: int) -> str:
    if rank == 1:
        return "the"
    last = 0 if rank % 100 in (11, 12, 13) else rank % 10
    return f"{rank:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
