"""Samples, opened large: names or texts drawn as the person wishes, and the same ones as the model
learns.

Training is never in its hands: a drawing reads the weights, and waits its turn between updates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.widgets import Input, Static

from core.dataset import Dataset
from core.dials import ConfigError
from core.protocol import AnyCommand, Sample
from tui.history.history import History
from tui.reader import News
from tui.samples import saying
from tui.samples.desk import Desk
from tui.samples.drawing import MOST_AGAIN, NO_ENGINE, PAUSE, Draws, is_due
from tui.samples.names_view import KeptView
from tui.samples.views import names_view, steps_view
from tui.samples.wishing import NAMES, help_of, usual, wish_of
from tui.screens.sample_keys import DRAWING, NAMING, PANES, SampleKeys
from tui.widgets.key_line import KeyLine
from tui.widgets.name_pane import NamePane
from tui.widgets.sample_fields import SampleFields

LOOKS_PER_SECOND = 4
WHEEL = 3
"""Lines of a text for a turn of the wheel."""
NEED_ENGINE = ("draw", "again", "by_itself")
NEED_NAMES = ("keep", "copy", "copy_all", "write")


class Samples(SampleKeys):
    """Draws, sorts, compares, keeps, copies and writes what is drawn; Escape leaves."""

    DEFAULT_CSS = """
    Samples {
        #note, #detail { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #note { color: $text-muted; }
        #panes { height: 1fr; }
        #left { width: 1fr; }
        #steps, #kept { display: none; }
        KeyLine { dock: none; background: $surface; padding: 0; }
        &.-at-steps #left { display: none; }
        &.-at-steps #steps { display: block; }
        &.-at-kept #names { display: none; }
        &.-at-kept #kept { display: block; }
        &.-wide, &.-very-wide {
            #left { display: block; width: 38; margin-right: 2; }
            #steps { display: block; width: 1fr; }
            SampleFields Input { width: 9; margin: 0 3 0 1; }
            SampleFields #beginning { width: 16; }
            SampleFields #seed { width: 12; margin: 0 0 0 1; }
        }
        &.-very-wide #left { width: 56; }
        &.-wide.-high, &.-very-wide.-high {
            #names { display: block; }
            #kept { display: block; height: 30%; }
        }
        &.-high #panes, &.-high #detail, &.-high #fields { margin-top: 1; }
        &.-wrong #note { color: $text-error; }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-very-wide")]  # noqa: RUF012

    def __init__(
        self,
        history: Callable[[], History],
        live: Callable[[], bool],
        dataset: Dataset,
        send: Callable[[AnyCommand], int | None],
        desk: Desk,
    ) -> None:
        """`history` gives the run as it is known now: after a new attach that is another one.
        `live` says whether an engine answers.
        """
        super().__init__(history, desk)
        self._live, self._dataset, self._draws = live, dataset, Draws(send)
        self._by_itself = False
        """What is under way was not asked for by the person."""
        self._said = ""
        """What the last key did, until the next."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_subtitle = saying.legend(self._desk)
            level = self._desk.level
            yield SampleFields(self._desk.texts or usual(self._history().settings, level), level)
            yield Static(id="note", markup=False)
            with Horizontal(id="panes"):
                with Vertical(id="left"):
                    yield NamePane(id="names")
                    yield NamePane(id="kept")
                yield NamePane(id="steps")
            yield Static(id="detail", markup=False)
            yield KeyLine([binding.id or "" for binding in DRAWING])
            *naming, onward, leave = (binding.id or "" for binding in NAMING)
            yield KeyLine([*naming, "help", onward, leave])

    def on_mount(self) -> None:
        self._count()
        self.set_interval(1 / LOOKS_PER_SECOND, self._look)
        self._look()
        self.show_desk()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _count(self) -> None:
        if self._desk.level == "word":
            return
        # Of a long list the first look into its splits takes a while.
        self._dataset.split_of("")
        self._desk.marks.ready = True
        self.app.call_from_thread(self.show_desk)

    def overhear(self, news: Sequence[News]) -> None:
        for item in news:
            drawn = self._draws.hear(item)
            if drawn is not None and not self._by_itself:
                self._desk.take(drawn, self._history())
                self.show_desk()
        self._look()

    def on_resize(self, event: Resize) -> None:
        # How many steps fit is told in a title.
        self.call_after_refresh(self.show_desk)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """In a small terminal only the pane with the keyboard is to be seen."""
        if event.widget.id in PANES:
            for pane in PANES:
                self.set_class(event.widget.id == pane, f"-at-{pane}")
        self.show_desk()

    @on(SampleFields.Edited)
    def check_what_was_typed(self, event: SampleFields.Edited) -> None:
        event.stop()
        self._desk.texts = event.texts
        self._tell()

    @on(SampleFields.Submitted)
    def draw_what_was_typed(self, event: SampleFields.Submitted) -> None:
        event.stop()
        self.action_draw()

    @on(NamePane.Picked)
    def look_at_the_name(self, event: NamePane.Picked) -> None:
        event.stop()
        if event.pane.id == "kept":
            self._desk.favourite = event.place.name
        else:
            self._desk.go(*event.place)
        self.show_desk()

    @on(NamePane.Moved)
    def follow_the_wheel(self, event: NamePane.Moved) -> None:
        event.stop()
        if self._desk.level == "word" and event.pane.id != "kept":
            event.pane.focus()
            self._scroll(WHEEL * event.by)
        else:
            self._move(event.pane.id == "kept", event.by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what is impossible now."""
        if action in NEED_ENGINE and not self._live():
            return None
        return None if action in NEED_NAMES and self._selected is None else True

    def action_draw(self) -> None:
        """Draw what the fields say."""
        try:
            wish = wish_of(self.query_one(SampleFields).texts, self._dataset)
        except ConfigError as error:
            self.query_one(f"#{error.field}", Input).focus()
        else:
            self._ask(wish)
            self._pane.focus()
        self.show_desk()

    def action_again(self) -> None:
        """Draw what is shown once more, from the weights as they are now."""
        desk, history = self._desk, self._history()
        lineage = [column.step for column in desk.columns if not column.undone]
        if desk.drawn is None:
            self.action_draw()
        elif history.step in lineage and not history.running:
            self.show_desk(f"step {history.step:,} is drawn already: equal weights draw the same")
        elif desk.series is not None:
            self._ask(desk.series.wish(len(desk.drawn.names)))
            self.show_desk()

    def action_by_itself(self) -> None:
        """Let the same seed be drawn again by itself, at other times, or not."""
        self._desk.next_again()
        self._draws.reason = ""
        self._look()
        self.show_desk()

    def _ask(self, wish: Sample, *, by_itself: bool = False) -> None:
        if self._live():
            self._by_itself = by_itself if self._draws.asked is None else self._by_itself
            self._draws.ask(wish, time.monotonic())
        else:
            self._draws.reason = NO_ENGINE

    def _look(self) -> None:
        """Take in what is new; draw again if it is time."""
        desk, history = self._desk, self._history()
        if desk.follow(history):
            self.show_desk(self._said)
        self._tell()
        due = is_due(desk.again, desk.columns, history.evaluations, history.step)
        free = self._draws.asked is None and history.reaching is None and self._live()
        if not due or not free or time.monotonic() - self._draws.last < PAUSE:
            return
        if self._draws.reason:
            # What was refused would be refused again.
            desk.again = "off"
        elif desk.drawn is None or desk.series is None:
            try:
                self._ask(wish_of(self.query_one(SampleFields).texts, self._dataset))
            except ConfigError:
                # What is wrong with the fields is told beside them.
                desk.again = "off"
        else:
            count = min(len(desk.drawn.names), MOST_AGAIN)
            self._ask(desk.series.wish(count), by_itself=True)

    def show_desk(self, said: str = "") -> None:
        """Show what is on the desk; `said` tells what the key did."""
        if not (self.is_mounted and self.is_attached):
            return
        self._said = said
        desk, steps = self._desk, self.query_one("#steps", NamePane)
        for pane, view, title in (
            ("#names", names_view(desk), saying.names_title(desk, alone=self.has_class("-narrow"))),
            ("#kept", KeptView(desk), saying.kept_title(desk)),
            ("#steps", steps_view(desk), steps_view(desk).title(steps.content_size.width)),
        ):
            shown = self.query_one(pane, NamePane)
            shown.view = view
            if shown.border_title != title:
                shown.border_title = title
        self.refresh_bindings()
        self._tell()

    def _tell(self) -> None:
        """Say how things stand, in the lines of text."""
        desk, history = self._desk, self._history()
        box, title = self.query_one("#box"), saying.title_of(desk, history)
        if box.border_title != title:
            box.border_title = title
        fields, wrong = self.query_one(SampleFields), ""
        reason = self._draws.reason if self._live() else NO_ENGINE
        try:
            wish_of(fields.texts, self._dataset)
        except ConfigError as error:
            wrong, reason = error.field, str(error)
        fields.blame(wrong)
        self.set_class(bool(reason), "-wrong")
        focused = self.focused.id if self.focused else None
        if reason:
            self.say("#note", f"✗ {reason}")
        elif focused in NAMES:
            self.say("#note", help_of(focused, fields.texts, history.settings, self._dataset))
        else:
            self.say("#note", saying.drawing_text(desk, history))
        self.say("#detail", self._said or saying.name_text(self._selected, desk))
