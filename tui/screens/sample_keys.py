"""The keys of the view of samples that only look, keep, copy and write: they ask nothing.

Apart from the view, which draws names and shows what lies on the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.history.history import History
from tui.samples import saying
from tui.samples.desk import Desk
from tui.samples.kept import Favourite
from tui.samples.texts import NOUNS, as_a_file, counted
from tui.samples.texts_view import TextStepsView, TextsView
from tui.samples.views import steps_view
from tui.samples.wishing import FIELDS
from tui.screens.dialog import LiveDialog
from tui.screens.write_names import WriteNames
from tui.widgets.name_pane import NamePane

PANES = ("names", "steps", "kept")
FAR = 10


def key(
    name: str, action: str, words: str, tooltip: str, shown: str | None = None, id: str = ""
) -> Binding:
    """A key of this view, told in one of the two lines at its foot."""
    return Binding(
        name, action, words, key_display=shown, tooltip=tooltip, id=f"samples_{id or action}"
    )


DRAWING = (
    key("s", "draw", "draw", "As the fields say; Enter does the same"),
    key("a", "again", "again", "The same seed, from the weights as they are now"),
    key("e", "by_itself", "by itself", "At every evaluation; as the step doubles; not at all"),
    key("p", "other(-1)", "before", "The drawing before, of another seed or kind", id="before"),
    key("n", "other(1)", "after", "The drawing after", id="after"),
    key("o", "order", "order", "As drawn; lowest loss first; highest loss first"),
    key("v", "every", "steps", "Every step, to be scrolled, or as many as fit, spread out"),
    key("b", "edit", "fields", "To the fields"),
)
NAMING = (
    key("f", "keep", "keep", "Keep this one, or keep it no more"),
    key("c", "copy", "copy", "This one, to the clipboard"),
    key("C", "copy_all", "copy all", "The drawing shown; with the keyboard there, all kept"),
    key(
        "w", "write", "write all", "The drawing shown, to a file; with the keyboard there, all kept"
    ),
    key("tab", "next_stop(1)", "next", "What is drawn, steps, kept, and the fields", id="next"),
    key("escape", "dismiss(None)", "leave", "Back to the run", "Esc", id="leave"),
)


class SampleKeys(LiveDialog[None]):
    """Moves about on a desk of drawings."""

    AUTO_FOCUS = "#names"
    BINDINGS: ClassVar[list[BindingType]] = [
        *DRAWING,
        *NAMING,
        Binding("enter", "draw", "draw", show=False),
        Binding("shift+tab", "next_stop(-1)", "back", show=False),
        Binding("up", "move(-1)", "the one above", show=False),
        Binding("down", "move(1)", "the one below", show=False),
        Binding("pageup", f"move({-FAR})", "ten above; of a text: lines", show=False),
        Binding("pagedown", f"move({FAR})", "ten below; of a text: lines", show=False),
        Binding("home", "move(-1_000_000)", "the first", show=False),
        Binding("end", "move(1_000_000)", "the last", show=False),
        Binding("left", "turn(-1)", "step before", show=False),
        Binding("right", "turn(1)", "step after", show=False),
    ]

    def __init__(self, history: Callable[[], History], desk: Desk) -> None:
        super().__init__()
        self._history, self._desk = history, desk

    def show_desk(self, said: str = "") -> None:
        """Show what is on the desk; `said` tells what the key did."""
        raise NotImplementedError

    def action_other(self, by: int) -> None:
        """Show the drawing before, or after."""
        self._desk.other_series(by, self._history())
        self.show_desk()

    def action_order(self) -> None:
        """Sort the names the other way."""
        self._desk.next_order()
        self.show_desk()

    def action_every(self) -> None:
        """Every step, or as many as fit."""
        self._desk.every = not self._desk.every
        self.show_desk()

    def action_edit(self) -> None:
        """To the fields."""
        self.query_one(f"#{FIELDS[self._desk.level][0]}", Input).focus()

    def action_next_stop(self, by: int) -> None:
        """To the next pane or field, or back."""
        stops = (*PANES, *FIELDS[self._desk.level])
        here = self.focused.id if self.focused and self.focused.id in stops else stops[-by]
        stop = stops[(stops.index(here or "") + by) % len(stops)]
        # A pane that is not displayed cannot take the keyboard.
        self.set_class(stop == "steps", "-at-steps")
        self.set_class(stop == "kept", "-at-kept")
        self.query_one(f"#{stop}").focus()

    def action_move(self, by: int) -> None:
        """Look at a name further down, or up; a text is scrolled by as many lines."""
        if abs(by) == FAR and self._desk.level == "word" and not self._at_kept:
            self._scroll(by)
        else:
            self._move(self._at_kept, by)

    def action_turn(self, by: int) -> None:
        """Look at the same name at the step before, or after."""
        pane = self.query_one("#steps", NamePane)
        width = pane.content_size.width if pane.display else self.size.width
        self._desk.turn(by, steps_view(self._desk).shown(width))
        self.show_desk()

    def action_keep(self) -> None:
        """Keep the name that is looked at, or keep it no more."""
        if self._selected is not None and self._selected.name:
            self._desk.kept.toggle(self._selected)
            self._desk.move_favourite(0)
            self.show_desk()

    def action_copy(self) -> None:
        """The name that is looked at, to the clipboard."""
        if self._selected is not None:
            self._copy([self._selected.name])

    def action_copy_all(self) -> None:
        """The drawing, or all favourites, to the clipboard."""
        self._copy(self._all[1])

    def action_write(self) -> None:
        """The drawing, or all favourites, to a file."""
        what, names, file = self._all
        self.app.push_screen(WriteNames(what, names, file, self._desk.level), self._say_written)

    def _say_written(self, file: str | None) -> None:
        if file is not None:
            self.show_desk(f"✓ written: {file}")

    def _copy(self, names: Sequence[str]) -> None:
        self.app.copy_to_clipboard(as_a_file(names, self._desk.level).removesuffix("\n"))
        self.show_desk(saying.copied_text(names, self._desk.level))

    @property
    def _pane(self) -> NamePane:
        """That with the keyboard, or the one before the fields took it."""
        at = next((pane for pane in PANES if self.has_class(f"-at-{pane}")), PANES[0])
        return self.query_one(f"#{at}", NamePane)

    @property
    def _at_kept(self) -> bool:
        return self._pane.id == "kept"

    @property
    def _selected(self) -> Favourite | None:
        return self._desk.selected_favourite if self._at_kept else self._desk.selected

    @property
    def _all(self) -> tuple[str, tuple[str, ...], str]:
        """What `all` means now: in words, the names, and a file for them."""
        desk, many = self._desk, NOUNS[self._desk.level][1]
        if self._at_kept or desk.drawn is None:
            names = tuple(favourite.name for favourite in desk.kept.list)
            return f"{counted(len(names), desk.level)} kept", names, f"kept-{many}.txt"
        names, step = desk.drawn.names, desk.drawn.step
        what = f"{counted(len(names), desk.level)} of step {step:,}"
        return what, names, f"{many}-step-{step}.txt"

    def _scroll(self, by: int) -> None:
        """Show other lines of the text that is looked at."""
        pane = self._pane
        if isinstance(pane.view, (TextsView, TextStepsView)):
            most = pane.view.lowest_top(*pane.content_size)
            self._desk.top = min(max(self._desk.top + by, 0), most)
            self.show_desk()

    def _move(self, kept: bool, by: int) -> None:
        (self._desk.move_favourite if kept else self._desk.move)(by)
        self.show_desk()
