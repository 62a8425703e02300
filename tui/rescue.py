"""A terminal given back although the dashboard was killed.

`kill -9`, or an abort within a library, leaves a terminal in the alternate screen, without echo and
with the mouse captured; nobody is left then who could tidy it. A shell of a few lines stands by: it
waits for its input to end, which happens however we end, and does so unless told that all is well.
It is started after the first frame, so that nobody waits for it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

MODES = (
    "\\033[<u"  # kitty keys
    "\\033[?1000l\\033[?1003l\\033[?1006l\\033[?1015l\\033[?1016l"  # mouse
    "\\033[?1004l\\033[?2004l\\033[?2048l"  # focus, pasting, sizes in band
    "\\033[?25h\\033[?1049l"  # cursor, alternate screen
)

# A shell that takes its terminal back by itself leaves interrupts on while it edits a line: then
# the modes are its own, and not to be touched.
STAND_BY = f"""
trap '' INT QUIT TSTP TTOU TTIN TERM
read told && exit
exec >/dev/tty </dev/tty 2>/dev/null || exit
printf '{MODES}'
stty -a | grep -q -e '-isig' && stty "$1"
printf 'steermore: the dashboard was killed. Its engine trains on: '
printf '`steermore attach` shows it\\r\\n'
"""


class Rescue:
    """Stands by until `all_is_well`."""

    def __init__(self, modes: Sequence[Any] | None) -> None:
        """`modes` are those of the terminal as it was found (`termios.tcgetattr`)."""
        self._shell: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            # Without a shell there is no rescue, and no harm.
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", STAND_BY, "sh", _for_stty(modes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def all_is_well(self) -> None:
        """The terminal has been given back in good order."""
        if self._shell is not None and self._shell.stdin is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._shell.stdin.write(b"well\n")
                self._shell.stdin.close()
                self._shell.wait(1.0)


def _for_stty(modes: Sequence[Any] | None) -> str:
    """The modes as `stty` reads them on Linux; elsewhere, what suits most terminals."""
    if modes is None or not sys.platform.startswith("linux"):
        return "sane"
    *flags, _, _, characters = modes
    numbers = [*flags, *(c[0] if isinstance(c, bytes) else c for c in characters)]
    return ":".join(f"{number:x}" for number in numbers)
