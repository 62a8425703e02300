"""A long run, watched again and again: `make soak`, or `python -m tests.soak --minutes 5`.

A dashboard in a real terminal begins a run, steers it a little, and leaves: by `q`, with its
window, by SIGTERM, by `kill -9`. Another one comes, and so on, until the steps are done. Memory,
descriptors and speed are told of every visit. In the end the record is read through and replayed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.client import Client
from core.protocol import Clock, Shutdown
from core.record import is_served, read_column, read_events
from core.story import read_story
from tests.terminal import PROGRAM, Dashboard, kill, processes_naming

APART = 1.0
"""Seconds between two visits."""

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Use:
    """What a process holds."""

    memory: float
    """Resident, in MiB."""
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Use:
        process = Path(f"/proc/{pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return cls(
            int(status["VmRSS"].split()[0]) / 1024,
            len(list((process / "fd").iterdir())),
            int(status["Threads"]),
        )


@dataclass(frozen=True)
class Visit:
    """One dashboard, as it was just before it left."""

    seconds: float
    """Since the soak began."""
    step: int
    speed: float
    """Steps a second of wall time, while it watched."""
    engine: Use
    dashboard: Use
    left: str

    def __str__(self) -> str:
        engine, dashboard = self.engine, self.dashboard
        return (
            f"{self.seconds:7.0f} s {self.step:12,} {self.speed:8,.0f}/s"
            f"   {engine.memory:6.1f} {engine.descriptors:4} {engine.threads:4}"
            f"   {dashboard.memory:6.1f} {dashboard.descriptors:4} {dashboard.threads:4}"
            f"   {self.left}"
        )


HEADER = """\
                                      engine             dashboard
   time          step    speed      MiB  fds  thr      MiB  fds  thr   left"""


def by_q(dashboard: Dashboard) -> None:
    dashboard.press("q")
    dashboard.wait_for("╭─ Quit")
    dashboard.press("k")
    dashboard.wait_for_end()


def by_closing(dashboard: Dashboard) -> None:
    dashboard.hang_up()
    dashboard.process.wait(20)


def by_sigterm(dashboard: Dashboard) -> None:
    os.kill(dashboard.process.pid, signal.SIGTERM)
    dashboard.wait_for_end()


def by_kill(dashboard: Dashboard) -> None:
    os.kill(dashboard.process.pid, signal.SIGKILL)
    dashboard.process.wait(20)


WAYS: dict[str, Callable[[Dashboard], None]] = {
    "q": by_q,
    "window closed": by_closing,
    "SIGTERM": by_sigterm,
    "kill -9": by_kill,
}


def watch(dashboard: Dashboard, seconds: float, keys: str) -> float:
    """Look on for most of so long, then press keys; steps a second of what was seen before them."""
    dashboard.wait_until_it_trains()
    began, first = time.monotonic(), dashboard.step
    while (now := time.monotonic()) - began < 0.7 * seconds:
        dashboard.pump(0.2)
    speed = (dashboard.step - first) / (now - began)
    for number, key in enumerate([*keys, ""], start=1):
        # A while after the last key, too: it must be obeyed before the terminal is gone.
        while time.monotonic() - now < 0.3 * seconds * number / (len(keys) + 1):
            dashboard.pump(0.2)
        dashboard.press(key)
    return speed


def soak(runs: Path, steps: int, minutes: float, visit: float) -> tuple[Path, list[Visit]]:
    """Train and watch; the run, whose engine has ended, and what was measured."""
    flags = ("--steps", str(steps), "--schedule", "constant", "--evaluation-interval", "50000")
    dashboard = Dashboard(runs, *flags)
    try:
        dashboard.wait_until_it_trains()
        run = dashboard.run
        visits = visited(dashboard, runs, steps, minutes, visit)
        client = Client(run, "soak")
        client.attach(20)
        client.send(Shutdown())
        deadline = time.monotonic() + 60
        while is_served(run) and time.monotonic() < deadline:
            time.sleep(0.05)
        client.close()
        return run, visits
    finally:
        for process in processes_naming(runs):
            kill(process)


def visited(
    dashboard: Dashboard, runs: Path, steps: int, minutes: float, visit: float
) -> list[Visit]:
    """One dashboard after the other, until there are so many steps, or so many minutes are over."""
    began, engine = time.monotonic(), dashboard.engine
    visits: list[Visit] = []
    print(HEADER, flush=True)
    while True:
        way = list(WAYS)[len(visits) % len(WAYS)]
        # What goes up comes down, now and then by an undo, which takes the steps since back.
        speed = watch(dashboard, visit, "s+u" if len(visits) % 3 == 2 else "+s-")
        now = time.monotonic() - began
        visits.append(
            Visit(now, dashboard.step, speed, Use.of(engine), Use.of(dashboard.process.pid), way)
        )
        print(visits[-1], flush=True)
        done = "finished" in dashboard.lines[0] or dashboard.step >= steps
        WAYS[way](dashboard)
        dashboard.hang_up()
        if done or now > 60 * minutes:
            return visits
        time.sleep(APART)
        dashboard = Dashboard(runs, "last", program=(*PROGRAM, "attach"))


def complaints(run: Path, visits: list[Visit]) -> list[str]:
    """What is not as it should be."""
    found = []
    # The first visits fill what is kept in memory: states, and the allocator's own stores.
    settled = visits[min(2, len(visits) - 1) :]
    first, last = settled[0], settled[-1]
    grown = last.engine.memory - first.engine.memory
    if grown > 16:
        found.append(f"the engine grew by {grown:.0f} MiB")
    # A dashboard keeps the losses, their smoothed mean and their reductions.
    allowed = 40 + 48 * (last.step - first.step) / MEBIBYTE
    if (grown := last.dashboard.memory - first.dashboard.memory) > allowed:
        found.append(f"the dashboard grew by {grown:.0f} MiB, where {allowed:.0f} are expected")
    for name in ("descriptors", "threads"):
        if getattr(last.engine, name) > getattr(first.engine, name):
            found.append(f"the engine has more {name} than at first")
    quarter = max(len(settled) // 4, 1)
    early = sum(each.speed for each in settled[:quarter]) / quarter
    late = sum(each.speed for each in settled[-quarter:]) / quarter
    if late < 0.7 * early:
        found.append(f"it became slower: {early:,.0f} steps a second at first, {late:,.0f} at last")
    if is_served(run):
        found.append("the engine does not end")
    events = read_events(run)
    if [event.seq for event in events] != list(range(len(events))):
        found.append("events are missing in the record")
    story = read_story(run)
    if story.step != events[-1].step:
        found.append(f"the record ends at step {story.step:,}, not {events[-1].step:,}")
    return found


def main() -> int:
    """Soak as the command line says; 1 if something was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="at most so long")
    parser.add_argument("--visit", type=float, default=20.0, help="seconds that each one watches")
    parser.add_argument("--no-replay", action="store_true", help="it takes as long as training")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        run, visits = soak(Path(folder) / "runs", given.steps, given.minutes, given.visit)
        found = complaints(run, visits)
        events = read_events(run)
        inside = [event.seconds for event in events if isinstance(event, Clock)][-1]
        size = sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) / MEBIBYTE
        print(
            f"{events[-1].step:,} steps, {inside:,.0f} s inside updates, {len(events):,} lines,"
            f" {read_column(run, events[-1].branch).size:,} losses on the last branch,"
            f" {size:.1f} MiB on disk"
        )
        if not given.no_replay:
            replay = [*PROGRAM, "replay", str(run)]
            told = subprocess.run(replay, capture_output=True, text=True, check=False)
            print(told.stdout.strip() or told.stderr.strip())
            if not told.stdout.startswith("bit-identical "):
                found.append("the replay differs")
    for complaint in found:
        print(f"NOT AS IT SHOULD BE: {complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
