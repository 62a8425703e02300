"""Acts that were planned when the run was begun (`--act`): each is done once, at its step."""

from __future__ import annotations

from collections.abc import Iterable

from core.config import PlannedAct
from core.lineage import Acts
from core.protocol import KnobsChanged


class Plan:
    """The planned acts that are still to come, the next one first."""

    def __init__(self, acts: Iterable[PlannedAct]) -> None:
        self._acts = sorted(acts, key=lambda act: act.step)

    def due(self, step: int) -> list[PlannedAct]:
        """Take out what is to be done before update `step`."""
        due = [act for act in self._acts if act.step <= step]
        self._acts = self._acts[len(due) :]
        return due

    @property
    def next_step(self) -> float:
        """Where the next one is due; infinity if there is none."""
        return self._acts[0].step if self._acts else float("inf")

    def skip_done(self, acts: Acts, reached: int) -> None:
        """Drop what was done before the engine was started again.

        `reached` is the highest step that the run has ever been at. An act that was undone since is
        not done again: who undid it does not want it.
        """
        done = {(act.step, *act.changes) for act in acts.list if isinstance(act, KnobsChanged)}
        self._acts = [
            act
            for act in self._acts
            if act.step > reached or (act.step == reached and (act.step, *act.changes) not in done)
        ]
