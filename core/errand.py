"""What a run does a piece at a time while its training stands still."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Errand:
    """Something long, done a piece at a time."""

    what: Literal["evaluating", "going back", "opening"]
    step: int
    """Where the run stands meanwhile, whatever its trainer goes through."""
    work: Generator[None, None, None]
