"""The line on top: which run this is, what it is doing, how far it is.

It fits itself to the width by leaving out whole pieces, the least needed first; the figures keep
their width, so that nothing trembles while they change.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.standing import Status
from tui.telling import compact, duration

STATES = {
    "loading": ("◌", "loading engine", "status--busy"),
    "silent": ("!", "engine not answering", "status--bad"),
    "stalled": ("!", "cannot write", "status--bad"),
    "gone": ("✗", "engine ended", "status--bad"),
    "resting": ("▪", "as it ended", "status--busy"),
    "going": ("◌", "going back", "status--busy"),
    "saving": ("◌", "saving…", "status--busy"),
    "training": ("▶", "training", "status--good"),
    "paused": ("‖", "paused", "status--busy"),
    "finished": ("✓", "finished", "status--good"),
}
"""What a state is called, and which component class colours it."""

GROUND = ""
"""Stands for a component class where there is only background."""

Piece = tuple[str, str]
"""Text, and the component class that colours it."""

Ranked = tuple[int, list[Piece]]
"""Pieces that stay together, and their rank: the higher, the sooner they are left out."""


class StatusLine(Widget):
    """One line of text, drawn from `status`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--brand",
        "status--good",
        "status--busy",
        "status--bad",
        "status--label",
        "status--figure",
    }

    DEFAULT_CSS = """
    StatusLine {
        dock: top;
        height: 1;
        padding: 0 1;
        background: $panel;
        text-wrap: nowrap;
        .status--brand { color: $text-primary; text-style: bold; }
        .status--good { color: $text-success; text-style: bold; }
        .status--busy { color: $text-warning; text-style: bold; }
        .status--bad { color: $text-error; text-style: bold; }
        .status--label { color: $text-muted; }
        .status--figure { color: $foreground; }
    }
    """

    status: reactive[Status] = reactive(Status(), repaint=False)
    """What the engine last confirmed."""

    def __init__(self, cancel: str) -> None:
        """`cancel`: the key that gives up a way back."""
        super().__init__()
        self._cancel = cancel
        self._line: list[Piece] = []
        self._styles: dict[str, Style] = {}

    def watch_status(self) -> None:
        """Paint from the first piece that differs to the last."""
        before, width = self._line, self.size.width
        self._line = self._pieces(width)
        pairs = list(zip(before, self._line, strict=False))
        same = next((i for i, (old, new) in enumerate(pairs) if old != new), len(pairs))
        if same == len(before) == len(self._line):
            return
        start = sum(cell_len(text) for text, _ in self._line[:same])
        self.refresh(Region(start, 0, max(width - start, 1), 1))

    def on_resize(self, event: Resize) -> None:
        self._line = self._pieces(self.size.width)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """The run at the left, its progress at the right, as much as fits."""
        width = self.size.width
        if sum(cell_len(text) for text, _ in self._line) != width:
            self._line = self._pieces(width)
        return Strip([Segment(text, self._style(part)) for text, part in self._line], width)

    def _pieces(self, width: int) -> list[Piece]:
        """What fills so many cells."""
        right = _fit(self._progress(), width, "  ")
        left = _fit(self._run(), width - _cells(right) - 2, " · ")
        gap = " " * max(width - _cells(left) - _cells(right), 0)
        return [*left, (gap, GROUND), *right]

    def _run(self) -> list[Ranked]:
        status = self.status
        parts = [
            (3, [("steermore", "status--brand")]),
            (1, [(status.file, "status--figure")]),
            (2, [(status.model, "status--label")]),
            (4, [(f"{status.parameters:,} parameters", "status--label")]),
        ]
        return [part for part in parts if part[1][0][0]]

    def _progress(self) -> list[Ranked]:
        status = self.status
        glyph, name, style = STATES[status.state]
        # The word may change on every press of space: the figures must not jump.
        state = (0, [(f"{glyph} {name}".ljust(10), style)])
        if not status.limit:
            return [state]
        if status.state == "going" and status.back is not None:
            step, done = status.back
            return [
                state,
                (1, _figure("to step ", f"{step:,}")),
                (2, _figure("", f"{done:.0%}".rjust(4), " of the way")),
                (3, [(f"{self._cancel} gives up", "status--label")]),
            ]
        eta = "–" if status.eta is None else duration(status.eta)
        digits = len(f"{status.limit:,}")
        return [
            state,
            (1, _figure("step ", f"{status.step:,}".rjust(digits))),
            (3, _figure("", compact(status.speed).rjust(6), " steps/s")),
            (4, _figure("epoch ", f"{status.epoch:.1f}".rjust(5))),
            (2, _figure("eta ", eta.rjust(5))),
        ]

    def _style(self, part: str) -> Style:
        if part not in self._styles:
            ground: Style = self.rich_style
            self._styles[part] = self.get_component_rich_style(part) if part != GROUND else ground
        return self._styles[part]


def _figure(before: str, figure: str, after: str = "") -> list[Piece]:
    pieces = [(before, "status--label"), (figure, "status--figure"), (after, "status--label")]
    return [piece for piece in pieces if piece[0]]


def _cells(pieces: list[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)


def _fit(parts: list[Ranked], width: int, joint: str) -> list[Piece]:
    """The parts joined, without those of the highest ranks that do not fit."""
    kept = list(parts)
    while kept and sum(_cells(part) for _, part in kept) + len(joint) * (len(kept) - 1) > width:
        kept.remove(max(kept, key=lambda part: part[0]))
    joined: list[Piece] = []
    for _, part in kept:
        joined += [(joint, GROUND), *part] if joined else part
    return joined
