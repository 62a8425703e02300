"""What a sweep searches: a flag of `fit` that holds a range in place of a value.

0.01:1         any number between, whole where the quantity is whole
0.01:1:log     the same, as likely in each decade
50,100,200     one of these
1000/500,900   one of these, where a comma belongs to the value (drops)
0.1            one value: nothing to search
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

from core.config import ModelConfig
from core.dials import KNOBS, ConfigError, Dial, Value
from core.foundations import FOUNDATION

SEARCHED: dict[str, Dial] = {
    dial.name: dial
    for dial in (
        *(FOUNDATION[name] for name in (*ModelConfig.__struct_fields__, "preset", "seed")),
        *KNOBS,
    )
}
"""What may have a range: all that shapes the weights. Not the settings or the deal of the words:
losses of other steps, or on another dev split, could not be compared."""

Chosen = float | int | str
"""A value as a study keeps it: a number from an interval, or one of the texts of a list."""


@dataclass(frozen=True)
class Interval:
    """Any number from `low` to `high`."""

    dial: Dial
    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return self.dial.kind == "count"

    @property
    def ends(self) -> tuple[str, ...]:
        """The values at both ends, as people type them."""
        return self.typed(self.low), self.typed(self.high)

    @property
    def ordered(self) -> tuple[str, ...]:
        """The ends, which rise."""
        return self.ends

    def holds(self, chosen: object) -> bool:
        """Whether it is a value of this range."""
        number = isinstance(chosen, (int, float)) and not isinstance(chosen, bool)
        return number and self.low <= chosen <= self.high  # type: ignore[operator]

    def typed(self, chosen: Chosen) -> str:
        """A value as people type it: six significant digits are enough for any knob."""
        if self.whole:
            return str(int(chosen))
        rounded = float(f"{float(chosen):.6g}")
        value = float(min(max(rounded, self.low), self.high))
        return f"{value:.6g}" if float(f"{value:.6g}") == value else repr(value)

    def short(self, chosen: Chosen) -> str:
        """A value for a narrow column."""
        return self.typed(chosen) if self.whole else f"{float(chosen):.3g}"

    def share(self, chosen: Chosen) -> float:
        """Where a value stands between the ends, from 0 to 1."""
        low, high, value = float(self.low), float(self.high), float(chosen)
        if self.log:
            low, high, value = log(low), log(high), log(value)
        return min(max((value - low) / (high - low), 0.0), 1.0)


@dataclass(frozen=True)
class Choices:
    """One of several values, as they were typed."""

    dial: Dial
    texts: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """Every value, as people type it."""
        return self.texts

    @property
    def ordered(self) -> tuple[str, ...]:
        """The texts by what they mean: numbers rise, words stay as they were typed."""
        values = {text: self.dial.parse(text) for text in self.texts}
        if not all(isinstance(value, (int, float)) for value in values.values()):
            return self.texts
        return tuple(sorted(self.texts, key=lambda text: float(values[text])))  # type: ignore[arg-type]

    def holds(self, chosen: object) -> bool:
        """Whether it is a value of this range."""
        return chosen in self.texts

    def typed(self, chosen: Chosen) -> str:
        """A value as people type it."""
        return str(chosen)

    def short(self, chosen: Chosen) -> str:
        """A value for a narrow column."""
        return str(chosen)

    def share(self, chosen: Chosen) -> float:
        """Where a value stands among the others, from 0 to 1."""
        return self.ordered.index(str(chosen)) / (len(self.texts) - 1)


Range = Interval | Choices


def ranges(given: Mapping[str, Any]) -> dict[str, Range]:
    """The ranges among the flags given, by the name of the quantity; raises ConfigError."""
    found = {
        name: parse_range(dial, text)
        for name, dial in SEARCHED.items()
        if (text := given.get(name)) is not None
    }
    return {name: each for name, each in found.items() if each is not None}


def parse_range(dial: Dial, text: str) -> Range | None:
    """Read a range as people type it; None where it is one value. Raises ConfigError."""
    if ":" in text:
        return _interval(dial, text)
    parts = [part.strip() for part in text.split("/" if dial.kind == "steps" else ",")]
    if len(parts) == 1:
        return None
    values: list[Value] = []
    for part in parts:
        if not part:
            raise ConfigError(dial.name, text, "has an empty place; values are set apart by one ,")
        values.append(dial.parse(part))
        if values[-1] in values[:-1]:
            raise ConfigError(dial.name, text, f"names {part} twice")
    return Choices(dial, tuple(parts))


def _interval(dial: Dial, text: str) -> Interval:
    if dial.kind in ("choice", "steps"):
        apart = "/" if dial.kind == "steps" else ","
        raise ConfigError(dial.name, text, f"has no between; name its values, set apart by {apart}")
    low, high, *rest = (part.strip() for part in text.split(":"))
    if rest not in ([], ["log"]) or "," in text:
        raise ConfigError(dial.name, text, "must read LOW:HIGH, LOW:HIGH:log, or A,B,C")
    ends = [dial.parse(end) for end in (low, high)]
    if not all(isinstance(end, (int, float)) for end in ends):
        raise ConfigError(dial.name, text, "must have a number at both ends")
    first, last = (float(end) if dial.kind == "number" else end for end in ends)  # type: ignore[arg-type]
    assert isinstance(first, (int, float))
    assert isinstance(last, (int, float))
    if first >= last:
        raise ConfigError(dial.name, text, "must rise: the lower end first, then the higher")
    if rest and first <= 0:
        raise ConfigError(dial.name, text, "cannot be logarithmic from 0; begin above it")
    return Interval(dial, first, last, log=bool(rest))
