"""Names from a run for the command line: from its live engine, or from its last checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.answering import answer
from core.dials import DIALS, ConfigError, parse_count
from core.launch import load_data
from core.protocol import Sample, SamplesDrawn
from core.record import RunError, is_served, read_config

MOST_OF_AN_ENGINE = 1_000
"""Names that a live engine draws at once: it trains on meanwhile."""


def parse_wish(
    *, count: str, temperature: str, top_k: str, seed: str, prefix: str, max_length: str
) -> Sample:
    """The flags of `sample` as a command; raises ConfigError."""
    return Sample(
        count=parse_count("count", count, 1, 10_000_000),
        temperature=float(DIALS["temperature"].parse(temperature)),  # type: ignore[arg-type]
        top_k=int(DIALS["top_k"].parse(top_k)),  # type: ignore[arg-type]
        seed=parse_count("seed", seed, 0, 2**63 - 1),
        prefix=prefix,
        max_length=parse_count("max_length", max_length, 1, 1_000),
    )


def draw_names(directory: Path, wish: Sample) -> dict[str, Any]:
    """Draw from the run in `directory`; returns what `--json` prints. Raises RunError."""
    if is_served(directory):
        step, names = _from_engine(directory, wish)
    else:
        step, names = _from_checkpoint(directory, wish)
    return {
        "step": step,
        "temperature": wish.temperature,
        "top_k": wish.top_k,
        "seed": wish.seed,
        "prefix": wish.prefix,
        "names": names,
    }


def _from_engine(directory: Path, wish: Sample) -> tuple[int, list[str]]:
    if wish.count > MOST_OF_AN_ENGINE:
        raise ConfigError(
            "count", wish.count, f"is more than a live engine draws; at most {MOST_OF_AN_ENGINE:,}"
        )
    drawn = answer(directory, wish, SamplesDrawn, "sample")
    return drawn.step, list(drawn.names)


def _from_checkpoint(directory: Path, wish: Sample) -> tuple[int, list[str]]:
    config = read_config(directory)
    files = sorted(
        (directory / "checkpoints").glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns
    )
    if not files:
        raise RunError(f"run {directory.name}: it has no checkpoint; its engine ended before one")
    # torch takes a second to load; what can be refused before it, is.
    from core import checkpoint, sampling
    from core.environment import settle_threads
    from core.model import Model

    data = load_data(directory, config)
    data.encode(wish.prefix)
    snapshot, _ = checkpoint.load(files[-1])
    settle_threads(config)
    model = Model(config.model, data.vocab_size)
    for name, weights in model.views(model.flat)._asdict().items():
        weights.copy_(snapshot.tensors[name])
    names = sampling.draw(
        model,
        data.itos,
        count=wish.count,
        temperature=wish.temperature or 1.0,
        top_k=wish.top_k or 0,
        seed=wish.seed or 0,
        prefix=wish.prefix,
        max_length=wish.max_length,
    )
    return snapshot.step, names
