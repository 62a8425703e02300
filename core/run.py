"""A recorded trainer: commands go in, training goes on, and all that happens is written down.

Work is done in pieces of a few milliseconds (`work`), so that whoever drives it can listen in
between. The worker drives it from its sockets; a test or a notebook can drive it directly.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from core import checkpoint, dataset, evaluation, sampling, steering
from core.config import PlannedAct, with_changes
from core.dials import ConfigError, Value
from core.environment import environment
from core.journal import Journal
from core.launch import words_path
from core.pacing import Pacing
from core.protocol import (
    By,
    Clock,
    EngineStarted,
    EngineStopped,
    Evaluated,
    KnobsChanged,
    Point,
    RunOpened,
    Sample,
    SamplesDrawn,
    SetKnobs,
    SettingChanged,
    SnapshotTaken,
    StateChanged,
)
from core.record import RunError, read_config, read_events
from core.trainer import Trainer

FIXED_TRAIN_EXAMPLES = 10_000
"""The part of train that evaluations measure while training goes on."""

JOIN_SECONDS = 1.0
"""A knob moved again within this time is one act for undo."""

IDLE_SECONDS = 0.5
"""How long `work` says to wait when there is nothing to do."""


class Run:
    """One run: its trainer, its record, and what it is doing."""

    def __init__(self, directory: Path) -> None:
        """Open the run in `directory` and take its lock. Raises RunError, DatasetError."""
        self.directory = directory
        self.config = read_config(directory)
        self.journal = Journal(directory)
        if read_events(directory):
            raise RunError(f"run {directory.name}: it has already been trained; start a new one")
        self.data = dataset.load(
            words_path(directory, self.config),
            self.config.model.block_size,
            self.config.data.split_seed,
        )
        self.settings = self.config.settings
        self.trainer = Trainer(self.data, self.config.model, self.config.knobs, self.config.seed)
        self.running = False
        self.ended = False
        self._pacing = Pacing()
        self._plan = sorted(self.config.plan, key=lambda act: act.step)
        self._errand: Iterator[None] | None = None
        self.single_steps = 0
        """Updates still to be made while paused."""
        self._finished_at: int | None = None
        self._saved_at: Point | None = None
        self._best_dev = float("inf")
        self._drawings = 0
        self._clock_noted = time.monotonic()
        self._last_turn: tuple[frozenset[str], str, float] = (frozenset(), "", 0.0)
        self.journal.add(RunOpened, 0, config=self.config, by="command line")
        self.journal.add(EngineStarted, 0, pid=os.getpid(), environment=environment(self.config))

    @property
    def step(self) -> int:
        """Updates done."""
        return self.trainer.step

    @property
    def finished(self) -> bool:
        """Running, at the step limit, with the last evaluation and checkpoint done."""
        return self.running and self._finished_at == self.step

    @property
    def evaluating(self) -> bool:
        """An evaluation is under way; training stands still meanwhile."""
        return self._errand is not None

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
        """Begin to measure the loss of the present weights; `evaluating` until that is done."""
        assert not self.evaluating
        self._errand = self._evaluation(False, answers, client)

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
        if self._errand is not None:
            if next(self._errand, self) is self:
                self._errand = None
            return 0.0
        if self.running and self.step >= self.settings.step_limit:
            if self.finished:
                return IDLE_SECONDS
            self._errand = self._finish()
            return 0.0
        if not (self.running or self.single_steps):
            return IDLE_SECONDS
        return self._train()

    def _train(self) -> float:
        while self._plan and self._plan[0].step <= self.step:
            self._follow(self._plan.pop(0))
        step, settings = self.step, self.settings
        interval = settings.evaluation_interval
        to_go = min(settings.step_limit, step - step % interval + interval) - step
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
        if self.step % interval == 0 and not (self.running and self.step == settings.step_limit):
            self._errand = self._evaluation(False)
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
    ) -> Iterator[None]:
        model, splits = self.trainer.model, self.data.splits
        first = None if whole else FIXED_TRAIN_EXAMPLES
        train = yield from evaluation.measure(model, splits["train"], first)
        dev = yield from evaluation.measure(model, splits["dev"])
        best = dev < self._best_dev
        self._best_dev = min(dev, self._best_dev)
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

    def _finish(self) -> Iterator[None]:
        yield from self._evaluation(True)
        if self.running and self.step >= self.settings.step_limit:
            self._note_clock()
            self.save("finished")
            self._finished_at = self.step
            self._say_state()

    # --- saving -----------------------------------------------------------------------------------

    def save(self, reason: str) -> None:
        """Write a checkpoint of the present state, unless it stands on disk already."""
        point = self.journal.point(self.step)
        if point == self._saved_at:
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
        name = checkpoint.file_name(point)
        self.journal.record.sync()
        checkpoint.save(self.directory / "checkpoints" / name, snapshot, described)
        self._saved_at = point
        self.journal.add(
            SnapshotTaken,
            self.step,
            file=name,
            reason=reason,
            state_sha256=described.state_sha256,
            weights_sha256=described.weights_sha256,
        )

    def end(self, reason: str) -> None:
        """Save and stop for good; the record is closed by `close`."""
        if self.ended:
            return
        self._errand = None
        self._note_clock()
        self.save("stopped")
        self.journal.add(EngineStopped, self.step, reason=reason)
        self.ended = True

    def close(self) -> None:
        """Close the record and give the run's lock back."""
        self.journal.record.close()


def _finite(loss: float) -> float | None:
    return loss if abs(loss) < float("inf") else None
