"""A loss in words: per what it is, and, where symbols are words, as perplexity."""

from __future__ import annotations

import math

from core.config import Level


def per(level: Level) -> str:
    """The unit of a loss, to stand behind it."""
    return " nats per word" if level == "word" else " nats per symbol"


def per_short(level: Level) -> str:
    """The same where there is little room."""
    return "nats/word" if level == "word" else "nats/symbol"


def perplexity(loss: float | None) -> float | None:
    """e^loss: among how many equally likely words the model hesitates; None for no finite loss."""
    try:
        return None if loss is None else math.exp(loss)
    except OverflowError:
        return None


def perplexity_text(loss: float | None, level: Level) -> str:
    """`, perplexity 142.3` behind the loss of words; nothing behind others, or where none is."""
    found = perplexity(loss) if level == "word" else None
    return "" if found is None else f", perplexity {found:,.1f}"
