"""The signals of an engine process: SIGTERM saves and ends, SIGINT is not for it."""

from __future__ import annotations

import os
import signal

from core.server import Server


class Termination:
    """Whether somebody has asked the process to end."""

    def __init__(self, server: Server) -> None:
        """From now on SIGTERM is taken note of, and ends a turn's waiting."""
        self.asked = False
        receive, send = os.pipe()
        for end in (receive, send):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(send, warn_on_full_buffer=False)
        server.wake_on(receive)

        def terminate(number: int, frame: object) -> None:
            self.asked = True

        signal.signal(signal.SIGTERM, terminate)
        # Ctrl-C is for the dashboard in the same terminal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
