"""The engine process, started as `python -P -m core.worker RUN_DIR` by core/launch.py.

Its one loop is core/service.py. Here it comes to life: torch is loaded only inside `main`, so that
a torch that is missing or broken ends in a sentence in the run's engine.log.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from core.client import NO_ROOM
from core.errors import UserError
from core.launch import AS_RECORDED
from core.out_of_memory import TOO_LITTLE, is_out_of_memory
from core.protocol import AnyCommand, EngineFailed, encode_wire
from core.record import cure, read_config
from core.recording import Unwritten
from core.server import Server

if TYPE_CHECKING:
    from core.run import Run


def main(arguments: list[str]) -> int:
    """Serve the run in the directory named on the command line; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    directory = Path(arguments[0])
    # What is loaded stays: to look for garbage meanwhile takes a tenth of the time.
    gc.disable()
    try:
        from core.environment import settle
        from core.run import Run

        gc.freeze()
        gc.enable()
        settle(read_config(directory))
        run = Run(directory, as_recorded=AS_RECORDED in os.environ)
    except ImportError as error:
        if is_out_of_memory(error):
            say(TOO_LITTLE)
            return 1
        say(
            f"{error} (the engine needs PyTorch and the rest, in the environment of"
            f" {sys.executable}: install them as the README says)"
        )
        return 1
    except UserError as error:
        # A run or list that cannot be used; client.py quotes it.
        say(str(error))
        return 1
    except Unwritten as error:
        say(f"{error}, then resume")
        return NO_ROOM
    except Exception as error:  # noqa: BLE001 - whatever it was, client.py quotes the last line
        if is_out_of_memory(error):
            say(TOO_LITTLE)
        else:
            traceback.print_exc()
            say(told(error))
        return 1
    try:
        server = Server(directory)
    except OSError as error:
        say(f"the engine cannot listen ({error.filename or 'socket'}): {cure(error)}")
        run.close()
        return NO_ROOM
    try:
        return _serve(run, server)
    finally:
        with contextlib.suppress(MemoryError):
            server.close()


def _serve(run: Run, server: Server) -> int:
    """Until the run ends; while its record cannot be written, until somebody asks to try anew."""
    from core.run import Run
    from core.service import Service
    from core.snapshots import CheckpointUnwritten
    from core.stall import Stall
    from core.termination import Termination

    directory, termination = run.directory, Termination(server)
    waiting: tuple[tuple[AnyCommand, str], ...] = ()
    while True:
        try:
            Service(run, server, termination, waiting).serve()
            return 0
        except (Unwritten, CheckpointUnwritten) as error:
            reason = str(error)
        except UserError as error:
            return _fail(server, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, those who watch must hear of it
            with contextlib.suppress(OSError, MemoryError):
                traceback.print_exc()
            return _fail(server, TOO_LITTLE if is_out_of_memory(error) else told(error))
        finally:
            with contextlib.suppress(Unwritten, UserError, MemoryError):
                # What cannot be written now was told already, or is computed again.
                run.close()
        if run.ending:
            _fail(server, f"{reason}. All that was confirmed is saved")
            return NO_ROOM
        say(reason)
        asked = Stall(directory, server, termination, f"{reason}, then train on").wait()
        if asked is None:
            return NO_ROOM
        try:
            run, waiting = Run(directory, as_recorded=run.as_recorded), (asked,)
        except (Unwritten, UserError) as error:
            return _fail(server, f"{error}, then resume")


def _fail(server: Server, reason: str) -> int:
    say(reason)
    server.broadcast(encode_wire(EngineFailed(reason=reason)))
    return 1


def told(error: BaseException) -> str:
    """An error that nobody expected, in one line."""
    # What a GPU complains of has several; the first says what it is.
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}"


def say(text: str) -> None:
    """Print a line into the run's engine.log, if there is room for it, and the memory."""
    with contextlib.suppress(OSError, MemoryError):
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
