"""A rectangle of terminal cells, each a character and a role, and what a chart puts there itself.

Apart from the widget because it is pure arrays: no colours, no Textual, no plotext.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Doubles

SPACE = ord(" ")
ON_BAND = 32
"""Added to a role: the cell stands on the band."""


class Role(IntEnum):
    """What a cell shows, and so its colour."""

    BLANK = 0
    AXIS = 1
    REFERENCE = 2
    MARK = 3
    RAW = 4
    CURVE = 5
    TRAIN = 6
    DEV = 7
    LABEL = 8
    MARK_LABEL = 9
    BAND = 10
    BAND_EDGE = 11
    """A glyph in the colour of the ground, on the band."""
    ABANDONED = 12
    OTHER = 13
    RATE = 14
    RATE_AHEAD = 15
    CURSOR = 16
    CURSOR_TEXT = 17


LABELS = (Role.LABEL, Role.MARK_LABEL)
DATA = (Role.RAW, Role.CURVE, Role.TRAIN, Role.DEV, Role.ABANDONED, Role.OTHER)


class Cells:
    """`glyphs` (code points) and `roles`, both (height, width)."""

    def __init__(self, width: int, height: int) -> None:
        self.glyphs: NDArray[np.uint32] = np.full((height, width), SPACE, np.uint32)
        self.roles: NDArray[np.uint8] = np.zeros((height, width), np.uint8)

    @property
    def width(self) -> int:
        """Cells in a row."""
        return int(self.glyphs.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.glyphs.shape[0])

    def write(self, column: int, row: int, text: str, role: Role) -> None:
        """Put `text` at a cell; what would stand outside is cut off."""
        if not 0 <= row < self.height:
            return
        text = text[max(-column, 0) :]
        column = max(column, 0)
        codes = [ord(character) for character in text[: max(self.width - column, 0)]]
        self.glyphs[row, column : column + len(codes)] = codes
        self.roles[row, column : column + len(codes)] = role

    def free(self, column: int, row: int, length: int, *, of: tuple[Role, ...]) -> bool:
        """Whether none of these roles stands in the cells, nor right before or after them."""
        stretch = self.roles[row, max(column - 1, 0) : column + length + 1]
        return not among(of)[stretch].any()

    def band(self, low: Doubles, high: Doubles) -> None:
        """Shade behind everything the stretch from `low` to `high` of each column, in rows from
        the bottom (float, NaN for none), to an eighth of a row: at least one eighth.
        """
        eighths = 8 * self.height
        known = ~(np.isnan(low) | np.isnan(high))
        bottom = np.where(known, np.floor(np.clip(low, 0, self.height) * 8), 0)
        top = np.where(known, np.ceil(np.clip(high, 0, self.height) * 8), 0)
        bottom = np.minimum(bottom, np.maximum(top - 1, 0))
        visible = known & (high >= 0) & (low <= self.height)
        floor = np.arange(eighths - 8, -8, -8)[:, None]
        # Of each cell, from which eighth to which the band covers it.
        start, end = np.clip(bottom - floor, 0, 8), np.clip(top - floor, 0, 8)
        covered = np.where(visible, end - start, 0)
        touched = covered > 0
        blank = touched & (self.roles == Role.BLANK)
        # Eighth blocks grow from the floor; where the band hangs from the ceiling, draw the ground.
        hangs = (end == 8) & (start > 0)
        level = np.where(hangs, start, end).astype(np.uint32)
        self.glyphs[blank] = (0x2580 + level)[blank]
        self.roles[blank] = np.where(hangs, Role.BAND_EDGE, Role.BAND)[blank]
        self.roles[touched & ~blank & (covered >= 4)] += ON_BAND

    def dot_the_band(self) -> None:
        """Fill the band with colons, for terminals that have no blocks; behind what stands on it
        there is then nothing.
        """
        eighths = self.glyphs - 0x2580
        inside = (self.roles == Role.BAND) & (eighths >= 4)
        inside |= (self.roles == Role.BAND_EDGE) & (eighths <= 4)
        band = among((Role.BAND, Role.BAND_EDGE))[self.roles]
        self.glyphs[band] = np.where(inside, ord(":"), SPACE)[band]
        self.roles[band] = Role.BAND
        self.roles[self.roles >= ON_BAND] -= ON_BAND


@cache
def among(roles: tuple[Role, ...]) -> NDArray[np.bool_]:
    """By the code of a cell, whether it is one of these: a fraction of the time of `np.isin`."""
    return np.isin(np.arange(256), roles)


def printable(text: str) -> str:
    """`text` with whatever is not one plain cell wide left out."""
    return "".join(
        character
        for character in text
        if character.isprintable()
        and not unicodedata.combining(character)
        and unicodedata.east_asian_width(character) not in "WF"
    )
