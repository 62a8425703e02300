"""What a caller in Python gives, as the command line would have it typed.

Apart from the notebook's `Training`, and through text, so that each option has one meaning, one
range, and one sentence for a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from core.config import Level
from core.dials import KNOB_NAMES
from core.errors import UserError, harmless
from core.foundations import FOUNDATION
from core.launch import read_data
from core.options import not_given, shipped
from core.tokens import text_in
from core.words import DatasetError, WordList, words_in

LONGEST_TOLD = 60
"""Symbols of what a sentence quotes."""

OPTIONS = {name: name for name in (*FOUNDATION, *KNOB_NAMES, "temperature", "top_k")} | {
    "steps": "step_limit"
}
"""What a training takes: the flags of `fit` that mean something without an engine."""


def words_given(
    words: str | Path | Iterable[str] | None, level: Level = "character"
) -> tuple[str, WordList]:
    """What the list or the text is called, and the list; raises DatasetError."""
    if words is None or isinstance(words, (str, Path)):
        path = str(shipped(level) if words is None else words)
        return path, read_data(path, level)
    name, lines = "words", []
    if isinstance(words, (bytes, bytearray, memoryview)) or not isinstance(words, Iterable):
        told = harmless(repr(words), LONGEST_TOLD)
        raise DatasetError(f"{name}: {told} is no list. Give a file's path, or strings.")
    for word in words:
        if not isinstance(word, str) or len(word.splitlines()) > 1:
            told = harmless(repr(word), LONGEST_TOLD)
            raise DatasetError(f"{name}: {told} is no word. Give strings of one line each.")
        lines.append(word)
    # What could not be encoded is refused as any other byte that is no text.
    raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    return name, text_in(raw, name) if level == "word" else words_in(raw, name)


def flags_given(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the flags of `fit`, each as typed; raises UserError for one that is none."""
    given = not_given()
    for name, value in options.items():
        if name not in OPTIONS:
            raise UserError(f"{name} is no option here; there are {', '.join(sorted(OPTIONS))}")
        if value is not None:
            given[OPTIONS[name]] = typed(value)
    return given


def plain(value: Any) -> Any:
    """A number of numpy's, or a list, as Python has it."""
    if isinstance(value, np.generic):
        return value.item()
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


def typed(value: Any) -> str:
    """A value as people type it, so that every mistake gets the sentence that it gets there."""
    value = plain(value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
