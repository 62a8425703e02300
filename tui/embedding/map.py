"""The embedding map as cells: every symbol's place in the plane, marked and named.

Apart from the widget: arrays and text, no colours. How the plane is found stands in
`tui.embedding.projection`, where labels go in `tui.embedding.placing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

KIND_ROLES = {Kind.VOWEL: Role.CURVE, Kind.CONSONANT: Role.RAW, Kind.OTHER: Role.OTHER}
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

Piece = tuple[str, int]
"""Part of a label: what stands in its cells, and its role."""


@dataclass(frozen=True, eq=False)
class MapView:
    """What is drawn."""

    symbols: Symbols
    plane: Plane | None = None
    """None: no table has come yet."""
    points: Doubles = field(default_factory=lambda: np.empty((0, 2)))
    """(V, 2) in the plane; NaN for a symbol without a place."""
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
    unnamed: tuple[int, ...] = ()
    """In the picture, without a label."""
    outside: int = 0
    """Symbols that zooming left out."""
    lost: int = 0
    """Symbols whose embedding is not finite."""

    @property
    def shared(self) -> tuple[Sequence[int], ...]:
        """The symbols of every place where there are several."""
        return tuple(symbols for symbols in self.places.values() if len(symbols) > 1)

    def nearest(self, column: int, row: int) -> int | None:
        """The symbol at or beside a cell of the picture; None where there is none."""
        column, row = column - GUTTER, row - 1
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
    places = _places(view, window, inside)
    crowded = len(places) > across * rows // _CELLS_PER_LABEL
    most = 1 if crowded else MOST_NAMED
    labels = [_label(view, symbols[:most]) for symbols in places.values()]
    if not crowded:
        for label, symbols in zip(labels, places.values(), strict=True):
            if len(symbols) > most:
                label.append((f"+{len(symbols) - most}", MORE))
    wishes = [
        Wanted(column, row, sum(len(text) for text, _ in label), symbols[0])
        for ((column, row), symbols), label in zip(places.items(), labels, strict=True)
    ]
    sure = across * rows // _CELLS_PER_SURE_MARK if crowded else len(wishes)
    placed = place(wishes, across, rows, sure=sure, before=before.sides if before else None)
    _write(canvas, view, wishes, labels, placed)
    surround(cells, canvas, window, view.plane)
    named = {
        symbol
        for symbols, spot in zip(places.values(), placed.spots, strict=True)
        for symbol in (symbols[:most] if spot else ())
    }
    return Picture(
        cells,
        whole,
        {w.key: spot.side for w, spot in zip(wishes, placed.spots, strict=True) if spot},
        places,
        tuple(at for symbols in places.values() for at in symbols if at not in named),
        int((known & ~inside).sum()),
        int((~known).sum()),
    )


def _places(view: MapView, window: Window, inside: Flags) -> dict[tuple[int, int], list[int]]:
    """Cells with the symbols that lie there: the followed first, then the most frequent."""
    order = list(view.symbols.order)
    if view.followed is not None:
        order.remove(view.followed)
        order.insert(0, view.followed)
    corners = np.floor(window.cells(np.where(inside[:, None], view.points, 0.0))).astype(int)
    places: dict[tuple[int, int], list[int]] = {}
    for at in order:
        if inside[at]:
            column, row = corners[at].tolist()
            places.setdefault((column, row), []).append(at)
    kinds = view.symbols.kinds
    # Those of the mark's kind follow it; the others come with a mark of their own.
    return {
        place: sorted(symbols, key=lambda at: (kinds[at] != kinds[symbols[0]], kinds[at]))
        for place, symbols in places.items()
    }


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
    for wish, label, spot, marked in zip(wishes, labels, placed.spots, placed.marked, strict=True):
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
