"""Whether the lines of a record tell one story, each of them being sound (core/soundness.py).

Whoever reads a record as a whole takes its acts from here. What cannot follow, as when lines were
lost or a digit was changed, is refused at once: followed blindly it would lead nowhere, or to
updates without end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.config import RunConfig
from core.lineage import Acts
from core.protocol import Act, AnyRecorded, KnobsChanged, RolledBack, RunOpened, SettingChanged
from core.record import RunError


def acts_of(directory: Path, config: RunConfig, events: Sequence[AnyRecorded]) -> Acts:
    """The acts among `events`, all that is recorded of a run; raises RunError unless they begin as
    the run does and lead from one to the next.
    """
    why = "its acts do not follow on each other"
    try:
        acts = Acts(events)
        if not events:
            return acts
        opened = acts.list[0]
        if not isinstance(opened, RunOpened) or events[0] is not opened or opened.branch:
            raise ValueError(why)
        if opened.config != config:
            why = "it does not begin as config.json says"
            raise ValueError(why)
        _check_order(acts)
        _check_reach(config, events)
    except (LookupError, ValueError, AssertionError):
        raise RunError(f"run {directory.name}: events.jsonl is damaged: {why}") from None
    return acts


def _check_order(acts: Acts) -> None:
    """Raise LookupError, ValueError at an act that does not follow on those before it."""
    known: dict[int, tuple[int, int]] = {}
    for number, (last, act) in enumerate(zip(acts.list, acts.list[1:], strict=False), start=1):
        left = act.before
        known[last.seq] = (last.step, left.step)
        sound = left.seq == last.seq and last.step <= left.step
        match act:
            case KnobsChanged():
                sound = sound and act.branch == last.branch and act.step == left.step
            case RolledBack(to=to):
                begin, end = known[to.seq]
                sound = sound and act.branch == last.branch + 1 and act.step == to.step
                sound = sound and begin <= to.step <= end
            case _:
                sound = False
        if not sound:
            raise ValueError(number)


def _check_reach(config: RunConfig, events: Iterable[AnyRecorded]) -> None:
    """Raise ValueError for a step that lies beyond every limit the run had until then."""
    branch = 0
    most = max(config.settings.step_limit, config.parent.step if config.parent else 0)
    for event in events:
        if isinstance(event, SettingChanged) and event.name == "step_limit":
            most = max(most, int(str(event.new)))
        branch = event.branch if isinstance(event, Act) else branch
        if event.step > most or event.branch != branch:
            raise ValueError(event.seq)
