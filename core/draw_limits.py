"""How much a live engine draws by one command: training waits for it. No torch: whoever asks looks
before.
"""

from __future__ import annotations

from core.config import Level
from core.dials import ConfigError
from core.protocol import Sample

MOST_AT_ONCE = 1_000
"""Names or texts, symbols of a name, words of a text."""
MOST_SYMBOLS: dict[Level, int] = {"character": 50_000, "word": 1_000}
"""In all, if none of the names or texts ends early."""
_UNITS: dict[Level, tuple[str, str]] = {
    "character": ("names", "symbols"),
    "word": ("texts", "words"),
}


def check_size(wish: Sample, level: Level) -> None:
    """Raise ConfigError for what an engine does not draw at once."""
    for name, number in (("count", wish.count), ("max_length", wish.max_length)):
        if not 1 <= number <= MOST_AT_ONCE:
            raise ConfigError(name, number, f"must be from 1 to {MOST_AT_ONCE:,}")
    what, unit = _UNITS[level]
    length = wish.max_length - (len(wish.prefix) if level == "character" else 0)
    if wish.count * length > (most := MOST_SYMBOLS[level]):
        cure = f"of {length:,} {unit} each must be at most {most:,} {unit} in all"
        raise ConfigError(what, wish.count, cure)


def limits_text(level: Level) -> str:
    """`1,000 names and 50,000 symbols`: what an engine draws at once."""
    what, unit = _UNITS[level]
    return f"{MOST_AT_ONCE:,} {what} and {MOST_SYMBOLS[level]:,} {unit}"


def is_drawn_at_once(wish: Sample, level: Level) -> bool:
    """Whether an engine draws that much by one command."""
    try:
        check_size(wish, level)
    except ConfigError:
        return False
    return True
