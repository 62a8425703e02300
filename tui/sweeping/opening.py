"""Opening the sweep screen, and from it the dashboard on any of its runs, and the screen again."""

from __future__ import annotations

import sys
import threading
from functools import partial

from core.sweep_begin import Begun
from core.sweep_run import LOOKS_SECONDS, farewell, working
from core.sweep_study import read
from core.sweep_workers import Workers
from tui.ascii import is_wanted
from tui.opening import open_dashboard
from tui.sweeping.app import SweepApp


def open_sweep(begun: Begun, count: int, data: str | None, *, in_ascii: bool | None) -> int:
    """Sweep with a screen, until the person leaves it; the exit code.

    The workers go on while one of the runs is in the dashboard, and end with the screen.
    """
    over = threading.Event()
    chosen: int | None = None
    with working(begun, count, data) as workers:
        tending = threading.Thread(target=_tend, args=(workers, over), daemon=True)
        tending.start()
        try:
            while True:
                app = SweepApp(
                    begun.study.study_name,
                    partial(read, begun.place, begun.study, begun.sweep),
                    lambda: len(workers.pids),
                    failure=lambda: workers.failure,
                    chosen=chosen,
                    in_ascii=is_wanted(in_ascii),
                )
                app.run()
                if app.promoted is None:
                    break
                chosen = app.chosen
                open_dashboard(app.promoted, in_ascii=in_ascii)
        finally:
            over.set()
            tending.join()
        if ended := bool(workers.pids):
            print("saving the trials under way …", file=sys.stderr, flush=True)
    return farewell(begun, workers, ended=ended)


def _tend(workers: Workers, over: threading.Event) -> None:
    """See that they work, whatever is on the screen."""
    while workers.tend() and not over.wait(LOOKS_SECONDS):
        pass
