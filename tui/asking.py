"""What the keys ask of the engine: each action sends a command, and nothing is shown before it is
confirmed.

Dialogs are loaded when they are first wanted: the first frame must not wait for them. Apart from
the app, which holds the connection and decides when to leave.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on

from core.dials import DIALS, KNOB_NAMES, Value
from core.drawing import usual_wish
from core.protocol import (
    AnyCommand,
    Cancel,
    Decay,
    Evaluate,
    GuardTripped,
    Nudge,
    Pause,
    Point,
    Redo,
    Restore,
    Resume,
    SetKnobs,
    SetSetting,
    Step,
    TakeSnapshot,
    Undo,
)
from core.text import Text
from tui.history.history import History
from tui.rescued import Rescued
from tui.screens.training import TrainingScreen
from tui.widgets.dial_list import DialList

if TYPE_CHECKING:
    from tui.inside.readings import Readings
    from tui.samples.desk import Desk


class Asking(Rescued):
    """The actions behind the keys that steer."""

    _training: TrainingScreen
    _desk: Desk | None = None
    """What lies on the desk of the view of samples; None: it was not opened yet."""
    _readings: Readings | None = None
    """What was read inside the model so far; None: nobody has looked yet."""

    @property
    def history(self) -> History:
        """What is known of the run."""
        return self._training.history

    def send(self, command: AnyCommand) -> int | None:
        """Send to the engine; the id under which it answers, or None if it is gone."""
        raise NotImplementedError

    def action_toggle_training(self) -> None:
        history = self.history
        self.send(Pause() if history.running and not history.finished else Resume())

    def action_step(self) -> None:
        self.send(Step())

    def action_nudge(self, name: str, rungs: int, fine: bool = False) -> None:
        self.send(Nudge(name=name, rungs=rungs, fine=fine))

    @on(DialList.Nudged)
    def nudge_dial(self, event: DialList.Nudged) -> None:
        """Move the dial that was moved in the panel."""
        self.action_nudge(event.name, event.rungs, event.fine)

    @on(DialList.Typed)
    def ask_dial(self, event: DialList.Typed) -> None:
        """Let the person type the dial chosen in the panel; a schedule has an editor of its own."""
        if event.name == "schedule":
            self.action_ask_schedule()
        else:
            self.action_ask(event.name)

    def action_decay(self) -> None:
        self.send(Decay())

    def action_evaluate(self) -> None:
        self.send(Evaluate())

    def action_find_rate(self) -> None:
        """Try rates on a copy of the model, and watch."""
        from tui.screens.finder import Finder

        self.push_screen(Finder(lambda: self.history, self.send), self._apply_rate)

    def _apply_rate(self, rate: float | None) -> None:
        if rate is not None:
            from tui.finder.finding import base_for

            base = base_for(rate, self.history.knobs, self.history.step)
            self.send(SetKnobs(values={"learning_rate": base}))

    def action_inspect(self) -> None:
        """Look inside the model: odds, surprise, the names of dev."""
        from tui.screens.inspector import Inspector

        dataset = self._training.dataset
        self.push_screen(Inspector(lambda: self.history, dataset, self.send))

    def action_overfit(self) -> None:
        """Train on one minibatch for ever, the next one; or on all of train again."""
        history = self.history
        fixed = history.step if history.knobs.fixed_batch is None else None
        self.send(SetKnobs(values={"fixed_batch": fixed}))

    def action_test_split(self) -> None:
        """Look at the test split, if the person means it."""
        from tui.screens.confirm import LookAtTest

        self.push_screen(LookAtTest(self.history.test_looks), self._look_at_test)

    def _look_at_test(self, confirmed: bool | None) -> None:
        if confirmed:
            self.send(Evaluate(test=True))

    def action_embedding_map(self) -> None:
        """Look at the embedding table."""
        from tui.embedding.symbols import Symbols
        from tui.screens.embedding import Embedding

        symbols = Symbols.of(self._training.dataset)
        self.push_screen(Embedding(lambda: self.history, self.send, symbols))

    def action_inside(self) -> None:
        """Look at saturation, gradients and updates, layer by layer."""
        from tui.inside.readings import Readings
        from tui.screens.inside import Inside

        if self._readings is None:
            self._readings = Readings()
        self.push_screen(Inside(lambda: self.history, self.send, self._readings))

    def action_dataset(self) -> None:
        """Look at the list: its figures, pairs and words."""
        from tui.screens.dataset import DatasetView
        from tui.screens.text import TextView

        data = self._training.dataset
        self.push_screen(TextView(data) if isinstance(data, Text) else DatasetView(data))

    def ask_after_trip(self, trip: GuardTripped) -> None:
        """The guard has stopped the run and gone back: ask how to go on."""
        from tui.screens.confirm import AfterTrip

        self.push_screen(AfterTrip(trip, self.history.step), self._go_on)

    def _go_on(self, rate: float | None) -> None:
        if rate is None:
            return
        if rate != self.history.knobs.learning_rate:
            self.send(SetKnobs(values={"learning_rate": rate}))
        self.send(Resume())

    def action_sample(self) -> None:
        self.send(usual_wish(self.history.config.data.level))

    def action_samples(self) -> None:
        """Look at the names drawn, at large; draw, compare, keep, copy and write them."""
        from tui.samples.desk import Desk
        from tui.samples.marks import Marks
        from tui.screens.samples import Samples

        training = self._training
        if self._desk is None:
            level = self.history.config.data.level
            self._desk = Desk(Marks(training.dataset.split_of), level)
        self.push_screen(
            Samples(
                lambda: self.history,
                lambda: training.link == "live",
                training.dataset,
                self.send,
                self._desk,
            )
        )

    def action_undo(self) -> None:
        self.send(Undo())

    def action_redo(self) -> None:
        self.send(Redo())

    def action_cancel(self) -> None:
        """Give up the way to an earlier state; or what the chart reads out."""
        if self.history.reaching is not None:
            self.send(Cancel())
        else:
            self._training.hide_cursor()

    def action_checkpoint(self) -> None:
        """Save the present state under a name."""
        from tui.screens.ask import AskName

        self.push_screen(AskName("Checkpoint"), self._name_checkpoint)

    def _name_checkpoint(self, name: str | None) -> None:
        if name is not None:
            self.send(TakeSnapshot(name=name))

    def action_snapshots(self) -> None:
        """Choose a saved state, or type any step, to go back to."""
        from tui.screens.snapshots import Snapshots

        self.push_screen(Snapshots(self.history), self._restore)

    def _restore(self, where: Point | int | None) -> None:
        if isinstance(where, Point):
            self.send(Restore(point=where))
        elif where is not None:
            self.send(Restore(step=where))

    def action_ask(self, name: str) -> None:
        """Let the person type a value for a knob or a setting, or choose it from a few."""
        from tui.screens.ask import AskChoice, AskValue

        history = self.history
        current = getattr(history.knobs if name in KNOB_NAMES else history.settings, name)
        dialog = AskChoice if DIALS[name].kind == "choice" else AskValue
        self.push_screen(dialog(DIALS[name], current), partial(self._set, name))

    def _set(self, name: str, answer: tuple[Value] | None) -> None:
        if answer is not None:
            (value,) = answer
            knob = name in KNOB_NAMES
            self.send(
                SetKnobs(values={name: value}) if knob else SetSetting(name=name, value=value)
            )

    def action_ask_schedule(self) -> None:
        from tui.screens.schedule import AskSchedule

        history = self.history
        self.push_screen(
            AskSchedule(history.knobs, history.settings, history.step, self._training.propose),
            self._set_schedule,
        )

    def _set_schedule(self, values: Any) -> None:
        if values:
            self.send(SetKnobs(values=values))
