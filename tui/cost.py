"""What the dashboard itself costs, and so how often it draws: as it watches a training that is to
lose nothing by that.

Apart from Textual: clocks come in as numbers, so that it can be tested without waiting.
"""

from __future__ import annotations

import statistics
from collections import deque

FRAMES, FEWEST_FRAMES = 8, 4
"""A second: as many as are wanted, and as many as there are however dear they become."""

AFFORDABLE = 0.1
"""Share of a core above which fewer frames are drawn."""

WINDOW = 3.0
"""Seconds over which shares are taken."""

_FRAMES_KEPT = 30


class Cost:
    """Processor time against the clock; all times are seconds, `used` is that of the process."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[float, float, float]] = deque()
        self._drawn: deque[float] = deque()
        self._frames: deque[float] = deque(maxlen=_FRAMES_KEPT)
        self._last = (float("-inf"), 0.0)
        self.turns = 0
        """Times at which a frame might have been drawn, so far."""
        self.drawn = 0
        """Frames so far."""

    def tick(self, now: float, used: float, training: float) -> None:
        """Note how things stand; `training` is the time that the engine has spent in updates."""
        self.turns += 1
        self._ticks.append((now, used, training))
        for moments in (self._ticks, self._drawn):
            while moments and _moment(moments[0]) < now - WINDOW:
                moments.popleft()

    def affords(self, now: float, used: float) -> bool:
        """Whether the next frame is due: soon after a cheap one, later after a dear one."""
        last, used_before = self._last
        since = now - last
        return since * FEWEST_FRAMES >= 1 or used - used_before <= AFFORDABLE * since

    def draws(self, now: float, used: float) -> None:
        """A frame is drawn."""
        self._last = (now, used)
        self._drawn.append(now)
        self.drawn += 1

    def took(self, seconds: float) -> None:
        """A frame has taken so much of the processor until it was painted."""
        self._frames.append(seconds)

    @property
    def share(self) -> float:
        """Of a core, over the last seconds."""
        return self._rate(1)

    @property
    def training(self) -> float:
        """Share of the time that the engine has spent inside updates."""
        return self._rate(2)

    @property
    def frames_per_second(self) -> float:
        """Over the last seconds."""
        seconds = self._ticks[-1][0] - self._ticks[0][0] if self._ticks else 0.0
        return len(self._drawn) / seconds if seconds > 0 else 0.0

    @property
    def frame(self) -> float | None:
        """Seconds that a frame takes of the processor, a median; None: not known yet."""
        return statistics.median(self._frames) if self._frames else None

    def _rate(self, part: int) -> float:
        if len(self._ticks) < 2:
            return 0.0
        first, last = self._ticks[0], self._ticks[-1]
        return (last[part] - first[part]) / max(last[0] - first[0], 1e-9)


def _moment(noted: float | tuple[float, float, float]) -> float:
    return noted if isinstance(noted, float) else noted[0]


def cost_text(cost: Cost, *, running: bool) -> str:
    """`dashboard: frame 9.1 ms · 8 frames/s · 7 % of a core`, and what is left to training."""
    frame = "–" if cost.frame is None else f"{1e3 * cost.frame:.1f}"
    parts = [
        f"dashboard: frame {frame} ms",
        f"{cost.frames_per_second:.0f} frames/s",
        f"{100 * cost.share:.0f} % of a core",
    ]
    if running:
        parts.append(f"engine: {100 * min(cost.training, 1):.0f} % of its time in updates")
    return " · ".join(parts)
