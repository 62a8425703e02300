"""What a person has before them in the view of samples: which drawing, which name, in which order.

It outlives the view: who comes back finds it as it was left. Apart from Textual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from core.config import Level
from core.protocol import SamplesDrawn
from tui.history.history import History
from tui.samples.drawing import AGAIN, Again
from tui.samples.drawings import Column, Series, all_series, columns_of
from tui.samples.kept import Favourite, Kept, favourite
from tui.samples.marks import Marks
from tui.samples.wishing import Texts

Order = Literal["drawn", "lowest loss first", "highest loss first"]
ORDERS: tuple[Order, ...] = get_args(Order)


def ordered(losses: Sequence[float], count: int, order: Order) -> list[int]:
    """The places of `count` names in that order; without losses they stay as drawn."""
    places = list(range(count))
    if order == "drawn" or not losses:
        return places
    return sorted(places, key=losses.__getitem__, reverse=order == "highest loss first")


@dataclass
class Desk:
    """The choices, and the drawings that they lead to as the run is known now."""

    marks: Marks
    level: Level = "character"
    """Whether names are drawn or, where symbols are words, texts."""
    texts: Texts | None = None
    """What was typed last; None: nothing yet."""
    kept: Kept = field(default_factory=Kept)
    series: Series | None = None
    """Shown; None: nothing is drawn yet."""
    columns: list[Column] = field(default_factory=list)
    """Its drawings, by their steps."""
    drawing: int | None = None
    """The one that is looked at, by its number in the record; None: always the newest."""
    name: int = 0
    """The place of the name that is looked at, as drawn."""
    order: Order = "drawn"
    every: bool = False
    """All columns, those that do not fit to be scrolled to, and not as many as fit."""
    again: Again = "off"
    favourite: int = 0
    """The place of the favourite that is looked at."""
    top: int = 0
    """Of the text that is looked at, the first line to be seen: a long one is scrolled."""
    _seen: tuple[object, ...] = ()

    def follow(self, history: History) -> bool:
        """Take in how the run is known now; whether other drawings are shown for it."""
        if self.series is None and history.samples:
            self.series = Series.of(history.samples[-1])
        # Drawings and evaluations are only ever added, and a rollback begins a branch.
        known = (len(history.samples), len(history.evaluations), history.branch)
        seen = (id(history), self.series, *known)
        if seen == self._seen:
            return False
        self._seen = seen
        self.columns = [] if self.series is None else columns_of(history, self.series)
        self._hold()
        return True

    @property
    def newest(self) -> int:
        """Which column was drawn last."""
        seqs = [column.drawn.seq for column in self.columns]
        return seqs.index(max(seqs)) if seqs else 0

    @property
    def here(self) -> int:
        """Which column is looked at."""
        seqs = [column.drawn.seq for column in self.columns]
        return seqs.index(self.drawing) if self.drawing in seqs else self.newest

    @property
    def drawn(self) -> SamplesDrawn | None:
        """The drawing that is looked at."""
        return self.columns[self.here].drawn if self.columns else None

    @property
    def places(self) -> list[int]:
        """Of the names of that drawing, in the order in which they are shown."""
        drawn = self.drawn
        return [] if drawn is None else ordered(drawn.losses, len(drawn.names), self.order)

    @property
    def selected(self) -> Favourite | None:
        """The name that is looked at, and where it came from."""
        return None if self.drawn is None else favourite(self.drawn, self.name)

    @property
    def selected_favourite(self) -> Favourite | None:
        """The favourite that is looked at."""
        kept = self.kept.list
        return kept[min(self.favourite, len(kept) - 1)] if kept else None

    def take(self, drawn: SamplesDrawn, history: History) -> None:
        """Show what was drawn just now."""
        series = Series.of(drawn)
        if series != self.series:
            self.series, self.name = series, 0
        self.drawing = None
        self.follow(history)
        self._begin_at_the_top()

    def go(self, name: int, drawing: int) -> None:
        """Look at a name of a drawing."""
        self.top = 0 if name != self.name else self.top
        self.name, self.drawing = name, drawing
        if self.here == self.newest:
            self.drawing = None
        self._hold()

    def move(self, by: int) -> None:
        """Look at the name so many rows below."""
        places = self.places
        if places:
            row = places.index(self.name) + by
            self.name, self.top = places[min(max(row, 0), len(places) - 1)], 0

    def turn(self, by: int, shown: Sequence[int]) -> None:
        """Look at the same name in the column before or after, of those that are shown."""
        if self.columns and self.here in shown:
            at = min(max(shown.index(self.here) + by, 0), len(shown) - 1)
            self.go(self.name, self.columns[shown[at]].drawn.seq)

    def move_favourite(self, by: int) -> None:
        """Look at the favourite so many rows below."""
        self.favourite = min(max(self.favourite + by, 0), max(len(self.kept) - 1, 0))

    def other_series(self, by: int, history: History) -> None:
        """Show the drawings made before or after these, as those with other arguments are."""
        known = all_series(history.samples)
        if self.series in known:
            at = min(max(known.index(self.series) + by, 0), len(known) - 1)
            if known[at] != self.series:
                self.series, self.drawing, self.name = known[at], None, 0
                self.follow(history)
                self._begin_at_the_top()

    def next_order(self) -> None:
        """Sort the other way."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self._begin_at_the_top()

    def next_again(self) -> None:
        """Draw again at other times."""
        self.again = AGAIN[(AGAIN.index(self.again) + 1) % len(AGAIN)]

    def _begin_at_the_top(self) -> None:
        places, self.top = self.places, 0
        if places and (self.name == 0 or self.order != "drawn"):
            self.name = places[0]

    def _hold(self) -> None:
        count = len(self.drawn.names) if self.drawn is not None else 0
        self.name = min(self.name, max(count - 1, 0))
