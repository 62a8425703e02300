"""A recorded trainer: commands go in, training goes on, and all that happens is written down.

Work is done in pieces of a few milliseconds (`work`), so that whoever drives it can listen in
between. The worker drives it from its sockets; a test or a notebook can drive it directly.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec

from core import steering
from core.config import PlannedAct, with_changes
from core.continuing import drawn
from core.dials import ConfigError, Value
from core.environment import environment
from core.errand import Errand
from core.guard import Guard
from core.guarding import after_trip, begin_watch, give_way
from core.journal import Journal
from core.launch import load_data
from core.looking import finding_surprising
from core.lr_finder import check_wish, finding
from core.measuring import evaluating, looking_at_test
from core.pacing import Pacing
from core.plan import Plan
from core.protocol import (
    By,
    Clock,
    EngineStarted,
    EngineStopped,
    FindLearningRate,
    FindSurprising,
    KnobsChanged,
    Point,
    RollbackReason,
    RunOpened,
    Sample,
    SamplesDrawn,
    SetKnobs,
    SettingChanged,
    SnapshotReason,
    StateChanged,
)
from core.reaching import first_trainer
from core.record import read_config
from core.scoring import losses_of
from core.smoothing import Floats
from core.snapshots import EVERY, CheckpointUnwritten, Snapshots
from core.travel import roll_back, take_up

JOIN_SECONDS = 1.0
"""A knob moved again within this time is one act for undo."""

IDLE_SECONDS = 0.5
"""How long `work` says to wait when there is nothing to do."""


class Run:
    """One run: its trainer, its record, and what it is doing."""

    def __init__(self, directory: Path) -> None:
        """Open the run in `directory` and take its lock. Raises RunError, DatasetError, Unwritten.

        From whatever raises Unwritten later, the Run is to be closed, and opened anew.
        """
        self.directory = directory
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
        self._pacing = Pacing()
        self.plan = Plan(self.config.plan)
        self._finished_at: int | None = None
        self.dev_losses: list[tuple[Point, float]] = []
        """Of every evaluation, with the point at which it was made."""
        self.drawings = 0
        self.test_looks = self.config.test_looks
        """How often the test split was looked at, by this run and those it was forked from."""
        self._clock_noted = time.monotonic()
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
        self.errand = Errand("going back", self.trainer.step, way, command, answers, client)
        self._do_errand()

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
        self._pacing.restart()
        if was_finished:
            self._say_state()

    # --- acts and settings -----------------------------------------------------------------------

    def set_running(self, running: bool, answers: int | None = None, client: str = "") -> None:
        """Train, or stand still."""
        self.running = running
        self.single_steps = 0
        self._pacing.restart()
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
        self._pacing.restart()
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
        self._pacing.restart()
        self.journal.add(
            SettingChanged, self.step, name=name, old=old, new=value, answers=answers, client=client
        )
        if name == "step_limit" and was_finished:
            self._finished_at = None
            self._say_state()

    def evaluate(self, answers: int | None = None, client: str = "", *, test: bool = False) -> None:
        """Begin to measure the loss of the present weights."""
        assert self.errand is None
        measure = looking_at_test if test else evaluating
        work = measure(self, answers=answers, client=client)
        self.errand = Errand("evaluating", self.step, work, "Evaluate", answers, client)

    def find(self, wish: FindLearningRate, client: str = "") -> None:
        """Begin a range test on a copy of the trainer; raises ConfigError."""
        assert self.errand is None
        check_wish(wish)
        work = finding(self, wish, client)
        self.errand = Errand("finding", self.step, work, "FindLearningRate", wish.id, client)

    def find_surprising(self, wish: FindSurprising, client: str = "") -> None:
        """Begin to score every word of dev."""
        assert self.errand is None
        work = finding_surprising(self, wish, client)
        self.errand = Errand("evaluating", self.step, work, "FindSurprising", wish.id, client)

    def draw(self, wish: Sample, client: str = "") -> None:
        """Draw names or texts and note them; every field of `wish` but the seed is set.

        Raises ValueError for a beginning that holds unknown symbols.
        """
        assert wish.temperature is not None
        assert wish.top_k is not None
        seed = self.drawings if wish.seed is None else wish.seed
        model, seeded = self.trainer.model, msgspec.structs.replace(wish, seed=seed)
        names = [name for piece in drawn(model, self.data, seeded) for name in piece]
        self.drawings += 1
        self.journal.add(
            SamplesDrawn,
            self.step,
            names=tuple(names),
            losses=tuple(round(loss, 4) for loss in losses_of(model, self.data, names)),
            temperature=wish.temperature,
            top_k=wish.top_k,
            seed=seed,
            prefix=wish.prefix,
            max_length=wish.max_length,
            answers=wish.id,
            client=client,
        )

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
            self.errand = Errand("evaluating", self.step, self._finish())
            return 0.0
        if not (self.running or self.single_steps):
            return IDLE_SECONDS
        return self._train()

    def _do_errand(self) -> None:
        errand = self.errand
        assert errand is not None
        if next(errand.work, self) is self and self.errand is errand:
            self.errand = None

    def _train(self) -> float:
        for act in self.plan.due(self.step):
            self._follow(act)
        step, settings = self.step, self.settings
        interval = settings.evaluation_interval
        stops = settings.step_limit, _next(step, interval), _next(step, EVERY), self.plan.next_step
        to_go = int(min(stops)) - step
        if not self.running:
            updates = min(to_go, self.single_steps, self._pacing.chunk)
        elif (updates := min(to_go, self._pacing.allowance(settings.pace))) == 0:
            return self._pacing.wait(settings.pace)
        before = time.perf_counter()
        losses = self.trainer.advance(updates)
        seconds = time.perf_counter() - before
        self.journal.seconds += seconds
        self._pacing.did(updates, seconds)
        self.single_steps = max(self.single_steps - updates, 0)
        if self._trips(step, losses):
            return 0.0
        self.journal.add_losses(step, losses)
        if self.step % EVERY == 0:
            self.snapshots.keep(self.journal.point(self.step), self.trainer.snapshot())
        if self.step % interval == 0 and not (self.running and self.step == settings.step_limit):
            self.errand = Errand("evaluating", self.step, evaluating(self))
        if time.monotonic() - self._clock_noted >= 1.0:
            self._note_clock()
        return 0.0

    def _trips(self, first: int, losses: Floats) -> bool:
        """Whether the guard steps in at one of these losses; it then has its errand."""
        if self.settings.guard == "off":
            self.guard = None
            return False
        self.guard = self.guard or begin_watch(self, first)
        trip = self.guard.look(losses)
        if trip is None:
            return False
        end = trip.index + 1
        self.journal.add_losses(first, losses[:end])
        work = after_trip(self, trip, float(losses[trip.index]), losses[end:])
        self.errand = Errand("going back", first + end, work)
        # Begun at once: given up before its first piece it could not mend what it found.
        self._do_errand()
        return True

    def _follow(self, act: PlannedAct) -> None:
        wish = SetKnobs(values=act.changes)
        try:
            changes = steering.resolve_knobs(wish, self.trainer.knobs, self.settings, self.step)
            if changes:
                self.change_knobs(changes, by="command line")
        except ConfigError as error:
            # A person has steered elsewhere since the plan was checked; everyone may know.
            self.journal.reject("SetKnobs", 0, f"planned at {act.step:,}: {error}", None)

    def _note_clock(self) -> None:
        self._clock_noted = time.monotonic()
        self.journal.add(Clock, self.step, seconds=self.journal.seconds)

    def _finish(self) -> Generator[None, None, None]:
        yield from evaluating(self, whole=True)
        if self.running and self.step >= self.settings.step_limit:
            self._note_clock()
            self.save("finished")
            self._finished_at = self.step
            self._say_state()

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
            self._note_clock()
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


def _next(step: int, interval: int) -> int:
    """The first multiple of `interval` after `step`."""
    return step - step % interval + interval
