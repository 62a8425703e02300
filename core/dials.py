"""Every quantity that can change while a run trains: its range, its ladder, its help.

The panel, the command line, validation and help are all drawn from two tables, KNOBS and SETTINGS.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import UserError, harmless

Value = float | int | str | tuple[int, ...] | None
"""What a knob or a setting can hold."""


MOST_STEPS = 1_000
"""Step numbers in one value: each update looks at all of them."""

FINE_MANTISSAS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
"""Ten rungs per decade, the coarse ones among them (the preferred numbers R10, ISO 3)."""


class ConfigError(UserError):
    """A value that cannot be used: which field, what it held, and what would be accepted."""

    def __init__(self, field: str, value: object, cure: str) -> None:
        self.field, self.value, self.cure = field, value, cure
        super().__init__(f"{harmless(field.replace('_', ' '), 40)} {shown_short(value)} {cure}")


@dataclass(frozen=True)
class Dial:
    """One quantity that a person can turn: its range, its ladder, and a sentence about it."""

    name: str
    help: str
    low: float = 0.0
    high: float = math.inf
    kind: Literal["number", "count", "choice", "steps"] = "number"
    scale: Literal["log", "decade", "binary", "linear"] = "log"
    open_low: bool = False
    """The range excludes `low` itself."""
    open_high: bool = False
    zero: str = ""
    """What 0 means, where it means something special. A ladder then ends in it."""
    zero_on_top: bool = False
    """0 stands above the highest rung (no limit), not below the lowest (off)."""
    choices: tuple[str, ...] = ()
    optional: bool = False
    """`None` is a value too, and means off."""
    ladder: tuple[float, float] = (1e-9, 1e6)
    """The lowest and highest rung that `rung` reaches; typing goes as far as the range."""

    def check(self, value: Value) -> None:
        """Raise ConfigError unless `value` is one that this quantity can hold."""
        if value is None and self.optional:
            return
        if self.kind == "choice":
            if not isinstance(value, str) or value not in self.choices:
                raise ConfigError(self.name, value, f"must be one of {', '.join(self.choices)}")
        elif self.kind == "steps":
            steps = value if isinstance(value, tuple) else (-1,)
            within = len(steps) <= MOST_STEPS and all(
                type(step) is int and self.low <= step <= self.high for step in steps
            )
            if not within or list(steps) != sorted(set(steps)):
                raise ConfigError(self.name, value, f"must be {self.range()}")
        elif (
            isinstance(value, bool)
            or not isinstance(value, int if self.kind == "count" else (int, float))
            or not self.low <= value <= self.high
            or (self.open_low and value == self.low)
            or (self.open_high and value == self.high)
        ):
            raise ConfigError(self.name, value, f"must be {self.range()}")

    def accepts(self, value: Value) -> bool:
        """Whether `check` would let it pass."""
        try:
            self.check(value)
        except ConfigError:
            return False
        return True

    def exact(self, value: Value) -> Value:
        """`value` checked and in this quantity's own type, so that 1 and 1.0 are one record."""
        if self.kind == "count":
            value = _whole(value)
        elif self.kind == "steps" and isinstance(value, tuple):
            value = tuple(map(_whole, value))
        self.check(value)
        return float(value) if self.kind == "number" and isinstance(value, int) else value

    def told(self, value: Value) -> str:
        """A value as people read it, 0 in words where it means something special."""
        special = self.zero and not self.zero.isdigit() and not isinstance(value, tuple)
        return self.zero if special and value == 0 else show(value)

    def range(self) -> str:
        """The range in words: `a number above 0 and at most 1,000,000`."""
        if self.kind == "steps":
            most = f"at most {MOST_STEPS:,}, none above {show(self.high)}"
            return f"rising step numbers such as 100000,150000 ({most})"
        noun = "a whole number" if self.kind == "count" else "a number"
        low = f"above {show(self.low)}" if self.open_low else f"from {show(self.low)}"
        if math.isinf(self.high):
            return f"{noun} {low}"
        joint = "and below" if self.open_high else "and at most" if self.open_low else "to"
        return f"{noun} {low} {joint} {show(self.high)}"

    def parse(self, text: str) -> Value:
        """Read a value as people type it (`0.03`, `3e-2`, `100_000`, `cosine`, `off`).

        Raises ConfigError.
        """
        text = text.strip()
        if self.optional and text.lower() in ("off", "none"):
            return None
        value: Value = text
        if self.kind != "choice":
            try:
                if self.kind == "steps":
                    value = tuple(int(part) for part in text.split(",") if part.strip())
                elif self.kind == "count":
                    value = whole(text)
                else:
                    value = float(text)
            except ValueError:
                raise ConfigError(self.name, text, f"must be {self.range()}") from None
        # Who types -0 means 0; the record would keep them apart.
        return self.exact(abs(value) if value == 0 and isinstance(value, float) else value)

    def rung(self, value: float, rungs: int, *, fine: bool = False) -> float:
        """The value `rungs` steps up (or down, if negative) the ladder from `value`.

        From between two rungs the first step goes to the end of the gap in that direction.
        The ladders: `log` 1-2-5 per decade (fine: ten per decade), `decade` powers of ten,
        `binary` powers of two, `linear` tenths (fine: hundredths).
        """
        ladder = self.rungs(fine)
        at = value
        if self.zero and self.zero_on_top and value == 0:
            at = math.inf
        if rungs > 0:
            index = bisect_right(ladder, at * (1 + 1e-9)) - 1 + rungs
        else:
            index = bisect_left(ladder, at * (1 - 1e-9)) + rungs
        reached = ladder[min(max(index, 0), len(ladder) - 1)]
        if (reached - at) * rungs < 0 and self.accepts(value):
            # Beyond the ladder's end, where typing goes: no rung leads farther.
            return value
        if math.isinf(reached):
            reached = 0.0
        return int(reached) if self.kind == "count" else reached

    def rungs(self, fine: bool = False) -> list[float]:
        """All rungs, rising; `inf` stands for a zero that means no limit."""
        low, high = max(self.low, self.ladder[0]), min(self.high, self.ladder[1])
        if self.scale == "linear":
            parts = 100 if fine else 10
            return [
                round(low + i / parts, 6)
                for i in range(round((high - low) * parts) + (not self.open_high))
            ]
        if self.scale == "binary":
            ladder = [2.0**i for i in range(64)]
        else:
            mantissas = (
                (1.0,) if self.scale == "decade" else FINE_MANTISSAS if fine else (1.0, 2.0, 5.0)
            )
            ladder = [float(f"{m}e{e}") for e in range(-12, 13) for m in mantissas]
        ladder = [rung for rung in ladder if low <= rung <= high]
        if self.kind == "count":
            ladder = [rung for rung in ladder if rung.is_integer()]
        if self.zero:
            ladder = [*ladder, math.inf] if self.zero_on_top else [0.0, *ladder]
        return ladder


KNOBS: tuple[Dial, ...] = (
    Dial(
        "learning_rate",
        "Base learning rate; the schedule's factor multiplies it.",
        high=1e6,
        open_low=True,
    ),
    Dial(
        "schedule",
        "How the factor on the base rate falls: constant, in drops, or along a curve.",
        kind="choice",
        choices=("constant", "step", "exponential", "linear", "cosine", "inverse"),
    ),
    Dial("schedule_start", "The step at which the schedule began.", kind="count", high=10**12),
    Dial(
        "schedule_length",
        "Steps from the schedule's start to its floor; of inverse: until the rate is half, 1/r.",
        low=1,
        high=10**12,
        kind="count",
    ),
    Dial(
        "warmup",
        "Steps over which the factor first rises from near 0 to 1.",
        high=10**12,
        kind="count",
        zero="none",
    ),
    Dial("floor", "The lowest factor; a curve ends there.", high=1.0, ladder=(1e-4, 1.0), zero="0"),
    Dial(
        "drops",
        "Steps after the schedule's start at which a step schedule drops.",
        low=1,
        high=10**12,
        kind="steps",
    ),
    Dial(
        "drop_factor",
        "What each drop multiplies the rate by.",
        high=1.0,
        open_low=True,
        ladder=(0.01, 1.0),
    ),
    Dial(
        "optimizer",
        "sgd (with momentum, if set) or adamw.",
        kind="choice",
        choices=("sgd", "adamw"),
    ),
    Dial(
        "momentum",
        "Of SGD: the share of the last update that carries on.",
        high=1.0,
        open_high=True,
        scale="linear",
    ),
    Dial(
        "beta1",
        "Of AdamW: decay of the gradient's average.",
        high=1.0,
        open_high=True,
        scale="linear",
    ),
    Dial(
        "beta2",
        "Of AdamW: decay of the squared gradient's average.",
        high=1.0,
        open_high=True,
        scale="linear",
    ),
    Dial(
        "weight_decay",
        "Pull of every weight towards 0.",
        high=100.0,
        ladder=(1e-6, 1.0),
        zero="off",
    ),
    Dial(
        "clip",
        "Largest norm of the whole gradient.",
        high=1e6,
        ladder=(1e-3, 1e3),
        zero="off",
        zero_on_top=True,
    ),
    Dial(
        "batch_size",
        "Examples per update.",
        low=1,
        high=65_536,
        kind="count",
        scale="binary",
        ladder=(1, 65_536),
    ),
    Dial(
        "fixed_batch",
        "Train on the minibatch of this one step for ever (overfit one batch).",
        high=10**12,
        kind="count",
        optional=True,
    ),
)
"""Part of the training state: changes are acts, undone and replayed."""

SETTINGS: tuple[Dial, ...] = (
    Dial(
        "evaluation_interval",
        "Steps between evaluations of train and dev.",
        low=1,
        high=10**12,
        kind="count",
    ),
    Dial("step_limit", "The step at which the run is finished.", low=1, high=10**12, kind="count"),
    Dial(
        "temperature",
        "Of sampling: below 1 likelier, above 1 wilder.",
        high=100.0,
        open_low=True,
        ladder=(0.1, 5),
    ),
    Dial(
        "top_k",
        "Of sampling: only the k likeliest symbols.",
        high=10**6,
        kind="count",
        ladder=(1, 50),
        zero="off",
        zero_on_top=True,
    ),
    Dial(
        "pace",
        "Most updates per second.",
        high=10**6,
        kind="count",
        scale="decade",
        ladder=(1, 1_000),
        zero="full",
        zero_on_top=True,
    ),
    Dial(
        "guard",
        "When the loss explodes: stop and go back, act (go back, on at a tenth of the rate), off.",
        kind="choice",
        choices=("off", "stop", "act"),
    ),
    Dial(
        "autopilot",
        "Decay the rate by itself whenever the dev loss has stopped falling.",
        kind="choice",
        choices=("off", "on"),
    ),
    Dial(
        "patience",
        "Evaluations without a better dev loss that make a plateau.",
        low=1,
        high=1_000,
        kind="count",
        ladder=(1, 1_000),
    ),
    Dial(
        "autopilot_factor",
        "What the autopilot multiplies the base rate by.",
        high=1.0,
        open_low=True,
        open_high=True,
        ladder=(0.01, 0.5),
    ),
    Dial(
        "autopilot_minimum",
        "The base rate below which the autopilot does not go.",
        high=1e6,
        open_low=True,
    ),
)
"""Not part of the training state: changes are noted only."""

DIALS: dict[str, Dial] = {dial.name: dial for dial in (*KNOBS, *SETTINGS)}
KNOB_NAMES = frozenset(knob.name for knob in KNOBS)


def whole(text: str) -> int:
    """An integer as people type it: `5000`, `5_000`, `5e3`; raises ValueError."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


def parse_count(name: str, text: str, low: int, high: int) -> int:
    """A whole number from `low` to `high` as people type it; raises ConfigError."""
    cure = f"must be a whole number from {low:,} to {high:,}"
    try:
        value = whole(text)
    except ValueError:
        raise ConfigError(name, text, cure) from None
    if not low <= value <= high:
        raise ConfigError(name, value, cure)
    return value


def _whole(value: Any) -> Any:
    """A whole number as an int, however it was written; all else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def show(value: object) -> str:
    """A value as people read it: up to 6 significant digits, thousands apart, `off` for None."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(map(show, value)) or "none"
    if isinstance(value, int) and abs(value) < 10**24:
        return f"{value:,}"
    if isinstance(value, int):
        # Python refuses to spell a number of thousands of digits, and nobody could read it.
        return f"{'-' if value < 0 else ''}10^{int(abs(value).bit_length() * math.log10(2))}"
    if isinstance(value, float):
        return (
            f"{value:,.0f}" if value.is_integer() and 1e3 <= abs(value) < 1e15 else f"{value:.6g}"
        )
    return f"{value!r}" if not isinstance(value, str) or not value.isidentifier() else value


def shown_short(value: object) -> str:
    """A value as sentences quote it: as people read it, but of something endless the beginning."""
    if isinstance(value, tuple):
        value = value[:LONGEST_SHOWN]
    elif isinstance(value, str):
        value = value[: LONGEST_SHOWN + 1]
    return harmless(show(value), LONGEST_SHOWN)


LONGEST_SHOWN = 60
"""Characters of a value that a sentence quotes."""
