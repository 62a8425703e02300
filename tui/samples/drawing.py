"""Asking the engine for names, by a key or again and again as training goes on.

Training waits while names are drawn. So one drawing at most is under way; what comes by itself is
of a modest count, twice a second at most, and only from other weights than the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from core.client import Attached
from core.protocol import (
    AnyCommand,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    Evaluated,
    Sample,
    SamplesDrawn,
)
from tui.reader import News
from tui.samples.drawings import Column
from tui.standing import LinkChanged
from tui.telling import printable

Again = Literal["off", "evaluations", "doublings"]
"""When the series shown is drawn once more by itself."""
AGAIN: tuple[Again, ...] = get_args(Again)
WHEN: dict[Again, str] = {
    "off": "",
    "evaluations": "drawn again at every evaluation",
    "doublings": "drawn again when the step has doubled",
}
MOST_AGAIN = 100
"""Names that come by themselves."""
PAUSE = 0.5
"""Seconds at least from one drawing that came by itself to the next."""
FIRST_DOUBLING = 100
"""The first step at which doublings are drawn, after the beginning."""
NO_ENGINE = "no engine at work: what was drawn stays, nothing new is drawn"


def is_due(
    again: Again, columns: Sequence[Column], evaluations: Sequence[Evaluated], step: int
) -> bool:
    """Whether the series with these columns is to be drawn once more in a run at `step`."""
    if again == "off":
        return False
    last = max((column.step for column in columns if not column.undone), default=None)
    if last is None:
        return True
    if step <= last:
        return False
    if again == "evaluations":
        return bool(evaluations) and evaluations[-1].step > last
    return step >= max(2 * last, FIRST_DOUBLING)


@dataclass
class Draws:
    """The drawing that is under way, and why there is none."""

    send: Callable[[AnyCommand], int | None]
    asked: int | None = None
    """The id under which an answer is awaited."""
    reason: str = ""
    """Why nothing came of the last one."""
    last: float = float("-inf")
    """When the last one was asked for, in seconds of any clock."""
    _wish: Sample = field(default_factory=Sample)

    def ask(self, wish: Sample, now: float) -> None:
        """Ask for a drawing, unless one is under way."""
        if self.asked is None:
            self.asked, self.last, self._wish = self.send(wish), now, wish
            self.reason = NO_ENGINE if self.asked is None else ""

    def hear(self, item: News) -> SamplesDrawn | None:
        """Take in what the engine said; the drawing, if it is the one that is awaited."""
        match item:
            case SamplesDrawn(answers=id) if id == self.asked is not None and self._fits(item):
                self.asked = None
                return item
            case CommandRejected(answers=id) if id == self.asked:
                self.asked, self.reason = None, f"not drawn: {printable(item.reason)}"
            case EngineFailed() | EngineStopped() | LinkChanged(link="gone"):
                self.asked, self.reason = None, NO_ENGINE
            case Attached():
                self.asked, self.reason = None, ""
            case _:
                pass
        return None

    def _fits(self, drawn: SamplesDrawn) -> bool:
        # Everyone hears of every drawing, and other dashboards count their commands from 1 too.
        wish = self._wish
        wanted = (wish.temperature, wish.top_k, wish.prefix, len(drawn.names))
        told = (drawn.temperature, drawn.top_k, drawn.prefix, wish.count)
        return wanted == told and wish.seed in (None, drawn.seed)
