"""The command `serve`: the dashboard in a browser on this machine.

Imported for what it adds to the program. What it serves with is loaded once it is called: it comes
with an extra of its own.
"""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli import app
from core.dials import parse_count
from core.errors import UserError, harmless
from core.launch import called, new_run, runs_directory
from core.options import ALIASES, begin, with_run_options
from core.record import find_run, is_served

PORT = 8177


@app.command()
@with_run_options
def serve(
    context: typer.Context,
    given: dict[str, Any],
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run: its id, the beginning of it, a path, or last. Default: a new one.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        str, typer.Option(metavar="N", help="Where to listen; 0: any port that is free.")
    ] = str(PORT),
    host: Annotated[
        str, typer.Option(metavar="NAME", help="localhost, 127.0.0.1 or ::1.")
    ] = "127.0.0.1",
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the default browser.")
    ] = False,
    paused: Annotated[
        bool, typer.Option("--paused", help="Do not start to train when the page is opened.")
    ] = False,
) -> None:
    """Show the dashboard in a browser on this machine, on a new run or on one that is there."""
    if importlib.util.find_spec("textual_serve") is None:
        raise UserError(
            "serve needs textual-serve, which is not installed; `pip install 'steermore[browser]'`"
            " brings it"
        )
    if run is not None:
        _refuse_beginnings(context)
    listener = _listen(host, parse_count("port", port, 0, 65_535))
    with listener:
        runs = runs_directory(given["runs_dir"])
        if run is not None:
            directory = find_run(runs, run)
        else:
            beginning = begin(given)
            directory = new_run(runs, beginning.config, beginning.words.raw)
        _serve(directory, listener, host, begun=run is None, paused=paused, open_page=open_page)


def _refuse_beginnings(context: typer.Context) -> None:
    """Options of a new run would do nothing to one that is there."""
    own = ("run", "port", "host", "open_page", "runs_dir")
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in own and source is not None and source.name == "COMMANDLINE":
            flag = ALIASES.get(name, f"--{name.replace('_', '-')}")
            raise UserError(f"{flag} is for a new run; with a RUN that is there, leave it out")


def _listen(host: str, port: int) -> socket.socket:
    """A socket on this machine's loopback; raises UserError."""
    from ipaddress import ip_address

    try:
        number = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        number = None
    if number is None or not number.is_loopback:
        # Without encryption the token could be read on the way, and it gives the rights of a shell.
        raise UserError(
            f"host {harmless(host, 40)} must be localhost, 127.0.0.1 or ::1, as whoever can open"
            f" the page can write your files; from another machine, use"
            f" `ssh -L {port or PORT}:127.0.0.1:"
            f"{port or PORT}` to this one"
        )
    family = socket.AF_INET6 if number.version == 6 else socket.AF_INET
    try:
        return socket.create_server((str(number), port), family=family)
    except OSError as error:
        raise UserError(
            f"cannot listen on port {port} of {host}: {error.strerror};"
            " choose another with --port, or any free one with --port 0"
        ) from None


def _serve(
    directory: Path,
    listener: socket.socket,
    host: str,
    *,
    begun: bool,
    paused: bool,
    open_page: bool,
) -> None:
    """Serve until told to end, and say then what goes on without us."""
    import asyncio

    from tui.browser.door import Door
    from tui.browser.pages import Pages
    from tui.browser.shown import Shown

    shown = Shown(directory, begun=begun, paused=paused)
    port: int = listener.getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    door = Door(name, port)
    address = door.address
    print(
        f"run {shown.directory.name}: the dashboard is at this address, which lets one browser in,"
        f" once:\n\n    {address}\n\n"
        f"From another machine: `ssh -L {port}:{name}:{port}` to this one first. Ctrl-C ends"
        " the pages.",
        flush=True,
    )
    if open_page:
        import webbrowser

        webbrowser.open(address)
    asyncio.run(Pages(shown, door).serve_until_told(listener))
    if is_served(shown.directory):
        run = shown.directory
        name = called(run)
        print(
            f"The pages have ended. The engine of run {run.name} goes on: `steermore serve {name}`"
            f" shows it again, `steermore stop {name}` ends it."
        )
