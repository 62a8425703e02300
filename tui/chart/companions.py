"""The curves of other runs, shown behind this one: read from their records, as they were then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from core.dials import DIALS, Value
from core.differing import Facts, differing, facts
from core.lineage import Lineage, settings_after
from core.protocol import Clock
from core.smoothing import NOTHING, DebiasedAverage, Floats
from core.story import Story, read_story
from tui.history.lines import line_of_epochs, line_of_seconds
from tui.history.reduction import Curves, Edges, finite_or_nan, losses_of, reduce_from
from tui.history.timeline import IN_STEPS, Timeline, Unit
from tui.telling import Entry, dial_name, dial_value, entry, printable

LETTERS = "ABCDEF"
"""More curves than these could not be told apart."""


@dataclass(frozen=True, eq=False)
class Companion:
    """Another run: what led to its weights, and what was in force at their end."""

    directory: Path
    first: int
    """The step of its first state."""
    loss: Floats
    """Along its lineage, as History.loss."""
    facts: Facts
    letter: str = LETTERS[0]
    """Stands at the end of its curve."""
    note: str = ""
    """What it is to the run on the screen."""
    path: Lineage = ()
    """How it came to its end."""
    clocks: tuple[tuple[int, float], ...] = ()
    """Steps along it, and the seconds spent inside updates until then."""
    _averages: dict[float, Floats] = field(default_factory=dict)
    _lines: dict[tuple[Unit, int], Timeline] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """Its id."""
        return self.directory.resolve().name

    @property
    def end(self) -> int:
        """The step after its last update."""
        return self.first + len(self.loss)

    def line(self, unit: Unit, train_examples: int) -> Timeline:
        """As History.line, for a list with as many examples."""
        if unit == "steps":
            return IN_STEPS
        key = (unit, train_examples)
        if key not in self._lines:
            self._lines[key] = (
                line_of_seconds(self.first, self.clocks)
                if unit == "seconds"
                else line_of_epochs(self.path, train_examples)
            )
        return self._lines[key]

    def curves(self, edges: Edges, smoothing: float) -> Curves:
        """As History.curves."""
        if smoothing not in self._averages:
            average = DebiasedAverage(smoothing)
            average.extend(self.loss)
            self._averages.clear()
            self._averages[smoothing] = average.column.values
        smooth = self._averages[smoothing]
        return reduce_from(losses_of(self.loss, smooth, self.first), edges)


def read_companion(directory: Path, note: str = "") -> Companion:
    """Read a run, live or ended; raises RunError."""
    story = read_story(directory)
    losses = np.concatenate([NOTHING, *(piece.losses for piece in story.pieces())])
    return Companion(
        directory=directory,
        first=story.path[0].start,
        loss=finite_or_nan(losses.astype(np.float32)),
        facts=_facts(story),
        note=note,
        path=story.path,
        clocks=tuple(
            (event.step, event.seconds)
            for event in story.events
            if isinstance(event, Clock) and story.on_lineage(event)
        ),
    )


def _facts(story: Story) -> Facts:
    settings = settings_after(story.config.settings, story.events)
    return facts(story.config, story.path[-1].knobs, settings)


def lettered(companion: Companion, shown: tuple[Companion, ...]) -> Companion:
    """With the first letter that no curve has yet."""
    taken = {other.letter for other in shown}
    return replace(companion, letter=next(letter for letter in LETTERS if letter not in taken))


def differences_text(ours: Facts, theirs: Facts) -> str:
    """What differs, `rate 0.1 (there 0.05), hidden size 200 (there 300)`."""
    told = (
        f"{dial_name(name)} {fact(name, here)} (there {fact(name, there)})"
        for name, (here, there) in differing(ours, theirs).items()
    )
    return ", ".join(told) or "nothing differs but the acts"


def fact(name: str, value: Value) -> str:
    """One value as people read it."""
    return printable(dial_value(name, value) if name in DIALS else str(value))


def not_comparable(run: str, ours: Facts, theirs: Facts) -> str:
    """Why the curve of that run has no place in this chart, or an empty text."""
    here, there = ours["level"], theirs["level"]
    if here == there:
        return ""
    return f"run {printable(run)}: its losses are nats per {there}, here they are per {here}"


def companion_entry(companion: Companion, ours: Facts, step: int) -> Entry:
    """What the log says when the curve of another run appears."""
    note = f", {companion.note}" if companion.note else ""
    who = f"{companion.letter} is run {printable(companion.run)}{note}:"
    return entry(step, f"{who} {differences_text(ours, companion.facts)}", "quiet")
