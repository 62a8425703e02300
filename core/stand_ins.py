"""One table of ASCII stand-ins for everything that the program draws with.

For terminals and files that take no more: the dashboard draws with it (tui/ascii.py), and a stream
whose encoding is too poor for a sign gets the stand-in instead of an error.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from io import TextIOWrapper
from pathlib import Path

UNKNOWN = "?"
_ERRORS = "steermore.stand_ins"

LEFT = (0x01, 0x02, 0x04, 0x40)
RIGHT = (0x08, 0x10, 0x20, 0x80)
"""Bits of a braille cell (Unicode 2800): its left and its right column, downwards."""

SIGNS = {
    # In texts.
    "…": "~",
    "·": ".",
    "§": "S",
    "×": "x",
    "−": "-",
    "–": "-",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "‹": "<",
    "›": ">",
    "∞": "I",
    "√": "v",
    "β": "b",
    "␣": "_",
    # What something is, or what state it is in.
    "▶": ">",
    "▸": ">",
    "▾": "|",
    "▲": "^",
    "‖": "=",
    "▪": "=",
    "◌": "~",
    "✓": "+",
    "✗": "!",
    "↶": "<",
    "↷": ">",
    "▯": "?",
    # Points.
    "●": "@",
    "○": "o",
    "◆": "#",
    "•": "*",
    "★": "*",
    # Lines.
    "┈": ".",
    "┊": ":",
    "┃": "|",
    # Columns of a histogram, by height; bars, by length; shades, by darkness.
    **dict(zip("▁▂▃▄▅▆▇█", "._-=+*%#", strict=True)),
    **dict(zip("▏▎▍▌▋▊▉", "---====", strict=True)),
    **dict(zip("░▒▓", ":+%", strict=True)),
    "▔": '"',
    "▀": '"',
    "▐": "#",
    "▕": "|",
}
"""Each glyph that we draw, and what is drawn for it; boxes, curves and the rest go by their block.
"""
_BOXES = {**dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾", "-"), **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿", "|")}


def stand_in(sign: str) -> str:
    """What is drawn for a glyph that is no symbol of the list; letters are somebody's text."""
    code = ord(sign)
    if sign in SIGNS:
        return SIGNS[sign]
    if 0x2500 <= code < 0x2580:
        return _BOXES.get(sign, "+")
    if 0x2580 <= code < 0x25A0:
        return "#"
    if 0x2800 <= code < 0x2900:
        return _of_dots(code - 0x2800)
    if unicodedata.category(sign)[0] in "LMN":
        return sign
    wide = unicodedata.east_asian_width(sign) in "WF"
    return UNKNOWN * (2 if wide else 1)


def _of_dots(bits: int) -> str:
    """What looks most like the dots of a braille cell, for a curve that passes through it."""
    left, right = (
        [row for row, bit in enumerate(column) if bits & bit] for column in (LEFT, RIGHT)
    )
    rows = sorted({*left, *right})
    if not rows:
        return " "
    high, count = rows[-1] - rows[0] + 1, len(left) + len(right)
    middle = (sum(left) + sum(right)) / count
    if count == 1:
        return "'" if middle < 2 else "."
    if not (left and right):
        return "|" if high > 2 else "'" if middle < 1 else "." if middle > 2 else ":"
    falls = sum(right) / len(right) - sum(left) / len(left)
    if count > 6:
        return "#"
    if count == 2 and high > 2:
        return ":"
    if abs(falls) > 1:
        return "\\" if falls > 0 else "/"
    if high > 2:
        return "|"
    if middle == 3:
        return "_"
    return "'" if middle < 1 else "." if middle > 2 else "-"


def settle_streams() -> None:
    """Let no character end the program with an error: what a stream cannot take is spelled.

    A stream that the program was started without is the null device.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            null = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (open to the end)
            setattr(sys, name, null)
    codecs.register_error(_ERRORS, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors != "replace":
            stream.reconfigure(errors=_ERRORS)


def give_up_output() -> None:
    """Let go of what the standard output has not taken."""
    # Python flushes once more as it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """What we draw by its stand-in; what others wrote as JSON and Python escape it."""
    assert isinstance(error, UnicodeEncodeError)
    signs = error.object[error.start : error.end]
    return "".join(_of_sign(sign) for sign in signs), error.end


def _of_sign(sign: str) -> str:
    drawn = sign in SIGNS or 0x2500 <= ord(sign) < 0x25A0 or 0x2800 <= ord(sign) < 0x2900
    if drawn:
        return stand_in(sign)
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
