"""Favourites: names that a person keeps while the dashboard lives."""

from __future__ import annotations

from dataclasses import dataclass

from core.protocol import SamplesDrawn


@dataclass(frozen=True)
class Favourite:
    """A name, and where it came from."""

    name: str
    step: int
    loss: float | None
    """Nats per symbol there; None in records of before."""


def favourite(drawn: SamplesDrawn, index: int) -> Favourite:
    """A name of a drawing."""
    return Favourite(drawn.names[index], drawn.step, drawn.losses[index] if drawn.losses else None)


class Kept:
    """The favourites in the order in which they were kept; each name once."""

    def __init__(self) -> None:
        self._kept: dict[str, Favourite] = {}

    def toggle(self, wanted: Favourite) -> bool:
        """Keep a name, or keep it no more; whether it is kept now."""
        if self._kept.pop(wanted.name, None) is not None:
            return False
        self._kept[wanted.name] = wanted
        return True

    @property
    def list(self) -> tuple[Favourite, ...]:
        """All."""
        return tuple(self._kept.values())

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    def __len__(self) -> int:
        return len(self._kept)
