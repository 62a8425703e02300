"""What the reader has heard, between its thread and the screen.

Losses come thirty times a second, frames less often: what flows waits for the next frame, while
what was confirmed is told at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from core.protocol import AnyEvent, Clock, Heartbeat, StepsDone
from tui.reader import News

Flow = StepsDone | Heartbeat | Clock
"""Told in figures and curves only, which the next frame draws."""


class Mailbox:
    """Filled by the reader's thread, emptied by that of the screen; it keeps their order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, News]] = deque()

    def put(self, news: Iterable[News]) -> bool:
        """Add what was heard just now; whether some of it should not wait for a frame."""
        now, urgent = time.monotonic(), False
        for item in news:
            self._waiting.append((now, item))
            urgent = urgent or not isinstance(item, Flow)
        return urgent

    def take_flow(self) -> list[tuple[float, AnyEvent]]:
        """What flows, with the moment at which it was heard, up to the first that does not."""
        taken: list[tuple[float, AnyEvent]] = []
        while self._waiting:
            heard, item = self._waiting[0]
            if not isinstance(item, Flow):
                break
            taken.append((heard, item))
            self._waiting.popleft()
        return taken

    def take(self) -> list[News]:
        """Everything that is in it now."""
        return [self._waiting.popleft()[1] for _ in range(len(self._waiting))]
