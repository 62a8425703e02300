"""What a person can type to steer a drawing, and the command that it makes.

Every range is the engine's own: none is written here a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import msgspec

from core.config import Settings
from core.dataset import Dataset
from core.dials import DIALS, ConfigError, parse_count
from core.drawing import MOST_OF_AN_ENGINE, parse_wish
from core.protocol import Sample
from core.words import BOUNDARY, quoted
from tui.telling import dial_value, typed


@dataclass(frozen=True)
class Texts:
    """What stands in the fields."""

    beginning: str
    count: str
    temperature: str
    top_k: str
    seed: str
    """Empty: the engine's count of drawings, so that every drawing has other names."""


NAMES: dict[str, str] = {field.name: field.name.replace("_", "-") for field in fields(Texts)}
"""Of the fields, as the screen shows them."""


def usual(settings: Settings) -> Texts:
    """What the key `s` of the dashboard draws: the run's own temperature and top-k."""
    return Texts(
        beginning="",
        count=typed(Sample().count),
        temperature=typed(settings.temperature),
        top_k=typed(settings.top_k),
        seed="",
    )


def wish_of(texts: Texts, data: Dataset) -> Sample:
    """The drawing that a person typed; raises ConfigError, whose `field` is one of NAMES."""
    for symbol in texts.beginning:
        if symbol == BOUNDARY:
            fault = f'must not hold "{BOUNDARY}", the boundary, which is in no name'
        elif symbol not in data.stoi:
            fault = f"must hold symbols of the list only; {quoted(symbol)} is none"
        else:
            continue
        raise ConfigError("beginning", texts.beginning, fault)
    count = parse_count("count", texts.count, 1, MOST_OF_AN_ENGINE)
    seed = texts.seed.strip()
    wish = parse_wish(
        count=str(count),
        temperature=texts.temperature,
        top_k=texts.top_k,
        seed=seed or "0",
        prefix=texts.beginning,
        max_length=str(Sample().max_length),
    )
    return wish if seed else msgspec.structs.replace(wish, seed=None)


def help_of(name: str, settings: Settings) -> str:
    """What a field is for, in a line."""
    match name:
        case "beginning":
            return "How every name begins; empty: with any symbol. Enter draws."
        case "count":
            return f"How many: at most {MOST_OF_AN_ENGINE:,}, since training waits. Enter draws."
        case "seed":
            return "Equal seeds, equal names; empty: other names each time. Enter draws."
        case _:
            own = dial_value(name, getattr(settings, name))
            # The help begins "Of sampling:", which goes without saying here.
            words = DIALS[name].help.partition(": ")[2].rstrip(".")
            key = " (key t)" if name == "temperature" else ""
            return f"{words.capitalize()}; the run's own stays {own}{key}."
