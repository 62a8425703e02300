"""Choose an earlier state to go back to: one that was saved, or any step that led here."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import DataTable, Input, Static

from core.dials import ConfigError, parse_count
from core.lineage import on_path
from core.protocol import Point, SnapshotTaken
from tui.history.history import History
from tui.screens.dialog import Dialog
from tui.telling import loss, printable


class Snapshots(Dialog[Point | int | None]):
    """Dismissed with a saved state's point, with a step of the lineage, or with None."""

    DEFAULT_CSS = """
    Snapshots {
        #box { width: 74; height: 22; }
        DataTable { height: 1fr; background: $surface; }
    }
    """

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self._points: list[Point] = []
        """Of the rows; not their keys, since several states may have been saved at one point."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Go back to"
            yield DataTable[str](cursor_type="row", zebra_stripes=False)
            yield Input(placeholder=f"or any step from {self._history.first:,} on", type="text")
            yield Static("", id="error", markup=False)
            yield Static("Enter goes there · digits type a step · Escape leaves", id="hint")

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns("step", "branch", "dev", "why", "")
        history = self._history
        lineage = history.lineage
        for taken in reversed(history.snapshots):
            point = history.all_acts.point_of(taken)
            dev = history.dev_at(point)
            self._points.append(point)
            table.add_row(
                f"{taken.step:>11,}",
                str(taken.branch),
                "" if dev is None else loss(dev),
                _why(taken),
                "" if on_path(lineage, point) else "(undone)",
            )
        if not history.snapshots:
            self.query_one(Input).focus()

    def on_key(self, event: Key) -> None:
        field = self.query_one(Input)
        if event.is_printable and (event.character or "").isdigit() and not field.has_focus:
            event.stop()
            field.focus()
            field.insert_text_at_cursor(event.character or "")

    @on(DataTable.RowSelected)
    def go_to_row(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.dismiss(self._points[event.cursor_row])

    @on(Input.Submitted)
    def go_to_step(self, event: Input.Submitted) -> None:
        event.stop()
        history = self._history
        try:
            self.dismiss(parse_count("step", event.value, history.first, history.step))
        except ConfigError as error:
            self.query_one("#error", Static).update(f"✗ {error}")


def _why(taken: SnapshotTaken) -> str:
    return printable(taken.name) if taken.name else taken.reason
