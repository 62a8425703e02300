"""How a sweep stands, as text: a table for `--show`, a line for each change, a sentence at the end.

No Optuna here, and no colours: it goes through pipes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from core.sweep import told
from core.sweep_standing import Standing, State, Tried

GAP = "  "


def lines_since(before: Mapping[int, State], now: Standing) -> Iterator[str]:
    """A line for each trial that stands otherwise than before."""
    best = now.best
    for trial in now.shown:
        # Its values are chosen one by one, and then the run is made.
        begins = trial.state == "waiting" or (trial.state == "running" and not trial.run)
        if begins or before.get(trial.number) == trial.state:
            continue
        dev = "" if trial.dev is None else f"  dev {trial.dev:.4f}"
        mark = "  best so far" if best is not None and trial.number == best.number else ""
        why = f"  ({trial.why})" if trial.why and trial.state != "finished" else ""
        values = told(trial.values, now.sweep.ranges)
        yield f"trial {trial.number:>3}  {trial.state:<11}{dev}{mark}  {values}{why}".rstrip()


def table(standing: Standing) -> Iterator[str]:
    """The whole study, a row for each trial."""
    yield summary(standing)
    if standing.importance:
        shares = (f"{name.replace('_', ' ')} {share:.0%}" for name, share in standing.importance)
        yield f"importance: {', '.join(shares)}"
    ranges = standing.sweep.ranges
    heads = ["trial", "state", "dev", *(name.replace("_", " ") for name in ranges), "run", "why"]
    rows = [_row(trial, standing) for trial in standing.shown]
    yield ""
    yield from _aligned([heads, *rows], right={0, 2, *range(3, 3 + len(ranges))})


def summary(standing: Standing) -> str:
    """How far it is, and the best so far, in a sentence."""
    counts = [f"{standing.done:,} of {standing.wanted:,} trials"]
    kinds: tuple[State, ...] = ("running", "pruned", "diverged", "failed", "lost", "interrupted")
    counts += [f"{standing.count(kind):,} {kind}" for kind in kinds if standing.count(kind)]
    return f"study {standing.name}: {', '.join(counts)}; {best_told(standing)}"


def best_told(standing: Standing) -> str:
    """The best so far: `best dev 2.1034 by trial 7 (learning rate 0.03)`."""
    best = standing.best
    if best is None:
        return "no dev loss yet"
    values = told(best.values, standing.sweep.ranges)
    return f"best dev {best.dev:.4f} by trial {best.number} ({values})"


def _row(trial: Tried, standing: Standing) -> list[str]:
    ranges = standing.sweep.ranges
    return [
        str(trial.number),
        trial.state,
        "-" if trial.dev is None else f"{trial.dev:.4f}",
        *(
            ranges[name].typed(trial.values[name]) if name in trial.values else "-"
            for name in ranges
        ),
        trial.run or "-",
        trial.why,
    ]


def _aligned(rows: Sequence[Sequence[str]], right: set[int]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield GAP.join(cells).rstrip()
