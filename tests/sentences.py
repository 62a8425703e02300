"""What is said to people when something is wrong, for the tests of bad input and damaged files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.errors import UserError
from tests import conftest
from tests.conftest import USUAL

T = TypeVar("T")

FUZZ = max(conftest.FUZZ // USUAL, 1)
"""Times as many tries as usual."""


def is_sentence(text: str) -> bool:
    """One line that any screen can show, and that people can read to its end."""
    return text.isprintable() and 10 < len(text) < 500


def outcome(deed: Callable[[], T]) -> tuple[T | None, str]:
    """What came of it, or the sentence in which it was refused; anything else goes through."""
    try:
        return deed(), ""
    except UserError as error:
        return None, str(error)
