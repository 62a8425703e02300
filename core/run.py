"""A recorded trainer: commands go in, training goes on, and all that happens is written down.

Work is done in pieces of a few milliseconds (`work`), so that whoever drives it can listen in
between. The worker drives it from its sockets; a test or a notebook can drive it directly.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from core.config import with_changes
from core.dials import Value
from core.environment import environment
from core.errand import Errand
from core.guard import Guard
from core.guarding import give_way
from core.journal import Journal
from core.launch import load_data
from core.pacing import Pacing
from core.plan import Plan
from core.protocol import (
    By,
    EngineStarted,
    EngineStopped,
    KnobsChanged,
    Point,
    RollbackReason,
    RunOpened,
    SettingChanged,
    SnapshotReason,
    StateChanged,
)
from core.reaching import first_trainer
from core.record import read_config
from core.snapshots import CheckpointUnwritten, Snapshots
from core.training import finishing, train
from core.travel import roll_back, take_up

JOIN_SECONDS = 1.0
"""A knob moved again within this time is one act for undo."""

IDLE_SECONDS = 0.5
"""How long `work` says to wait when there is nothing to do."""


class Run:
    """One run: its trainer, its record, and what it is doing."""

    def __init__(self, directory: Path, *, as_recorded: bool = False) -> None:
        """Open the run in `directory` and take its lock. Raises RunError, DatasetError, Unwritten.

        From whatever raises Unwritten later, the Run is to be closed, and opened anew.
        `as_recorded`: its work raises UserError rather than go on from a checkpoint.
        """
        self.directory = directory
        self.as_recorded = as_recorded
        self.config = read_config(directory)
        self.journal = Journal(directory, self.config)
        self.data = load_data(directory, self.config)
        self.trainer = first_trainer(directory, self.config, self.data)
        self.settings = self.config.settings
        self.running = False
        self.ending = self.ended = False
        self.single_steps = 0
        """Updates still to be made while paused."""
        self.errand: Errand | None = None
        """What is done a piece at a time while training stands still."""
        self.guard: Guard | None = None
        """Has seen the losses of the lineage; None: it has to begin."""
        self.pacing = Pacing()
        self.plan = Plan(self.config.plan)
        self._finished_at: int | None = None
        self.dev_losses: list[tuple[Point, float]] = []
        """Of every evaluation, with the point at which it was made."""
        self.drawings = 0
        self.test_looks = self.config.test_looks
        """How often the test split was looked at, by this run and those it was forked from."""
        self._last_turn: tuple[frozenset[str], str, float] = (frozenset(), "", 0.0)
        first = Point(0, self.trainer.step)
        checkpoints = directory / "checkpoints"
        self.snapshots = Snapshots(checkpoints, first, self.trainer.snapshot())
        if self.journal.record.events:
            take_up(self, self.journal.record.events)
        else:
            self.journal.add(RunOpened, first.step, config=self.config, by="command line")
            self.say_started()

    @property
    def step(self) -> int:
        """Updates done, on the present lineage."""
        return self.trainer.step if self.errand is None else self.errand.step

    @property
    def finished(self) -> bool:
        """Running, at the step limit, with the last evaluation and checkpoint done."""
        return self.running and self._finished_at == self.step

    # --- opening ----------------------------------------------------------------------------------

    def say_started(self) -> None:
        """Note that this process serves the run from here on, and in what environment."""
        surroundings = environment(self.config)
        self.journal.add(
            EngineStarted, self.trainer.step, pid=os.getpid(), environment=surroundings
        )

    def go(self, to: Point, reason: RollbackReason, answers: int, client: str) -> None:
        """Begin to put the state of `to` in force; what is at hand is in force when this returns.

        Training stays running or paused as it is; an evaluation under way is given up.
        """
        self.give_up(client)
        self.single_steps = 0
        if reason == "undo":
            give_way(self, to)
        way = roll_back(self, to, reason, answers=answers, client=client)
        command = reason.capitalize()
        self.begin(Errand("going back", self.trainer.step, way, command, answers, client))

    def give_up(self, client: str = "") -> None:
        """Drop the errand, which `client` has no use for; what it had changed is as before."""
        errand, self.errand = self.errand, None
        if errand is None:
            return
        errand.work.close()
        if errand.answers is not None and errand.client != client:
            # Whoever asked for it must not wait for ever.
            reason = "given up for another command"
            self.journal.reject(errand.command, errand.answers, reason, errand.client)

    def arrived(self) -> None:
        """Another state has come into force."""
        was_finished = self.finished
        self.errand = None
        self.guard = None
        self._finished_at = None
        self._last_turn = (frozenset(), "", 0.0)
        self.pacing.restart()
        if was_finished:
            self._say_state()

    # --- acts and settings -----------------------------------------------------------------------

    def set_running(self, running: bool, answers: int | None = None, client: str = "") -> None:
        """Train, or stand still."""
        self.running = running
        self.single_steps = 0
        self.pacing.restart()
        self._say_state(answers, client)

    def change_knobs(
        self,
        changes: dict[str, Value],
        *,
        by: By = "person",
        client: str = "",
        answers: int | None = None,
    ) -> None:
        """Give knobs their new values from the next update on; raises ConfigError."""
        knobs = self.trainer.knobs
        new = with_changes(knobs, changes)
        self.snapshots.keep(self.journal.point(self.step), self.trainer.snapshot())
        names, now = frozenset(changes), time.monotonic()
        last_names, last_client, last_time = self._last_turn
        joins = names == last_names and client == last_client and now - last_time < JOIN_SECONDS
        joins = joins and by == "person"
        self._last_turn = (names, client, now)
        restarted = self.trainer.set_knobs(new)
        self.pacing.restart()
        if new.fixed_batch != knobs.fixed_batch:
            self.guard = None
        self.journal.add(
            KnobsChanged,
            self.step,
            changes={name: (getattr(knobs, name), getattr(new, name)) for name in changes},
            joins=joins,
            optimizer_restarted=restarted,
            by=by,
            client=client,
            answers=answers,
        )

    def change_setting(
        self, name: str, value: Value, answers: int | None = None, client: str = ""
    ) -> None:
        """Give one setting its new value, which has been checked."""
        was_finished = self.finished
        old = getattr(self.settings, name)
        self.settings = msgspec.structs.replace(self.settings, **{name: value})
        self.single_steps = min(self.single_steps, max(self.settings.step_limit - self.step, 0))
        self.pacing.restart()
        self.journal.add(
            SettingChanged, self.step, name=name, old=old, new=value, answers=answers, client=client
        )
        if name == "step_limit" and was_finished:
            self._finished_at = None
            self._say_state()

    def finish(self) -> None:
        """It is at its step limit, and has been measured: save, and say so."""
        self.journal.note_clock(self.step)
        self.save("finished")
        self._finished_at = self.step
        self._say_state()

    def _say_state(self, answers: int | None = None, client: str = "") -> None:
        self.journal.add(
            StateChanged,
            self.step,
            running=self.running,
            finished=self.finished,
            answers=answers,
            client=client,
        )

    # --- work -------------------------------------------------------------------------------------

    def work(self) -> float:
        """Do one piece of a few milliseconds; return seconds until there is more to do (0: now)."""
        assert not self.ended
        if self.errand is not None:
            self._do_errand()
            return 0.0
        if self.running and self.step >= self.settings.step_limit:
            if self.finished:
                return IDLE_SECONDS
            self.errand = Errand("evaluating", self.step, finishing(self))
            return 0.0
        if not (self.running or self.single_steps):
            return IDLE_SECONDS
        return train(self)

    def begin(self, errand: Errand) -> None:
        """Do this a piece at a time from now on, the first at once."""
        self.errand = errand
        self._do_errand()

    def _do_errand(self) -> None:
        errand = self.errand
        assert errand is not None
        if next(errand.work, self) is self and self.errand is errand:
            self.errand = None

    # --- saving -----------------------------------------------------------------------------------

    def save(self, reason: SnapshotReason, name: str = "", **fields: Any) -> None:
        """Write a checkpoint of the present state, unless it stands on disk already."""
        self.snapshots.save(self.trainer, self.journal, reason, name, **fields)

    def end(self, reason: str) -> None:
        """Save and stop for good; the record is closed by `close`."""
        if self.ended:
            return
        self.ending = True
        opening = self.errand is not None and self.errand.what == "opening"
        step = self.step
        self.give_up()
        if not opening:
            # While opening, the state is not yet that of the record; the record has it all.
            self.journal.note_clock(self.step)
            try:
                self.save("stopped")
            except CheckpointUnwritten as unwritten:
                # The record tells it all; only more of it is computed again at the next opening.
                reason += f"; {unwritten}"
        self.journal.add(EngineStopped, step, reason=reason)
        self.ended = True

    def close(self) -> None:
        """Close the record and give the run's lock back."""
        self.journal.record.close()
