"""The chapters of the walk, in the order of the lecture: an idea, one thing to do, and a check.

The words are ours; the times are those of the lecture "The spelled-out intro to language modeling:
building makemore, part 2: MLP", where each idea is told at length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.protocol import KnobsChanged
from core.suggesting import suggestions
from tui.history.history import History

LOW_BATCH, FIRST_DEV, GOOD_DEV, LECTURE_DEV = 0.5, 2.4, 2.3, 2.17
"""Losses to reach, in nats: on one minibatch; on dev with the first network, before the rate is
decayed and after; on dev at the end.
"""
MINIBATCH_STEPS, SAMPLED_FROM = 500, 1_000
DECAYED = 0.2
"""A new rate of at most this share of the old one is a decay."""
RECENT = 0.9
"""Smoothing of the loss on one minibatch, which hardly jumps."""


@dataclass(frozen=True)
class Seen:
    """What a check may look at."""

    history: History
    views: frozenset[str] = frozenset()
    """Names of the screens that were opened in this chapter."""
    apart: bool = False
    """The vowels lay together when the embeddings were last looked at."""
    drawn: bool = False
    """Names were drawn in this chapter."""


@dataclass(frozen=True)
class Chapter:
    """A page of the walk."""

    title: str
    time: str
    """Of the lecture."""
    text: str
    todo: str
    """One thing to do, with its keys."""
    check: Callable[[Seen], bool]
    """Whether it is done."""


def _examples_were_seen(seen: Seen) -> bool:
    return "DatasetView" in seen.views


def _one_batch_is_learned(seen: Seen) -> bool:
    latest = seen.history.latest(RECENT)
    return seen.history.knobs.fixed_batch is not None and latest is not None and latest < LOW_BATCH


def _minibatches_change(seen: Seen) -> bool:
    stretch = seen.history.lineage[-1]
    return stretch.knobs.fixed_batch is None and stretch.end - stretch.start >= MINIBATCH_STEPS


def _a_rate_was_found(seen: Seen) -> bool:
    probes = seen.history.probes
    return probes is not None and not seen.history.finding and bool(suggestions(probes))


def _dev_below(limit: float) -> Callable[[Seen], bool]:
    def check(seen: Seen) -> bool:
        best = seen.history.best
        return best is not None and best.dev is not None and best.dev < limit

    return check


def _decay_has_helped(seen: Seen) -> bool:
    return _rate_has_decayed(seen) and _dev_below(GOOD_DEV)(seen)


def _rate_has_decayed(seen: Seen) -> bool:
    for act in seen.history.acts:
        if isinstance(act, KnobsChanged) and "learning_rate" in act.changes:
            old, new = act.changes["learning_rate"]
            if isinstance(old, float) and isinstance(new, float) and new <= DECAYED * old:
                return True
    return False


def _hidden_layer_is_larger(seen: Seen) -> bool:
    return seen.history.config.model.hidden_size >= 200


def _vowels_lie_apart(seen: Seen) -> bool:
    return seen.apart and "Embedding" in seen.views


def _test_was_looked_at(seen: Seen) -> bool:
    return seen.history.test_looks > 0


def _names_were_drawn(seen: Seen) -> bool:
    return seen.drawn and seen.history.step >= SAMPLED_FROM


CHAPTERS = (
    Chapter(
        "Names become examples",
        "0:09",
        "The model sees three symbols and guesses the next one. A dot stands for what is before"
        " and after a name, so emma gives five examples, from ... → e to mma → . (its end), and"
        " every name adds its own. From these pairs alone it learns what names are like.",
        "D; tab leads to the words: read some as context → target.",
        _examples_were_seen,
    ),
    Chapter(
        "Learn one batch by heart",
        "0:37",
        "Before training on everything, see that the network can learn at all: give it the same"
        " 32 examples again and again. Its 3,400 weights are plenty for that, so the loss falls"
        " far. Not to zero: after ... comes one letter here and another there, and no model can"
        " know which.",
        f"B, then space: bring the loss below {LOW_BATCH:g}.",
        _one_batch_is_learned,
    ),
    Chapter(
        "Another batch each step",
        "0:41",
        "The whole list in every step would be exact, and slow. A minibatch gives a rough gradient"
        " at a fraction of the price, and many rough steps lead farther than a few exact ones."
        " That is why the curve jitters: each point is the loss of other names.",
        f"u: the first weights are back. Let it train {MINIBATCH_STEPS:,} steps (space).",
        _minibatches_change,
    ),
    Chapter(
        "Find the rate",
        "0:45",
        "Too low a learning rate learns nothing, too high a one explodes. Try a thousand of them,"
        " each a little larger than the last, and watch where the loss is lowest. Only fresh"
        " weights show it well. It is done on a copy: the run stays as it is.",
        "Pause (space). k, 0, Enter: the first weights. f, then Enter takes a rate.",
        _a_rate_was_found,
    ),
    Chapter(
        "Train, and ask dev",
        "0:51",
        "A model may learn its list by heart, so it is judged by names that it never sees: dev."
        " While dev and train stand close together the network is too small to cheat, and more"
        " training, or more weights, will help.",
        f"space; > is faster, e asks dev: bring it below {FIRST_DEV:g}.",
        _dev_below(FIRST_DEV),
    ),
    Chapter(
        "Decay the rate",
        "0:52",
        "At a high rate the weights end up dancing around a valley. Divide it by ten, late, and"
        " they sink into it: the loss drops at once. Too early, and the way there takes ten times"
        " as long; u takes it back.",
        f"d, after some 100,000 steps: bring dev below {GOOD_DEV:g}.",
        _decay_has_helped,
    ),
    Chapter(
        "A larger hidden layer",
        "1:00",
        "If train and dev are alike and neither falls, the network is too small. A wider hidden"
        " layer can tell more contexts apart. It is another model, so it begins anew; the old"
        " curve stays behind the new one.",
        "R: hidden size 300, Enter. This page comes along.",
        _hidden_layer_is_larger,
    ),
    Chapter(
        "See the vowels apart",
        "1:05",
        "Each symbol is a point in the plane, and training moves the points. Symbols that can"
        " stand for one another come to lie together: nobody told the model what a vowel is."
        " Where two dimensions are too few, they crowd.",
        "Train, then g: wait until the vowels are one another's neighbours.",
        _vowels_lie_apart,
    ),
    Chapter(
        "Beat the lecture",
        "1:07",
        "Ten dimensions give the symbols room, and 200 hidden units make use of it. The lecture"
        f" ends near dev {LECTURE_DEV:g} and invites you to do better: steer by hand, try another"
        " batch size, a schedule (h), another context, or the preset fast.",
        f"R: embedding size 10, hidden size 200. Bring dev below {LECTURE_DEV:g}.",
        _dev_below(LECTURE_DEV),
    ),
    Chapter(
        "The test split, once",
        "1:11",
        "Whoever chooses sizes and rates by dev has learned a little of dev by heart. The test"
        " split was set aside for the end: its loss is what you report. Every look is counted,"
        " because a second one is worth less.",
        "T, and mean it.",
        _test_was_looked_at,
    ),
    Chapter(
        "New names",
        "1:13",
        "Begin with dots, draw a symbol from the odds, move the window on, and draw again, until"
        " a dot comes. Some names are old ones, marked (train); the others are in no list. A lower"
        " temperature (t) plays safe, a higher one dares.",
        "s, as often as you like. S shows how the model learned.",
        _names_were_drawn,
    ),
)
