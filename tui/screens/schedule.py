"""Choose the schedule that begins now: its kind, its shape, and a look at what it will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from core.config import Knobs, Settings, with_changes
from core.dials import DIALS, ConfigError, Value
from core.protocol import SetKnobs
from core.schedule import effective_rate
from core.steering import resolve_knobs
from tui.braille import curve
from tui.screens.dialog import Dialog
from tui.standing import schedule_end
from tui.telling import dial_name, typed
from tui.widgets.choices import Choices

KINDS = DIALS["schedule"].choices
CURVES = ("exponential", "linear", "cosine", "inverse")
FIELDS = {
    "schedule_length": CURVES,
    "floor": (*CURVES, "step"),
    "drops": ("step",),
    "drop_factor": ("step",),
    "warmup": KINDS,
}
"""The knobs that shape a schedule, and the kinds that they shape."""

PREVIEW_CELLS, PREVIEW_ROWS = 54, 4


class AskSchedule(Dialog[dict[str, Value]]):
    """Dismissed with the knobs to set, or with None where nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "apply", show=False),
    ]

    DEFAULT_CSS = """
    AskSchedule {
        /* The strip of rates, which shows the schedule being edited, stays in sight. */
        align: center bottom;
        background: $background 30%;
        #box { width: 60; padding: 0 2; }
        #choice { height: 6; }
        OptionList { width: 17; height: 6; margin-right: 3; padding: 0; }
        OptionList, OptionList:focus { border: none; }
        #fields { height: 6; }
        .field { height: 1; }
        .field Label { width: 14; color: $text-muted; }
        .field Input { width: 1fr; }
        #ahead, #preview, #axis, #error { width: 100%; color: $text-muted; }
        #preview { color: $text-primary; }
        #error { min-height: 1; color: $text-error; }
    }
    """

    def __init__(
        self,
        knobs: Knobs,
        settings: Settings,
        step: int,
        propose: Callable[[Knobs | None], None] = lambda _: None,
    ) -> None:
        """`propose` is told the knobs as they are edited, and None when the dialog is left."""
        super().__init__()
        self._knobs, self._settings, self._step = knobs, settings, step
        self._propose = propose
        self._kind: str = knobs.schedule
        self._edited: set[str] = set()

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Schedule, from this step on"
            with Horizontal(id="choice"):
                yield Choices(*(Option(kind, id=kind) for kind in KINDS))
                with Vertical(id="fields"):
                    for name in FIELDS:
                        with Horizontal(classes="field", id=f"row-{name}"):
                            yield Label(dial_name(name).removeprefix("schedule "), markup=False)
                            field = Input(id=name, compact=True)
                            field.tooltip = DIALS[name].help
                            yield field
            yield Static(id="ahead", markup=False)
            yield Static(id="preview", markup=False)
            yield Static(id="axis", markup=False)
            yield Static(id="error", markup=False)
            yield Static("Enter applies · Tab to the fields · Escape leaves", id="hint")

    def on_mount(self) -> None:
        choice = self.query_one(OptionList)
        choice.highlighted = KINDS.index(self._kind)
        choice.focus()
        self._fill()

    @on(OptionList.OptionHighlighted)
    def take_the_kind(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._kind = str(event.option_id)
        self._fill()

    @on(Input.Changed)
    def look_ahead(self, event: Input.Changed) -> None:
        event.stop()
        name = str(event.input.id)
        if event.value != self._usual(name):
            self._edited.add(name)
        else:
            self._edited.discard(name)
        self._preview()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def action_apply(self) -> None:
        """Send what differs, if it is sound."""
        try:
            values = self._values()
            self._resolved(values)
        except ConfigError as error:
            self.say("#error", f"✗ {error}")
        else:
            self.dismiss(values or None)

    def dismiss(self, result: dict[str, Value] | None = None) -> AwaitComplete:
        self._propose(None)
        return super().dismiss(result)

    def _fill(self) -> None:
        """Show the fields of this kind, each untouched one with what the engine would take."""
        for name, kinds in FIELDS.items():
            self.query_one(f"#row-{name}").display = self._kind in kinds
            if name not in self._edited:
                self.query_one(f"#{name}", Input).value = self._usual(name)
        self._preview()

    def _usual(self, name: str) -> str:
        kind: dict[str, Value] = {"schedule": self._kind}
        try:
            # A changed kind begins anew; the present one is shown as it stands.
            return typed(getattr(self._resolved(kind), name))
        except ConfigError:
            return typed(getattr(self._knobs, name))

    def _values(self) -> dict[str, Value]:
        """What was changed, and nothing else; raises ConfigError."""
        values: dict[str, Value] = {}
        if self._kind != self._knobs.schedule:
            values["schedule"] = self._kind
        for name in self._shown():
            if name in self._edited:
                values[name] = DIALS[name].parse(self.query_one(f"#{name}", Input).value)
        return values

    def _resolved(self, values: dict[str, Value]) -> Knobs:
        """The knobs that would be in force; raises ConfigError."""
        changes = resolve_knobs(SetKnobs(values=values), self._knobs, self._settings, self._step)
        return with_changes(self._knobs, changes)

    def _shown(self) -> Iterator[str]:
        return (name for name, kinds in FIELDS.items() if self._kind in kinds)

    def _preview(self) -> None:
        try:
            knobs = self._resolved(self._values())
        except ConfigError as problem:
            self.say("#error", f"✗ {problem}")
            return
        self.say("#error", "")
        self._propose(knobs)
        first = self._step
        last = schedule_end(knobs, self._settings, first)
        columns = 2 * PREVIEW_CELLS
        rates = [
            effective_rate(knobs, first + (last - first) * i // columns) for i in range(columns)
        ]
        top = max(rates) or 1.0
        rows = curve([rate / top for rate in rates], PREVIEW_ROWS)
        self.say("#preview", Text("\n".join(rows)))
        ahead = f"effective rate ahead, from base {knobs.learning_rate:.4g}: now {rates[0]:.4g}"
        self.say("#ahead", ahead)
        begin, end = f"{first:,}", f"{last:,}"
        self.say("#axis", f"{begin}{end:>{PREVIEW_CELLS - len(begin)}}")
