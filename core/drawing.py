"""Names or texts from a run for the command line: from its live engine, or from its newest
checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.answering import answer
from core.config import Level
from core.dataset import Dataset
from core.dials import DIALS, parse_count
from core.launch import load_data
from core.protocol import Sample, SamplesDrawn
from core.record import RunError, is_served, read_config

if TYPE_CHECKING:
    from core.trainer import Trainer

MOST_OF_AN_ENGINE = 1_000
"""Names, or words of texts, that a live engine draws at once: training waits for it."""
_MOST_IN_A_SET = 1_000_000
"""Words of a list that are looked up in a set; of a longer one that takes too much memory."""


def usual_wish(level: Level) -> Sample:
    """What is drawn where nothing is said: ten names, or a text of a hundred words."""
    return Sample(count=1, max_length=100) if level == "word" else Sample()


@dataclass(frozen=True)
class Drawing:
    """What is drawn, while it is drawn."""

    step: int
    """Where the weights stand from which it is drawn."""
    pieces: Iterator[list[str]]
    aside: str = ""
    """What a person might not expect of it."""


def parse_wish(
    *, count: str, temperature: str, top_k: str, seed: str, prefix: str, max_length: str
) -> Sample:
    """The flags of `sample` as a command; raises ConfigError."""
    return Sample(
        count=parse_count("count", count, 1, 1_000_000_000),
        temperature=float(DIALS["temperature"].parse(temperature)),  # type: ignore[arg-type]
        top_k=int(DIALS["top_k"].parse(top_k)),  # type: ignore[arg-type]
        seed=parse_count("seed", seed, 0, 2**63 - 1),
        prefix=prefix,
        max_length=parse_count("max_length", max_length, 1, 1_000),
    )


def draw_names(
    directory: Path, wish: Sample, *, unique: bool = False, new: bool = False
) -> Drawing:
    """Begin to draw from the run in `directory`; every field of `wish` is set. Raises RunError.

    `unique` and `new` leave out names that came before, and names of the list. A live engine is
    asked only for as many as it draws without holding up its training.
    """
    served = is_served(directory)
    texts = served and read_config(directory).data.level == "word"
    wanted = wish.count * wish.max_length if texts else wish.count
    if served and wanted <= MOST_OF_AN_ENGINE and not (unique or new):
        drawn = answer(directory, wish, SamplesDrawn, "sample")
        return Drawing(drawn.step, iter([list(drawn.names)]))
    return _from_checkpoint(directory, wish, unique=unique, new=new, served=served)


def _from_checkpoint(
    directory: Path, wish: Sample, *, unique: bool, new: bool, served: bool
) -> Drawing:
    paths = _checkpoints(directory, served=served)
    config = read_config(directory)
    # torch takes a second to load; what can be refused before it, is.
    data = load_data(directory, config)
    data.encode(wish.prefix)
    from core.continuing import drawn
    from core.environment import settle
    from core.trainer import Trainer

    settle(config)
    trainer = Trainer(data, config.model, config.knobs, config.seed)
    _restore_newest(trainer, directory, paths)
    try:
        unwanted = _known(data) if new else None
        pieces = drawn(trainer.model, data, wish, unique=unique, unwanted=unwanted)
    except ValueError as error:
        raise RunError(f"run {directory.name}: {error}") from None
    step = trainer.step
    aside = f"run {directory.name} is live: these are from its checkpoint at step {step:,}"
    return Drawing(step, pieces, aside if served else "")


def _restore_newest(trainer: Trainer, directory: Path, paths: list[Path]) -> None:
    """Put the newest of these that is sound in force; raises RunError if none is."""
    from core.reaching import restore_sound

    for path in paths:
        try:
            restore_sound(trainer, path)
        except RunError:
            continue
        return
    raise RunError(
        f"run {directory.name}: all of its checkpoints are damaged; `steermore resume"
        f" {directory.name}` computes the state again and saves it"
    )


def _checkpoints(directory: Path, *, served: bool) -> list[Path]:
    """The newest first; raises RunError if there is none."""
    written: dict[Path, int] = {}
    for path in (directory / "checkpoints").glob("*.safetensors"):
        try:
            written[path] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # A live engine drops old ones.
    if written:
        return sorted(written, key=lambda path: written[path], reverse=True)
    if served:
        raise RunError(
            f"run {directory.name}: it is live and has no checkpoint yet; until then, ask for at"
            f" most {MOST_OF_AN_ENGINE:,} names, without --unique or --new"
        )
    raise RunError(f"run {directory.name}: it has no checkpoint; its engine ended before one")


def _known(data: Dataset) -> Callable[[str], bool]:
    """Whether a name is in the list; the empty one counts as known, since no list holds it."""
    if len(data.words) > _MOST_IN_A_SET:
        return lambda name: not name or data.split_of(name) is not None
    return {"", *data.words}.__contains__
