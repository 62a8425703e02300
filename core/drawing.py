"""Names or texts from a run for the command line: from its live engine, or from the weights that
its record leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.answering import answer
from core.config import Level
from core.dataset import Dataset
from core.dials import DIALS, parse_count
from core.draw_limits import is_drawn_at_once, limits_text
from core.launch import load_data
from core.protocol import Sample, SamplesDrawn
from core.record import RunError, is_served, read_config
from core.story import Story, read_story

if TYPE_CHECKING:
    from core.recomputing import AtHand
    from core.trainer import Trainer

Showing = Callable[[], AbstractContextManager[Callable[[int, int], None]]]
"""What begins to show how many updates were made, of how many."""

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
    directory: Path,
    wish: Sample,
    *,
    unique: bool = False,
    new: bool = False,
    showing: Showing = lambda: nullcontext(lambda done, total: None),
) -> Drawing:
    """Begin to draw from the run in `directory`; every field of `wish` is set. Raises RunError.

    `unique` and `new` leave out names that came before, and names of the list. A live engine is
    asked only for as many as it draws without holding up its training; for more, a checkpoint does.
    Of an ended run, updates that stand in no checkpoint are made again, which is shown.
    """
    served = is_served(directory)
    at_once = served and is_drawn_at_once(wish, read_config(directory).data.level)
    if at_once and not (unique or new):
        answered = answer(directory, wish, SamplesDrawn, "sample")
        return Drawing(answered.step, iter([list(answered.names)]))
    story = read_story(directory)
    # torch takes a second to load; what can be refused before it, is.
    data = load_data(directory, story.config)
    data.encode(wish.prefix)
    from core.continuing import drawn

    if served:
        trainer, aside = _saved_on_the_way(story, data)
    else:
        trainer, aside = _at_the_end(story, data, showing)
    try:
        unwanted = _known(data) if new else None
        pieces = drawn(trainer.model, data, wish, unique=unique, unwanted=unwanted)
    except ValueError as error:
        raise RunError(f"run {directory.name}: {error}") from None
    return Drawing(trainer.step, pieces, aside)


def _saved_on_the_way(story: Story, data: Dataset) -> tuple[Trainer, str]:
    """In the newest state of a live run that stands in a checkpoint, and a word on that."""
    name, found = story.directory.name, _at_hand(story, data)
    if not found.saved:
        raise RunError(
            f"run {name}: it is live, and no checkpoint has led to its weights yet; until then, ask"
            f" for less, at most {limits_text(story.config.data.level)}, without --unique or --new"
        )
    step = found.point.step
    return found.trainer, f"run {name} is live: these are from its checkpoint at step {step:,}"


def _at_the_end(story: Story, data: Dataset, showing: Showing) -> tuple[Trainer, str]:
    """Where the run stands; where that cannot be computed here, in the newest state before it that
    stands in a checkpoint, and a word on that.
    """
    from core.on_device import DeviceMissing
    from core.reaching import StepDiffers
    from core.recomputing import trainer_at_end

    found = _at_hand(story, data)
    if found.point.step == story.step:
        return found.trainer, ""
    name, step = story.directory.name, found.point.step
    try:
        with showing() as progress:
            return trainer_at_end(story, story.path, progress, data), ""
    except (StepDiffers, DeviceMissing) as error:
        if not found.saved:
            raise RunError(
                f"run {name}: no sound checkpoint leads to its end, and {error}"
            ) from None
        aside = f"run {name} stands at step {story.step:,}, these are from its checkpoint at step"
        return found.trainer, f"{aside} {step:,}: {error}"


def _at_hand(story: Story, data: Dataset) -> AtHand:
    from core.recomputing import nearest_at_hand

    # To draw from weights that are there, no device is needed.
    here = replace(story, config=msgspec.structs.replace(story.config, device="cpu"))
    return nearest_at_hand(here, story.path, data)


def _known(data: Dataset) -> Callable[[str], bool]:
    """Whether a name is in the list; the empty one counts as known, since no list holds it."""
    if len(data.words) > _MOST_IN_A_SET:
        return lambda name: not name or data.split_of(name) is not None
    return {"", *data.words}.__contains__
