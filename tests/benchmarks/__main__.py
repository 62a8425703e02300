"""All benchmarks, one after the other: `make bench`, which also writes the README's table.

`python -m tests.benchmarks step latency` runs only these, `--quick` leaves out the slow ones, and
`--write` replaces what stands between the marks in the README.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import re
import tempfile
import time
from pathlib import Path

import torch

from core.environment import cpu_model
from tests.benchmarks.figure import Figure
from tests.person import settled

MODULES = (
    "step",
    "engine",
    "result",
    "latency",
    "dashboard",
    "views",
    "record",
    "sampling",
    "scale",
    "words",
    "finder",
    "devices",
)
SLOW = ("finder", "result", "scale")
README = Path(__file__).parents[2] / "README.md"
MARKED = re.compile(r"<!-- figures -->.*<!-- /figures -->", re.DOTALL)


def machine() -> str:
    """The line that says where this was measured."""
    return (
        f"Measured by `make bench` on {datetime.date.today():%d %B %Y}: {cpu_model()},"
        f" {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, torch"
        f" {torch.__version__}, one thread; median (middle half of the rounds)."
    )


def line(figure: Figure) -> str:
    """A row of the table."""
    goal = figure.goal
    if figure.holds is not None:
        goal += ": held" if figure.holds else ": **missed**"
    return f"| {figure.what} | {figure.measured} | {goal} |"


def table(figures: list[Figure]) -> str:
    """In Markdown."""
    head = ("| | measured | aimed at |", "| --- | --- | --- |")
    return "\n".join((machine(), "", *head, *(line(figure) for figure in figures)))


def write(text: str) -> None:
    """Put the table into the README; raises ValueError where it has no place for it."""
    readme, places = MARKED.subn(
        lambda _: f"<!-- figures -->\n{text}\n<!-- /figures -->", README.read_text("utf-8")
    )
    if places != 1:
        raise ValueError(f"{README.name} must have one place marked <!-- figures -->")
    README.write_text(readme, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[*MODULES, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help=f"without {', '.join(SLOW)}")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    if given.write and given.modules:
        parser.error("--write is for all of them together: the table is replaced as a whole")
    chosen = given.modules or [name for name in MODULES if not given.quick or name not in SLOW]
    figures: list[Figure] = []
    home = tempfile.TemporaryDirectory()
    os.environ.update(settled(Path(home.name)))
    for name in chosen:
        if importlib.util.find_spec(f"tests.benchmarks.{name}") is None:
            continue
        began = time.monotonic()
        measured = importlib.import_module(f"tests.benchmarks.{name}").figures()
        print(f"{name}, {time.monotonic() - began:.0f} s")
        for figure in measured:
            print(f"  {line(figure)}", flush=True)
        figures += measured
    print(f"\n{table(figures)}")
    if given.write:
        write(table(figures))


if __name__ == "__main__":
    main()
