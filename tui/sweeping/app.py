"""The app around the sweep screen: it reads the study again and again, and hands it on.

Not the dashboard's app, which holds the engine of one run: here many train, held by the workers.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual import on, work
from textual.filter import LineFilter
from textual.message import Message
from textual.worker import get_current_worker

from core.errors import UserError
from core.sweep_standing import Standing
from tui.ascii import Ascii
from tui.keymap import DEFAULTS
from tui.memory import memory_path, recall
from tui.rescued import Rescued
from tui.screens.help import Help
from tui.screens.sweep import Sweep
from tui.screens.take_home import free_file
from tui.themes import OURS

LOOKS_SECONDS = 0.5


class SweepApp(Rescued):
    """Shows a study until the person leaves, or opens one of its runs."""

    TITLE = "steermore"
    # Its few keys stand in its last row; and in Textual's own, a page turned too early is a crash.
    ENABLE_COMMAND_PALETTE = False

    class Read(Message):
        """The study was read, or could not be."""

        def __init__(self, standing: Standing | None, trouble: str = "") -> None:
            super().__init__()
            self.standing, self.trouble = standing, trouble

    def __init__(
        self,
        name: str,
        read: Callable[[], Standing],
        running: Callable[[], int],
        *,
        failure: Callable[[], str] = str,
        chosen: int | None = None,
        in_ascii: bool = False,
    ) -> None:
        """`read` tells how the study `name` stands, and may raise UserError; `running`: how many
        workers there are here; `failure`: why they gave up, if they did. The cursor begins on the
        trial with the number `chosen`.
        """
        super().__init__()
        self._read, self._hands, self._failure = read, running, failure
        self._trouble = ""
        """What was wrong last; said once."""
        self._sweep = Sweep(name, chosen)
        self._spelling = (Ascii(()),) if in_ascii else ()
        self.promoted: Path | None = None
        """The run that is to be opened in the dashboard."""

    @property
    def chosen(self) -> int | None:
        """The number of the trial under the cursor."""
        return self._sweep.chosen

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._spelling]

    def on_load(self) -> None:
        for theme in OURS:
            self.register_theme(theme)
        liked = recall(memory_path()).theme
        if liked in self.available_themes:
            self.theme = liked

    def on_mount(self) -> None:
        # SIGTERM must not leave the terminal in the alternate screen.
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, partial(self.exit, return_code=128 + signal.SIGTERM)
        )
        self.push_screen(self._sweep, self._leave)
        self._look()

    @work(thread=True, exclusive=True, exit_on_error=False, group="study")
    def _look(self) -> None:
        worker = get_current_worker()
        while not worker.is_cancelled:
            try:
                self.post_message(self.Read(self._read()))
            except UserError as error:
                self.post_message(self.Read(None, str(error)))
            worker.cancelled_event.wait(LOOKS_SECONDS)

    @on(Read)
    def show_what_was_read(self, event: Read) -> None:
        if event.standing is not None:
            self._sweep.show(event.standing, self._hands())
        trouble = event.trouble or self._failure()
        if trouble and trouble != self._trouble:
            self.notify(trouble, severity="error", markup=False, timeout=15)
        self._trouble = trouble

    def _leave(self, run: Path | None) -> None:
        self.promoted = run
        self.leave()

    def action_help(self) -> None:
        """Explain what is in front, and list the keys that work there."""
        if not isinstance(self.screen, Help):
            self.push_screen(Help.about(self.screen, DEFAULTS))

    def action_help_quit(self) -> None:
        """Ctrl-C is a key here."""
        self.notify("Press q to leave.", markup=False)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write a picture of the screen into the folder that the program was started in."""
        try:
            file = Path(path or Path.cwd()) / (filename or free_file("sweep.svg"))
            self.save_screenshot(file.name, str(file.parent))
        except OSError as error:
            text = f"the picture cannot be written: {error.strerror}"
            self.notify(text, severity="warning", markup=False)
        else:
            self.notify(f"Written: {file}", markup=False)
