"""When the system refuses memory: how that is recognised, and what is said then."""

from __future__ import annotations

from collections.abc import Sequence

TOO_LITTLE = "the engine does not get the memory that it needs; free some, then resume"

_WORDS = ("allocate memory", "bad_alloc", "out of memory", "alloc_failed", "failed to map segment")
"""Those of torch and of the loader, which have no exception of their own for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it was memory that was refused."""
    return isinstance(error, MemoryError) or _tells(str(error))


def ended_so(last_lines: Sequence[str]) -> bool:
    """Whether a log ends with it. Python may then lack the memory to say even our sentence."""
    return any("MemoryError" in line or line == TOO_LITTLE or _tells(line) for line in last_lines)


def _tells(text: str) -> bool:
    return any(word in text.lower() for word in _WORDS)
