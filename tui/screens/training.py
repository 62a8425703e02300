"""The screen of a run: where the panels stand, and what each of them is told.

It is fed with the engine's words by `follow` and `take`, and shows nothing that they did not say.
Confirmed changes are shown at once; what flows (losses, speed, the chart) is drawn by one timer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.events import Resize
from textual.reactive import reactive
from textual.widget import Widget

from core.bigram import bigram_loss
from core.config import RunConfig
from core.dataset import Dataset, Statistics, statistics
from core.differing import Facts, facts
from core.protocol import AnyEvent, AnyRecorded, Heartbeat, RolledBack, SamplesDrawn, Welcome
from core.smoothing import Floats
from core.text import Text
from tui.chart.companions import Companion, companion_entry, not_comparable
from tui.chart.look import Look
from tui.cost import FRAMES, Cost, cost_text
from tui.history.history import History
from tui.keymap import DEFAULTS, key_of
from tui.keys import LINE
from tui.observing import diagnosis, references, remarks
from tui.screens.chart_keys import ChartKeys
from tui.standing import Link, LinkChanged, rates_of, status_of
from tui.telling import Chronicle, Entry, entry, link_entry, samples_entry, texts_entry
from tui.widgets.chart import LossChart
from tui.widgets.cost_line import CostLine
from tui.widgets.dataset import DatasetPanel
from tui.widgets.feed import Feed
from tui.widgets.key_line import KeyLine
from tui.widgets.pages import PAGES, PageLine
from tui.widgets.rate import RatePanel
from tui.widgets.rate_line import RateStrip
from tui.widgets.status import StatusLine
from tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from tui.learning.progress import Progress

FRAMES_UNDER_DIALOG = 4
"""One frame in this many is drawn under a dialog."""
COUNTED_AT_ONCE = 50_000
"""Words of a list that is counted between two frames; a longer one is counted beside them."""
SMALLEST = (60, 18)
"""Columns and rows below which a notice stands in place of the panels."""


class TrainingScreen(ChartKeys):
    """Dataset, loss, rate, samples and log of one run; paged in a small terminal."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-too-narrow"),
        (SMALLEST[0], "-narrow"),
        (110, "-wide"),
        (160, "-very-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-too-low"),
        (SMALLEST[1], "-low"),
        (30, "-high"),
        (70, "-very-high"),
    ]
    AUTO_FOCUS = ""
    ALLOW_IN_MAXIMIZED_VIEW = "CostLine, KeyLine, StatusLine"

    DEFAULT_CSS = """
    TrainingScreen {
        layers: default above;
        #body {
            layout: grid;
            grid-size: 4 2;
            grid-columns: 24 1fr 1fr 28;
            grid-rows: 3fr 2fr;
        }
        #loss, #samples, #events { column-span: 2; }
        #loss { padding: 0 1; border-title-style: bold; }
        #loss:focus { border: round $primary; }
        #strip, #pages, TooSmall { display: none; }

        &.-very-high #body { grid-rows: 1fr 26; }
        &.-very-wide #body { grid-columns: 28 1fr 1fr 36; }

        &.-learning #body { grid-columns: 38 1fr 1fr 28; }
        &.-learning.-wide.-high #dataset { display: none; }

        &.-narrow, &.-low {
            #strip, #pages { display: block; }
            #body { layout: vertical; }
            #loss { dock: top; height: 52%; }
            #loss.-maximized { height: 1fr; }
            .page { height: 1fr; display: none; }
            .page.-here { display: block; }
        }
        &.-too-narrow, &.-too-low {
            #body, CostLine, KeyLine, StatusLine, Welcome { display: none; }
            TooSmall { display: block; }
        }
    }
    """

    link: reactive[Link] = reactive("loading")
    """What is known of the engine."""
    leaving: reactive[bool] = reactive(False)
    """The person has asked to quit."""
    page: reactive[str] = reactive("samples")
    """The panel that stands below the chart in a small terminal."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        take_flow: Callable[[], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """`take_flow` is called before each frame: it hands over what waited for that. `progress`:
        of the walk through the lecture, whose page stands in place of the dataset then.
        """
        super().__init__()
        self.history = History(config)
        self._take_flow = take_flow
        self.cost = Cost()
        self.dataset = dataset
        self._counted = len(dataset.words) <= COUNTED_AT_ONCE
        self._bigram: float | None = None
        """The loss of the bigram model on dev, once it is counted."""
        self._chronicle = Chronicle(level=config.data.level)
        self._stale = True
        self._awaited = False
        """Somebody waits for the frame, though a dialog lies over it."""
        self._frame = 0
        self.own_cost = False
        """The line of the dashboard's own cost is to be seen."""
        self._keys: Mapping[str, str] = DEFAULTS
        self._progress = progress
        self.set_class(progress is not None, "-learning")

    def receive(self, look: Look, keys: Mapping[str, str], *, own_cost: bool) -> None:
        """Before the first frame: what the person likes, and the keys in force by their ids."""
        self.set_reactive(ChartKeys.look, look)
        self._keys, self.own_cost = keys, own_cost

    def compose(self) -> ComposeResult:
        yield StatusLine(key_of("cancel", self._keys))
        with Container(id="body"):
            yield RateStrip(id="strip")
            yield PageLine(id="pages")
            if self._progress is not None:
                yield self._lesson(self._progress)
            yield DatasetPanel(id="dataset", classes="page")
            yield LossChart(id="loss")
            yield RatePanel(id="rate", classes="page")
            yield Feed(
                f"Press {key_of('sample', self._keys)} to draw {self._drawn}.", id="samples"
            ).add_class("page")
            yield Feed("Nothing has happened yet.", id="events").add_class("page")
        yield CostLine(classes="-asked" if self.own_cost else "")
        yield TooSmall()
        yield KeyLine(LINE, self._hint)

    def _lesson(self, progress: Progress) -> Widget:
        from tui.embedding.symbols import Symbols
        from tui.widgets.lesson import LessonPanel

        def turns() -> tuple[str, str]:
            return key_of("lesson_on", self._keys), key_of("lesson_back", self._keys)

        symbols = Symbols.of(self.dataset)
        return LessonPanel(
            progress, symbols, lambda: self.history, turns, id="lesson", classes="page"
        )

    def on_mount(self) -> None:
        if self._progress is not None:
            self.page = "lesson"
            self.query_one(PageLine).pages = {**PAGES, "lesson": "Lecture"}
        self.query_one("#samples", Feed).border_title = "Samples"
        self.query_one("#events", Feed).border_title = "Log"
        self.query_one(LossChart).can_focus = True
        self.set_interval(1 / FRAMES, self._turn)
        self._tell()
        # After the first paint: counting takes some tens of milliseconds.
        self.call_after_refresh(self._count_the_dataset)

    def on_resize(self, event: Resize) -> None:
        self._stale = True

    def follow(
        self,
        config: RunConfig,
        events: Sequence[AnyRecorded],
        losses: Mapping[int, Floats],
        welcome: Welcome,
    ) -> None:
        """Begin again from the whole record, as an attach returned it."""
        self.history = History(config)
        self.history.load(events, losses, welcome, time.monotonic())
        self.keep_cursor_on_the_run()
        self._chronicle = Chronicle(welcome.client, config.data.level)
        entries = (self._chronicle.tell(event, 0) for event in events)
        self.query_one("#events", Feed).replace(entry for entry in entries if entry)
        self.query_one("#samples", Feed).replace(map(self._samples_entry, self.history.samples))
        self._draw()

    def take(self, events: Sequence[AnyEvent], heard: float | None = None) -> None:
        """Apply what was heard, now or at that moment; show at once what was confirmed."""
        now = time.monotonic() if heard is None else heard
        entries: list[Entry] = []
        for event in events:
            self.history.apply(event, now)
            if (entry := self._chronicle.tell(event, self.history.step)) is not None:
                entries.append(entry)
            entries += remarks(event, self.history, self.dataset)
        if any(isinstance(event, RolledBack) for event in events):
            self.keep_cursor_on_the_run()
        drawings = [event for event in events if isinstance(event, SamplesDrawn)]
        if drawings:
            self.query_one("#samples", Feed).add(map(self._samples_entry, drawings))
        # A heartbeat tells only of a training that stands still although it should not.
        telling = (e for e in events if not isinstance(e, Heartbeat) or self.history.running)
        self._stale = self._stale or any(telling)
        if entries:
            self.query_one("#events", Feed).add(entries)
            self._tell()

    def take_link(self, change: LinkChanged) -> None:
        """Show what has become of the connection, and why."""
        self.link = change.link
        if change.reason:
            self.query_one("#events", Feed).add([link_entry(change.reason, self.history.step)])
        self.refresh_bindings()

    def _hint(self, binding: Binding) -> str:
        """What that key would do now."""
        if binding.id == "toggle_training" and self.link != "loading":
            return binding.description if self.history.running else "train"
        if binding.id == "resume_engine" and self.link not in ("gone", "resting"):
            return ""
        return binding.description

    def watch_link(self) -> None:
        # An empty chart tells what is waited for.
        self._stale = True
        self._tell()

    def watch_leaving(self) -> None:
        self._tell()

    def watch_page(self, page: str) -> None:
        for panel in self.query(".page"):
            panel.set_class(panel.id == page, "-here")
        self.query_one(PageLine).page = page

    @property
    def facts(self) -> Facts:
        """What this run can differ in from others."""
        return facts(self.history.config, self.history.knobs, self.history.settings)

    def show_companion(self, companion: Companion) -> None:
        """Show the curve of another run, and say how it differs; or why it is not shown."""
        step, told = self.history.step, self.query_one("#events", Feed)
        if why := not_comparable(companion.run, self.facts, companion.facts):
            told.add([entry(step, f"not behind this curve: {why}", "quiet")])
        elif (shown := self.add_companion(companion)) is not None:
            told.add([companion_entry(shown, self.facts, step)])

    @on(PageLine.Chosen)
    def turn_to(self, event: PageLine.Chosen) -> None:
        """Show the page that was clicked."""
        event.stop()
        self.page = event.page

    def action_page(self, page: str) -> None:
        """Bring a panel to the front, and the keyboard to it."""
        if page == "lesson" and self._progress is None:
            self.action_lesson(0)
        else:
            self.page = page
            self.query_one(f"#{page}").focus()

    def action_lesson(self, pages: int) -> None:
        """Turn the pages of the walk through the lecture."""
        if self._progress is None:
            self.notify("The walk through the lecture begins with `steermore learn`.", markup=False)
        else:
            from tui.widgets.lesson import LessonPanel

            self.page = "lesson"
            self.query_one(LessonPanel).turn(pages)

    def action_maximize_panel(self) -> None:
        """Let the focused panel, or the chart, fill the screen; or put it back."""
        if self.maximized is not None:
            self.minimize()
        else:
            panel = self.focused or self.query_one(LossChart)
            if isinstance(panel.parent, RatePanel):
                panel = panel.parent
            self.maximize(panel, container=False)
        self._stale = True

    def action_toggle_cost(self) -> None:
        """Say what the dashboard itself costs, or say it no more."""
        self.own_cost = not self.own_cost
        self.query_one(CostLine).set_class(self.own_cost, "-asked")

    def _turn(self) -> None:
        """Draw a frame, if there is something to show and the last one was not too dear."""
        if not self.app.is_running:
            return
        if self._take_flow is not None:
            self._take_flow()
        now, used = time.monotonic(), time.process_time()
        self.cost.tick(now, used, self.history.seconds)
        self._frame += 1
        # Under a dialog every frame paints the whole screen, dimmed: fewer will do.
        seen = self.is_active or self._awaited or self._frame % FRAMES_UNDER_DIALOG == 0
        if self._stale and seen and self.cost.affords(now, used):
            self._stale = self._awaited = False
            self.cost.draws(now, used)
            self._draw()
        if self._frame % FRAMES == 0:
            self._tell_cost()

    def _tell_cost(self) -> None:
        line = self.query_one(CostLine)
        if line.has_class("-asked"):
            line.text = cost_text(self.cost, running=self._state() == "training")

    def _draw(self) -> None:
        begun = time.thread_time()
        self._tell()
        self.draw_chart()
        if self.query_one(CostLine).has_class("-asked"):
            # What this thread does until then is the frame: Textual paints it a little later.
            self.call_after_refresh(lambda: self.cost.took(time.thread_time() - begun))

    def draw_soon(self, *, below: bool = False) -> None:
        self._stale = True
        self._awaited |= below

    def draw_chart(self) -> None:
        chart = self.query_one(LossChart)
        if self.maximized not in (None, chart):
            return
        view = self.view_now(
            references(self.history, self.dataset, self._bigram),
            diagnosis(self.history, math.log(self.dataset.vocab_size)),
            self._invitation(),
        )
        if view is not None:
            chart.view = view

    def _invitation(self) -> str:
        """What stands in a chart without a curve."""
        state = self._state()
        if state == "paused":
            return f"press {key_of('toggle_training', self._keys)} to train"
        return "the engine is loading …" if state == "loading" else ""

    def _tell(self) -> None:
        """Give the status line and the panels of figures what they show."""
        self.query_one(StatusLine).status = status_of(self.history, self.dataset, self._state())
        rates = rates_of(self.history)
        panel = self.query_one(RatePanel)
        panel.rates, panel.live = rates, self.link == "live" and not self.leaving
        strip = self.query_one(RateStrip)
        if strip.display:
            # A widget that is not to be seen would make Textual arrange the screen anew.
            strip.rates = rates
        self.query_one(DatasetPanel).tests = self.history.tests[-1:], self.history.test_looks
        samples = self.query_one("#samples", Feed)
        title = f"Samples · temperature {rates.settings.temperature:g}"
        if samples.border_title != title:
            samples.border_title = title

    def _state(self) -> str:
        if self.leaving:
            return "saving"
        if self.link != "live":
            return self.link
        if self.history.stalled:
            return "stalled"
        if self.history.reaching is not None:
            return "going"
        if self.history.finished:
            return "finished"
        return "training" if self.history.running else "paused"

    @property
    def _drawn(self) -> str:
        return "a text" if isinstance(self.dataset, Text) else "names"

    def _samples_entry(self, drawn: SamplesDrawn) -> Entry:
        if isinstance(self.dataset, Text):
            return texts_entry(drawn)
        # A long list is looked up only once it is counted: till then the screen would wait.
        known, split_of = self._counted, self.dataset.split_of
        return samples_entry(drawn, lambda name: split_of(name) if known else None)

    def _count_the_dataset(self) -> None:
        if self._counted:
            self._take_the_count(statistics(self.dataset), bigram_loss(self.dataset))
        else:
            self._count_beside()

    @work(thread=True, exit_on_error=False, group="count")
    def _count_beside(self) -> None:
        counted, bigram = statistics(self.dataset), bigram_loss(self.dataset)
        self.app.call_from_thread(self._take_the_count, counted, bigram)

    def _take_the_count(self, counted: Statistics, bigram: float | None) -> None:
        self._counted, self._bigram = True, bigram
        self.query_one(DatasetPanel).statistics = counted
        self.query_one("#samples", Feed).replace(map(self._samples_entry, self.history.samples))
