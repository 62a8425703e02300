"""The embedding map: every symbol's place in the space that the model learns, live.

Any symbol that is typed is followed; so the screen's own keys are none that a list could hold.
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
from tui.embedding.embeddings import Embeddings
from tui.embedding.map import draw
from tui.embedding.symbols import KIND_NAMES, MARKS, Symbols
from tui.history.history import History
from tui.reader import News
from tui.screens.dialog import LiveDialog
from tui.widgets.embedding_plot import EmbeddingPlot
from tui.widgets.symbol_panel import SymbolPanel, Told

LOOKS_PER_SECOND = 4
LEGEND = " · ".join(f"{mark} {name}" for mark, name in zip(MARKS, KIND_NAMES, strict=True))
ZOOMS = {"+": 1, "=": 1, "-": -1}
"""By what is typed, where it is no symbol of the list."""


class Embedding(LiveDialog[None]):
    """Asks for the table while the run changes it; changes nothing."""

    AUTO_FOCUS = "EmbeddingPlot"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,shift+tab", "follow(-1)", "symbol before", show=False),
        Binding("right,tab", "follow(1)", "symbol after", show=False),
        Binding("up", "zoom(1)", "zoom in", show=False),
        Binding("down", "zoom(-1)", "zoom out", show=False),
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
        self._indices = {symbol: index for index, symbol in enumerate(symbols.itos)}
        self._embeddings = Embeddings(symbols)
        self._stale = True

    def compose(self) -> ComposeResult:
        symbols = self._embeddings.symbols
        with Vertical(id="box") as box:
            box.border_title, box.border_subtitle = "Embedding map", LEGEND
            yield Static(id="state", markup=False)
            with Horizontal(id="sides"):
                yield EmbeddingPlot(symbols)
                yield SymbolPanel(symbols)
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        self.set_interval(1 / LOOKS_PER_SECOND, self._look)
        self._look()

    def on_key(self, event: Key) -> None:
        """Follow the symbol that was typed."""
        typed = event.character or ""
        if typed in self._indices:
            self._embeddings.follow(self._indices[typed])
        elif typed in ZOOMS:
            self._embeddings.zoom_by(ZOOMS[typed])
        else:
            return
        event.stop()
        self._draw()

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
            self._embeddings.follow(nearest)
            self._draw()

    def action_follow(self, by: int) -> None:
        """Follow the next symbol of the vocabulary, or the one before."""
        self._embeddings.follow_next(by)
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
        self.say("#state", _state_text(embeddings, running))
        wide = self.size.width >= 100
        planes = ("dimensions", "axes") if not wide else ("first two dimensions", "principal axes")
        switch = f" · Enter: {planes[not embeddings.principal]}" if embeddings.size > 2 else ""
        follow = "type a symbol, or ← →: follow it" if wide else "type, ← →: follow"
        self.say("#hint", f"{follow} · ↑ ↓ zoom{switch} · Escape leaves")


def _state_text(embeddings: Embeddings, running: bool) -> str:
    if embeddings.step is None:
        return f"✗ {embeddings.reason}" if embeddings.reason else "asking the engine …"
    symbols, size = len(embeddings.symbols.itos), embeddings.size
    state = "training" if running else "paused"
    text = f"step {embeddings.step:,}, {state}"
    if size > 2:
        text += f" · {embeddings.share:.0%} of the variance shown"
    text += f" · {symbols:,} symbols in {size:,} dimension{'' if size == 1 else 's'}"
    if embeddings.zoom:
        text += f" · zoom ×{2**embeddings.zoom}"
    return f"{text} · ✗ {embeddings.reason}" if embeddings.reason else text
