"""A list of choices whose page keys do nothing while none of them can be seen.

Textual's fail then (8.2.8: KeyError in `OptionList._move_page`), and the program with them: in a
window without room for the list, or before it has been laid out.
"""

from __future__ import annotations

from textual.widgets import OptionList


def can_turn_pages(choices: OptionList) -> bool:
    """Whether a row of it can be seen."""
    return bool(choices.scrollable_content_region)


class Choices(OptionList):
    """As Textual has it but for that."""

    def action_page_up(self) -> None:
        if can_turn_pages(self):
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        if can_turn_pages(self):
            super().action_page_down()  # type: ignore[no-untyped-call]
