"""Which views show a desk: those of names, or those of texts."""

from __future__ import annotations

from tui.samples.desk import Desk
from tui.samples.names_view import NamesView
from tui.samples.steps_view import StepsView
from tui.samples.texts_view import TextStepsView, TextsView


def names_view(desk: Desk) -> NamesView:
    """Of one drawing."""
    return TextsView(desk) if desk.level == "word" else NamesView(desk)


def steps_view(desk: Desk) -> StepsView:
    """Of one seed at many steps."""
    return TextStepsView(desk) if desk.level == "word" else StepsView(desk)
