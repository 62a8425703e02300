"""What a list of runs can be filtered and sorted by: every quantity of a run by name.

Apart from how a filter is written (core/filtering.py): a list's columns are fields too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal, get_args

from core.catalogue import Listed, State, ago
from core.config import PRESETS, Initialization, Level
from core.dials import DIALS, Value, show
from core.errors import UserError, harmless

Kind = Literal["number", "age", "text", "steps"]
"""`age`: seconds; `steps`: a row of step numbers."""

LONGEST = 40
"""Characters of what was typed that a message repeats."""


class FieldError(UserError):
    """A field that does not exist; the message names it and what may have been meant."""

    def __init__(self, name: str) -> None:
        self.name = name
        near = get_close_matches(name.lower(), [*fields(), *ALIASES], 1)
        such = "such are dev, train, step, state, age, and every flag of a run by its name, as lr"
        super().__init__(
            f"{harmless(name, LONGEST) or 'nothing'} is no field of a run; "
            + (f"did you mean {near[0]}?" if near else such)
        )


@dataclass(frozen=True)
class Field:
    """One quantity of a run."""

    name: str
    kind: Kind
    of: Callable[[Listed], Value]
    """Of a run; None where it has none, as of a run that was never evaluated."""
    short: str = ""
    """The way to type it that messages show."""
    choices: tuple[str, ...] = ()
    """Of a text that can be nothing else."""

    def told(self, run: Listed) -> str:
        """The value as people read it; `-` where there is none."""
        value = self.of(run)
        if self.name in DIALS and self.name in run.facts:
            return DIALS[self.name].told(value)
        if value is None or value == "":
            return "-"
        if self.kind == "age":
            return ago(run.age_seconds)
        if isinstance(value, float):
            return f"{value:.4f}"
        return str(value) if isinstance(value, str) else show(value)


OWN: tuple[Field, ...] = (
    Field("run", "text", lambda run: run.run),
    Field("state", "text", lambda run: run.state, choices=get_args(State)),
    Field("step", "number", lambda run: run.step),
    Field("dev", "number", lambda run: run.dev_loss),
    Field("last", "number", lambda run: run.last_dev),
    Field("train", "number", lambda run: run.train_loss),
    Field("age", "age", lambda run: run.age_seconds),
    Field("preset", "text", lambda run: run.preset, choices=tuple(PRESETS)),
    Field("parent", "text", lambda run: run.parent),
)
"""What is no setting: `dev` is the best, `last` the newest dev loss."""

ALIASES = {
    "name": "run",
    "best": "dev",
    "dev_loss": "dev",
    "train_loss": "train",
    "list": "data",
    "lr": "learning_rate",
    "rate": "learning_rate",
    "batch": "batch_size",
    "hidden": "hidden_size",
    "emb": "embedding_size",
    "embedding": "embedding_size",
    "block": "block_size",
    "context": "block_size",
    "init": "initialization",
    "limit": "step_limit",
    "decay": "weight_decay",
    "wd": "weight_decay",
    "interval": "evaluation_interval",
    "fixed": "fixed_batch",
    "length": "schedule_length",
    "start": "schedule_start",
}
"""Other ways to type a field's name."""

SHORT = {
    "learning_rate": "lr",
    "batch_size": "batch",
    "hidden_size": "hidden",
    "embedding_size": "embedding",
    "block_size": "block",
    "initialization": "init",
    "step_limit": "limit",
    "weight_decay": "decay",
    "evaluation_interval": "interval",
}


@cache
def fields() -> dict[str, Field]:
    """Every field by its name."""
    found = [*OWN, _of_facts("data", "text", fact="list")]
    found.append(_of_facts("level", "text", get_args(Level)))
    found += [_of_facts(name, "number") for name in ("block_size", "embedding_size", "hidden_size")]
    found.append(_of_facts("initialization", "text", get_args(Initialization)))
    found += [_of_facts(name, "number") for name in ("seed", "split_seed")]
    for dial in DIALS.values():
        kinds: dict[str, Kind] = {"choice": "text", "steps": "steps"}
        found.append(_of_facts(dial.name, kinds.get(dial.kind, "number"), dial.choices))
    return {
        each.name: Field(each.name, each.kind, each.of, SHORT.get(each.name, each.name),
                         each.choices)
        for each in found
    }  # fmt: skip


def field_of(name: str) -> Field:
    """The field that a person means by `name`, short or whole; raises FieldError."""
    wanted = name.strip().lower().replace("-", "_")
    wanted = ALIASES.get(wanted, wanted)
    if wanted not in fields():
        raise FieldError(name.strip())
    return fields()[wanted]


def in_order(runs: Iterable[Listed], by: Field, *, reverse: bool = False) -> list[Listed]:
    """Sorted by a field, the lowest first; those without a value last in any case, and those with
    equal ones in the order in which they came.
    """
    known: list[tuple[str | float | tuple[int, ...], Listed]] = []
    unknown: list[Listed] = []
    for run in runs:
        value = by.of(run)
        if value is None or value == "":
            unknown.append(run)
        else:
            known.append((value.casefold() if isinstance(value, str) else value, run))
    known.sort(key=lambda pair: pair[0], reverse=reverse)
    return [run for _, run in known] + unknown


@dataclass(frozen=True)
class Order:
    """By which field a list is sorted, and in which direction."""

    field: Field
    reverse: bool = False

    def sort(self, runs: Iterable[Listed]) -> list[Listed]:
        """`runs` in this order."""
        return in_order(runs, self.field, reverse=self.reverse)


def parse_order(text: str) -> Order:
    """Read `dev`, or `-dev` for the other direction; raises FieldError."""
    text = text.strip()
    return Order(field_of(text.removeprefix("-")), text.startswith("-"))


def _of_facts(
    name: str, kind: Kind, choices: tuple[str, ...] = (), *, fact: str | None = None
) -> Field:
    key = fact or name
    return Field(name, kind, lambda run: run.facts.get(key), choices=choices)
