"""Every view in every size of terminal, and while it is being resized: nothing breaks, nothing that
is needed is lost.
"""

from __future__ import annotations

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from core.run import Run
from tests.conftest import FUZZ, USUAL
from tests.stage import Stage, play, seen
from tests.test_golden import VIEWS, WIDE, nowhere, reach, run

__all__ = ["nowhere", "run"]

SIZES = [(80, 24), (160, 50), (300, 100)]
if FUZZ > USUAL:
    SIZES += [(100, 30), (200, 60)]
ALIKE = {
    "training-undone",
    "chart-cursor",
    "chart-logarithmic",
    "chart-epochs",
    "quit",
    "test-split",
}
"""Views that are laid out as others are."""
REMEMBERING = {"chart-zoomed", "knobs"}
"""Views that need not come back as they were: limits move only when they must, and in a terminal
that is too small nothing has the focus.
"""
TINY = [(79, 23), (40, 10), (12, 3), (1, 1)]


def rows_of(app: Stage) -> list[str]:
    return ["".join(segment.text for segment in row) for row in seen(app)]


async def at_rest(app: Stage, pilot: Pilot[None]) -> list[str]:
    """The rows, once they do not change any more."""
    before: list[str] = []
    for _ in range(60):
        await pilot.pause(0.15)
        app.clear_notifications()
        # A resize that is under way has the rows of the size before; the chart under a view is
        # drawn anew some frames later.
        drawn = not app._training._stale
        if (now := rows_of(app)) == before and len(now) == app.size.height and drawn:
            return now
        before = now
    pytest.fail("the screen never came to rest")


def shown(screen: Screen[object]) -> list[Widget]:
    """What is on the screen at all: displayed, and not on a page that lies behind."""
    return [widget for widget in screen.walk_children(Widget) if widget.is_on_screen]


def faults(app: Stage, rows: list[str]) -> list[str]:
    """What is wrong with a screen of at least 80×24."""
    width, height = app.size
    screen, whole = app.screen, Region(0, 0, width, height)
    found = []
    if not any(
        way_out in row
        for way_out in ("q quit", "Escape leaves", "Esc leave", "Escape)")
        for row in rows
    ):
        found.append("no key leads out")
    for widget in shown(screen):
        region = widget.region
        name = f"{type(widget).__name__}#{widget.id} {region}"
        if widget.border_title and widget.styles.border_top[0]:
            row = rows[region.y] if 0 <= region.y < height else ""
            if str(widget.border_title).strip() not in row[region.x : region.right]:
                found.append(f"the title of {name} is cut: {row[region.x : region.right]}")
        if widget.id == "box" and not whole.contains_region(region):
            found.append(f"{name} is not inside")
        if widget.can_focus and not widget.disabled and (region.height < 1 or region.width < 1):
            found.append(f"{name} has no room")
        if widget.id == "hint" and "…" in rows[region.y][region.x : region.right]:
            found.append(f"the hint is cut: {rows[region.y]}")
    focused = screen.focused
    if focused is not None and not whole.overlaps(focused.region):
        found.append(f"the focus is out of sight: {focused}")
    return found


OFTEN = ("training", "finder", "dataset-words", "samples", "inside", "restart")
"""Those that differ most from each other."""


@pytest.mark.fuzz
@pytest.mark.parametrize(
    "name",
    # Each takes some ten seconds; `make fuzz` goes through all of them.
    [name for name in VIEWS if name not in ALIKE and (name in OFTEN or FUZZ > USUAL)],
)
def test_a_view_keeps_whole_in_every_size_and_comes_back(run: Run, name: str) -> None:
    wrong: list[str] = []

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await reach(app, pilot, VIEWS[name])
        first = await at_rest(app, pilot)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            rows = await at_rest(app, pilot)
            wrong.extend(f"{size}: {fault}" for fault in faults(app, rows))
        for size in TINY:
            await pilot.resize_terminal(*size)
            await pilot.pause(0.15)
        await pilot.resize_terminal(*WIDE)
        last = await at_rest(app, pilot)
        wrong.extend(
            f"back at {WIDE}: {before!r} became {after!r}"
            for before, after in zip(first, last, strict=True)
            if before != after and name not in REMEMBERING
        )

    play(run, scene, WIDE)
    assert not wrong, "\n".join(wrong)
