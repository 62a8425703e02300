"""Which sections of the view stand together: all where there is room, else page by page."""

from __future__ import annotations

from typing import Literal

Section = Literal["list", "splits", "pairs", "words"]
SECTIONS: tuple[Section, ...] = ("list", "splits", "pairs", "words")

Page = tuple[Section, ...]
"""Sections that are shown together."""

WIDE = 100
"""Columns from which two things have room beside each other."""
FEWER, ALL = (WIDE, 30), (180, 54)
"""Columns and rows from which there are fewer pages, and from which there is one."""

_NAMES: dict[Page, str] = {
    ("list",): "Lengths, symbols",
    ("splits",): "Splits",
    ("list", "splits"): "Lengths, symbols, splits",
    ("pairs",): "Pairs",
    ("words",): "Words",
    SECTIONS: "All",
}


OF_TEXTS: tuple[Section, ...] = ("list", "splits", "words")
"""A table of the pairs of thousands of words would show little; a word's contexts show more."""
_NAMES_OF_TEXTS: dict[Page, str] = {
    ("list",): "Sentences, words",
    ("splits",): "Parts",
    ("list", "splits"): "Sentences, words, parts",
    ("words",): "Contexts",
    OF_TEXTS: "All",
}


def pages_of_texts(width: int, height: int) -> tuple[Page, ...]:
    """As `pages`, of a text."""
    found = (
        tuple(section for section in page if section in OF_TEXTS) for page in pages(width, height)
    )
    return tuple(page for page in found if page)


def pages(width: int, height: int) -> tuple[Page, ...]:
    """All pages of a terminal of this size, in their order."""
    if width >= ALL[0] and height >= ALL[1]:
        return (SECTIONS,)
    if width >= FEWER[0] and height >= FEWER[1]:
        return (("list", "splits"), ("pairs",), ("words",))
    return (("list",), ("splits",), ("pairs",), ("words",))


def page_name(page: Page) -> str:
    """As it stands in the line of pages."""
    return _NAMES[page]


def page_name_of_texts(page: Page) -> str:
    """The same of a text."""
    return _NAMES_OF_TEXTS[page]
