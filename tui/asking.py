"""What the keys ask of the engine: each action sends a command, and nothing is shown before it is
confirmed.

Dialogs are loaded when they are first wanted: the first frame must not wait for them. Apart from
the app, which holds the connection and decides when to leave.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.app import App

from core.dials import DIALS, KNOB_NAMES, Value
from core.protocol import (
    AnyCommand,
    Cancel,
    Decay,
    Evaluate,
    Nudge,
    Pause,
    Point,
    Redo,
    Restore,
    Resume,
    Sample,
    SetKnobs,
    SetSetting,
    Step,
    TakeSnapshot,
    Undo,
)
from tui.history import History


class Asking(App[None]):
    """The actions behind the keys that steer."""

    @property
    def history(self) -> History:
        """What is known of the run."""
        raise NotImplementedError

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

    def action_decay(self) -> None:
        self.send(Decay())

    def action_evaluate(self) -> None:
        self.send(Evaluate())

    def action_sample(self) -> None:
        self.send(Sample())

    def action_undo(self) -> None:
        self.send(Undo())

    def action_redo(self) -> None:
        self.send(Redo())

    def action_cancel(self) -> None:
        """Give up the way to an earlier state."""
        if self.history.reaching is not None:
            self.send(Cancel())

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
        """Let the person type a value for a knob or a setting."""
        from tui.screens.ask import AskValue

        history = self.history
        current = getattr(history.knobs if name in KNOB_NAMES else history.settings, name)
        self.push_screen(AskValue(DIALS[name], current), partial(self._set, name))

    def _set(self, name: str, value: Value) -> None:
        if value is not None:
            knob = name in KNOB_NAMES
            self.send(
                SetKnobs(values={name: value}) if knob else SetSetting(name=name, value=value)
            )

    def action_ask_schedule(self) -> None:
        from tui.screens.schedule import AskSchedule

        history = self.history
        self.push_screen(
            AskSchedule(history.knobs, history.settings, history.step), self._set_schedule
        )

    def _set_schedule(self, values: Any) -> None:
        if values:
            self.send(SetKnobs(values=values))
