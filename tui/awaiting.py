"""One question at a time to the engine, asked again and again: whether its answer is still to come,
and why none comes.

Apart from Textual and from what is asked: the views that follow the engine's answers share it.
"""

from __future__ import annotations

from core.client import Attached
from core.protocol import CommandRejected, EngineFailed, EngineStopped
from tui.reader import News
from tui.standing import LinkChanged
from tui.telling import printable


class Awaiting:
    """What every answer has in common; those who ask know what is in it."""

    def __init__(self) -> None:
        self.reason = ""
        """Why there is no newer answer."""
        self._pending: int | None = None
        """The id under which one is awaited."""
        self._asked: object = None
        """What the run was like when it was asked for last; None: nothing was asked, or it is
        lost.
        """

    def await_answer(self, about: object, answers: int | None) -> None:
        """It was asked for under this id; None: the engine is gone."""
        self._asked, self._pending = about, answers
        if answers is None:
            self.reason = "the engine does not answer"

    def answered(self) -> None:
        """What was awaited has come."""
        self._pending, self.reason = None, ""

    def forget(self) -> None:
        """Whatever was asked, nobody will hear the answer to."""
        self._pending = self._asked = None

    def hear_of_none(self, item: News) -> bool:
        """Take in what the engine said, if it means that no answer comes; whether it does."""
        match item:
            case CommandRejected() if item.answers == self._pending:
                self._pending, self.reason = None, printable(item.reason)
            case Attached():
                # Whatever was asked of the connection before is lost.
                self.forget()
            case EngineFailed() | EngineStopped():
                self._pending, self.reason = None, "the engine has ended"
            case LinkChanged(link="gone"):
                self._pending, self.reason = None, printable(item.reason) or "the engine is gone"
            case _:
                return False
        return True
