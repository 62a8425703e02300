"""The command Sample: names or texts for whoever asks, noted in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.continuing import drawn
from core.dials import DIALS, ConfigError
from core.draw_limits import check_size
from core.protocol import Sample, SamplesDrawn
from core.scoring import losses_of

if TYPE_CHECKING:
    from core.run import Run


def sample(run: Run, wish: Sample, client: str = "") -> None:
    """Draw them from the present weights, and note them.

    Raises ConfigError, and ValueError for a beginning with symbols that the vocabulary lacks, or
    for weights that are not finite.
    """
    wish, model = _whole(run, wish), run.trainer.model
    names = [name for piece in drawn(model, run.data, wish) for name in piece]
    run.drawings += 1
    run.journal.add(
        SamplesDrawn,
        run.step,
        names=tuple(names),
        losses=tuple(round(loss, 4) for loss in losses_of(model, run.data, names)),
        temperature=wish.temperature,
        top_k=wish.top_k,
        seed=wish.seed,
        prefix=wish.prefix,
        max_length=wish.max_length,
        answers=wish.id,
        client=client,
    )


def _whole(run: Run, wish: Sample) -> Sample:
    """With every field set, by settings and earlier drawings; raises ConfigError."""
    settings = run.settings
    check_size(wish, run.config.data.level)
    temperature = settings.temperature if wish.temperature is None else wish.temperature
    top_k = settings.top_k if wish.top_k is None else wish.top_k
    seed = run.drawings if wish.seed is None else wish.seed
    DIALS["temperature"].check(temperature)
    DIALS["top_k"].check(top_k)
    if not 0 <= seed < 2**63:
        raise ConfigError("seed", seed, "must be a whole number from 0")
    return msgspec.structs.replace(wish, temperature=temperature, top_k=top_k, seed=seed)
