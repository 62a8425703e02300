"""How many updates the next chunk may have: some milliseconds' worth, within the pace.

It decides only where training is cut into chunks, which never changes a result.
"""

from __future__ import annotations

import time

CHUNK_SECONDS = 0.005
"""Aimed at for one chunk of training: Pause must feel instant, and what is done between two chunks
must cost little.
"""

MAX_CHUNK = 4_096


class Pacing:
    """Measures chunks and keeps a pace."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Count and measure from now on: after a pause, or a change of pace, knobs or state."""
        # A chunk measured on small minibatches would last for minutes on very large ones.
        self.chunk = 1
        """Updates that fit in CHUNK_SECONDS, as last measured."""
        self._count_from_now()

    def _count_from_now(self) -> None:
        self._since = time.monotonic()
        self._done = 0

    def did(self, updates: int, seconds: float) -> None:
        """Learn from a chunk that took so many seconds."""
        self._done += updates
        fitting = updates * CHUNK_SECONDS / max(seconds, 1e-6)
        # Grow gently: one lucky measurement must not make a chunk that lasts.
        self.chunk = max(1, min(round(fitting), 2 * self.chunk, MAX_CHUNK))

    def allowance(self, pace: int) -> int:
        """Updates that may be made now; `pace` is updates per second, 0 for as fast as it goes."""
        if not pace:
            return self.chunk
        due = int((time.monotonic() - self._since) * pace) + 1 - self._done
        if due > pace:
            # Too slow for this pace by a whole second: do not try to catch up in one burst later.
            self._count_from_now()
        return max(0, min(due, self.chunk))

    def wait(self, pace: int) -> float:
        """Seconds until the next update is due."""
        return max(0.0, self._since + self._done / pace - time.monotonic())
