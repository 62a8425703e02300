"""A sweep: what is searched, and which run a trial of it is.

Apart from Optuna, which only says which values to try next: a trial's run is made by the same
function as that of `fit`, from the same flags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice, product
from typing import Any

import msgspec

from core.config import RunConfig
from core.options import configured, not_given, recipe_of
from core.sweep_ranges import Chosen, Range, ranges
from core.threads import available_cores
from core.words import WordList

EVALUATIONS = 10
"""Of a trial, where no interval is given: each is a chance to end it early."""
MOST_CORNERS = 1_000
"""Configurations that are tried out before a sweep begins."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What all trials of a study share; stands in the study, so that every machine reads it."""

    flags: dict[str, str]
    """Those of `fit` that were given, ranges among them; not where files and runs are."""
    data: str | None = None
    """The list, where it is not the shipped one, as it was named where the sweep began."""
    sha256: str
    """Of the list's bytes."""
    max_seconds: float | None = None
    """Of training that a trial is given at most."""
    prune: bool = True
    """Trials that are worse than the median are ended early."""

    @cached_property
    def given(self) -> dict[str, Any]:
        """Every flag of `fit`, those with ranges as well."""
        return not_given() | self.flags | {"data": self.data}

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """What is searched; raises ConfigError."""
        return ranges(self.given)

    def config(self, words: WordList, chosen: Mapping[str, Chosen]) -> RunConfig:
        """The run of a trial with these values; raises ConfigError."""
        typed = {name: self.ranges[name].typed(value) for name, value in chosen.items()}
        return configured_with(self.given | typed, words)

    def corners(self, words: WordList) -> Iterator[RunConfig]:
        """The runs at the ends of the ranges, as many as may be looked at; raises ConfigError."""
        found = self.ranges
        for ends in islice(product(*(each.ends for each in found.values())), MOST_CORNERS):
            yield configured_with(self.given | dict(zip(found, ends, strict=True)), words)


def configured_with(given: dict[str, Any], words: WordList) -> RunConfig:
    """What `fit` would train with these flags, but that dev is measured ten times on the way."""
    recipe = recipe_of(given)
    if given["evaluation_interval"] is None:
        interval = max(recipe.settings.step_limit // EVALUATIONS, 1)
        settings = msgspec.structs.replace(recipe.settings, evaluation_interval=interval)
        recipe = msgspec.structs.replace(recipe, settings=settings)
    return configured(given, words, recipe)


def flags_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The flags that say something, without those that are this machine's own."""
    usual = not_given() | {"data": given["data"], "runs_dir": given["runs_dir"]}
    return {name: text for name, text in given.items() if text != usual[name]}


def fitting_workers(threads: int, cores: int | None = None) -> int:
    """As many workers as have cores for their engine's threads."""
    return max(1, (available_cores() if cores is None else cores) // threads)


def told(values: Mapping[str, Chosen], spaces: Mapping[str, Range]) -> str:
    """The values of a trial as people read them: `learning rate 0.03 · hidden size 100`."""
    return " · ".join(
        f"{name.replace('_', ' ')} {spaces[name].typed(value)}"
        for name, value in values.items()
        if name in spaces
    )
