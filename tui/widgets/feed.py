"""A scrolling list of entries, the newest on top: the log, and what was drawn.

A list of our own rather than RichLog: a batch of entries costs one repaint, a change of width wraps
them anew, and a reader who has scrolled down keeps the line under their eyes while others arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.telling import BREAK, Entry, Word

Row = tuple[tuple[str, str], ...]
"""Pieces of text, each with the component class that colours it."""

MOST = 1_000
"""Entries kept; the record has them all."""

GUTTER = 2


class Feed(ScrollView, can_focus=True):
    """Entries with the step at their left, wrapped to the width."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "feed--plain",
        "feed--act",
        "feed--good",
        "feed--bad",
        "feed--quiet",
        "feed--head",
    }

    DEFAULT_CSS = """
    Feed {
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-title-style: bold;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        &:focus { border: round $primary; }
        .feed--head { color: $text-muted; }
        .feed--act { color: $text-accent; }
        .feed--good { color: $text-success; }
        .feed--bad { color: $text-error; }
        .feed--quiet { color: $text-muted; }
    }
    """

    def __init__(self, placeholder: str, *, id: str) -> None:
        super().__init__(id=id)
        self._placeholder = Entry("", tuple(((word, "quiet"),) for word in placeholder.split()))
        self._entries: list[Entry] = []  # the oldest first
        self._wrapped: list[list[Row]] = []  # of each entry
        self._rows: list[Row] = []
        self._wrapped_to = (0, 0)
        self._wrapped_in = Size(0, 0)
        self._overflows = False
        """There are more rows than fit, and so a scrollbar."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What it holds, the newest first."""
        return tuple(reversed(self._entries))

    def replace(self, entries: Iterable[Entry]) -> None:
        """Hold exactly `entries`, given from the oldest to the newest."""
        self._entries, self._wrapped, self._overflows = [], [], False
        self.add(entries)
        self.scroll_home(animate=False)

    def add(self, entries: Iterable[Entry]) -> None:
        """Put `entries`, from the oldest to the newest, on top."""
        before = len(self._rows)
        for entry in entries:
            if entry.replaces and self._entries:
                self._entries.pop()
                del self._wrapped[len(self._entries) :]
            self._entries.append(entry)
        del self._wrapped[: max(len(self._entries) - MOST, 0)]
        del self._entries[:-MOST]
        self._wrap_all()
        if self.scroll_offset.y:
            self.scroll_relative(y=len(self._rows) - before, animate=False)

    def render_line(self, y: int) -> Strip:
        """Row y of the visible part."""
        index = y + self.scroll_offset.y
        base = self.rich_style
        width = self.scrollable_content_region.width
        if index >= len(self._rows):
            return Strip.blank(width, base)
        strip = Strip(
            Segment(text, self.get_component_rich_style(style)) for text, style in self._rows[index]
        )
        return strip.adjust_cell_length(width, base)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        if self.content_size != self._wrapped_in:
            self._overflows = False
            self._wrap_all()

    def _wrap_all(self) -> None:
        """Make the rows; where they overflow, beside the scrollbar, which comes only after them."""
        self._wrapped_in = size = self.content_size
        bar = self.styles.scrollbar_size_vertical
        self._wrap_to(max(size.width - self._overflows * bar, 0))
        if not self._overflows and len(self._rows) > size.height:
            self._overflows = True
            self._wrap_to(max(size.width - bar, 0))
        self.virtual_size = Size(self._wrapped_to[0], len(self._rows))
        self.refresh()

    def _wrap_to(self, width: int) -> None:
        head = max((cell_len(entry.head) for entry in self._entries), default=0)
        if (width, head) != self._wrapped_to:
            self._wrapped_to, self._wrapped = (width, head), []
        new = self._entries[len(self._wrapped) :]
        self._wrapped += [wrap(entry, width, head) for entry in new]
        shown = self._wrapped or [wrap(self._placeholder, width, head)]
        self._rows = [row for rows in reversed(shown) for row in rows]


def wrap(entry: Entry, width: int, head: int) -> list[Row]:
    """`entry` in rows of at most `width` cells, its text right of a column of `head` cells."""
    indent = head + GUTTER if head else 0
    room = max(width - indent, 8)
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    words = list(_fitting(entry.words, room))
    for index, (word, whole) in enumerate(words):
        if word == BREAK:
            lines.append([])
            used = 0
            continue
        joint = entry.joint if whole and index < len(words) - 1 else ""
        length = sum(cell_len(text) for text, _ in word)
        if used and used + 1 + length + len(joint) > room:
            lines.append([])
            used = 0
        if used:
            lines[-1].append((" ", "feed--plain"))
            used += 1
        lines[-1] += [(text, f"feed--{tone}") for text, tone in word]
        used += length
        if used + len(joint) <= room:
            lines[-1].append((joint, "feed--quiet"))
            used += len(joint)
    gap = " " * (GUTTER if head else 0)
    first = (entry.head.rjust(head) + gap, "feed--head")
    rest = (" " * indent, "feed--head")
    return [(rest if index else first, *line) for index, line in enumerate(lines)]


def _fitting(words: Iterable[Word], room: int) -> Iterable[tuple[Word, bool]]:
    """`words`, too long ones cut into pieces that fit, and whether a word ends with the piece."""
    for word in words:
        if sum(cell_len(text) for text, _ in word) <= room:
            yield word, True
        else:
            pieces = [
                (part, tone) for text, tone in word for part in chop_cells(text.strip(), room)
            ]
            yield from (((piece,), index == len(pieces)) for index, piece in enumerate(pieces, 1))
