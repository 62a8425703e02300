"""A sweep as it goes: its trials, their settings side by side, which of them matter, the best."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from core.sweep import told
from core.sweep_standing import Standing, Tried
from tui.inspector.bars import Titled
from tui.screens.confirm import Question
from tui.screens.dialog import LargeDialog
from tui.sweeping.importance import Importance
from tui.sweeping.parallel import parallel
from tui.sweeping.table import TrialTable
from tui.telling import loss, printable
from tui.widgets.bars import Bars
from tui.widgets.key_line import KeyLine
from tui.widgets.rows import RowsPane

FAR = 10


def _key(name: str, action: str, words: str, tooltip: str, shown: str | None = None) -> Binding:
    id = f"sweep_{words.replace(' ', '_')}"
    return Binding(name, action, words, key_display=shown, tooltip=tooltip, id=id)


KEYS = (
    _key("enter", "promote", "open", "The trial in the dashboard; the sweep goes on", "Enter"),
    _key("s", "sort", "sort", "The best first, or by number"),
    _key("b", "best", "best", "To the best trial so far"),
    _key("q,escape", "leave", "leave", "Out; trials under way are saved after a question", "q"),
)
MOVING: tuple[BindingType, ...] = (
    Binding("up", "move(-1)", "trial above", show=False),
    Binding("down", "move(1)", "trial below", show=False),
    Binding("pageup", f"move(-{FAR})", "trials above", show=False),
    Binding("pagedown", f"move({FAR})", "trials below", show=False),
    Binding("home", "move(-1_000_000)", "first trial", show=False),
    Binding("end", "move(1_000_000)", "last trial", show=False),
)


class LeaveSweep(Question[bool]):
    """Dismissed with True if the sweep is to be ended, or with None to stay."""

    def __init__(self, running: int) -> None:
        """`running`: trials that are under way on this machine."""
        trials = f"{running} trial{'s are' if running != 1 else ' is'} under way"
        super().__init__(
            "Leave the sweep",
            f"{trials} here. Ended, they are saved, and their values are tried first when the sweep"
            " goes on; what is finished stays.",
            {"end them and leave": True, "stay": None},
            hint="Enter chooses · Escape stays",
        )


class Sweep(LargeDialog[Path | None]):
    """Dismissed with the run that is to be opened, or with None to leave."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS, *MOVING]
    DEFAULT_CSS = """
    Sweep {
        #trials { height: 1fr; border-top: none; }
        #below { height: 45%; min-height: 8; }
        #parallel { width: 1fr; height: 100%; margin-right: 2; }
        #importance { width: 34; height: 100%; }
        #detail { width: 100%; height: 2; color: $text-muted; }
        &.-wrong #detail { color: $text-error; }
        KeyLine { dock: none; background: $surface; padding: 0; }
        &.-low #importance { width: 26; }
    }
    """

    def __init__(self, name: str, chosen: int | None = None) -> None:
        """`name` of the study; `chosen`: the number of the trial that the cursor begins on."""
        super().__init__()
        self._study = name
        self.chosen = chosen
        """The trial under the cursor, by its number."""
        self.standing: Standing | None = None
        """What was read of the study last."""
        self.running = 0
        """Workers on this machine."""
        self._best_first = False
        self._said = ""
        """Why the last key did nothing, until the next."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = f"Sweep {self._study}"
            yield RowsPane("", id="trials", focusable=False)
            with Horizontal(id="below"):
                yield Bars(id="parallel", classes="")
                yield Bars(id="importance", classes="")
            yield Static("reading the study …", id="detail", markup=False)
            yield KeyLine([binding.id or "" for binding in KEYS])

    # --- showing ----------------------------------------------------------------------------------

    def show(self, standing: Standing, running: int) -> None:
        """Show how the study stands; `running`: workers on this machine."""
        if (standing, running) != (self.standing, self.running):
            self.standing, self.running = standing, running
            self._show(self._said)

    def _show(self, said: str = "") -> None:
        standing = self.standing
        if standing is None or not self.is_attached:
            return
        self._said = said
        self.set_class(bool(said), "-wrong")
        trials = self._order(standing)
        if self.chosen is None and trials:
            self.chosen = trials[0].number
        rows = self.query_one("#trials", RowsPane)
        rows.table = TrialTable(standing, trials, self._best_first)
        rows.cursor = next((i for i, t in enumerate(trials) if t.number == self.chosen), None)
        picture = Titled("Settings of each trial", parallel(standing, self.chosen))
        self.query_one("#parallel", Bars).view = picture
        importance = Titled("Importance", Importance(standing.importance))
        self.query_one("#importance", Bars).view = importance
        self.query_one("#box").border_title = self._title(standing)
        self.say("#detail", said or self._detail(standing))

    def _order(self, standing: Standing) -> list[Tried]:
        trials = list(standing.shown)
        if self._best_first:
            place = {trial.number: at for at, trial in enumerate(standing.ranked)}
            trials.sort(key=lambda each: (place.get(each.number, len(place)), each.number))
        return trials

    def _title(self, standing: Standing) -> str:
        parts = [f"Sweep {standing.name}", f"{standing.done:,} of {standing.wanted:,}"]
        if standing.done >= standing.wanted:
            parts.append("done")
        elif running := standing.count("running"):
            parts.append(f"{running} running")
        if (best := standing.best) is not None:
            parts.append(f"best {loss(best.dev)}, trial {best.number}")
        return " · ".join(parts) + self.explains

    def _detail(self, standing: Standing) -> str:
        trial = self._trial
        if trial is None:
            return "the workers are loading …" if self.running else "no trial yet"
        parts = [f"trial {trial.number}, {trial.state}", told(trial.values, standing.sweep.ranges)]
        if trial.why:
            parts.append(trial.why)
        if trial.run:
            elsewhere = "" if trial.directory is not None else f" on {trial.host}"
            parts.append(f"run {trial.run}{elsewhere}")
        return printable(" · ".join(part for part in parts if part))

    @property
    def _trial(self) -> Tried | None:
        trials = self.standing.shown if self.standing is not None else ()
        return next((trial for trial in trials if trial.number == self.chosen), None)

    # --- keys and mouse ---------------------------------------------------------------------------

    @on(RowsPane.Picked, "#trials")
    def go_to_row(self, event: RowsPane.Picked) -> None:
        event.stop()
        if self.standing is not None:
            self.chosen = self._order(self.standing)[event.row].number
            self._show()

    def action_move(self, by: int) -> None:
        """To another trial."""
        if self.standing is None:
            return
        numbers = [trial.number for trial in self._order(self.standing)]
        if numbers:
            at = numbers.index(self.chosen) if self.chosen in numbers else 0
            self.chosen = numbers[min(max(at + by, 0), len(numbers) - 1)]
            self._show()

    def action_sort(self) -> None:
        """The best first, or by number."""
        self._best_first = not self._best_first
        self._show()

    def action_best(self) -> None:
        """To the best so far."""
        if self.standing is not None and self.standing.best is not None:
            self.chosen = self.standing.best.number
            self._show()

    def action_promote(self) -> None:
        """Open its run in the dashboard."""
        trial = self._trial
        if trial is None:
            return
        if trial.directory is not None:
            self.dismiss(trial.directory)
        elif trial.run:
            where = f"it was made on {trial.host}, or is deleted"
            self._show(f"✗ the run of trial {trial.number} is not here: {where}")
        else:
            self._show(f"✗ trial {trial.number} has no run yet")

    def action_leave(self) -> None:
        """Leave; while trials are under way, after a question."""
        if self.running:
            self.app.push_screen(LeaveSweep(self.running), self._left)
        else:
            self.dismiss(None)

    def _left(self, meant: bool | None) -> None:
        if meant:
            self.dismiss(None)
