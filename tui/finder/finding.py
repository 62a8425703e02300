"""How a range test stands, as the screen of the finder tells it: asked, under way, over or lost.

Apart from Textual, like everything that only follows what the engine says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from core.client import Attached
from core.config import Knobs
from core.dials import ConfigError
from core.lr_finder import HIGH, LOW, STEPS
from core.protocol import (
    Cancelled,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    FinderFinished,
    FindLearningRate,
    LearningRateProbed,
    RolledBack,
)
from core.schedule import decay_factor, factor
from core.suggesting import Probes
from tui.history.history import History
from tui.reader import News
from tui.standing import LinkChanged
from tui.telling import printable, typed

State = Literal["asking", "probing", "found", "refused", "lost"]

RULES = {
    "half of the minimum": "half the rate of the lowest smoothed loss",
    "valley": "in the middle of the longest fall",
    "steepest": "where it falls fastest; often far too low",
}
"""What each rule does, by its name."""

FIELDS = {"from": replace(LOW, name="from"), "to": replace(HIGH, name="to"), "steps": STEPS}
"""What a person can type of a range, by the words on the screen."""

LEAST_DECAY = 1e-3
"""A schedule's factor below this is its end."""


@dataclass
class Search:
    """One range test after another, as far as the engine has told of them."""

    asked: int | None = None
    """The id of the command that began the present test; None: somebody else did."""
    state: State = "asking"
    reason: str = ""
    """Why it was refused or lost."""
    suggestions: Mapping[str, float] = field(default_factory=dict)
    """By the name of their rule, ours first; empty until the test is over."""

    @property
    def under_way(self) -> bool:
        """The engine is at it, or was asked."""
        return self.state in ("asking", "probing")

    def ask(self, answers: int | None) -> None:
        """A test was asked for under this id; None: the engine is gone."""
        self.asked, self.suggestions = answers, {}
        self.state, self.reason = "asking", ""
        if answers is None:
            self._lose("the engine does not answer")

    def hear(self, item: News) -> None:
        """Take in what came from the engine, or what became of the connection."""
        match item:
            case LearningRateProbed():
                self.state, self.reason, self.suggestions = "probing", "", {}
            case FinderFinished():
                self.state, self.suggestions = "found", dict(item.suggestions)
            case CommandRejected(answers=answers) if answers == self.asked:
                self.state, self.reason, self.asked = "refused", item.reason, None
            case Cancelled(what="finding") if self.state == "probing":
                self._lose("the test was given up")
            case RolledBack() if self.under_way:
                self._lose("the run went to another state")
            case EngineFailed() | EngineStopped():
                self._lose("the engine has ended")
            case LinkChanged(link="gone"):
                self._lose(item.reason or "the engine is gone")
            case Attached() if self.under_way:
                self._lose("the connection was lost meanwhile")
            case _:
                pass

    def _lose(self, reason: str) -> None:
        if self.state != "found":
            self.state, self.reason = "lost", reason


def wish_of(low: str, high: str, steps: str) -> FindLearningRate:
    """The range that a person typed; raises ConfigError."""
    first, last = FIELDS["from"].parse(low), FIELDS["to"].parse(high)
    count = FIELDS["steps"].parse(steps)
    assert isinstance(first, float)
    assert isinstance(last, float)
    assert isinstance(count, int)
    if first >= last:
        raise ConfigError("to", last, f"must be above {typed(first)}, where the range begins")
    return FindLearningRate(low=first, high=last, steps=count)


def state_text(search: Search, probes: Probes, running: bool) -> str:
    """What the test is doing, in a line; `running`: the run trains when it may."""
    done, of = len(probes.losses), probes.steps
    match search.state:
        case "asking":
            return "◌ asking the engine …"
        case "probing":
            after = "training waits, then goes on" if running else "the run stands still"
            return f"◌ {done:,} of {of:,} rates tried, on a copy of the model; {after}"
        case "found":
            early = f"stopped at {done:,} of {of:,}, the loss blew up"
            tried = f"{done:,} rates tried on a copy" if done >= of else early
            after = "the run, bit for bit as it was, trains on"
            return f"✓ {tried}; {after if running else 'the run is bit for bit as it was'}"
        case "refused":
            return f"✗ not done: {printable(search.reason)} (r asks again)"
        case "lost":
            return f"✗ {printable(search.reason)} (r asks again, Escape leaves)"


def base_for(rate: float, knobs: Knobs, step: int) -> float:
    """The base rate with which `rate` is in force: the schedule's decay is taken out of it.

    Not the warmup, whose rate nobody chose; nor a decay that has come to nearly nothing.
    """
    decay = decay_factor(knobs, step)
    return float(f"{rate / decay:.4g}") if decay >= LEAST_DECAY else rate


def apply_text(rate: float, knobs: Knobs, step: int) -> str:
    """What taking `rate` would do to the run as it stands; a line more where a schedule counts."""
    base = base_for(rate, knobs, step)
    text = f"Enter sets the base rate {typed(knobs.learning_rate)} → {typed(base)}"
    now = factor(knobs, step)
    if math.isclose(now, 1.0, abs_tol=5e-5):
        return text
    return f"{text}\nthe schedule's factor is {now:.3g} now: effective rate {base * now:.3g}"


def nothing_text(history: History) -> str:
    """What stands in place of suggestions; the cursor still picks a rate."""
    told = "no suggestion: at no rate does the loss clearly fall"
    if history.step == history.first:
        return f"{told}\na larger batch (b) scatters less"
    return f"{told}\ntrained weights tell little: k, 0 goes back to the first ones"


def loss_text(probes: Probes, index: int) -> str:
    """The losses at a rate: of its minibatch, and smoothed."""
    if not 0 <= index < len(probes.losses):
        return "not tried"
    raw, smooth = float(probes.losses[index]), float(probes.smoothed[index])
    return f"loss {_figure(raw)} · smoothed {_figure(smooth)}"


def _figure(loss: float) -> str:
    if not math.isfinite(loss):
        return "not finite"
    return f"{loss:.3f}" if abs(loss) < 1e4 else f"{loss:.3g}"
