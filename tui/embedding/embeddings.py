"""The embedding table as the engine told it, look after look: asked for, followed, projected.

Apart from Textual, like everything that only follows what the engine says.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from core.protocol import Embedded, RolledBack
from core.smoothing import Floats
from tui.awaiting import Awaiting
from tui.embedding.map import MapView
from tui.embedding.projection import Neighbours, Plane, first_two, neighbours, principal
from tui.embedding.symbols import Symbols
from tui.reader import News

LONGEST_TRAIL = 40
"""Tables kept: at four looks a second, ten seconds."""
MOST_KEPT = 4_000_000
"""Numbers kept in all."""
MOST_ZOOM = 5
NEAREST, NEAREST_WORDS = 5, 8
"""Neighbours told of by each measure."""

Where = tuple[int, int]
"""A branch of the run, and a step."""


class Embeddings(Awaiting):
    """What was told of the table, and how a person looks at it."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__()
        self.symbols = symbols
        self.step: int | None = None
        """Of the newest table."""
        self.followed = symbols.first
        self.zoom = 0
        self.principal = True
        """Wanted; with one or two dimensions there is nothing to choose."""
        self._tables: deque[Floats] = deque(maxlen=LONGEST_TRAIL)
        self._plane: Plane | None = None
        self._settled = True

    @property
    def table(self) -> Floats | None:
        """The newest (V, E)."""
        return self._tables[-1] if self._tables else None

    @property
    def size(self) -> int:
        """E, or 0 while that is not known."""
        return 0 if self.table is None else int(self.table.shape[1])

    @property
    def count(self) -> int:
        """Symbols that have a place: a large table is told in part."""
        return len(self.symbols.itos) if self.table is None else len(self.table)

    @property
    def nearest(self) -> Neighbours:
        """Of the symbol followed, among those told."""
        if self.table is None:
            return Neighbours()
        most = NEAREST_WORDS if self.symbols.words else NEAREST
        return neighbours(self.table, self.followed, most)

    @property
    def share(self) -> float:
        """Of the variance, in the plane that is shown."""
        return sum(self._plane.shares) if self._plane is not None else 0.0

    @property
    def moving(self) -> bool:
        """Whether the plane still turns, without a new table."""
        return not self._settled

    def wants(self, here: Where) -> bool:
        """Whether to ask: no answer is awaited, and the run stands elsewhere than when asked."""
        return self._pending is None and here != self._asked

    def ask(self, here: Where, answers: int | None) -> None:
        """It was asked for under this id while the run stood there; None: the engine is gone."""
        self.await_answer(here, answers)

    def hear(self, item: News) -> bool:
        """Take in what came from the engine; whether it changes what is shown."""
        match item:
            case Embedded() if item.answers == self._pending:
                self._take(item)
            case RolledBack():
                self._forget_the_trail()
            case _:
                return self.hear_of_none(item)
        return True

    def follow(self, index: int) -> None:
        """Look at another symbol, if it has a place."""
        if index < self.count:
            self.followed = index

    def follow_next(self, by: int) -> None:
        """Go through the symbols as the vocabulary has them."""
        self.followed = (self.followed + by) % self.count

    def zoom_by(self, times: int) -> None:
        """Look from nearer, or from farther away."""
        self.zoom = min(max(self.zoom + times, 0), MOST_ZOOM)

    def other_plane(self) -> None:
        """The first two dimensions, or the two principal axes."""
        self.principal, self._plane = not self.principal, None
        self._look()

    def turn(self) -> None:
        """Turn the plane on, if it is not yet at rest."""
        self._look()

    def view(self) -> MapView:
        """What is to be drawn."""
        table, plane = self.table, self._plane
        if table is None or plane is None:
            return MapView(self.symbols)
        nearest = self.nearest
        near = frozenset(
            at for at, _ in (nearest.by_cosine if self.symbols.words else nearest.by_distance)
        )
        trail = np.stack([past[self.followed] for past in self._tables])
        return MapView(
            self.symbols,
            plane,
            points=plane.project(table),
            trail=plane.project(trail),
            followed=self.followed,
            near=near,
            zoom=self.zoom,
        )

    def _take(self, told: Embedded) -> None:
        table = np.frombuffer(told.table, "<f4").astype(np.float32).reshape(-1, told.size)
        if self.table is not None and self.table.shape != table.shape:
            self._tables.clear()
            self._plane = None
        if table.size * len(self._tables) > MOST_KEPT:
            self._tables.popleft()
        self._tables.append(table)
        self.followed = min(self.followed, len(table) - 1)
        self.answered()
        self.step = told.step
        self._look()

    def _forget_the_trail(self) -> None:
        newest = self.table
        self._tables.clear()
        if newest is not None:
            self._tables.append(newest)

    def _look(self) -> None:
        if self.table is None:
            return
        if self.size <= 2 or not self.principal:
            self._plane, self._settled = first_two(self.table), True
            return
        before, self._plane = self._plane, principal(self.table, self._plane)
        self._settled = before is None or np.allclose(before.axes, self._plane.axes, atol=1e-4)
