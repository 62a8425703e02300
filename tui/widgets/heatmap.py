"""The table of pairs on the screen; arrows, a typed symbol and clicks move its cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Key, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.reactive import reactive

from tui.cells import Cells, Role
from tui.dataset.heatmap import CHOSEN, CURSOR, LEVEL, SHADES, PairView, Picture, draw
from tui.widgets.canvas import Canvas

_CLASSES = {
    int(Role.AXIS): "pairs--axis",
    CURSOR: "pairs--cursor",
    CHOSEN: "pairs--chosen",
} | {LEVEL + level: f"pairs--shade-{level}" for level in range(len(SHADES))}


class Heatmap(Canvas, can_focus=True):
    """Draws a PairView, and moves through it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "row before", show=False),
        Binding("down", "move(1, 0)", "next row", show=False),
        Binding("left", "move(0, -1)", "column before", show=False),
        Binding("right", "move(0, 1)", "next column", show=False),
        Binding("pageup", "move(-10, 0)", "rows before", show=False),
        Binding("pagedown", "move(10, 0)", "rows after", show=False),
        Binding("home", "move(0, -10000)", "first column", show=False),
        Binding("end", "move(0, 10000)", "last column", show=False),
        Binding("enter", "other_measure", "times or odds", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_CLASSES.values())

    DEFAULT_CSS = """
    Heatmap {
        background: $surface;
        border-top: solid $primary 60%;
        border-title-color: $text-primary;
        border-subtitle-color: $text-muted;
        &:focus { border-top: solid $primary; border-title-style: bold; }
        .pairs--axis { color: $text-muted; }
        .pairs--chosen { color: $text-success; text-style: bold reverse; }
        .pairs--cursor { color: $text-success; text-style: bold; }
        .pairs--shade-0 { color: $foreground 25%; }
        .pairs--shade-1 { color: $primary 60%; }
        .pairs--shade-2 { color: $primary 85%; }
        .pairs--shade-3 { color: $text-primary; }
        .pairs--shade-4 { color: $foreground; }
    }
    """

    view: reactive[PairView | None] = reactive(None, repaint=False)
    """What is drawn; None while it is being counted."""

    class Moved(Message):
        """Posted when another pair, or another part of the table, is looked at."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.drawn: Picture | None = None
        """What stands on the screen."""

    def watch_view(self) -> None:
        self.repaint()

    def picture(self, width: int, height: int) -> Cells:
        if self.view is None:
            cells = Cells(width, height)
            cells.write(0, 0, "counting …", Role.AXIS)
            return cells
        self.drawn = draw(self.view, width, height, self.drawn)
        self.post_message(self.Moved())
        return self.drawn.cells

    def paint_of(self, code: int) -> Style:
        ground: Style = self.rich_style
        if code not in _CLASSES:
            return ground
        return ground + self.get_component_rich_style(_CLASSES[code])

    def on_key(self, event: Key) -> None:
        """Go to the row of the symbol that was typed."""
        view, typed = self.view, event.character or ""
        if view is None or typed not in view.symbols.itos:
            return
        index = view.symbols.itos.index(typed)
        (at,) = (view.pairs.symbols == index).nonzero()
        if len(at):
            event.stop()
            self.view = view.on(int(at[0]), view.second)

    def on_click(self, event: Click) -> None:
        event.stop()
        if self.view is None or self.drawn is None:
            return
        at = event.get_content_offset(self)
        if at is not None and (pair := self.drawn.pair_at(at.x, at.y)) is not None:
            self.view = self.view.on(*pair)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.action_move(1, 0)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1, 0)

    def action_move(self, down: int, right: int) -> None:
        """Look at a pair beside this one."""
        view = self.view
        if view is not None and self.drawn is not None:
            self.view = view.on(*self.drawn.moved(view.first, view.second, down, right))

    def action_other_measure(self) -> None:
        """Shade by the odds after each symbol, or by how often each pair is seen."""
        if self.view is not None:
            self.view = self.view.other_measure()

    def spelled(self, text: str) -> str:
        """A cell of a label stands for a symbol, however many characters that has."""
        return text if self.view is None else self.view.symbols.decoded(text)
