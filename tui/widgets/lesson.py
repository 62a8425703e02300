"""The page of the walk that is open: an idea, what to do, and whether it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.message import Message
from textual.reactive import reactive

from tui.embedding.symbols import Symbols
from tui.history.history import History
from tui.learning.chapters import CHAPTERS
from tui.learning.progress import Progress
from tui.widgets.figures import FiguresPanel

LOOKS_PER_SECOND = 4
"""How often it sees whether the task is done."""


class LessonPanel(FiguresPanel):
    """Shows where the person is in the walk, and notices what they do."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lesson--time", "lesson--todo", "lesson--done"}

    DEFAULT_CSS = """
    LessonPanel {
        border: round $accent 60%;
        border-subtitle-color: $text-muted;
        Static { text-wrap: wrap; }
        .lesson--time { color: $text-muted; }
        .lesson--todo { color: $text-accent; text-style: bold; }
        .lesson--done { color: $text-success; text-style: bold; }
    }
    """

    page: reactive[tuple[int, bool]] = reactive((0, False))
    """Which chapter, and whether its task is done."""

    def __init__(
        self,
        progress: Progress,
        symbols: Symbols,
        history: Callable[[], History],
        turns: Callable[[], tuple[str, str]],
        *,
        id: str,
        classes: str,
    ) -> None:
        """`history` gives the run as it is known now; `turns` the keys that turn pages, on and
        back.
        """
        super().__init__("The lecture", id=id, classes=classes)
        self._progress, self._symbols, self._history = progress, symbols, history
        self._turns = turns

    def on_mount(self) -> None:
        self.app.message_signal.subscribe(self, self._take)
        self.set_interval(1 / LOOKS_PER_SECOND, self._look)
        self._look()

    def turn(self, pages: int) -> None:
        """Go so many pages on, or back."""
        self._progress.turn(pages)
        self.scroll_home(animate=False)
        self._look()

    def watch_page(self) -> None:
        self.draw()

    def draw(self) -> None:
        number, done = self.page
        chapter, on, back = CHAPTERS[number], *self._turns()
        self.border_title = chapter.title
        # Where the page is longer than the panel, its end may be out of sight.
        mark = "✓ " if done else ""
        self.border_subtitle = f"{mark}{number + 1} of {len(CHAPTERS)} · {on} next · {back} back"
        time, todo, good = (
            self.get_component_rich_style(f"lesson--{part}") for part in ("time", "todo", "done")
        )
        text = Text()
        text.append(f"{chapter.text}\n").append(f"lecture {chapter.time}\n\n", time)
        text.append(f"▸ {chapter.todo}\n", todo)
        if done:
            last = number + 1 == len(CHAPTERS)
            text.append("✓ done" + (": that was the lecture" if last else f": {on} goes on"), good)
        self.figures.update(text)

    def _take(self, message: Message) -> None:
        self._progress.hear(getattr(message, "news", ()), self._symbols)

    def _look(self) -> None:
        self._progress.views.add(type(self.app.screen).__name__)
        done = self._progress.look(self._history())
        self.page = self._progress.at, done
