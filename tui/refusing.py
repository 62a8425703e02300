"""Why a key does nothing now, in one sentence: what is greyed out, and what is said when it is
pressed all the same, are one.
"""

from __future__ import annotations

from collections.abc import Mapping

from tui.history.history import History
from tui.keymap import key_of
from tui.keys import NEED_ENGINE
from tui.standing import Link


def refusal(
    action: str, link: Link, history: History, keys: Mapping[str, str], *, leaving: bool
) -> str:
    """Why an action is impossible now; empty where it is possible. `keys` are those in force."""
    if action in NEED_ENGINE and (leaving or link != "live"):
        return _without_engine(link, keys, leaving=leaving)
    if action == "undo" and history.undo is None:
        return "nothing to undo"
    if action == "redo" and history.redo is None:
        return "nothing to redo"
    if action == "resume_engine" and link not in ("gone", "resting"):
        if link in ("loading", "silent"):
            return _without_engine(link, keys, leaving=leaving)
        return f"the engine is there; {key_of('toggle_training', keys)} trains on"
    if action in ("step", "toggle_training") and history.finished:
        limit, way = f"{history.settings.step_limit:,}", key_of("page_rate", keys)
        return f"the run is at its step limit, {limit}; a higher one ({way}: the knobs) trains on"
    if action == "step" and history.running:
        return f"one step at a time only while paused; {key_of('toggle_training', keys)} pauses"
    return ""


def _without_engine(link: Link, keys: Mapping[str, str], *, leaving: bool) -> str:
    if leaving:
        return "the run is being saved, to leave"
    if link == "loading":
        return "the engine is loading"
    if link == "silent":
        return "the engine does not answer"
    return f"no engine serves this run; {key_of('resume_engine', keys)} starts one"
