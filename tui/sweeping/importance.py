"""In which settings the best trials agree, as bars."""

from __future__ import annotations

from dataclasses import dataclass

from tui.inspector.bars import Line, bar, fit
from tui.telling import dial_name

SHARE_CELLS = 6
LEAST_BAR = 4


@dataclass(frozen=True)
class Importance:
    """Shares by the name of the setting, the greatest first."""

    shares: tuple[tuple[str, float], ...]

    def lines(self, width: int, height: int) -> list[Line]:
        """A bar for each that fits."""
        if not self.shares:
            return [Line((("after two finished trials", "quiet"),))]
        names = [dial_name(name) for name, _ in self.shares]
        room = max(width - SHARE_CELLS - LEAST_BAR - 2, 4)
        cells = min(max(map(len, names)), room)
        bars = max(width - cells - SHARE_CELLS - 2, 1)
        return [
            Line(
                (
                    (f"{fit(name, cells)} ", "plain"),
                    *bar(share, None, bars),
                    (f"{share:>{SHARE_CELLS}.0%}", "quiet"),
                )
            )
            for name, (_, share) in zip(names[:height], self.shares, strict=False)
        ]
