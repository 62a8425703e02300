"""Texts as the screen writes them: in lines, in one line, and as what is copied or written.

Names go through here too, where both are handled alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.config import Level
from core.tokens import paragraphs
from tui.inspector.bars import wrap
from tui.samples.marks import told
from tui.telling import printable

NOUNS: dict[Level, tuple[str, str]] = {"character": ("name", "names"), "word": ("text", "texts")}
"""How what is drawn is called, one and many."""


def counted(count: int, level: Level) -> str:
    """`10 names`, `1 text`."""
    one, many = NOUNS[level]
    return f"{count:,} {one if count == 1 and level == 'word' else many}"


def in_lines(text: str, width: int) -> list[str]:
    """A text broken between its words, each of its paragraphs on a line of its own."""
    parts = [part for part in paragraphs(text).split("\n\n") if part]
    return [line.rstrip() for part in parts or [""] for line in wrap(printable(part), width)]


def in_a_line(drawing: str, level: Level) -> str:
    """A name, or a text, fit for one line of any terminal."""
    return told(drawing) if level == "character" else printable(drawing)


def as_a_file(drawings: Sequence[str], level: Level) -> str:
    """Names one a line; texts with a blank line between their paragraphs, as `sample` prints."""
    if level == "character":
        return "".join(f"{name}\n" for name in drawings)
    return "\n\n".join(map(paragraphs, drawings)) + "\n"
