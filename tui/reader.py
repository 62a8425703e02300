"""The thread that listens to the engine: attach, receive, notice silence, attach again.

It touches nothing on the screen. It posts what it hears, and it always waits with a timeout, so
that quitting never waits for it. Whatever ends a connection, the way back is the same: attach anew,
with the whole record.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from core.client import Attached, Client, EngineGone, NotAnswering
from core.errors import UserError
from core.protocol import AnyEvent
from tui.standing import LinkChanged

POLL = 0.1
SILENT_POLLS = 18
"""Empty polls that mean silence: the heartbeat's second and eight more. Counted, since a stopped
and resumed dashboard would misread a clock."""

REATTACH_PATIENCE = 2.0
"""Seconds after which an engine that answered before, and cannot be reached now, has ended."""


News = Attached | AnyEvent | LinkChanged
"""What the reader posts, in the order in which it happened."""


def read(client: Client, post: Callable[[list[News]], None], cancelled: Callable[[], bool]) -> None:
    """Listen until `cancelled`, or until the engine has ended; close the client then."""
    patience = float("inf")
    try:
        while attached := _attach(client, post, cancelled, patience):
            post([attached, LinkChanged("live")])
            _receive(client, post, cancelled)
            post([LinkChanged("loading", "the connection was lost; attaching again")])
            patience = REATTACH_PATIENCE
    except (EngineGone, UserError, OSError) as gone:
        # Among others, it let us in, and its record is not there to be read.
        post([LinkChanged("gone", str(gone))])
    finally:
        client.close()


def _attach(
    client: Client,
    post: Callable[[list[News]], None],
    cancelled: Callable[[], bool],
    patience: float,
) -> Attached | None:
    """The run so far, or None if cancelled; EngineGone where there was none for `patience` seconds.

    An engine that is there and does not answer is waited for.
    """
    start, silent = time.monotonic(), False
    while not cancelled():
        try:
            return client.attach(timeout=2 * POLL)
        except NotAnswering:
            start = time.monotonic()
            if not silent:
                post([LinkChanged("silent")])
            silent = True
        except TimeoutError:
            if time.monotonic() - start > patience:
                raise EngineGone(client.how_it_ended()) from None
    return None


def _receive(
    client: Client, post: Callable[[list[News]], None], cancelled: Callable[[], bool]
) -> None:
    """Post events until the connection ends."""
    empty = 0
    while not cancelled():
        try:
            events = client.receive(POLL)
        except EngineGone:
            return
        if events:
            heard: list[News] = [*events]
            post([LinkChanged("live"), *heard] if empty >= SILENT_POLLS else heard)
            empty = 0
        else:
            empty += 1
            if empty == SILENT_POLLS:
                post([LinkChanged("silent")])
