"""The states to go back to, by key."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import DataTable

from core.commands import obey
from core.protocol import TakeSnapshot
from tests.conftest import MakeRun
from tests.stage import Stage, play, until
from tests.test_time_travel import reopened, settle, train
from tui.screens.snapshots import Snapshots


def test_two_states_saved_at_one_point_are_two_rows_that_lead_there(make_run: MakeRun) -> None:
    run = reopened(make_run())
    train(run, 100)
    for name in ("first", "second"):
        obey(run, TakeSnapshot(name=name))
    settle(run)
    train(run, 50)

    async def scene(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, Snapshots))
        table = app.screen.query_one(DataTable)
        rows = [table.get_row_at(at) for at in range(table.row_count)]
        assert [row[3] for row in rows[:2]] == ["second", "first"]
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.history.step == 100)

    play(run, scene, (120, 36))
    run.close()
