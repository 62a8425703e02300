"""The command `learn`: the lecture as a walk, beside the dashboard.

Imported for what it adds to the program.
"""

from __future__ import annotations

from typing import Any

import typer

from core.cli import app
from core.launch import new_run, runs_directory
from core.options import begin, with_run_options
from tui.opening import InAscii, need_terminal, open_dashboard

FIRST = {
    "embedding_size": "2",
    "hidden_size": "100",
    "schedule": "constant",
    "step_limit": "1000000",
    "pace": "100",
}
"""The lecture's first network, whose rate is decayed by hand; slow enough to be watched, and with
steps enough to read meanwhile.
"""


@app.command()
@with_run_options
def learn(context: typer.Context, given: dict[str, Any], in_ascii: InAscii = None) -> None:
    """Walk through the lecture: a page at a time, one thing to do, noticed when it is done."""
    need_terminal("fit")
    for name, value in FIRST.items():
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            given[name] = value
    beginning = begin(given)
    directory = new_run(runs_directory(beginning.runs), beginning.config, beginning.words.raw)
    from tui.learning.progress import Progress

    raise typer.Exit(
        open_dashboard(
            directory, begin=True, words=beginning.words, in_ascii=in_ascii, progress=Progress()
        )
    )
