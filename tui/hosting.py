"""What the dashboard does for its person, whatever the run: help, palette, themes, keys of their
own, a picture of the screen, a reason where a key does nothing, and a memory of all that.

Apart from the app, which holds the connection.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen

from tui.keymap import DEFAULTS, KeyFile, in_force, key_of, keys_path, read_keys, shown_key
from tui.memory import Memory, memory_path, recall, remember
from tui.parting import Parting
from tui.refusing import refusal
from tui.screens.training import TrainingScreen
from tui.themes import OURS

REASON_SECONDS = 4.0
"""How long the reason stands why a key did nothing; a held key says it once in that time."""


STILL_SECONDS = 0.1
"""After a change of the window's size, all is painted once more this much later."""


class Hosting(Parting):
    """The actions that have nothing to do with the engine."""

    _keys: Mapping[str, str] = DEFAULTS
    """Those in force, by the id of what they do."""
    _key_file = KeyFile()
    _memory = Memory()
    _theme_kept = ""
    """That which its person has chosen; it may be one that only a later version has."""
    _theme_seen = ""
    """That which was in force last; empty before the first frame is prepared."""
    _refused: dict[str, float]
    """What was said of keys that do nothing, and when."""

    def on_load(self) -> None:
        """Bring the screen into the state in which its person left it, before it is painted."""
        self._refused = {}
        for theme in OURS:
            self.register_theme(theme)
        self._memory = memory = recall(memory_path())
        if memory.theme in self.available_themes:
            self.theme = memory.theme
        self._theme_kept, self._theme_seen = memory.theme, self.theme
        self._key_file = read_keys(keys_path())
        self._keys = in_force(self._key_file.keys)
        self._training.receive(memory.look, self._keys, own_cost=memory.own_cost)

    def on_mount(self) -> None:
        if self._key_file.keys:
            self.set_keymap(dict(self._key_file.keys))
        if complaints := self._key_file.complaints:
            more = f" (and {len(complaints) - 1} more: see `steermore keys`)"
            text = complaints[0] + (more if complaints[1:] else "")
            self.notify(text, severity="warning", markup=False, timeout=15)
        self.watch(self._training, "look", self._remember, init=False)
        if not self._memory.welcomed:
            self.call_after_refresh(self._welcome)

    def on_resize(self) -> None:
        self.set_timer(STILL_SECONDS, self._settle_in_the_window)

    def _settle_in_the_window(self) -> None:
        """Paint all once more, or learn of a size that was not taken in.

        A window drawn small and wide again within a moment ends at the size that it had: Textual
        then paints nothing, but the terminal has dropped what did not fit. And of two signals that
        come together its handler may tell the older size last.
        """
        size = Size(*shutil.get_terminal_size())
        if type(self._driver).__name__ == "LinuxDriver" and size != self.size:
            self.post_message(Resize(size, size))
        else:
            self.refresh()

    def watch_theme(self, theme: str) -> None:
        if self._theme_seen not in ("", theme):
            self._theme_kept = self._theme_seen = theme
            self._remember()

    def _welcome(self) -> None:
        self.action_welcome()
        self._remember(welcomed=True)

    def _remember(self, *_: object, welcomed: bool = False) -> None:
        """Keep how the screen is now, if it was otherwise."""
        if not self._theme_seen:
            return
        training, before = self._training, self._memory
        look = training.look
        now = Memory(
            theme=self._theme_kept,
            smoothing=look.smoothing,
            log_y=look.log_y,
            log_x=look.log_x,
            unit=look.unit,
            full=look.full,
            own_cost=training.own_cost,
            welcomed=before.welcomed or welcomed,
        )
        if now != before:
            self._memory = now
            remember(memory_path(), now)

    def exit(self, *args: object, **kwargs: object) -> None:
        self._remember()
        super().exit(*args, **kwargs)  # type: ignore[arg-type]

    # --- what is impossible now -------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what is impossible now."""
        return None if self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """Why that is impossible now; empty where it is possible."""
        training = self._training
        return refusal(
            action, training.link, training.history, self._keys, leaving=training.leaving
        )

    async def run_action(
        self,
        action: object,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """As Textual does it; but what is impossible now says why."""
        if isinstance(action, str) and default_namespace in (None, self):
            why = self.why_not(action.partition("(")[0].removeprefix("app."))
            if why:
                self._say_why_not(why)
                return True
        return await super().run_action(action, default_namespace, namespaces)  # type: ignore[arg-type]

    def _say_why_not(self, why: str) -> None:
        now = time.monotonic()
        if now - self._refused.get(why, float("-inf")) > REASON_SECONDS:
            self._refused[why] = now
            self.notify(f"{why[0].upper()}{why[1:]}.", markup=False, timeout=REASON_SECONDS)

    # --- help, palette, picture -------------------------------------------------------------------

    def action_help(self) -> None:
        """Explain what is in front, and list the keys that work there."""
        from tui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help.about(self.screen, self._keys))

    def action_help_quit(self) -> None:
        """Ctrl-C is a key here: the run is too easily lost to a habit."""
        self.notify(f"Press {key_of('quit', self._keys)} to quit.", markup=False)

    def action_command_palette(self) -> None:
        """Find anything by its name."""
        from tui.screens.finding import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        from tui.palette import entries

        return entries(self, screen, training=isinstance(screen, TrainingScreen))

    def action_welcome(self) -> None:
        """Say over the panels what to press; any key goes on."""
        from tui.widgets.welcome import Welcome

        self._training.mount(Welcome(self._keys))

    def get_key_display(self, binding: Binding) -> str:
        """As in help: `ctrl+z`, where Textual writes `^z`."""
        if "+" in binding.key and not binding.key_display:
            return shown_key(binding.key)
        return super().get_key_display(binding)

    def keys_of(self, id: str) -> str:
        """The keys in force for an action, as they stand on the keyboard."""
        return shown_key(self._keys[id])

    def action_theme(self, name: str) -> None:
        self.theme = name

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write a picture of the screen into the folder that the program was started in."""
        from tui.screens.take_home import free_file

        try:
            file = Path(path or Path.cwd()) / (filename or "")
            if not filename:
                run = self._directory.resolve().name
                file = free_file(f"{run}-step-{self.history.step}.svg")
            self.save_screenshot(file.name, str(file.parent))
        except OSError as error:
            where = error.filename or "this folder"
            text = f"{where}: the picture cannot be written: {error.strerror}"
            self.notify(text, severity="warning", markup=False)
        else:
            self.notify(f"Written: {file}", markup=False)
