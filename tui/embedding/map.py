"""The embedding map as cells: every symbol's place in the plane, marked and named.

Apart from the widget: arrays and text, no colours. How the plane is found stands in
`tui.embedding.projection`, where labels go in `tui.embedding.placing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np

from core.smoothing import Doubles
from tui.cells import Cells, Role
from tui.chart.view import GUTTER
from tui.embedding.axes import origin, surround
from tui.embedding.placing import Placed, Wanted, place
from tui.embedding.projection import Flags, Plane, finite
from tui.embedding.symbols import MARKS, Kind, Symbols
from tui.embedding.window import Window, window_of, zoomed
from tui.finder.view import stamp

KIND_ROLES: Mapping[int, Role] = {
    Kind.VOWEL: Role.CURVE,
    Kind.CONSONANT: Role.RAW,
    Kind.OTHER: Role.OTHER,
}
"""A kind of words has the role of the kind of symbols with its number."""
FOLLOWED, TRAIL, LEADER, GRID, MORE = (
    Role.DEV, Role.TRAIN, Role.MARK, Role.REFERENCE, Role.LABEL
)  # fmt: skip
"""Roles that this picture has no other use for; MORE: how many a shared place does not name."""
NEAR = 32
"""Added to a role: the symbol is one of the nearest to the one followed."""
MOST_NAMED = 6
"""Symbols named at one place."""
NO_TABLE, NO_PLACE = "no embeddings yet", "no embedding is finite"

_CELLS_PER_LABEL = 10
"""With fewer the map is crowded: then only the most frequent symbol of a place is named…"""
_CELLS_PER_SURE_MARK = 40
"""…and only so many of the most frequent keep the others from standing in their way."""
_CELLS_PER_WORD = 16
"""Words are drawn as many as there is room for, the most frequent first."""

Piece = tuple[str, int]
"""Part of a label: what stands in its cells, and its role."""
Places = dict[tuple[int, int], list[int]]
"""Column and row, and who lies there."""


@dataclass(frozen=True, eq=False)
class MapView:
    """What is drawn."""

    symbols: Symbols
    plane: Plane | None = None
    """None: no table has come yet."""
    points: Doubles = field(default_factory=lambda: np.empty((0, 2)))
    """(rows of the table, 2) in the plane; NaN for a symbol without a place."""
    trail: Doubles = field(default_factory=lambda: np.empty((0, 2)))
    """Where the symbol followed was, the newest last, in the same plane."""
    followed: int | None = None
    near: frozenset[int] = frozenset()
    """Its nearest in the full space."""
    zoom: int = 0
    """How many times the scale is doubled."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A map that was drawn, and what it could not show."""

    cells: Cells
    window: Window | None = None
    """Of the whole cloud, before zooming."""
    sides: Mapping[int, int] = field(default_factory=dict)
    """On which side of its mark each label stands, by the first symbol that it names."""
    places: Mapping[tuple[int, int], Sequence[int]] = field(default_factory=dict)
    """Column and row of every mark, with the symbols that lie there."""
    labels: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    """Column, row and width of every label, by the first symbol that it names."""
    unnamed: tuple[int, ...] = ()
    """In the picture, without a label."""
    outside: int = 0
    """Symbols that zooming left out."""
    lost: int = 0
    """Symbols whose embedding is not finite."""
    rarer: int = 0
    """Words that would lie in the picture, for which there is no room."""

    @property
    def shared(self) -> tuple[Sequence[int], ...]:
        """The symbols of every place where there are several."""
        return tuple(symbols for symbols in self.places.values() if len(symbols) > 1)

    def nearest(self, column: int, row: int) -> int | None:
        """The symbol at or beside a cell of the picture, or whose label stands there; None where
        there is none.
        """
        column, row = column - GUTTER, row - 1
        for at, (first, line, width) in self.labels.items():
            if line == row and first <= column < first + width:
                return at
        far = {at: max(abs(at[0] - column), abs(at[1] - row)) for at in self.places}
        nearest = min(far, key=far.__getitem__, default=None)
        return self.places[nearest][0] if nearest is not None and far[nearest] <= 2 else None


def draw(view: MapView, width: int, height: int, before: Picture | None = None) -> Picture:
    """The whole picture, as like the one before it as the model's changes allow."""
    across, rows = width - GUTTER, height - 3
    if across < 8 or rows < 3:
        return Picture(Cells(max(width, 0), max(height, 0)))
    cells = Cells(width, height)
    known = finite(view.points)
    if view.plane is None or not known.any():
        text = NO_TABLE if view.plane is None else NO_PLACE
        cells.write(max((width - len(text)) // 2, 0), height // 2, text, Role.LABEL)
        return Picture(cells, lost=len(view.points))
    whole = window_of(view.points, across, rows, before.window if before else None)
    focus = None
    if view.followed is not None and known[view.followed]:
        x, y = view.points[view.followed].tolist()
        focus = (x, y)
    window = zoomed(whole, view.zoom, focus)
    canvas = Cells(across, rows)
    origin(canvas, window, GRID)
    _trail(canvas, window, view.trail)
    inside = window.inside(view.points)
    room = across * rows // _CELLS_PER_WORD if view.symbols.words else len(view.points)
    places = _places(view, window, inside, room)
    crowded = len(places) > across * rows // _CELLS_PER_LABEL
    groups = _words(view, places) if view.symbols.words else _groups(places, crowded)
    labels = [_label(view, named) for _, named in groups]
    if not crowded and not view.symbols.words:
        for label, (at, named) in zip(labels, groups, strict=True):
            if (left := len(places[at]) - len(named)) > 0:
                label.append((f"+{left}", MORE))
    wishes = [
        Wanted(column, row, sum(len(text) for text, _ in label), named[0])
        for ((column, row), named), label in zip(groups, labels, strict=True)
    ]
    sure, must = across * rows // _CELLS_PER_SURE_MARK if crowded else len(wishes), 0
    if view.symbols.words:
        # The others' marks may not keep these from having a label.
        must = sum(named[0] in view.near or named[0] == view.followed for _, named in groups)
        sure = must
    sides = before.sides if before else None
    placed = place(wishes, across, rows, sure=sure, must=must, before=sides)
    _write(canvas, view, wishes, labels, placed)
    surround(cells, canvas, window, view.plane)
    told = {
        symbol
        for (_, named), spot in zip(groups, placed.spots, strict=True)
        for symbol in (named if spot else ())
    }
    spots = [(w, spot) for w, spot in zip(wishes, placed.spots, strict=True) if spot]
    drawn = [at for symbols in places.values() for at in symbols]
    return Picture(
        cells,
        whole,
        {wish.key: spot.side for wish, spot in spots},
        places,
        {wish.key: (spot.column, spot.row, wish.width) for wish, spot in spots},
        tuple(at for at in drawn if at not in told),
        int((known & ~inside).sum()),
        int((~known).sum()),
        int(inside.sum()) - len(drawn),
    )


def _places(view: MapView, window: Window, inside: Flags, room: int) -> Places:
    """Cells with the symbols that lie there: the followed first, of words its nearest, then the
    most frequent, `room` in all.
    """
    first = [] if view.followed is None else [view.followed]
    if view.symbols.words:
        first += sorted(view.near)
    marked = set(first)
    lies = inside.tolist()
    # A table that is too large for an answer has fewer rows than the vocabulary has words.
    rest = (at for at in view.symbols.order if at < len(lies) and lies[at] and at not in marked)
    order = list(islice(chain((at for at in first if lies[at]), rest), room))
    corners = np.floor(window.cells(view.points[order])).astype(int).tolist()
    places: Places = {}
    for at, (column, row) in zip(order, corners, strict=True):
        places.setdefault((column, row), []).append(at)
    kinds = view.symbols.kinds
    # Those of the mark's kind follow it; the others come with a mark of their own.
    return {
        place: sorted(symbols, key=lambda at: (kinds[at] != kinds[symbols[0]], kinds[at]))
        for place, symbols in places.items()
    }


def _groups(places: Places, crowded: bool) -> list[tuple[tuple[int, int], list[int]]]:
    """Who is named at each place, in one label."""
    most = 1 if crowded else MOST_NAMED
    return [(at, symbols[:most]) for at, symbols in places.items()]


def _words(view: MapView, places: Places) -> list[tuple[tuple[int, int], list[int]]]:
    """Who is named, each in a label of its own: the word followed and its nearest before the
    others, of which each place has one.
    """
    sure = view.near | {view.followed}
    chosen = [(at, [word]) for at, words in places.items() for word in words if word in sure]
    others = [(at, words[:1]) for at, words in places.items() if words[0] not in sure]
    return sorted(chosen, key=lambda named: named[1][0] != view.followed) + others


def _label(view: MapView, symbols: list[int]) -> list[Piece]:
    """`ea•b`: the symbols of the mark's kind, then marked those of others."""
    pieces: list[Piece] = []
    kinds, cells = view.symbols.kinds, view.symbols.cells
    kind = kinds[symbols[0]]
    for at in symbols:
        if kinds[at] != kind:
            kind = kinds[at]
            pieces.append((MARKS[kind], KIND_ROLES[kind]))
        pieces.append((cells[at], _role(view, at)))
    return pieces


def _role(view: MapView, at: int) -> int:
    if at == view.followed:
        return FOLLOWED
    return KIND_ROLES[view.symbols.kinds[at]] + (NEAR if at in view.near else 0)


def _write(
    canvas: Cells, view: MapView, wishes: list[Wanted], labels: list[list[Piece]], placed: Placed
) -> None:
    drawn = [*zip(wishes, labels, placed.spots, placed.marked, strict=True)]
    # Where words share a cell, it has the mark of the one that comes first.
    for wish, label, spot, marked in reversed(drawn):
        if not marked:
            continue
        kind = view.symbols.kinds[wish.key]
        role = FOLLOWED if wish.key == view.followed else KIND_ROLES[kind]
        _put(canvas, wish.column, wish.row, MARKS[kind], role)
        if spot is None:
            continue
        for column, row in spot.leader:
            _put(canvas, column, row, spot.line, LEADER)
        column = spot.column
        for text, piece_role in label:
            _put(canvas, column, spot.row, text, piece_role)
            column += len(text)


def _put(cells: Cells, column: int, row: int, text: str, role: int) -> None:
    cells.glyphs[row, column : column + len(text)] = [ord(character) for character in text]
    cells.roles[row, column : column + len(text)] = role


def _trail(canvas: Cells, window: Window, trail: Doubles) -> None:
    """Braille dots from each place to the next."""
    dots = 4 * canvas.height, 2 * canvas.width
    if len(trail) < 2 or not np.isfinite(trail).all():
        return
    corners = window.cells(trail)[:, ::-1] * (4, 2)
    longest = np.abs(np.diff(corners, axis=0)).max()
    shares = np.linspace(0, 1, int(min(longest, 2 * max(dots))) + 2)[:, None, None]
    path = np.floor(corners[:-1] + (corners[1:] - corners[:-1]) * shares).reshape(-1, 2)
    path = path[((path >= 0) & (path < dots)).all(1)].astype(np.int64)
    drawn = np.zeros(dots, np.bool_)
    drawn[path[:, 0], path[:, 1]] = True
    # It counts dots from below.
    stamp(canvas, drawn[::-1], TRAIL)
