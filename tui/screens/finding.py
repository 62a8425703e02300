"""The command palette, as Textual has it but that a page turned too early does nothing."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette

from tui.widgets.choices import can_turn_pages


class Palette(CommandPalette):
    """Finds anything by its name."""

    def _action_command_list(self, action: str) -> None:
        if not action.startswith("page_") or can_turn_pages(self.query_one(CommandList)):
            super()._action_command_list(action)
