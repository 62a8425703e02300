"""Which runs of a list are meant: `lr>0.05 dev<2.2 state=finished`, and words of their names.

The same filter in the list of the dashboard and in `steermore runs --filter`. A run that has no
value where one is compared is not meant.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from core.catalogue import Listed
from core.dials import DIALS, Value
from core.errors import UserError, harmless
from core.fields import LONGEST, Field, field_of

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": lambda here, wanted: math.isclose(here, wanted, rel_tol=1e-9),
    "!=": lambda here, wanted: not math.isclose(here, wanted, rel_tol=1e-9),
}
_SIGN = re.compile(r"<=|>=|!=|==|=|<|>")
_AROUND = re.compile(rf"\s*({_SIGN.pattern})\s*")
_SIZES = {"k": 1e3, "m": 1e6}
_AGES = {"s": 1.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}


class FilterError(UserError):
    """A filter that cannot be read: which part of it, and what would be."""


@dataclass(frozen=True)
class Term:
    """One condition; without a field a piece of the run's name."""

    field: Field | None
    sign: str
    wanted: Value

    def holds(self, run: Listed) -> bool:
        """Whether `run` is one of those meant."""
        if self.field is None:
            return str(self.wanted).casefold() in run.run.casefold()
        here = self.field.of(run)
        if self.field.name not in DIALS and here in (None, ""):
            return False
        if self.field.name in DIALS and self.field.name not in run.facts:
            return False
        if isinstance(here, str):
            begins = here.casefold().startswith(str(self.wanted).casefold())
            return begins == (self.sign == "=")
        if isinstance(here, (int, float)) and isinstance(self.wanted, (int, float)):
            return _SIGNS[self.sign](here, self.wanted)
        # Off, or a row of steps: of these no value is more than another.
        return self.sign in ("=", "!=") and (here == self.wanted) == (self.sign == "=")


@dataclass(frozen=True)
class Filter:
    """All of its terms must hold; without any, every run is meant."""

    terms: tuple[Term, ...] = ()

    def keeps(self, run: Listed) -> bool:
        """Whether `run` is meant."""
        return all(term.holds(run) for term in self.terms)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Those that it looks at."""
        return tuple(term.field for term in self.terms if term.field is not None)


def parse_filter(text: str) -> Filter:
    """Read what a person typed; raises FilterError, or FieldError for a field that is none."""
    return Filter(tuple(map(_term, _parts(text))))


def readable_part(text: str) -> Filter:
    """The terms that can be read already, while others are still being typed."""
    terms: list[Term] = []
    for part in _parts(text):
        with suppress(UserError):
            terms.append(_term(part))
    return Filter(tuple(terms))


def _parts(text: str) -> list[str]:
    return _AROUND.sub(r"\1", text).split()


def _term(part: str) -> Term:
    sign = _SIGN.search(part)
    if sign is None:
        return Term(None, "", part)
    field = field_of(part[: sign.start()])
    text = part[sign.end() :]
    if not text:
        raise FilterError(f"{_told(part)}: a value is missing behind {sign[0]}")
    return Term(field, sign[0].replace("==", "="), _wanted(field, sign[0], text, part))


def _wanted(field: Field, sign: str, text: str, part: str) -> Value:
    if field.kind in ("text", "steps") and sign not in ("=", "==", "!="):
        raise FilterError(f"{_told(part)}: {field.short} is no number; compare it by = or !=")
    match field.kind:
        case "text":
            return _choice(field, text, part)
        case "age":
            return _amount(text, _AGES, part, "an age such as 30min, 2h or 3d")
        case "steps":
            # Raises a sentence of its own.
            return () if text.lower() == "none" else DIALS[field.name].parse(text)
        case "number":
            if field.name in DIALS:
                dial, word = DIALS[field.name], text.lower()
                if dial.optional and word in ("off", "none"):
                    return None
                if dial.zero and word == dial.zero:
                    return 0.0
            return _amount(text, {"": 1.0, **_SIZES}, part, "a number such as 0.05, 3e-2 or 10k")


def _choice(field: Field, text: str, part: str) -> str:
    """A text, or the beginning of one."""
    fits = any(choice.startswith(text.lower()) for choice in field.choices)
    if field.choices and not fits:
        raise FilterError(f"{_told(part)}: {field.short} is one of {', '.join(field.choices)}")
    return text


def _amount(text: str, units: dict[str, float], part: str, such: str) -> float:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(number) :].lower()
    try:
        value = float(number) * units[unit]
    except (ValueError, KeyError):
        value = math.nan
    if not math.isfinite(value):
        raise FilterError(f"{_told(part)}: {_told(text)} is no value here; type {such}")
    return value


def _told(text: str) -> str:
    return harmless(text, LONGEST)
