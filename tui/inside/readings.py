"""What the engine told of the inside of the model, look after look; it outlives the view.

Apart from Textual, like everything that only follows what the engine says. It also decides when to
look again, since a look costs the engine time: it takes no more than a small share of training.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from core.config import Knobs
from core.lineage import Lineage
from core.protocol import DiagnosticsTaken, LayerFigures
from tui.awaiting import Awaiting
from tui.reader import News

LOOK_SECONDS = 1.0
"""Between two looks at least, while the run trains."""
MOST_SHARE = 0.01
"""Of training that looks may take: where one takes long, they become rarer."""
MOST_KEPT = 2_000
"""Looks; beyond it every second is dropped, so that the whole past stays, more coarsely."""
CHARTED = ("C", "W1", "W2")
"""The layers whose ratio is drawn over time: the matrices, as in the lecture's part 3."""

Where = tuple[int, int, Knobs]
"""A branch of the run, a step, and the knobs of the next update."""


def share(part: float | None, whole: float | None) -> float | None:
    """`part` over `whole`; None where that is no number."""
    return None if part is None or not whole else part / whole


def log_ratio(layer: LayerFigures) -> float | None:
    """log10 of update-to-data; None where the layer does not move, or is not finite."""
    ratio = share(layer.update_std, layer.std)
    return math.log10(ratio) if ratio else None


@dataclass(frozen=True)
class Reading:
    """One look, as far as it is kept."""

    branch: int
    step: int
    ratios: Mapping[str, float]
    """log10 of update-to-data, by layer."""


class Readings(Awaiting):
    """Asked for one at a time; the newest whole, of those before it the ratios."""

    _asked: tuple[Where, float] | None

    def __init__(self) -> None:
        super().__init__()
        self.newest: DiagnosticsTaken | None = None
        self._kept: list[Reading] = []
        self._last: Reading | None = None
        self._every, self._skipped = 1, 0
        self._costs: deque[float] = deque(maxlen=9)

    @property
    def cost(self) -> float:
        """Seconds of the engine's time that one of the last looks took: their median."""
        costs = sorted(self._costs)
        return costs[(len(costs) - 1) // 2] if costs else 0.0

    @property
    def interval(self) -> float:
        """Seconds between two looks while the run trains."""
        if len(self._costs) < 2:
            # The first is dearer than those that follow, and tells little of them.
            return LOOK_SECONDS
        return max(LOOK_SECONDS, self.cost / MOST_SHARE)

    def begin(self) -> None:
        """The view is opened: what was asked before, nobody heard the answer to."""
        self.forget()
        self.reason = ""

    def wants(self, here: Where, now: float) -> bool:
        """Whether to ask at `now`: no answer is awaited, the run or its next update is another than
        when asked, and it is time.
        """
        if self._pending is not None:
            return False
        if self._asked is None:
            return True
        there, then = self._asked
        return here != there and now - then >= self.interval

    def ask(self, here: Where, now: float, answers: int | None) -> None:
        """It was asked for under this id at `now`; None: the engine is gone."""
        self.await_answer((here, now), answers)

    def hear(self, item: News) -> bool:
        """Take in what came from the engine; whether it changes what is shown."""
        if isinstance(item, DiagnosticsTaken) and item.answers == self._pending:
            self._take(item)
            return True
        return self.hear_of_none(item)

    def along(self, lineage: Lineage) -> list[Reading]:
        """Those of states that led to the present one, by their steps."""
        reach: dict[int, float] = {stretch.branch: stretch.end for stretch in lineage}
        # The newest losses may come after the look that was taken behind them.
        reach[lineage[-1].branch] = math.inf
        known = self._kept if self._last is None else [*self._kept, self._last]
        found = {
            reading.step: reading
            for reading in known
            if reading.step <= reach.get(reading.branch, -1)
        }
        return [found[step] for step in sorted(found)]

    def _take(self, told: DiagnosticsTaken) -> None:
        self.answered()
        self.newest = told
        self._costs.append(told.seconds)
        ratios = {layer.name: log_ratio(layer) for layer in told.layers if layer.name in CHARTED}
        known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
        reading = self._last = Reading(told.branch, told.step, known)
        newest = self._kept[-1] if self._kept else None
        if newest is not None and (newest.branch, newest.step) == (reading.branch, reading.step):
            # The same state under other knobs.
            self._kept[-1] = reading
            return
        self._skipped += 1
        if self._skipped >= self._every:
            self._kept.append(reading)
            self._skipped = 0
        if len(self._kept) > MOST_KEPT:
            self._kept, self._every = self._kept[::2], 2 * self._every
