"""A browser as the dashboard's terminal: Textual's web driver, made to serve several apps in turn.

The dashboard opens a new app for every run that it goes on to, in the same process. Textual's
driver expects one: it announces itself and says farewell, upon which the page closes; begins at the
size that the page had at first; and may lose the part of a packet that was read. It also stays
behind when its page's server dies. This one does not.
"""

from __future__ import annotations

import os
import signal
from codecs import getincrementaldecoder

from textual import events, messages
from textual._xterm_parser import XTermParser
from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver

from tui.parting import NextRun

ANNOUNCEMENT = b"__GANGLION__\n"
"""What textual-serve waits for, once."""

LEAVING_SECONDS = 3
"""After which an app whose page is gone is ended by the alarm."""


class TabDriver(WebDriver):
    """Between one app of this process and the page in the browser."""

    _packets = ByteStream()
    """What comes in; half of a packet may come to one app and half to the next."""
    _announced = False
    _focused = False
    """Whether the page has the browser's focus."""

    def start_application_mode(self) -> None:
        """Begin to draw and to listen."""
        self._write = self._put  # type: ignore[assignment]
        super().start_application_mode()
        if TabDriver._focused:
            # The page has said so to the app before, and will not say it again.
            self._app.call_later(self._app.post_message, events.AppFocus())

    def stop_application_mode(self) -> None:
        """Leave the page to the next app; if there is none, it closes as this process ends."""
        self.exit_event.set()
        self._input_reader.close()
        # What comes from now on is for the next app.
        self._key_thread.join()
        next_run: NextRun | None = getattr(self._app, "next_run", None)
        if next_run is not None:
            run = str(next_run.directory.resolve())
            self.write_meta({"type": "shows", "run": run, "begun": next_run.begin})

    def run_input_thread(self) -> None:
        """Pass on what comes from the page, until the app ends or the page is gone."""
        parser = XTermParser(debug=self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        for data in self._input_reader:
            # An empty feed would mean the end of the stream.
            for kind, payload in self._packets.feed(data) if data else ():
                if kind == "D":
                    for event in parser.feed(decode(payload)):
                        self.process_message(event)
                else:
                    self._on_meta(kind, payload)
            for event in parser.tick():
                self.process_message(event)
        if not self.exit_event.is_set():
            signal.alarm(LEAVING_SECONDS)
            self.send_message(messages.ExitApp())

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Note what the next app must know, and tell this one."""
        if packet_type == "resize":
            # From there the next app's driver takes its size.
            os.environ["COLUMNS"] = str(payload["width"])
            os.environ["ROWS"] = str(payload["height"])
        elif packet_type in ("focus", "blur"):
            TabDriver._focused = packet_type == "focus"
        super().on_meta(packet_type, payload)

    def _put(self, data: bytes) -> None:
        """Write all of it; into the void, if the page is gone."""
        if data == ANNOUNCEMENT:
            if TabDriver._announced:
                return
            TabDriver._announced = True
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        except BrokenPipeError:
            pass
