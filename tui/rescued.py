"""What every app of ours does at its beginning and its end: the terminal is given back whatever
happens, and the first frame does not wait for the garbage collector.
"""

from __future__ import annotations

import gc
import signal
from typing import TYPE_CHECKING

from tui.in_order import InOrder

if TYPE_CHECKING:
    from tui.rescue import Rescue


LEAVING_SECONDS = 15
"""After which an app that hangs on its way out is ended. On a loaded machine a sound one takes
seconds, and what is to come after it would be lost."""


class Rescued(InOrder):
    """An app that its terminal survives."""

    _rescue: Rescue | None = None

    def on_mount(self) -> None:
        self.call_after_refresh(self._first_frame_stands)

    def _first_frame_stands(self) -> None:
        gc.enable()
        # What was loaded stays: no later search for garbage need look at it.
        gc.freeze()
        if not self.is_headless:
            from tui.rescue import Rescue

            self._rescue = Rescue(getattr(self._driver, "attrs_before", None))

    def leave(self, code: int = 0) -> None:
        """End, whatever happens on the way out."""
        if not self.is_headless:
            signal.alarm(LEAVING_SECONDS)
        self.exit(return_code=code)

    def run(self, *args: object, **kwargs: object) -> None:
        """Run until the person leaves; whatever hangs on the way out is ended by the alarm."""
        try:
            super().run(*args, **kwargs)  # type: ignore[arg-type]
        finally:
            signal.alarm(0)
            if self._rescue is not None:
                self._rescue.all_is_well()
