"""A recorded trainer: commands go in, training goes on, and all that happens is written down.

Work is done in pieces of a few milliseconds (`work`), so that whoever drives it can listen in
between. The worker drives it from its sockets; a test or a notebook can drive it directly.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from core import checkpoint, dataset, evaluation, sampling, steering
from core.config import PlannedAct, with_changes
from core.dials import ConfigError, Value
from core.environment import environment
from core.journal import Journal
from core.launch import words_path
from core.lineage import on_path
from core.pacing import Pacing
from core.protocol import (
    Act,
    AnyRecorded,
    By,
    Clock,
    EngineStarted,
    EngineStopped,
    Evaluated,
    KnobsChanged,
    Point,
    RollbackReason,
    RunOpened,
    Sample,
    SamplesDrawn,
    SetKnobs,
    SettingChanged,
    SnapshotReason,
    SnapshotTaken,
    StateChanged,
)
from core.reaching import first_trainer
from core.record import read_config
from core.snapshots import EVERY, Snapshots
from core.travel import opening, roll_back

FIXED_TRAIN_EXAMPLES = 10_000
"""The part of train that evaluations measure while training goes on."""

JOIN_SECONDS = 1.0
"""A knob moved again within this time is one act for undo."""

IDLE_SECONDS = 0.5
"""How long `work` says to wait when there is nothing to do."""


@dataclass(frozen=True)
class Errand:
    """Something long, done a piece at a time."""

    what: Literal["evaluating", "going back", "opening"]
    step: int
    """Where the run stands meanwhile, whatever its trainer goes through."""
    work: Generator[None, None, None]


class Run:
    """One run: its trainer, its record, and what it is doing."""

    def __init__(self, directory: Path) -> None:
        """Open the run in `directory` and take its lock. Raises RunError, DatasetError."""
        self.directory = directory
        self.config = read_config(directory)
        self.journal = Journal(directory)
        self.data = dataset.load(
            words_path(directory, self.config),
            self.config.model.block_size,
            self.config.data.split_seed,
        )
        self.trainer = first_trainer(directory, self.config, self.data)
        self.settings = self.config.settings
        self.running = False
        self.ended = False
        self.single_steps = 0
        """Updates still to be made while paused."""
        self.errand: Errand | None = None
        """What is done a piece at a time while training stands still."""
        self._pacing = Pacing()
        self._plan = sorted(self.config.plan, key=lambda act: act.step)
        self._finished_at: int | None = None
        self._saved_at: Point | None = None
        self._evaluations: list[tuple[Point, float]] = []
        self._drawings = 0
        self._clock_noted = time.monotonic()
        self._last_turn: tuple[frozenset[str], str, float] = (frozenset(), "", 0.0)
        first = Point(0, self.trainer.step)
        checkpoints = directory / "checkpoints"
        self.snapshots = Snapshots(checkpoints, first, self.trainer.snapshot())
        if self.journal.record.events:
            self._take_up(self.journal.record.events)
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

    def _take_up(self, events: list[AnyRecorded]) -> None:
        """Go on where the record ends: notes give the settings, acts the state."""
        acts, reached = self.journal.acts, 0
        for event in events:
            reached = max(reached, event.step, event.before.step if isinstance(event, Act) else 0)
            match event:
                case SettingChanged(name=name, new=new):
                    self.settings = msgspec.structs.replace(self.settings, **{name: new})
                case Evaluated(dev=float(dev)):
                    self._evaluations.append((acts.point_of(event), dev))
                case SamplesDrawn():
                    self._drawings += 1
                case SnapshotTaken():
                    self.snapshots.files[acts.point_of(event)] = event
                case _:
                    pass
        head = acts.head(self.journal.record.column_bytes // 4)
        reached = max(reached, head.step)
        done = {(a.step, *a.changes) for a in acts.list if isinstance(a, KnobsChanged)}
        self._plan = [
            act
            for act in self._plan
            if act.step > reached or (act.step == reached and (act.step, *act.changes) not in done)
        ]
        self.errand = Errand("opening", head.step, opening(self))

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
        self.give_up()
        self.single_steps = 0
        way = roll_back(self, to, reason, answers=answers, client=client)
        self.errand = Errand("going back", self.trainer.step, way)
        self._do_errand()

    def give_up(self) -> None:
        """Drop the errand; what it had changed is as before."""
        if self.errand is not None:
            self.errand.work.close()
            self.errand = None

    def arrived(self) -> None:
        """Another state has come into force."""
        was_finished = self.finished
        self.errand = None
        self._finished_at = None
        self._saved_at = None
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
        self._last_turn = (names, client, now)
        restarted = self.trainer.set_knobs(new)
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

    def evaluate(self, answers: int | None = None, client: str = "") -> None:
        """Begin to measure the loss of the present weights."""
        assert self.errand is None
        self.errand = Errand("evaluating", self.step, self._evaluation(False, answers, client))

    def draw(self, wish: Sample, client: str = "") -> None:
        """Draw names (core/sampling.py) and note them; every field of `wish` but the seed is set.

        Raises ValueError for a beginning that holds unknown symbols.
        """
        assert wish.temperature is not None
        assert wish.top_k is not None
        seed = self._drawings if wish.seed is None else wish.seed
        names = sampling.draw(
            self.trainer.model,
            self.data.itos,
            count=wish.count,
            temperature=wish.temperature,
            top_k=wish.top_k,
            seed=seed,
            prefix=wish.prefix,
            max_length=wish.max_length,
        )
        self._drawings += 1
        self.journal.add(
            SamplesDrawn,
            self.step,
            names=tuple(names),
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
        while self._plan and self._plan[0].step <= self.step:
            self._follow(self._plan.pop(0))
        step, settings = self.step, self.settings
        interval = settings.evaluation_interval
        to_go = min(settings.step_limit, _next(step, interval), _next(step, EVERY)) - step
        if self._plan:
            to_go = min(to_go, self._plan[0].step - step)
        if not self.running:
            updates = min(to_go, self.single_steps, self._pacing.chunk)
        elif (updates := min(to_go, self._pacing.allowance(settings.pace))) == 0:
            return self._pacing.wait(settings.pace)
        before = time.perf_counter()
        losses = self.trainer.advance(updates)
        seconds = time.perf_counter() - before
        self.journal.seconds += seconds
        self.journal.add_losses(step, losses)
        self._pacing.did(updates, seconds)
        self.single_steps = max(self.single_steps - updates, 0)
        if self.step % EVERY == 0:
            self.snapshots.keep(self.journal.point(self.step), self.trainer.snapshot())
        if self.step % interval == 0 and not (self.running and self.step == settings.step_limit):
            self.errand = Errand("evaluating", self.step, self._evaluation(False))
        if time.monotonic() - self._clock_noted >= 1.0:
            self._note_clock()
        return 0.0

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

    def _evaluation(
        self, whole: bool, answers: int | None = None, client: str = ""
    ) -> Generator[None, None, None]:
        model, splits = self.trainer.model, self.data.splits
        first = None if whole else FIXED_TRAIN_EXAMPLES
        train = yield from evaluation.measure(model, splits["train"], first)
        dev = yield from evaluation.measure(model, splits["dev"])
        point = self.journal.point(self.step)
        best = dev < self.best_dev()
        if best:
            self.snapshots.best = point
            self.snapshots.keep(point, self.trainer.snapshot())
        if math.isfinite(dev):
            self._evaluations.append((point, dev))
        measured = splits["train"].examples
        self.journal.add(
            Evaluated,
            self.step,
            train=_finite(train),
            dev=_finite(dev),
            train_examples=measured if whole else min(measured, FIXED_TRAIN_EXAMPLES),
            dev_examples=splits["dev"].examples,
            whole=whole,
            best=best,
            answers=answers,
            client=client,
        )
        self._pacing.restart()
        saved = self._saved_at
        if not whole and (saved is None or abs(self.step - saved.step) >= EVERY):
            self.save("evaluated")

    def best_dev(self) -> float:
        """The lowest dev loss so far on the present lineage."""
        path = self.journal.acts.path(self.journal.point(self.step))
        return min((dev for at, dev in self._evaluations if on_path(path, at)), default=math.inf)

    def _finish(self) -> Generator[None, None, None]:
        yield from self._evaluation(True)
        if self.running and self.step >= self.settings.step_limit:
            self._note_clock()
            self.save("finished")
            self._finished_at = self.step
            self._say_state()

    # --- saving -----------------------------------------------------------------------------------

    def save(self, reason: SnapshotReason, name: str = "", **fields: Any) -> None:
        """Write a checkpoint of the present state, unless it stands on disk already.

        A named one is always noted, so that its name stands in the record.
        """
        point = self.journal.point(self.step)
        if point == self._saved_at and reason != "named":
            return
        snapshot = self.trainer.snapshot()
        described = checkpoint.Description(
            point=point,
            branch=self.journal.branch,
            updates=snapshot.updates,
            knobs=snapshot.knobs,
            state_sha256=self.trainer.state_sha256(),
            weights_sha256=self.trainer.model.weights_sha256(),
        )
        file = checkpoint.file_name(point)
        self.journal.record.sync()
        checkpoint.save(self.directory / "checkpoints" / file, snapshot, described)
        self._saved_at = point
        taken = self.journal.add(
            SnapshotTaken,
            self.step,
            file=file,
            reason=reason,
            name=name,
            state_sha256=described.state_sha256,
            weights_sha256=described.weights_sha256,
            **fields,
        )
        self.snapshots.keep_file(point, taken)

    def end(self, reason: str) -> None:
        """Save and stop for good; the record is closed by `close`."""
        if self.ended:
            return
        opening = self.errand is not None and self.errand.what == "opening"
        step = self.step
        self.give_up()
        if not opening:
            # While opening, the state is not yet that of the record; the record has it all.
            self._note_clock()
            self.save("stopped")
        self.journal.add(EngineStopped, step, reason=reason)
        self.ended = True

    def close(self) -> None:
        """Close the record and give the run's lock back."""
        self.journal.record.close()


def _next(step: int, interval: int) -> int:
    """The first multiple of `interval` after `step`."""
    return step - step % interval + interval


def _finite(loss: float) -> float | None:
    return loss if abs(loss) < float("inf") else None
