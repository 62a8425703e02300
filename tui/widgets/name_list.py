"""The names of dev that surprise the model most and least, to choose one from; of a text, the
sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.widgets.option_list import Option

from tui.embedding.symbols import joined, shown
from tui.inspector.inspecting import Names
from tui.inspector.walk import FIGURE, figure
from tui.widgets.choices import Choices

Row = tuple[str, float, float | None]
"""A name with the nats per symbol of the model, and of the bigram if there is one."""

STATES = {
    "unasked": "Tab asks for the names that surprise the model most and least",
    "asking": "◌ asking the engine …",
    "told": "nats/symbol",
}
STATES_OF_TEXT = STATES | {
    "unasked": "Tab asks for the sentences that surprise the model most and least",
    "told": "nats/word",
}


class NameList(Choices):
    """Two short lists below each other; Enter or a click chooses a name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "screen.names", "ask again", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"names--heading"}

    DEFAULT_CSS = """
    NameList {
        height: 1fr;
        border: none;
        padding: 0;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background: $surface; background-tint: initial; }
        & > .option-list--option { padding: 0; }
        .names--heading { color: $text-warning; text-style: bold; }
    }
    """

    def __init__(self, *, of_text: bool) -> None:
        super().__init__()
        self._of_text = of_text
        self._names: list[str] = []

    def tell(self, most: Sequence[Row], least: Sequence[Row]) -> None:
        """Show these names, each end under its heading."""
        self.clear_options()
        self._names = []
        for heading, rows in (("most surprising", most), ("least surprising", least)):
            style = self.get_component_rich_style("names--heading", partial=True)
            self.add_option(Option(Text(f"  {heading}", style), disabled=True))
            for row in rows:
                self.add_option(Option(self._row(row), id=str(len(self._names))))
                self._names.append(row[0])
        self.action_first()

    def name_of(self, option: Option) -> str:
        """Which name a row stands for."""
        return self._names[int(option.id or 0)]

    def _row(self, row: Row) -> Text:
        name, model, bigram = row
        other = "" if bigram is None else figure(bigram)
        told = shown(name) if self._of_text else joined(name)
        return Text.assemble(figure(model), other, f"  {told}", no_wrap=True)


class NamesPane(Vertical):
    """What is known of these names, under its step; not live, since only the person asks."""

    DEFAULT_CSS = """
    NamesPane #told { color: $text-muted; }
    """

    def __init__(self, *, of_text: bool, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._of_text = of_text

    def compose(self) -> ComposeResult:
        yield Static(id="told", markup=False)
        yield NameList(of_text=self._of_text)

    def tell(self, names: Names, bigram: Callable[[str], float] | None) -> None:
        """Show how the question stands; `bigram` has the nats per symbol of a name."""
        states = STATES_OF_TEXT if self._of_text else STATES
        answer, told = names.answer, states.get(names.state, f"✗ {names.reason} (r asks again)")
        if names.state == "told":
            heads = "model".rjust(FIGURE) + "bigram".rjust(FIGURE) * (bigram is not None)
            told = f"{heads}  {told}"
        self.query_one("#told", Static).update(told)
        step = f", step {answer.step:,}" if answer else ""
        what = "Sentences" if self._of_text else "Names"
        self.border_title = f" {what} of dev{step} "
        if answer is None or names.state != "told":
            return
        self.query_one(NameList).tell(
            *(
                [(name, nats, bigram(name) if bigram else None) for name, nats in end]
                for end in (answer.most, answer.least)
            )
        )
