"""Keys take effect in the order in which they were typed, however fast they come.

Textual hands a key to the widget in focus at once, and runs what it is bound to only when it has
come back up to the app. So of keys typed in one go a digit would overtake the backspace before it,
what follows an Enter would land in the field that it closes, and what follows the key for a dialog
would go to the screen behind that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from textual import events
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump
from textual.timer import Timer

PATIENCE = 3.0
"""Seconds after which a key counts as done, though what it went to has vanished with it."""

Typed: TypeAlias = events.Key | events.Paste


class InOrder(App[None]):
    """An app that takes a key, or a paste, once the one before it has had its effect."""

    _lost_keys: Timer | None = None
    """Runs while keys are under way."""

    def __init__(self) -> None:
        super().__init__()
        self._keys_typed: deque[Typed] = deque()
        self._keys_under_way: list[Typed] = []
        """Several only where all are the same: a key that is held down repeats, and none of its
        presses is to come after it was let go."""

    async def on_event(self, event: events.Event) -> None:
        """Take what was typed in its turn, and all else at once."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        else:
            self._keys_typed.append(event)
            await self._take_waiting()

    async def _take_waiting(self) -> None:
        typed = self._keys_typed
        while typed and all(_same(typed[0], event) for event in self._keys_under_way):
            await self._take_key(typed.popleft())

    async def _take_key(self, event: Typed) -> None:
        try:
            screen = self.screen
        except ScreenStackError:
            # Before there is anything to see.
            return
        way = (self.focused or screen).ancestors_with_self
        self._keys_under_way.append(event)
        if self._lost_keys is not None:
            self._lost_keys.stop()
        self._lost_keys = self.set_timer(PATIENCE, self._give_up_keys)
        await super().on_event(event)

        def once_it_is_back() -> None:
            # What it is bound to has run; what that has sent, such as a field's text, is behind it.
            _follow(way, arrived)

        def arrived() -> None:
            settled = partial(self._key_settled, event)
            new = self.screen is not screen
            if not (new and self.screen.call_after_refresh(self.call_later, settled)):
                self.call_later(settled)

        _follow(way, once_it_is_back)

    async def _key_settled(self, *done: Typed) -> None:
        self._keys_under_way = [event for event in self._keys_under_way if event not in done]
        if not self._keys_under_way and self._lost_keys is not None:
            self._lost_keys.stop()
        await self._take_waiting()

    async def _give_up_keys(self) -> None:
        if self.screen.is_mounted:
            await self._key_settled(*self._keys_under_way)
        else:
            # A view that takes long to open has no field yet that could hear what follows.
            self._lost_keys = self.set_timer(PATIENCE, self._give_up_keys)


def _same(one: Typed, other: Typed) -> bool:
    if not isinstance(one, events.Key) or not isinstance(other, events.Key):
        return False
    # A second Enter or Escape is for what the first has left behind.
    return one.key == other.key and one.key not in ("enter", "escape")


def _follow(way: Sequence[MessagePump], then: Callable[[], None]) -> None:
    """Go from the widget to the app behind all that has been sent that way, and do `then`."""
    for place, pump in enumerate(way):
        if pump.call_later(_follow, way[place + 1 :], then):
            return
    then()
