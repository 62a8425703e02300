"""How a study and its trials stand, as table, lines and screen tell it: plain values, no Optuna."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.sweep import Sweep
from core.sweep_ranges import Chosen

State = Literal[
    "waiting", "running", "finished", "pruned", "diverged", "failed",
    "lost", "interrupted", "steered", "surplus",
]  # fmt: skip
"""`pruned`: worse than the median at that step. `diverged`: its loss exploded, or was no number.
`failed`: its run could not be made, or its engine ended. `lost`: its worker died. `interrupted`:
the sweep was ended. `steered`: a person took the run over. `surplus`: more than were asked for."""
UNCOUNTED = ("lost", "interrupted", "steered", "surplus")
"""Others take the place of these."""


@dataclass(frozen=True)
class Tried:
    """One trial as it stands."""

    number: int
    state: State
    dev: float | None
    """The lowest dev loss that was measured, nats per symbol."""
    values: dict[str, Chosen]
    course: tuple[tuple[int, float], ...] = ()
    """Dev losses by their steps."""
    run: str = ""
    """The id of its run; empty while there is none."""
    directory: Path | None = None
    """That run, if it was made on this machine."""
    host: str = ""
    why: str = ""
    """Why it ended so."""


@dataclass(frozen=True)
class Standing:
    """How a study stands."""

    name: str
    sweep: Sweep
    trials: tuple[Tried, ...]
    wanted: int
    importance: tuple[tuple[str, float], ...] = ()
    """Of each setting, the greatest first, adding up to 1; empty where nothing can be said."""

    @property
    def shown(self) -> tuple[Tried, ...]:
        """Without those that nobody asked for."""
        return tuple(trial for trial in self.trials if trial.state != "surplus")

    @property
    def ranked(self) -> tuple[Tried, ...]:
        """Those with a dev loss that counts, the best first."""
        known = [each for each in self.trials if each.dev is not None and each.state == "finished"]
        return tuple(sorted(known, key=lambda each: (each.dev or 0.0, each.number)))

    @property
    def best(self) -> Tried | None:
        """The finished trial with the lowest dev loss."""
        return next(iter(self.ranked), None)

    def count(self, *states: State) -> int:
        """Trials in these states."""
        return sum(trial.state in states for trial in self.trials)

    @property
    def done(self) -> int:
        """Trials that were made to their end, whatever that was."""
        return self.count("finished", "pruned", "diverged", "failed")
