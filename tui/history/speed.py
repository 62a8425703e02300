"""How fast training goes, by the clock of whoever watches."""

from __future__ import annotations

from collections import deque

WINDOW = 1.5
"""Seconds of arrivals from which the speed is taken."""


class Speed:
    """Steps per second over about the last second, from when steps arrived.

    Times are seconds of any clock that never goes back (`time.monotonic`).
    """

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, int]] = deque()

    def restart(self) -> None:
        """Forget: training stood still, or goes on from elsewhere."""
        self._arrivals.clear()

    def arrive(self, now: float, step: int) -> None:
        """At `now` training is known to be at `step`."""
        self._arrivals.append((now, step))
        while len(self._arrivals) > 2 and self._arrivals[1][0] <= now - WINDOW:
            self._arrivals.popleft()

    @property
    def steps_per_second(self) -> float:
        """0 before there is any telling."""
        if len(self._arrivals) < 2:
            return 0.0
        (start, first), (end, last) = self._arrivals[0], self._arrivals[-1]
        return (last - first) / (end - start) if end > start else 0.0
