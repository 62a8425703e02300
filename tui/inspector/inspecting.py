"""What the inspector asks of the engine, again and again while the run moves, and what it heard.

Apart from Textual. The engine answers within a turn of its sockets, but every answer is work that
it does between its updates: a kind of question is asked at most once in a fifth of a second, only
when its answer would be another one, and never while the last one is still under way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from core.client import Attached
from core.protocol import (
    AnyCommand,
    Cancelled,
    CommandRejected,
    EngineFailed,
    EngineStopped,
    FindSurprising,
    Predict,
    Predicted,
    RolledBack,
    Score,
    Scored,
    StateChanged,
    Surprising,
)
from tui.reader import News
from tui.standing import LinkChanged
from tui.telling import printable

Send = Callable[[AnyCommand], int | None]

PAUSE = 0.2
"""Seconds at least from a question to the next of its kind."""
PAUSE_OF_TEXTS = 1.0
"""Seconds at least until the same text is scored again: with thousands of words that takes a while,
and training waits for it."""
NAMES = 10
"""Asked for at each end."""


@dataclass
class Question:
    """One kind of question about the run as it moves, and the newest answer."""

    asked: int | None = None
    """The id under which an answer is awaited."""
    answer: Predicted | Scored | None = None
    again: float = PAUSE
    """Seconds at least until the same is asked again."""
    _about: tuple[str, int] = ("", -1)
    """The text asked about, and the branch that the run was on."""
    _told: tuple[str, int] = ("", -1)
    """The same of the answer."""
    _last: float = float("-inf")

    def is_due(self, text: str, branch: int, step: int, now: float) -> bool:
        """Whether to ask about `text`, in a run that is at this place now."""
        pause = self.again if self._about == (text, branch) else PAUSE
        if self.asked is not None or now - self._last < pause:
            return False
        known = self.answer is not None and self.answer.step == step
        return not known or self._told != (text, branch)

    def ask(self, asked: int | None, text: str, branch: int, now: float) -> None:
        """It was asked under this id."""
        self.asked, self._about, self._last = asked, (text, branch), now

    def hear(self, answer: Predicted | Scored) -> None:
        """Take the answer in, if it is the one that is awaited."""
        if answer.answers == self.asked:
            self.asked, self.answer, self._told = None, answer, self._about


@dataclass
class Looks:
    """The odds after a beginning, and the walk through a word, as the engine tells them."""

    send: Send
    odds: Question = field(default_factory=Question)
    walk: Question = field(default_factory=Question)
    reason: str = ""
    """Why nothing is asked at present; empty: nothing is in the way."""
    _latest: tuple[str, str] = ("", "")
    """The beginning and the word that were asked about last."""
    _refused: tuple[str, str] | None = None
    """What the engine would not say: it is not asked for again before something has changed."""

    def ask(self, before: str, word: str, branch: int, step: int, now: float) -> None:
        """Ask what is not known of this beginning and this word; `now` in seconds of any clock."""
        if self._refused not in (None, (before, word)):
            self._free()
        if self.reason:
            return
        self._latest = before, word
        if self.odds.is_due(before, branch, step, now):
            self.odds.ask(self._put(Predict(prefix=before)), before, branch, now)
        if not self.reason and self.walk.is_due(word, branch, step, now):
            self.walk.ask(self._put(Score(words=(word,))), word, branch, now)

    def hear(self, item: News) -> bool:
        """Take in what the engine said; whether there is something new to show."""
        before = self.odds.answer, self.walk.answer, self.reason
        match item:
            case Predicted():
                self.odds.hear(item)
            case Scored():
                self.walk.hear(item)
            case CommandRejected(answers=id) if id in (self.odds.asked, self.walk.asked):
                self._stop(printable(item.reason))
                self._refused = self._latest
            case EngineFailed() | EngineStopped():
                self._stop("the engine has ended; this is what it said last")
            case LinkChanged(link="gone"):
                self._stop(printable(item.reason) or "the engine is gone")
            case Attached():
                self._free()
            case RolledBack() | Cancelled() | StateChanged() if self._refused is not None:
                self._free()
            case _:
                pass
        return before != (self.odds.answer, self.walk.answer, self.reason)

    def _put(self, question: Predict | Score) -> int | None:
        asked = self.send(question)
        if asked is None:
            self._stop("the engine does not answer")
        return asked

    def _stop(self, reason: str) -> None:
        self.reason, self.odds.asked, self.walk.asked = reason, None, None

    def _free(self) -> None:
        self._stop("")
        self._refused = None


@dataclass
class Names:
    """The names of dev that surprise the model most and least: asked for by the person alone."""

    state: Literal["unasked", "asking", "told", "refused"] = "unasked"
    reason: str = ""
    answer: Surprising | None = None
    """The newest; it stays while another is awaited."""
    _asked: int | None = None

    def ask(self, send: Send) -> None:
        """Ask, unless that is under way."""
        if self.state != "asking":
            self._asked = send(FindSurprising(count=NAMES))
            self.state = "asking"
            if self._asked is None:
                self._refuse("the engine does not answer")

    def hear(self, item: News) -> bool:
        """Take in what the engine said; whether there is something new to show."""
        before = self.state
        match item:
            case Surprising(answers=id) if id == self._asked:
                self.state, self.answer = "told", item
            case CommandRejected(answers=id) if id == self._asked:
                self._refuse(printable(item.reason))
            case RolledBack() | Cancelled() if self.state == "asking":
                self._refuse("given up for another command")
            case EngineFailed() | EngineStopped() | Attached() if self.state == "asking":
                self._refuse("the connection was lost meanwhile")
            case LinkChanged(link="gone") if self.state == "asking":
                self._refuse("the engine is gone")
            case _:
                pass
        return self.state != before

    def _refuse(self, reason: str) -> None:
        self.state, self.reason, self._asked = "refused", reason, None
