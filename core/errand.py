"""What a run does a piece at a time while its training stands still."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Errand:
    """Something long, done a piece at a time."""

    what: Literal["evaluating", "finding", "going back", "opening"]
    step: int
    """Where the run stands meanwhile, whatever its trainer goes through."""
    work: Generator[None, None, None]
    command: str = ""
    """What asked for it, if a command did."""
    answers: int | None = None
    """The id of that command."""
    client: str = ""
    """Who asked."""
