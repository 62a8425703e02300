"""The engine process, started as `python -P -m core.worker RUN_DIR` by core/launch.py.

Its one loop is core/service.py. Here it comes to life: torch is loaded only inside `main`, so that
a torch that is missing or broken ends in a sentence in the run's engine.log.
"""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path

from core.errors import UserError
from core.protocol import EngineFailed, encode_wire
from core.record import read_config
from core.server import Server


def main(arguments: list[str]) -> int:
    """Serve the run in the directory named on the command line; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    directory = Path(arguments[0])
    try:
        from core.environment import settle_threads
        from core.run import Run
        from core.service import Service

        settle_threads(read_config(directory))
        run = Run(directory)
    except (UserError, ImportError) as error:
        # A run or list that cannot be used, or a torch that does not load; client.py quotes it.
        print(error, file=sys.stderr)
        return 1
    server = Server(directory)
    try:
        Service(run, server).serve()
    except Exception as error:  # noqa: BLE001 - whatever it was, those who watch must hear of it
        traceback.print_exc()
        server.broadcast(encode_wire(EngineFailed(reason=f"{type(error).__name__}: {error}")))
        return 1
    finally:
        server.close()
        run.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
