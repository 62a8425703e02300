"""The embedding map: every symbol's place in the space that the model learns, live.

Any symbol that is typed is followed, and any word by its beginning; so the screen's own keys are
none that a list could hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Static

from core.protocol import AnyCommand, Embed
from tui.embedding.choosing import Typed, towards
from tui.embedding.embeddings import Embeddings
from tui.embedding.map import draw
from tui.embedding.saying import hint, state_text
from tui.embedding.symbols import MARKS, Symbols
from tui.history.history import History
from tui.reader import News
from tui.screens.dialog import LiveDialog
from tui.widgets.embedding_plot import EmbeddingPlot
from tui.widgets.symbol_panel import SymbolPanel, Told

LOOKS_PER_SECOND = 4
ZOOMS = {"+": 1, "=": 1, "-": -1}
"""By what is typed, where it is no symbol of the list, and goes on with no word."""


class Embedding(LiveDialog[None]):
    """Asks for the table while the run changes it; changes nothing."""

    AUTO_FOCUS = "EmbeddingPlot"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1, 0)", "symbol before; of words, to the left", show=False),
        Binding("right", "go(1, 0)", "symbol after; of words, to the right", show=False),
        Binding("up", "go(0, -1)", "zoom in; of words, upwards", show=False),
        Binding("down", "go(0, 1)", "zoom out; of words, downwards", show=False),
        Binding("shift+tab", "follow(-1)", "symbol before", show=False),
        Binding("tab", "follow(1)", "symbol after", show=False),
        Binding("pageup", "zoom(1)", "zoom in", show=False),
        Binding("pagedown", "zoom(-1)", "zoom out", show=False),
        Binding("enter", "other_plane", "other plane", show=False),
    ]

    DEFAULT_CSS = """
    Embedding {
        #sides { height: 1fr; }
        EmbeddingPlot { width: 1fr; }
        SymbolPanel { width: 20; margin-left: 1; }
        #state { color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-wide SymbolPanel { width: 28; margin-left: 2; }
        &.-high #sides { margin-top: 1; }
        &.-lost #state { color: $text-error; }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]  # noqa: RUF012

    def __init__(
        self,
        history: Callable[[], History],
        send: Callable[[AnyCommand], int | None],
        symbols: Symbols,
    ) -> None:
        """`history` gives the run as it is known now: after a new attach that is another one."""
        super().__init__()
        self._history, self._send = history, send
        self._symbols = symbols
        self._indices = {symbol: index for index, symbol in enumerate(symbols.itos)}
        self._embeddings = Embeddings(symbols)
        self._typed = Typed(symbols)
        self._stale = True

    def compose(self) -> ComposeResult:
        symbols = self._symbols
        names = zip(MARKS, symbols.kind_names, strict=True)
        with Vertical(id="box") as box:
            box.border_title = "Embedding map"
            box.border_subtitle = " · ".join(f"{mark} {name}" for mark, name in names)
            yield Static(id="state", markup=False)
            with Horizontal(id="sides"):
                yield EmbeddingPlot(symbols)
                yield SymbolPanel(symbols)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        self.set_interval(1 / LOOKS_PER_SECOND, self._look)
        self._look()

    def on_key(self, event: Key) -> None:
        """Follow the symbol that was typed, or the word whose beginning was."""
        typed = event.character or ""
        if self._symbols.words:
            taken = self._type_word(event.key, typed)
        elif taken := typed in self._indices:
            self._embeddings.follow(self._indices[typed])
        if not taken and typed in ZOOMS:
            self._embeddings.zoom_by(ZOOMS[typed])
        elif not taken:
            return
        event.stop()
        self._draw()

    def _type_word(self, key: str, typed: str) -> bool:
        """Whether the key was one of the beginning of a word."""
        beginning, count = self._typed, self._embeddings.count
        if key == "backspace":
            beginning.take_back(count)
        elif typed == " ":
            beginning.clear()
        elif not typed.isprintable() or not typed or (typed in ZOOMS and not beginning.text):
            return False
        elif not beginning.add(typed, count):
            if typed in ZOOMS:
                beginning.missed = ""
            return typed not in ZOOMS
        if beginning.first is not None:
            self._embeddings.follow(beginning.first)
        return True

    @on(EmbeddingPlot.Resized)
    def draw_for_the_new_size(self, event: EmbeddingPlot.Resized) -> None:
        event.stop()
        self._draw()

    @on(EmbeddingPlot.Picked)
    def follow_what_was_clicked(self, event: EmbeddingPlot.Picked) -> None:
        event.stop()
        picture = self.query_one(EmbeddingPlot).shown
        if (
            picture is not None
            and (nearest := picture.nearest(event.column, event.row)) is not None
        ):
            self._follow(nearest)

    def action_follow(self, by: int) -> None:
        """Follow the next symbol of the vocabulary, or of the words that begin as was typed; or
        the one before.
        """
        embeddings = self._embeddings
        following = self._typed.after(embeddings.followed, by)
        if following is None:
            embeddings.follow_next(by)
        else:
            embeddings.follow(following)
        self._draw()

    def action_go(self, right: int, down: int) -> None:
        """Follow the word that lies nearest in a direction; of symbols the next one, or zoom."""
        picture = self.query_one(EmbeddingPlot).shown
        if not self._symbols.words:
            if right:
                self.action_follow(right)
            else:
                self.action_zoom(-down)
        elif picture is not None:
            nearest = towards(picture, self._embeddings.followed, right, down)
            if nearest is not None:
                self._follow(nearest)

    def _follow(self, index: int) -> None:
        """What was typed before is not meant any more."""
        self._typed.clear()
        self._embeddings.follow(index)
        self._draw()

    def action_zoom(self, times: int) -> None:
        """Look at the symbol followed from nearer, or from farther away."""
        self._embeddings.zoom_by(times)
        self._draw()

    def action_other_plane(self) -> None:
        """The first two dimensions instead of the principal axes, or these again."""
        if self._embeddings.size > 2:
            self._embeddings.other_plane()
            self._draw()

    def overhear(self, news: Sequence[News]) -> None:
        for item in news:
            self._stale |= self._embeddings.hear(item)
        if self._stale:
            self._draw()

    def _look(self) -> None:
        """Ask anew where the run has moved on; draw what is still in motion."""
        history, embeddings = self._history(), self._embeddings
        here = (history.branch, history.step)
        if embeddings.wants(here):
            embeddings.ask(here, self._send(Embed()))
        if embeddings.moving:
            embeddings.turn()
            self._draw()
        self._tell()

    def _draw(self) -> None:
        self._stale = False
        embeddings, plot = self._embeddings, self.query_one(EmbeddingPlot)
        width, height = plot.content_size
        if width and height:
            plot.shown = draw(embeddings.view(), width, height, plot.shown)
            panel = self.query_one(SymbolPanel)
            panel.told = Told(embeddings.followed, embeddings.nearest, plot.shown)
        self._tell()

    def _tell(self) -> None:
        embeddings, history = self._embeddings, self._history()
        self.set_class(bool(embeddings.reason), "-lost")
        running = history.running and not history.finished
        self.say("#state", state_text(embeddings, running=running))
        self.say("#hint", hint(embeddings, self._typed, wide=self.size.width >= 100))
