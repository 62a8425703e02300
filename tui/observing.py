"""What a teacher beside the screen would say: how train and dev stand to each other, that the dev
loss has stopped falling, how low the loss of one minibatch can go.

Functions of the history and the list alone; core/plateau.py and core/fixed_batch.py have the rules.
"""

from __future__ import annotations

import math
from functools import lru_cache

from core.dataset import Dataset
from core.fixed_batch import Floor, floor_of
from core.plateau import is_plateau
from core.protocol import AnyEvent, Evaluated, KnobsChanged
from core.text import Text
from tui.history.history import History
from tui.telling import Entry, entry

UNDERFITTING, OVERFITTING = 0.02, 0.10
"""Gap between dev and train, as a share of train: below the one, above the other.

In the lecture 2.23 against 2.24 is called underfitting (a larger network then does better), and
2.12 against 2.17 is where the two begin to part.
"""


def diagnosis(history: History, uniform: float = math.inf) -> str:
    """`underfitting: dev 2.240 − train 2.230 = 0.010`, or empty where there is no telling.

    `uniform` is the loss of guessing: above it a gap means nothing.
    """
    newest = next(reversed(history.evaluations), None)
    if newest is None or newest.train is None or newest.dev is None:
        return ""
    if history.knobs.fixed_batch is not None:
        return "one minibatch, learned by heart"
    if newest.dev >= uniform:
        return f"worse than guessing: dev {newest.dev:.3f}"
    gap = newest.dev - newest.train
    share = gap / newest.train if newest.train > 0 else 0.0
    word = "fine"
    if share < UNDERFITTING:
        word = "underfitting"
    elif share > OVERFITTING:
        word = "overfitting"
    # Of the figures that are shown: it must add up.
    shown = round(newest.dev, 3) - round(newest.train, 3)
    told = f"{shown:.3f}".replace("-", "−")
    return f"{word}: dev {newest.dev:.3f} − train {newest.train:.3f} = {told}"


def remarks(event: AnyEvent, history: History, dataset: Dataset) -> list[Entry]:
    """What is to be said of `event`, which the history has taken in, besides that it happened."""
    if isinstance(event, Evaluated):
        return plateau_remark(event, history)
    if isinstance(event, KnobsChanged) and "fixed_batch" in event.changes:
        floor = current_floor(history, dataset)
        return [] if floor is None else [entry(event.step, floor_text(floor), "quiet")]
    return []


def plateau_remark(event: Evaluated, history: History) -> list[Entry]:
    """That the dev loss has stopped falling: said once for each act, at the step where it did."""
    settings = history.settings
    if settings.autopilot == "on" or not history.running or history.knobs.fixed_batch is not None:
        return []
    since = history.lineage[-1].act
    dev = [each.dev for each in history.evaluations if each.seq > since.seq]
    known = [value for value in dev if value is not None]
    if not is_plateau(known, settings.patience) or is_plateau(known[:-1], settings.patience):
        return []
    told = f"dev has hardly fallen for {settings.patience} evaluations: d decays the rate (× 0.1)"
    return [entry(event.step, told, "good")]


def current_floor(history: History, dataset: Dataset) -> Floor | None:
    """How low the loss of the one minibatch in force can go; None where all of train is learned."""
    knobs, config = history.knobs, history.config
    if knobs.fixed_batch is None:
        return None
    return _floor(dataset, config.seed, knobs.fixed_batch, knobs.batch_size)


# Asked for in every frame.
_floor = lru_cache(maxsize=4)(floor_of)


def references(
    history: History, dataset: Dataset, bigram: float | None = None
) -> tuple[tuple[float, str], ...]:
    """Losses that mean something, each with its name: of guessing, of counting pairs (`bigram`, on
    dev; of words the interpolated one), the best on dev so far, the lowest for one minibatch.
    """
    vocabulary = dataset.vocab_size
    found = [(math.log(vocabulary), f"uniform ln {vocabulary}")]
    if bigram is not None:
        counted = "interpolated bigram" if isinstance(dataset, Text) else "bigram"
        found.append((bigram, f"{counted} {bigram:.3f}"))
    if history.best is not None and history.best.dev is not None:
        found.append((history.best.dev, f"best dev {history.best.dev:.3f}"))
    if (floor := current_floor(history, dataset)) is not None:
        found.append((floor.loss, f"lowest for this minibatch {floor.loss:.3f}"))
    return tuple(found)


def floor_text(floor: Floor) -> str:
    """Why the loss of one minibatch does not go to zero."""
    if not floor.torn:
        return "one minibatch: every context has one target, so its loss can go to 0"
    return (
        f"one minibatch of {floor.examples:,}: its loss cannot go below {floor.loss:.3f}, since"
        f" {floor.torn:,} examples share their context with another target, as in"
        f" {floor.context} → {', '.join(floor.targets)}"
    )
