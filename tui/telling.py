"""How the screen says things: figures of steady width, and every event as a line of the log.

Apart from Textual, so that the words can be tested without a screen. What comes from outside
(names, reasons, paths) passes through `printable`: it is shown, never interpreted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, assert_never

import msgspec

from core.config import Level
from core.dials import DIALS, Value
from core.guard import trip_text
from core.protocol import (
    AnyEvent,
    Cancelled,
    Clock,
    CommandRejected,
    DiagnosticsTaken,
    Embedded,
    EngineFailed,
    EngineStarted,
    EngineStopped,
    Evaluated,
    FinderFinished,
    GuardTripped,
    Heartbeat,
    KnobsChanged,
    LearningRateProbed,
    Predicted,
    Reaching,
    RolledBack,
    RunOpened,
    SamplesDrawn,
    Scored,
    SettingChanged,
    SnapshotTaken,
    Stalled,
    StateChanged,
    StepsDone,
    Surprising,
    TestEvaluated,
    Welcome,
)
from core.tokens import paragraphs
from core.units import per, perplexity_text

Tone = Literal["plain", "act", "good", "bad", "quiet"]
"""How a piece of text is coloured; never the only sign of what it means."""

Word = tuple[tuple[str, Tone], ...]
"""Pieces that stay together on one line."""
BREAK: Word = ()
"""What follows it begins a line."""


@dataclass(frozen=True)
class Entry:
    """One line of a feed, wrapped where it is too long for its pane."""

    head: str
    """The step, or empty."""
    words: tuple[Word, ...]
    joint: str = ""
    """Stands behind every word but the last, where there is room for it."""
    replaces: bool = False
    """Takes the place of the entry before it."""


SHORT_NAMES = {"learning_rate": "rate", "batch_size": "batch", "optimizer": "optimizer"}


def printable(text: str) -> str:
    """`text` without anything that a terminal would obey: such characters become `�`."""
    return "".join(c if c.isprintable() else "�" for c in text)


def dial_name(name: str) -> str:
    """A knob's or setting's name as people say it."""
    return SHORT_NAMES.get(name, name.replace("_", " "))


def dial_value(name: str, value: Value) -> str:
    """A value as people read it, 0 in words where it means something special."""
    return DIALS[name].told(value)


def compact(number: float) -> str:
    """At most six cells: `950`, `11.0 k`, `184 k`, `1.2 M`."""
    if number < 999.5:
        return f"{number:.0f}"
    for size, letter in ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        if number < 999.5 * size:
            scaled = number / size
            return f"{scaled:.0f} {letter}" if scaled >= 99.95 else f"{scaled:.1f} {letter}"
    return f"{number:.0e}"


def duration(seconds: float) -> str:
    """`0:13`, `12:05`, `3:00:00`, or days from 100 hours on."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours >= 100:
        return f"{hours // 24:,} d"
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def loss(value: float | None) -> str:
    """A mean loss with the digits that mean something."""
    return "not finite" if value is None else f"{value:.3f}"


def samples_entry(drawn: SamplesDrawn, split_of: Callable[[str], str | None]) -> Entry:
    """A drawing: its names, each with its loss per symbol, those of the list with their split."""
    words: list[Word] = []
    for place, name in enumerate(drawn.names):
        word: list[tuple[str, Tone]] = (
            [(printable(name), "plain")] if name else [("(empty)", "quiet")]
        )
        if (split := split_of(name)) is not None:
            word.append((f" ({split})", "quiet"))
        if drawn.losses:
            word.append((f" {drawn.losses[place]:.2f}", "quiet"))
        words.append(tuple(word))
    aside = [f"T {drawn.temperature:g}"]
    if drawn.top_k:
        aside.append(f"top {drawn.top_k}")
    if drawn.prefix:
        aside.append(f"from {printable(drawn.prefix)}")
    first: Word = ((", ".join(aside) + " ", "quiet"), *words[0]) if words else ()
    return Entry(f"{drawn.step:,}", (first, *words[1:]), joint=" ·")


def texts_entry(drawn: SamplesDrawn) -> Entry:
    """A drawing of a run of words: its texts as running text, the loss per word above each."""
    aside = f"T {drawn.temperature:g}" + (f", top {drawn.top_k}" if drawn.top_k else "")
    words: list[Word] = []
    for place, text in enumerate(drawn.names):
        parts = [aside] if place == 0 else []
        if drawn.losses:
            parts.append(f"{drawn.losses[place]:.2f}{per('word')}")
        words += [((" · ".join(parts), "quiet"),), BREAK]
        for paragraph in filter(None, paragraphs(text).split("\n\n")):
            words += [((printable(word), "plain"),) for word in paragraph.split()] + [BREAK]
    return Entry(f"{drawn.step:,}", tuple(words[:-1]))


class Chronicle:
    """The log, entry by entry; a knob that a held key moves on stays one entry."""

    def __init__(self, me: str = "", level: Level = "character") -> None:
        """`me` is the name under which this dashboard acts: its acts are told as yours. `level`
        says what a loss is per.
        """
        self._me, self._level = me, level
        self._newest: KnobsChanged | None = None
        """The act told last, if nothing was told after it."""

    def tell(self, event: AnyEvent, step: int) -> Entry | None:
        """What the log says of `event`, as `log_entry` does."""
        before = self._newest
        if isinstance(event, KnobsChanged) and event.joins and before is not None:
            self._newest = joined(before, event)
            return replace(_act_entry(self._newest, self._me), replaces=True)
        entry = log_entry(event, step, self._me, self._level)
        if entry is not None:
            self._newest = event if isinstance(event, KnobsChanged) else None
        return entry


def joined(before: KnobsChanged, after: KnobsChanged) -> KnobsChanged:
    """Two acts as one, from the older's values to the newer's."""
    changes = dict(before.changes)
    for name, (old, new) in after.changes.items():
        changes[name] = (changes.get(name, (old, old))[0], new)
    return msgspec.structs.replace(after, changes=changes)


def log_entry(event: AnyEvent, step: int, me: str = "", level: Level = "character") -> Entry | None:
    """What the log says of `event`; None for what has its own place on the screen.

    `step` stands where the event itself names none; `me` is who reads it. A loss of words is told
    as perplexity, too.
    """
    match event:
        case KnobsChanged():
            return _act_entry(event, me)
        case SettingChanged(name=name, old=old, new=new):
            change = f"{dial_name(name)} {dial_value(name, old)} → {dial_value(name, new)}"
            return entry(event.step, change, "act", _whose(event.client, me))
        case Evaluated():
            return Entry(f"{event.step:,}", _evaluation_words(event, level))
        case TestEvaluated(loss=value, looks=looks):
            counted = f"(look {looks:,} at the test split)"
            told = f"test {loss(value)}{perplexity_text(value, level)}"
            return entry(event.step, told, "good", counted)
        case FinderFinished(suggestions=suggestions, probed=probed):
            told = ", ".join(f"{rate:.3g} ({rule})" for rule, rate in suggestions.items())
            return entry(
                event.step, f"finder: {told or 'no suggestion'};", "plain", f"{probed:,} rates"
            )
        case GuardTripped():
            return entry(event.step, f"✗ {trip_text(event)}", "bad")
        case StateChanged(running=running, finished=finished):
            if finished:
                return entry(event.step, "✓ finished: the step limit is reached", "good")
            return entry(event.step, "▶ training" if running else "‖ paused")
        case CommandRejected(reason=reason):
            return entry(step, f"✗ not done: {printable(reason)}", "bad")
        case EngineFailed(reason=reason):
            return entry(step, f"✗ engine failed: {printable(reason)}", "bad")
        case Stalled(reason=reason):
            return entry(step, f"✗ {printable(reason)} (space)", "bad")
        case EngineStopped(reason=reason):
            return entry(event.step, f"engine stopped: {printable(reason)}", "quiet")
        case SnapshotTaken(reason="evaluated"):
            return None
        case SnapshotTaken(reason=reason):
            told = f"checkpoint saved ({printable(event.name or reason)})"
            return entry(event.step, told, "quiet", _whose(event.client, me))
        case RolledBack(reason=reason, to=to, changes=changes, differs=differs):
            told = f", {changes_text(changes)}" if changes else ""
            glyph = "↷" if reason == "redo" else "↶"
            if reason == "resume":
                where = "this machine" if differs is None else f"from step {differs:,} this machine"
                told += f"; {where} computes otherwise"
            told = f"{glyph} {reason}: at step {to.step:,}{told}"
            return entry(event.step, told, "act", _whose(event.client, me))
        case Cancelled(what=what):
            return entry(step, f"{printable(what)} given up", "quiet")
        case RunOpened(config=config):
            return entry(event.step, f"run opened, seed {config.seed}", "quiet")
        case EngineStarted(pid=pid):
            return entry(event.step, f"engine started, process {pid}", "quiet")
        case StepsDone() | SamplesDrawn() | Clock() | Reaching() | Heartbeat() | Welcome():
            return None
        case LearningRateProbed() | Predicted() | Scored() | Surprising() | Embedded():
            return None
        case DiagnosticsTaken():
            return None
        case _:
            assert_never(event)


def link_entry(reason: str, step: int) -> Entry:
    """What has become of the connection."""
    return entry(step, f"✗ {printable(reason)}", "bad")


def changes_text(changes: Mapping[str, tuple[Value, Value]]) -> str:
    """`rate 0.2 → 0.1, warmup none → 150`."""
    told = [
        f"{dial_name(name)} {dial_value(name, old)} → {dial_value(name, new)}"
        for name, (old, new) in sorted(changes.items(), key=_not_the_kind)
        # A schedule always begins at the step that stands before the line.
        if name != "schedule_start"
    ]
    return ", ".join(told) or "the schedule begins anew"


def _not_the_kind(change: tuple[str, object]) -> bool:
    """Sorts a new kind of schedule before its shape."""
    return change[0] != "schedule"


def _act_entry(event: KnobsChanged, me: str) -> Entry:
    whose = _whose(event.client, me) if event.by == "person" else f"({event.by})"
    restarted = "; optimizer state restarted" if event.optimizer_restarted else ""
    words = _words(f"{changes_text(event.changes)}{restarted}", "act") + _words(whose, "quiet")
    return Entry(f"{event.step:,}", words)


def _evaluation_words(event: Evaluated, level: Level) -> tuple[Word, ...]:
    dev = f"dev {loss(event.dev)}{perplexity_text(event.dev, level)}"
    words = _words(dev, "plain") + _words(f"train {loss(event.train)}", "quiet")
    if event.whole:
        words += _words("(whole)", "quiet")
    return words + (_words("★ best so far", "good") if event.best else ())


def _whose(client: str, me: str) -> str:
    if not client:
        return ""
    return "(you)" if client == me else f"({printable(client)})"


def entry(step: int, text: str, tone: Tone = "plain", aside: str = "") -> Entry:
    """One line: a text, and aside quietly who or why."""
    return Entry(f"{step:,}", _words(text, tone) + _words(aside, "quiet"))


def _words(text: str, tone: Tone) -> tuple[Word, ...]:
    return tuple(((part, tone),) for part in text.split())


def typed(value: Value) -> str:
    """A value as a person would type it, which `Dial.parse` reads back."""
    if value is None:
        return "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e6 else f"{value:.6g}"
    return str(value)
