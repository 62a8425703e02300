"""One measured figure: what it is, what it came to, and what was aimed at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A row of the table that `make bench` prints and writes into the README."""

    what: str
    """In the words of those who will read it."""
    measured: str
    """With unit and spread: `3.7 × (2.9 to 5.1)`."""
    goal: str = ""
    """As `at least 3.5 ×`; empty where there is none."""
    holds: bool | None = None
    """Whether the goal is reached here; None where there is none, or it could not be told."""
