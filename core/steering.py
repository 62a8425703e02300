"""From a wish to absolute numbers: what a command means, given the knobs in force at this step.

The engine resolves wishes, not the dashboard: a held key sends them faster than confirmations
return. The record then holds only the numbers found here.
"""

from __future__ import annotations

from core.config import Knobs, RunConfig, Settings, with_changes
from core.dials import DIALS, KNOB_NAMES, ConfigError, Dial, Value
from core.protocol import Decay, Nudge, SetKnobs
from core.schedule import decay_factor

SHAPE = frozenset({"schedule", "schedule_length", "warmup", "floor", "drops", "drop_factor"})
"""Changing any of these begins the schedule anew."""


def resolve_knobs(
    command: SetKnobs | Nudge | Decay, knobs: Knobs, settings: Settings, step: int
) -> dict[str, Value]:
    """The new values of the knobs that `command` changes at `step`; raises ConfigError.

    Knobs that would keep their value are left out, so an empty answer means: nothing to do.
    """
    match command:
        case Decay(factor=factor):
            if not 0 < factor < float("inf"):
                raise ConfigError("factor", factor, "must be a number above 0")
            wanted: dict[str, Value] = {"learning_rate": significant(knobs.learning_rate * factor)}
        case Nudge(name=name):
            value = nudged(DIALS[name], getattr(knobs, name), command.rungs, command.fine)
            wanted = begin_schedule({name: value}, knobs, settings, step)
        case SetKnobs(values=values):
            wanted = begin_schedule(values, knobs, settings, step)
    for name, value in wanted.items():
        if name not in KNOB_NAMES:
            raise ConfigError(
                name, value, f"is no knob; the knobs are {', '.join(sorted(KNOB_NAMES))}"
            )
    exact = {name: DIALS[name].exact(value) for name, value in wanted.items()}
    return {name: value for name, value in exact.items() if value != getattr(knobs, name)}


def begin_schedule(
    values: dict[str, Value], knobs: Knobs, settings: Settings, step: int
) -> dict[str, Value]:
    """Complete `values`: a changed schedule starts at `step`, from the rate in force.

    The base becomes the effective rate (without a warmup that has not ended: nobody chose that
    rate), and there is no warmup unless asked for, so nothing jumps. Where the schedule had come
    down to 0, the base stays as it was. A length that is not given reaches to the step limit.
    """
    changed = {name for name in SHAPE & values.keys() if values[name] != getattr(knobs, name)}
    if not changed or "schedule_start" in values:
        return values
    kind = values.get("schedule", knobs.schedule)
    wanted: dict[str, Value] = {"schedule_start": step, "warmup": 0}
    rate = significant(knobs.learning_rate * decay_factor(knobs, step))
    if rate > 0:
        wanted["learning_rate"] = rate
    if "schedule" in changed:
        length = settings.step_limit - step
        if length > 0:
            wanted["schedule_length"] = length
        if kind == "exponential" and not knobs.floor:
            wanted["floor"] = 0.01
        if kind == "step" and not knobs.drops:
            wanted["drops"] = (max(length // 2, 1),)
    return wanted | values


def nudged(dial: Dial, value: Value, rungs: int, fine: bool) -> Value:
    """The value `rungs` along the ladder of `dial`; raises ConfigError where there is no ladder."""
    if dial.kind == "choice":
        at = dial.choices.index(str(value)) + rungs
        return dial.choices[min(max(at, 0), len(dial.choices) - 1)]
    if dial.kind == "steps" or not isinstance(value, (int, float)):
        raise ConfigError(dial.name, value, "has no ladder; type a value instead")
    return significant(dial.rung(value, rungs, fine=fine))


def significant(value: float) -> float:
    """`value` to 6 significant digits: 0.1 × 0.1 is 0.01, not 0.010000000000000002."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def already(name: str, value: Value) -> str:
    """Why a wish changed nothing: `learning rate is 0.1 already`."""
    return f"{name.replace('_', ' ')} is {DIALS[name].told(value)} already"


def nothing_to_do(command: SetKnobs | Nudge | Decay, knobs: Knobs) -> str:
    """Why `command` changed no knob, as a sentence."""
    match command:
        case SetKnobs(values=values):
            names = list(values)
        case Nudge(name=name):
            names = [name]
        case Decay():
            names = ["learning_rate"]
    return "; ".join(already(name, getattr(knobs, name)) for name in names) or "nothing was asked"


def check_plan(config: RunConfig) -> None:
    """Follow the planned acts on paper; raises ConfigError at the first that cannot be done."""
    knobs = config.knobs
    for act in sorted(config.plan, key=lambda act: act.step):
        if act.step >= config.settings.step_limit:
            limit = f"lies at or past the step limit, {config.settings.step_limit:,}"
            raise ConfigError("act at step", act.step, limit)
        wish = SetKnobs(values=act.changes)
        knobs = with_changes(knobs, resolve_knobs(wish, knobs, config.settings, act.step))
