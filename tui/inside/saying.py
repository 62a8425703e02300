"""What the figures mean, a sentence for each check of the lecture's part 3.

The lecture draws no sharp lines, and these sentences do not either: they say where a figure stands
against its rough guides, and what could be done.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.config import ModelConfig
from core.protocol import SATURATED, DiagnosticsTaken
from tui.inside.readings import CHARTED, Readings, log_ratio, share

GUIDE = -3.0
"""log10 of update-to-data that the lecture's part 3 takes for healthy, roughly."""
FAST, SLOW = GUIDE + 1, GUIDE - 1
MANY = 0.5
"""Of the tanh outputs saturated. The lecture names no limit; trained models of this one layer do
well with a third.
"""
PASSED = 1 - SATURATED**2
"""Of its gradient a unit passes on at most, where it is saturated: the slope of tanh."""

Level = Literal["good", "look", "none"]
MARKS: dict[Level, str] = {"good": "✓", "look": "!", "none": "·"}
CURVES = f"log10 of update to data by step · ┈ the lecture's rough guide, {GUIDE:g}"
SHORT_CURVES = f"log10 of update to data, ┈ guide {GUIDE:g}"
LEGEND = "✓ as it should be · ! worth a look · rough guides of the lecture's part 3"


@dataclass(frozen=True)
class Sentence:
    """A verdict in one line, and in a second one what to know about it."""

    level: Level
    text: str
    more: str = ""


def sentences(told: DiagnosticsTaken, model: ModelConfig) -> list[Sentence]:
    """One for each check."""
    return [saturation(told, model), dead_units(told), gradients(told), updates(told)]


def saturated_share(told: DiagnosticsTaken) -> float | None:
    """Of the tanh outputs, those that are saturated."""
    return share(told.counts[0] + told.counts[-1], sum(told.counts))


def expected_saturation(model: ModelConfig, initialization: str) -> float:
    """The share to be expected of first weights, with C from N(0, 1).

    What enters tanh is then a sum of `fan_in` products, nearly normal: of variance fan_in, and 1
    more from the bias, or (5/3)² where the weights are scaled, a hundredth of it where C is small.
    """
    fan_in = model.block_size * model.embedding_size
    spreads = {"scaled": 5 / 3, "small": 1 / 6}
    spread = spreads.get(initialization, math.sqrt(fan_in + 1))
    return math.erfc(math.atanh(SATURATED) / spread / math.sqrt(2))


def saturation(told: DiagnosticsTaken, model: ModelConfig) -> Sentence:
    """Whether most of the hidden layer passes a gradient on."""
    found = saturated_share(told)
    if found is None:
        return Sentence("look", "no tanh output is a number", "the weights are not finite")
    begin = f"{expected_saturation(model, model.initialization):.0%}"
    scaled = f"{expected_saturation(model, 'scaled'):.0%}"
    more = f"there at most {PASSED:.0%} of the gradient passes; "
    if model.initialization != "normal":
        more += f"scaled weights like these begin near {begin}"
    else:
        more += f"N(0, 1) weights, as in the lecture's part 2, begin near {begin}, "
        more += f"scaled ones near {scaled} (R begins a run with them)"
    text = f"{found:.0%} of tanh outputs are saturated (|h| > {SATURATED:g})"
    if found < MANY:
        return Sentence("good", f"{text}: less than half", more)
    return Sentence("look", f"{text}: half or more", more)


def dead_units(told: DiagnosticsTaken) -> Sentence:
    """Whether some units are saturated whatever comes."""
    of = f"{told.hidden_size:,} hidden unit{'' if told.hidden_size == 1 else 's'}"
    whatever = f"saturated for all of {told.examples:,} train examples"
    if not told.dead:
        return Sentence("good", f"none of {of} is {whatever}", "none is dead, as far as these tell")
    are = "is" if told.dead == 1 else "are"
    more = f"there at most {PASSED:.0%} of the gradient passes, so they nearly stand still"
    return Sentence("look", f"{told.dead:,} of {of} {are} {whatever}", more)


def gradients(told: DiagnosticsTaken) -> Sentence:
    """How large the gradient is against the weights."""
    found: dict[str, float] = {}
    for layer in (layer for layer in told.layers if layer.name in CHARTED):
        if layer.gradient_std is None or layer.std is None:
            if math.prod(layer.shape) > 1:
                return Sentence("look", f"{layer.name} or its gradient is not finite")
        elif layer.std:
            found[layer.name] = layer.gradient_std / layer.std
    if not found:
        return Sentence("none", "no layer has weights that differ: no gradient to data")
    low, high = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
    if not found[high]:
        return Sentence("look", "the gradient is 0: nothing is learned from this minibatch")
    text = f"gradient to data from {found[low]:.2g} ({low}) to {found[high]:.2g} ({high})"
    if found[high] < 1:
        return Sentence("good", f"{text}: smaller than the weights")
    more = "with plain SGD at rate 1 an update would be as large as the weights; W2 begins small"
    more = more if high == "W2" else more.partition(";")[0]
    return Sentence("look", f"{text}: as large as the weights", more)


def updates(told: DiagnosticsTaken) -> Sentence:
    """Whether the layers learn at a fitting speed."""
    if told.rate == 0:
        return Sentence("none", "no update to speak of: the effective rate is 0 here")
    found = {
        layer.name: ratio
        for layer in told.layers
        if layer.name in CHARTED and (ratio := log_ratio(layer)) is not None
    }
    if not found:
        return Sentence("none", "update to data is no number: no layer moves, or none is finite")
    fast = [name for name, ratio in found.items() if ratio > FAST]
    slow = [name for name, ratio in found.items() if ratio < SLOW]
    if not fast and not slow:
        text = f"update to data {_listed(found, list(found))}: within a decade of {GUIDE:g}"
        return Sentence("good", text, "the lecture's rough guide for a healthy speed")
    parts, cures = [], []
    if fast:
        parts.append(f"{_listed(found, fast)}: fast, above {FAST:g}")
        cures.append("lower the rate if the loss is unsteady")
    if slow:
        parts.append(f"{_listed(found, slow)}: slow, below {SLOW:g}")
        cures.append("raise the rate, unless a schedule or a warmup holds it low")
    more = f"the lecture's rough guide is {GUIDE:g}; {'; '.join(cures)}"
    return Sentence("look", f"update to data {'; '.join(parts)}", more)


def spelled(sentence: Sentence, width: int, *, whole: bool) -> tuple[str, str]:
    """Its mark, and its text, what to know about it included if `whole`, in rows below the first
    word.
    """
    text = f"{sentence.text}; {sentence.more}" if whole and sentence.more else sentence.text
    rows = textwrap.wrap(text, max(width - 2, 20)) if whole else [text]
    return f"{MARKS[sentence.level]} ", "\n  ".join(rows)


def _listed(found: dict[str, float], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {found[name]:.2f}" for name in names)


def heading(told: DiagnosticsTaken, column: int) -> str:
    """What the histogram shows; and from `column` on, of what the gradient and the update are."""
    left = f"tanh outputs h, {told.examples:,} train examples"
    return f"{left:<{column}}the update of step {told.step:,}, effective rate {told.rate:.3g}"


def state_text(readings: Readings, state: str) -> str:
    """Of which step the figures are, and what they cost; `state` is that of the run."""
    newest = readings.newest
    if newest is None:
        return f"✗ {readings.reason}" if readings.reason else "asking the engine …"
    text = f"step {newest.step:,}, {state}"
    if state == "training":
        cost, every = readings.cost, readings.interval
        spent = f"{1e3 * cost:.2g}" if cost < 0.1 else f"{1e3 * cost:,.0f}"
        text += f" · a look every {every:.3g} s, {spent} ms each: "
        text += f"{cost / every:.2%} of training"
    else:
        text += " · it looks again when the run moves"
    return f"{text} · ✗ {readings.reason}" if readings.reason else text
