"""The command palette, as Textual has it but for one failure."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette


class Palette(CommandPalette):
    """Its page keys do nothing while no row of its list can be seen.

    Textual's fail then (8.2.8: KeyError in `OptionList._move_page`), which a quick hand meets.
    """

    def _action_command_list(self, action: str) -> None:
        if not action.startswith("page_") or self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)
