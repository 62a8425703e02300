"""Texts in their panes: those of one drawing below each other, and one as the model learns.

As names_view.py and steps_view.py have it for names; but a text takes many lines, so one of them is
looked at, and scrolled.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.units import per_short, perplexity_text
from tui.inspector.bars import fit
from tui.samples.drawings import Column
from tui.samples.lines import POINTER, Line, Piece, Place, Role, figure, said
from tui.samples.marks import STAR
from tui.samples.names_view import NamesView
from tui.samples.steps_view import GAP, ONE_STEP, StepsView, dev_of, step_of
from tui.samples.texts import in_lines

INDENT = 2
NARROWEST = 30
"""Cells in which a text can be read."""
HEADS = 3
"""Lines above the text of a column."""
NOTHING = "Nothing is drawn yet: s draws a text from the model as it is."
NO_STEPS = (
    "Here the same text stands side by side, drawn with one seed at different steps: so one sees"
    " the model learn."
)


@dataclass(frozen=True, eq=False)
class TextsView(NamesView):
    """The texts of a drawing in some order, each with its loss above it."""

    def lines(self, width: int, height: int) -> list[Line]:
        """From the text that is looked at on, as far as they fit."""
        if self.desk.drawn is None:
            return said(NOTHING, width)[:height]
        lines, start = self._all(width)
        most = max(len(lines) - height, 0)
        first = min(start + self.desk.top, most)
        return lines[first : first + height]

    def lowest_top(self, width: int, height: int) -> int:
        """How far the text that is looked at can be scrolled."""
        lines, start = self._all(width)
        return max(len(lines) - height - start, 0)

    def _all(self, width: int) -> tuple[list[Line], int]:
        """All lines, and where the text that is looked at begins."""
        desk, drawn = self.desk, self.desk.drawn
        lines: list[Line] = []
        start = 0
        for place in desk.places if drawn is not None else ():
            assert drawn is not None
            text, here = drawn.names[place], place == desk.name
            at = Place(place, drawn.seq)
            if here:
                start = len(lines)
            loss = figure(drawn.losses[place]).strip() if drawn.losses else "–"
            star = f" {STAR} kept" if text in desk.kept else ""
            head = f"{place + 1:,}  {loss} {per_short('word')}"
            room = max(width - INDENT - len(head), 0)
            lines.append(
                (
                    Piece(f"{POINTER if here else ' '} ", "here", at, here),
                    Piece(head, "head", at, here),
                    Piece(fit(star, room), "star", at, here),
                )
            )
            for line in in_lines(text, max(width - INDENT, 1)):
                lines.append((Piece(" " * INDENT + line, "plain", at),))
            lines.append((Piece(""),))
        return lines[:-1], start


@dataclass(frozen=True, eq=False)
class TextStepsView(StepsView):
    """The text that is looked at in columns, a column for every step it was drawn at."""

    def lines(self, width: int, height: int) -> list[Line]:
        """Heads, and as much of the text as fits."""
        desk = self.desk
        if not desk.columns:
            return said(NO_STEPS, width)[:height]
        shown, room = self.shown(width), self._fitting(width)[1]
        columns = [desk.columns[index] for index in shown]
        devs = [f"{dev_of(column)}{perplexity_text(column.dev, 'word')}" for column in columns]
        lines = [
            self._row(list(map(step_of, columns)), shown, room, head=True),
            self._row(devs, shown, room, head=True),
            self._row(list(map(self._loss, columns)), shown, room, head=True),
        ]
        texts = [self._text(column, room) for column in columns]
        longest = max(map(len, texts))
        first = min(desk.top, self.lowest_top(width, height))
        for row in range(first, min(longest, first + max(height - HEADS, 0))):
            cells = [text[row] if row < len(text) else "" for text in texts]
            lines.append(self._row(cells, shown, room))
        if len(desk.columns) == 1:
            lines += [(Piece(""),), *said(ONE_STEP, width)]
        return lines[:height]

    def lowest_top(self, width: int, height: int) -> int:
        """How far its columns can be scrolled."""
        columns, room = self.desk.columns, self._fitting(width)[1]
        longest = max((len(self._text(columns[i], room)) for i in self.shown(width)), default=0)
        return max(longest + HEADS - height, 0)

    def _fitting(self, width: int) -> tuple[int, int]:
        """How many columns fit, and the cells of each."""
        fit_in = max((width + GAP) // (NARROWEST + GAP), 1)
        count = max(min(fit_in, len(self.desk.columns)), 1)
        return count, max((width + GAP) // count - GAP, 1)

    def _text(self, column: Column, room: int) -> list[str]:
        names, place = column.drawn.names, self.desk.name
        return in_lines(names[place], room) if place < len(names) else ["·"]

    def _loss(self, column: Column) -> str:
        losses, place = column.drawn.losses, self.desk.name
        loss = figure(losses[place]).strip() if place < len(losses) else "–"
        return f"this text {loss} {per_short('word')}"

    def _row(self, cells: list[str], shown: list[int], room: int, *, head: bool = False) -> Line:
        pieces: list[Piece] = []
        for text, index in zip(cells, shown, strict=True):
            here = head and index == self.desk.here
            role: Role = "here" if here else "head" if head else "plain"
            place = Place(self.desk.name, self.desk.columns[index].drawn.seq)
            pieces += [Piece(" " * GAP), Piece(fit(text, room), role, place)]
        return tuple(pieces[1:])
