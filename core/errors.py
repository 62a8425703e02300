"""The one kind of error that is shown to people as a sentence, without a traceback.

A sentence quotes what came from outside: names of files and runs, values as typed, lines of a
damaged record. Here, and so in every one of them, that is made fit for any screen.
"""

from __future__ import annotations

import json
from typing import Any


class UserError(ValueError):
    """A mistake that a person can mend; the message says what is wrong, where, and the cure."""

    def __init__(self, sentence: str) -> None:
        super().__init__(harmless(sentence))


def harmless(text: str, limit: int | None = None) -> str:
    """`text` fit to be shown: what cannot be printed is escaped, what exceeds `limit` is cut."""
    if limit is not None:
        text = text[: limit + 1]
    if text.isprintable():
        shown = text
    else:
        shown = "".join(
            symbol if symbol.isprintable() else symbol.encode("unicode_escape").decode("ascii")
            for symbol in text
        )
    return shown if limit is None or len(shown) <= limit else f"{shown[: limit - 1]}…"


def harmless_json(value: Any) -> str:
    """`value` as JSON that people can read, with what cannot be printed as JSON's own escapes."""
    told = json.dumps(value, ensure_ascii=False)
    if told.isprintable():
        return told
    return "".join(symbol if symbol.isprintable() else json.dumps(symbol)[1:-1] for symbol in told)
