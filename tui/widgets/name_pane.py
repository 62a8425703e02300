"""A pane of names, one of which the keys are about; a click or the wheel chooses another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar, get_args

from rich.segment import Segment
from rich.style import Style
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.samples.lines import Drawn, Line, Place, Role

ROLES: tuple[Role, ...] = get_args(Role)


class NamePane(Widget, can_focus=True):
    """Draws whatever makes lines of names, below a rule with a title."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"pane--{role}" for role in ROLES), "pane--chosen"}

    DEFAULT_CSS = """
    NamePane {
        height: 1fr;
        border-top: solid $foreground 25%;
        border-title-color: $foreground;
        &:focus {
            border-top: solid $primary;
            border-title-color: $text-primary;
            border-title-style: bold;
        }
        .pane--plain { color: $foreground; }
        .pane--quiet { color: $text-muted; }
        .pane--head { color: $text-muted; text-style: bold; }
        .pane--here { color: $text-primary; text-style: bold; }
        .pane--new { color: $text-success; }
        .pane--known { color: $text-warning; }
        .pane--star { color: $text-accent; text-style: bold; }
        .pane--bar { color: $primary 70%; }
        .pane--chosen { background: $primary 15%; }
        &:focus .pane--chosen { background: $primary 40%; }
    }
    """

    view: reactive[Drawn | None] = reactive(None, repaint=False)
    """What is drawn."""

    @dataclass
    class Picked(Message):
        """Posted when a name is clicked."""

        pane: NamePane
        place: Place

        @property
        def control(self) -> NamePane:
            """The pane."""
            return self.pane

    @dataclass
    class Moved(Message):
        """Posted when the wheel asks for the next name, or for the one before."""

        pane: NamePane
        by: int

        @property
        def control(self) -> NamePane:
            """The pane."""
            return self.pane

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._drawn: list[Line] = []
        self._made_for: tuple[object, ...] = ()
        """The view and the size that the lines were made for."""

    def render_line(self, y: int) -> Strip:
        """One line, each piece in the colour of its role."""
        made_for = (self.view, *self.content_size)
        if self._made_for != made_for:
            self._make()
        width = self.content_size.width
        if y >= len(self._drawn):
            return Strip.blank(width, self.rich_style)
        line = self._drawn[y]
        strip = Strip([Segment(piece.text, self._style(*piece[1::2])) for piece in line])
        return strip.adjust_cell_length(width, self.rich_style)

    def watch_view(self) -> None:
        before = self._drawn
        self._make()
        pairs = enumerate(zip_longest(before, self._drawn))
        width = self.content_size.width
        regions = [Region(0, y, width, 1) for y, (old, new) in pairs if old != new]
        if regions:
            self.refresh(*regions)

    def _make(self) -> None:
        self._made_for = (self.view, *self.content_size)
        self._drawn = list(self.view.lines(*self.content_size)) if self.view else []

    def on_click(self, event: Click) -> None:
        """Say which name was hit."""
        event.stop()
        at = event.get_content_offset(self)
        if at is None or at.y >= len(self._drawn):
            return
        left = at.x
        for piece in self._drawn[at.y]:
            left -= Segment(piece.text).cell_length
            if left < 0:
                if piece.place is not None:
                    self.post_message(self.Picked(self, piece.place))
                return

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Moved(self, 1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Moved(self, -1))

    def _style(self, role: Role, chosen: bool) -> Style:
        if chosen:
            return self.get_component_rich_style("pane--chosen") + Style(
                color=self.get_component_rich_style(f"pane--{role}").color, bold=True
            )
        return self.get_component_rich_style(f"pane--{role}")
