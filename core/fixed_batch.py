"""How low the loss of a single minibatch can go, and why not to zero.

The lecture overfits one batch (0:37) and asks this: where one context stands before several
targets, the best that any model can do is to predict them as often as they occur.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass

from core.dataset import Dataset
from core.minibatch import minibatch


@dataclass(frozen=True)
class Floor:
    """The lowest possible mean loss of one minibatch."""

    loss: float
    """Nats per symbol."""
    examples: int
    torn: int
    """Examples whose context stands before another target too."""
    context: str = ""
    """The one with the most different targets."""
    targets: tuple[str, ...] = ()


def floor_of(dataset: Dataset, seed: int, step: int, batch_size: int) -> Floor:
    """Of the minibatch of `step`: its mean loss if each context predicted its own targets best."""
    train = dataset.splits["train"]
    chosen = minibatch(seed, step, 1, batch_size, train.examples)[0]
    rows = train.rows(chosen)
    following: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for *context, target in rows.tolist():
        following[tuple(context)][target] += 1
    total, torn = 0.0, 0
    for counts in following.values():
        examples = counts.total()
        total -= sum(count * math.log(count / examples) for count in counts.values())
        torn += examples if len(counts) > 1 else 0
    if not torn:
        return Floor(0.0, batch_size, 0)
    widest = max(following, key=lambda context: (len(following[context]), context))
    itos = dataset.itos
    return Floor(
        loss=total / batch_size,
        examples=batch_size,
        torn=torn,
        context=dataset.written(widest),
        targets=tuple(itos[index] for index, _ in following[widest].most_common(4)),
    )
