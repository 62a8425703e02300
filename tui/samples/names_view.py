"""One drawing as a list: of every name its mark, by glyph and word, and its loss per symbol."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.cells import cell_len

from core.protocol import SamplesDrawn
from tui.inspector.bars import bar, fit, rounded_up
from tui.inspector.walk import SCALE
from tui.samples.desk import Desk
from tui.samples.lines import POINTER, Line, Piece, Place, Role, figure, glyph, said, window
from tui.samples.marks import STAR, WORDS, told
from tui.samples.texts import NOUNS, in_a_line

WORD = 10
"""Cells of a mark's word, with a blank before it and behind."""
LOSS = 4
FIXED = 6 + WORD + LOSS
"""Cells that are no name: pointer, star, glyph, word and loss."""
UNITS = "nats/symbol"
BAR_FROM = 46
"""Cells from which there is room for a bar."""
BARS = 14
LOW = 7
"""Lines below which the names need them all."""
NOTHING = "Nothing is drawn yet: s draws names from the model as it is."
NOTHING_KEPT = "None yet. f keeps the {} beside the pointer, here until the dashboard is closed."


@dataclass(frozen=True, eq=False)
class NamesView:
    """The names of a drawing in some order."""

    desk: Desk

    def lines(self, width: int, height: int) -> list[Line]:
        """A head, as many names as fit around the one looked at, and what they are together."""
        drawn, places = self.desk.drawn, self.desk.places
        if drawn is None:
            return said(NOTHING, width)[:height]
        foot = self._foot(drawn, width) if height > LOW else []
        at = places.index(self.desk.name)
        rows = window(len(places), at, max(height - len(foot) - 1, 1))
        names = [told(drawn.names[place]) for place in places]
        bars = BARS if width >= BAR_FROM and drawn.losses else 0
        room = width - FIXED - (bars + 1 if bars else 0)
        room = max(min(room, max(map(cell_len, names))), 4)
        head = " " * 6 + fit("name", room) + UNITS.rjust(WORD + LOSS)
        top = rounded_up(max(drawn.losses, default=0.0), SCALE)
        body = [self._row(drawn, places[row], room, bars, top) for row in rows]
        return [(Piece(fit(head, width), "head"),), *body, *foot][:height]

    def _row(self, drawn: SamplesDrawn, place: int, room: int, bars: int, top: float) -> Line:
        name, here = drawn.names[place], place == self.desk.name
        kept = name in self.desk.kept
        loss = drawn.losses[place] if drawn.losses else None
        mark = self.desk.marks.of(name)
        sign, role = glyph(mark)
        at = Place(place, drawn.seq)
        pieces = [
            Piece(f"{POINTER if here else ' '} ", "here", at, here),
            Piece(f"{STAR if kept else ' '} ", "star", at, here),
            Piece(f"{sign} ", role, at, here),
            Piece(fit(told(name), room), "plain" if name else "quiet", at, here),
            Piece(f" {WORDS[mark]:<{WORD - 1}}", role, at, here),
            Piece(figure(loss), "plain", at, here),
        ]
        if bars and loss is not None:
            length = "".join(text for text, _ in bar(loss / top, None, bars))
            pieces.append(Piece(f" {length}", "bar", at, here))
        return tuple(pieces)

    def _foot(self, drawn: SamplesDrawn, width: int) -> list[Line]:
        """How many are new, and how low the loss is."""
        count = Counter(map(self.desk.marks.of, drawn.names))
        parts = [f"{count[mark]:,} {WORDS[mark]}" for mark in WORDS if count[mark]]
        losses = drawn.losses
        if losses:
            parts.append(f"mean {sum(losses) / len(losses):.2f}")
            parts.append(f"from {min(losses):.2f} to {max(losses):.2f}")
        return [(Piece(""),), *((Piece(line, "quiet"),) for line in _joined(parts, width))]


@dataclass(frozen=True, eq=False)
class KeptView:
    """The favourites."""

    desk: Desk

    def lines(self, width: int, height: int) -> list[Line]:
        """As many as fit around the one looked at, each with its step and loss."""
        kept = self.desk.kept.list
        if not kept:
            return said(NOTHING_KEPT.format(NOUNS[self.desk.level][0]), width)[:height]
        here = min(self.desk.favourite, len(kept) - 1)
        steps = [f"step {favourite.step:,}" for favourite in kept]
        names = [in_a_line(favourite.name, self.desk.level) for favourite in kept]
        step_room = max(map(cell_len, steps)) + 1
        room = max(min(width - 4 - step_room - 1 - LOSS, max(map(cell_len, names))), 4)
        lines: list[Line] = []
        for row in window(len(kept), here, height):
            sign, role = self._sign(kept[row].name)
            at, chosen = Place(row), row == here
            lines.append(
                (
                    Piece(f"{POINTER if chosen else ' '} ", "here", at, chosen),
                    Piece(f"{sign} ", role, at, chosen),
                    Piece(fit(names[row], room), "plain", at, chosen),
                    Piece(f"{steps[row]:>{step_room}} ", "quiet", at, chosen),
                    Piece(figure(kept[row].loss), "plain", at, chosen),
                )
            )
        return lines

    def _sign(self, name: str) -> tuple[str, Role]:
        # A text stands in no split.
        return glyph(self.desk.marks.of(name)) if self.desk.level == "character" else (STAR, "star")


def _joined(parts: list[str], width: int) -> list[str]:
    """`parts` with points between them, in lines that break only there."""
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and cell_len(longer) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return [fit(line, width) for line in lines]
