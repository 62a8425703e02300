"""How a run stands, as values for the status line and the rate panels, made from its history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.config import Knobs, Settings
from core.dataset import Dataset
from core.protocol import KnobsChanged, RolledBack
from core.steering import SHAPE
from core.text import Text
from tui.history.history import History
from tui.telling import printable

Link = Literal["loading", "live", "silent", "gone", "resting"]
"""What is known of the engine: not yet ready, answering, not answering, lost, none wanted yet."""

RATE_KNOBS = SHAPE | {"learning_rate", "schedule_start"}
"""A change of one of these changes the effective rate."""


@dataclass(frozen=True)
class LinkChanged:
    """The connection is in another state now, for this reason."""

    link: Link
    reason: str = ""


@dataclass(frozen=True)
class Status:
    """Everything that the status line says."""

    state: str = "loading"
    """A key of `tui.widgets.status.STATES`."""
    file: str = ""
    model: str = ""
    parameters: int = 0
    step: int = 0
    limit: int = 0
    speed: float = 0.0
    """Steps per second."""
    epoch: float = 0.0
    eta: float | None = None
    """Seconds to the step limit."""
    back: tuple[int, float] | None = None
    """On the way to an earlier state: its step, and how much of the way is done, 0 to 1."""


@dataclass(frozen=True)
class Rates:
    """What is in force at `step`."""

    knobs: Knobs
    settings: Settings
    step: int
    changed: int
    """The step at which the rate or its schedule was last changed by an act."""


def status_of(history: History, dataset: Dataset, state: str) -> Status:
    """The run in one line; `state` says what the history cannot know (loading, silent, …)."""
    model, vocabulary = history.config.model, dataset.vocab_size
    sizes = f"{model.block_size}×{model.embedding_size}→{model.hidden_size}→{vocabulary}"
    if isinstance(dataset, Text):
        sizes += " words"
    if history.config.device != "cpu":
        sizes += f" on {history.config.device}"
    return Status(
        state=state,
        file=printable(Path(history.config.data.path).name),
        model=f"MLP {sizes}",
        parameters=model.parameters(vocabulary),
        step=history.step,
        limit=history.settings.step_limit,
        speed=history.steps_per_second,
        epoch=history.epoch(dataset.splits["train"].examples),
        eta=history.eta,
        back=history.reaching,
    )


def rates_of(history: History) -> Rates:
    """The knobs, and since when the rate is what it is."""
    changed = next(
        (
            act.step
            for act in reversed(history.acts)
            if isinstance(act, (KnobsChanged, RolledBack)) and RATE_KNOBS & act.changes.keys()
        ),
        0,
    )
    return Rates(history.knobs, history.settings, history.step, changed)


def schedule_end(knobs: Knobs, settings: Settings, step: int) -> int:
    """How far ahead a schedule is drawn: to the step limit; from there on, to its own end."""
    start, limit = knobs.schedule_start, settings.step_limit
    return max(limit if limit > start else start + knobs.schedule_length, step + 1)
