"""The program behind one page: the dashboard on a run, with the browser as its terminal.

Started by pages.py as `python -m tui.browser.tab RUN [--train]`, with the driver named in
its environment.
"""

from __future__ import annotations

import gc
import sys
from functools import partial
from pathlib import Path


def main(run: str, *options: str) -> None:
    """Show `run`, and every run that the person goes on to."""
    # As where the program in a terminal begins (tui/__main__.py).
    gc.disable()
    from core.cli import call
    from core.protocol import Resume
    from tui.opening import open_dashboard

    commands = (Resume(),) if "--train" in options else ()
    call(partial(open_dashboard, Path(run), commands))


if __name__ == "__main__":
    main(*sys.argv[1:])
