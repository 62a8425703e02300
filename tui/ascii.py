"""The screen in printable ASCII, for terminals that have no more.

Apart from the widgets, which draw as they always do: every row of the screen passes through one
filter on its way out, so that no view can be forgotten. What the list itself is written with is
left as it is: that is data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.widget import Widget

from core.stand_ins import stand_in

VARIABLE = "STEERMORE_ASCII"
POOR = ("linux", "dumb")
"""Terminals, by $TERM, whose font or whose nature has no braille."""


def is_wanted(given: bool | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to draw in ASCII: as `given` on the command line, else as $STEERMORE_ASCII says, else
    where the terminal seems to have no more.

    A locale that is not named at all says nothing (so it is in containers, and over a bare ssh);
    one that names another encoding than UTF-8, and "C" is one, does.
    """
    if given is not None:
        return given
    if said := environment.get(VARIABLE):
        return said.lower() not in ("0", "no", "off", "false")
    if environment.get("TERM") in POOR:
        return True
    # Textual writes to stderr, in its encoding.
    encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
    variables = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((named for name in variables if (named := environment.get(name))), "UTF-8")
    return not (_is_utf8(encoding) and _is_utf8(locale))


def _is_utf8(name: str) -> bool:
    return name.lower().replace("-", "").partition("@")[0].endswith("utf8")


class Ascii(LineFilter):
    """Puts the stand-ins into every row, but for the symbols of the list."""

    def __init__(self, symbols: Iterable[str]) -> None:
        super().__init__()
        self._kept = frozenset("".join(symbols))
        self.spelled = lru_cache(8192)(self._spelled)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same cells, in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(self.spelled(segment.text), segment.style, segment.control)
            for segment in segments
        ]

    def _spelled(self, text: str) -> str:
        return "".join(
            sign if sign.isascii() or sign in self._kept else stand_in(sign) for sign in text
        )


def holds_for(widget: Widget) -> bool:
    """Whether what a widget draws will be spelled in ASCII."""
    return any(isinstance(each, Ascii) for each in widget.get_line_filters())
