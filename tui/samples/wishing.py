"""What a person can type to steer a drawing, and the command that it makes.

Every range is the engine's own: none is written here a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import msgspec

from core.config import Level, Settings
from core.dataset import Dataset
from core.dials import DIALS, ConfigError, parse_count
from core.draw_limits import MOST_AT_ONCE, MOST_SYMBOLS
from core.drawing import parse_wish, usual_wish
from core.protocol import Sample
from core.text import Text
from core.tokens import tokens_of
from core.words import BOUNDARY, quoted
from tui.telling import dial_value, printable, typed


@dataclass(frozen=True)
class Texts:
    """What stands in the fields."""

    beginning: str
    count: str
    temperature: str
    top_k: str
    seed: str
    """Empty: the engine's count of drawings, so that every drawing is another."""
    length: str = ""
    """Of a text, in words and marks; a name ends by itself."""


NAMES: dict[str, str] = {field.name: field.name.replace("_", "-") for field in fields(Texts)}
"""Of the fields, as the screen shows them."""
_COMMON = ("temperature", "top_k", "seed")
FIELDS: dict[Level, tuple[str, ...]] = {
    "character": ("beginning", "count", *_COMMON),
    "word": ("beginning", "count", "length", *_COMMON),
}
"""Which of them there are, in their order."""


def usual(settings: Settings, level: Level = "character") -> Texts:
    """What the key `s` of the dashboard draws: the run's own temperature and top-k."""
    wish = usual_wish(level)
    return Texts(
        beginning="",
        count=typed(wish.count),
        temperature=typed(settings.temperature),
        top_k=typed(settings.top_k),
        seed="",
        length=typed(wish.max_length),
    )


def wish_of(texts: Texts, data: Dataset) -> Sample:
    """The drawing that a person typed; raises ConfigError, whose `field` is one of NAMES."""
    if isinstance(data, Text):
        return _wish_of_texts(texts, data)
    for symbol in texts.beginning:
        if symbol == BOUNDARY:
            fault = f'must not hold "{BOUNDARY}", the boundary, which is in no name'
        elif symbol not in data.stoi:
            fault = f"must hold symbols of the list only; {quoted(symbol)} is none"
        else:
            continue
        raise ConfigError("beginning", texts.beginning, fault)
    count = parse_count("count", texts.count, 1, MOST_AT_ONCE)
    return _wish(texts, count, Sample().max_length)


def _wish_of_texts(texts: Texts, data: Text) -> Sample:
    """Any beginning will do: a word that the vocabulary lacks is read as `<unk>`."""
    count = parse_count("count", texts.count, 1, MOST_AT_ONCE)
    length = parse_count("length", texts.length, 1, MOST_AT_ONCE)
    given = len(tokens_of(texts.beginning, data.splitting))
    if length <= given:
        fault = f"must be more than the {given:,} words and marks of the beginning"
        raise ConfigError("length", length, fault)
    if count * length > (most := MOST_SYMBOLS["word"]):
        fault = f"times the count must be at most {most:,}, since training waits"
        raise ConfigError("length", length, fault)
    return _wish(texts, count, length)


def _wish(texts: Texts, count: int, length: int) -> Sample:
    seed = texts.seed.strip()
    wish = parse_wish(
        count=str(count),
        temperature=texts.temperature,
        top_k=texts.top_k,
        seed=seed or "0",
        prefix=texts.beginning,
        max_length=str(length),
    )
    return wish if seed else msgspec.structs.replace(wish, seed=None)


def help_of(name: str, texts: Texts, settings: Settings, data: Dataset) -> str:
    """What a field is for, in a line."""
    match name:
        case "beginning" if isinstance(data, Text):
            tokens = tokens_of(texts.beginning, data.splitting)
            unknown = [word for word in tokens if word not in data.stoi]
            if unknown:
                words = ", ".join(map(printable, dict.fromkeys(unknown)))
                return f"Not in the vocabulary, so read as <unk>: {words}."
            return "How every text begins; empty: with any word. Enter draws."
        case "length":
            return "Words and marks of a text, its beginning too. Enter draws."
        case "beginning":
            return "How every name begins; empty: with any symbol. Enter draws."
        case "count":
            return f"How many: at most {MOST_AT_ONCE:,}, since training waits. Enter draws."
        case "seed":
            return "Equal seeds draw equally; empty: otherwise each time. Enter draws."
        case _:
            own = dial_value(name, getattr(settings, name))
            # The help begins "Of sampling:", which goes without saying here.
            words = DIALS[name].help.partition(": ")[2].rstrip(".")
            key = " (key t)" if name == "temperature" else ""
            return f"{words.capitalize()}; the run's own stays {own}{key}."
