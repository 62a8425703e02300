"""The form for a new run with other sizes, seed, device, list or text, filled with this run's."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from core.config import Level, ModelConfig, PresetName
from core.dials import ConfigError
from core.errors import UserError
from core.foundations import SWITCH
from core.options import Beginning
from core.words import WordList
from tui.restarting import FIELDS, Field, Origin, ReadList, recipe_text
from tui.screens.dialog import Dialog, tell
from tui.telling import printable
from tui.widgets.choice import Choice

PLACEHOLDERS = {"data": "the shipped one"}
TYPING_SECONDS = 0.3
"""A file is not looked for while its name is still being typed."""


class Restart(Dialog[Beginning | None]):
    """Dismissed with the run to begin, or with None where the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "start", show=False),
        # At once: what is typed right after belongs to the next field.
        Binding("up,shift+tab", "app.focus_previous", "above", show=False, priority=True),
        Binding("down,tab", "app.focus_next", "below", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    Restart {
        #box { width: 70; padding: 0 2; overflow-y: auto; scrollbar-size-vertical: 1; }
        .field { height: 1; }
        .field Label { width: 17; color: $text-muted; }
        .field Input, .field Choice { width: 1fr; }
        .field .was { width: auto; max-width: 20; color: $text-muted; padding-left: 1; }
        .field.-changed Label { color: $text; text-style: bold; }
        .field.-wrong Label { color: $text-error; }
        #about { margin-top: 1; min-height: 3; height: auto; color: $text-muted; }
        #about.-wrong { color: $text-error; }
        #model, #recipe-text, #hint { height: 1; }
        #hint { margin-top: 1; }
    }
    """

    class Read(Message):
        """A list was read, or could not be."""

        def __init__(self, read: ReadList) -> None:
            super().__init__()
            self.read = read

    class Begun(Message):
        """What these texts come to: a run to begin, or why there is none."""

        def __init__(self, texts: dict[str, str], outcome: Beginning | UserError) -> None:
            super().__init__()
            self.texts, self.outcome = texts, outcome

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self._origin = origin
        self._before = origin.texts
        self._own: ReadList | None = None
        """What is read where the file is unchanged."""
        self._list: ReadList | None = None
        """What is read; None until the file that is named now has been read."""
        self._filled = dict(self._before)
        """What the form itself has put into the fields; what differs from it is the person's."""
        self._typing: Timer | None = None
        self._starting = False
        """Enter was pressed; what is missing is only the list, or an answer about a GPU."""
        self._refused: UserError | None = None
        """Why no run could be begun with what stands in the form."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Restart: a new run; this one is saved and kept"
            for field in FIELDS:
                value = self._before[field.name]
                with Horizontal(classes="field", id=f"row-{field.name}"):
                    yield Label(field.label, markup=False)
                    if field.choices:
                        yield Choice(tuple(field.choices), value, id=field.name)
                    else:
                        yield Input(
                            value, PLACEHOLDERS.get(field.name, ""), compact=True, id=field.name
                        )
                    yield Static("", classes="was", markup=False)
            yield Static("", id="about", markup=False)
            yield Static("", id="model", markup=False)
            yield Static("", id="recipe-text", markup=False)
            yield Static("Enter starts · ↑↓ fields · ←→ choices · Escape leaves", id="hint")

    def on_mount(self) -> None:
        self._read_what_is_named()
        self._show()

    # --- the list ---------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self, text: str, level: Level) -> None:
        self.post_message(self.Read(self._origin.read(text, level)))

    @on(Read)
    def take_the_list(self, message: Read) -> None:
        message.stop()
        read = message.read
        if (read.text, read.level) == (self._before["data"], self._before["level"]):
            self._own = read
        if (read.text, read.level) == self._named:
            self._list = read
            self._show()
            if self._starting:
                self.action_start()

    @on(Input.Changed, "#data")
    def look_for_the_list(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        own = self._named == (self._before["data"], self._before["level"])
        self._list = self._own if own else None
        if self._list is None:
            self._typing = self.set_timer(TYPING_SECONDS, self._read_what_is_named)

    def _read_what_is_named(self) -> None:
        self._read(*self._named)

    @property
    def _named(self) -> tuple[str, Level]:
        """Which file is wanted, and as what it is to be read."""
        texts = self._texts()
        return texts["data"], cast(Level, texts["level"])

    # --- the fields -------------------------------------------------------------------------------

    @on(Choice.Changed)
    def follow_the_choice(self, event: Choice.Changed) -> None:
        """A preset brings its sizes, level and knobs, a level its data, unless a person gave
        others.
        """
        event.stop()
        if event.choice.id == "preset":
            brought = self._origin.brought(cast(PresetName, event.value))
            for field in FIELDS:
                if field.name not in ("preset", "data"):
                    self._fill(field.name, brought[field.name])
        level = self._named[1]
        self._fill("data", self._origin.data_for(level))
        if self._list is None or self._list.level != level:
            self.look_for_the_list()
        self._edited()

    def _fill(self, name: str, text: str) -> None:
        """Put a text into a field that still holds what the form put there."""
        field = self.query_one(f"#{name}")
        assert isinstance(field, (Choice, Input))
        if field.value == self._filled[name]:
            field.value = self._filled[name] = text

    @on(Input.Changed)
    def look_again(self, event: Input.Changed) -> None:
        event.stop()
        self._edited()

    def on_descendant_focus(self) -> None:
        self._show()

    def _edited(self) -> None:
        self._starting = False
        self._refused = None
        self._show()

    def _texts(self) -> dict[str, str]:
        return {field.name: self._value(field) for field in FIELDS}

    def _value(self, field: Field) -> str:
        selector = f"#{field.name}"
        if field.choices:
            return self.query_one(selector, Choice).value
        return self.query_one(selector, Input).value

    def _wrong(self, texts: dict[str, str]) -> dict[str, str]:
        """What is wrong with which field, in sentences."""
        wrong: dict[str, str] = {}
        for field in FIELDS:
            if field.dial is not None:
                try:
                    field.dial.parse(texts[field.name])
                except ConfigError as error:
                    wrong[field.name] = str(error)
        if self._list is not None and self._list.error:
            wrong["data"] = self._list.error
        if isinstance(self._refused, ConfigError) and self._refused.field in texts:
            wrong[self._refused.field] = str(self._refused)
        return wrong

    def _show(self) -> None:
        """Tell what the form comes to as it stands."""
        texts = self._texts()
        wrong = self._wrong(texts)
        for field in FIELDS:
            row = self.query_one(f"#row-{field.name}")
            changed = texts[field.name] != self._before[field.name]
            row.set_class(changed, "-changed")
            row.set_class(field.name in wrong, "-wrong")
            mark = "✗ " if field.name in wrong else ""
            tell(row.query_one(Label), f"{mark}{field.label}")
            tell(row.query_one(".was", Static), self._was(field.name) if changed else "")
            if self.focused is not None and self.focused.id == field.name:
                self._tell_about(field.about(texts[field.name]), wrong.get(field.name))
        self.say("#model", self._model_text(texts, wrong))
        self.say("#recipe-text", recipe_text(self._origin.recipe(texts)))

    def _tell_about(self, help: str, mistake: str | None) -> None:
        about = self.query_one("#about", Static)
        about.set_class(mistake is not None, "-wrong")
        tell(about, help if mistake is None else f"✗ {printable(mistake)}")

    def _was(self, name: str) -> str:
        before = self._before[name].rpartition("/")[2]
        # A recipe says what it was by not being it.
        return "" if name == "recipe" else f"was {printable(before)}"

    def _model_text(self, texts: dict[str, str], wrong: dict[str, str]) -> str:
        sizes = ModelConfig.__struct_fields__
        if wrong.keys() & {*sizes, "data"}:
            return "mend the fields that are marked ✗"
        if self._list is None:
            return "reading the list …"
        if self._starting:
            return "starting …"
        values: dict[str, Any] = {
            field.name: field.dial.parse(texts[field.name])
            for field in FIELDS
            if field.dial is not None and field.name in sizes
        }
        values["direct"] = texts["direct"] == SWITCH[True]
        model = msgspec.structs.replace(self._origin.config.model, **values)
        vocabulary = self._list.vocab_size
        parameters = f"{model.parameters(vocabulary):,}"
        if self._own is not None and not self._own.error:
            before = f"{self._origin.config.model.parameters(self._own.vocab_size):,}"
            if before != parameters:
                parameters = f"{before} → {parameters}"
        shape = f"{model.block_size}×{model.embedding_size}→{model.hidden_size}→{vocabulary}"
        return f"MLP {shape} · {parameters} parameters"

    # --- starting ---------------------------------------------------------------------------------

    @on(Input.Submitted)
    def start_from_a_field(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_start()

    def action_start(self) -> None:
        """Leave with the run to begin, or go to the field that is wrong."""
        texts = self._texts()
        wrong = self._wrong(texts)
        self._starting = not wrong
        if wrong:
            self.query_one(f"#{next(iter(wrong))}").focus()
        elif self._list is not None and self._list.words is not None:
            self._begin(texts, self._list.words)
            self._show()

    @work(thread=True, exclusive=True, group="begin", exit_on_error=False)
    def _begin(self, texts: dict[str, str], words: WordList) -> None:
        # In a thread, since a GPU is looked for by a process of its own.
        try:
            self.post_message(self.Begun(texts, self._origin.begin(texts, words)))
        except UserError as error:
            self.post_message(self.Begun(texts, error))

    @on(Begun)
    def leave_with_the_run(self, message: Begun) -> None:
        message.stop()
        if not self._starting or message.texts != self._texts():
            return  # Something was changed since.
        self._starting = False
        if self.app.screen is not self:
            # The form was left, or lies under another screen, which is not to be taken away.
            self._show()
            return
        if isinstance(message.outcome, Beginning):
            self.dismiss(message.outcome)
            return
        self._refused = message.outcome
        self._show()
        if wrong := self._wrong(message.texts):
            self.query_one(f"#{next(iter(wrong))}").focus()
        else:
            self._tell_about("", str(message.outcome))
