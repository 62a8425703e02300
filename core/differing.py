"""What one run has otherwise than another: sizes, seeds, list, and what is in force in it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.config import DataConfig, Knobs, RunConfig, Settings
from core.dials import Value
from core.foundations import SWITCH

Facts = dict[str, Value]
"""Everything in which runs can differ, by name."""


def facts(config: RunConfig, knobs: Knobs, settings: Settings) -> Facts:
    """Of a run with these knobs and settings in force."""
    data, model = config.data, msgspec.structs.asdict(config.model)
    found: Facts = {
        "list": f"{Path(data.path).name} {data.sha256[:6]}",
        "level": data.level,
        **_of_text(data),
        **{name: _switched(value) for name, value in model.items()},
        "device": config.device,
        "seed": config.seed,
        "split_seed": data.split_seed,
        **msgspec.structs.asdict(knobs),
        **msgspec.structs.asdict(settings),
    }
    if knobs.schedule == "constant":
        # Then its shape says nothing.
        for name in ("schedule_start", "schedule_length", "floor", "drops", "drop_factor"):
            del found[name]
    return found


def _of_text(data: DataConfig) -> Facts:
    if data.level != "word":
        return {}
    return {"vocabulary": data.vocabulary, "rare": data.rare, "splitting": data.splitting}


def _switched(value: Value) -> Value:
    """A bool as people read it."""
    return SWITCH[value] if isinstance(value, bool) else value


def differing(ours: Facts, theirs: Facts) -> dict[str, tuple[Value, Value]]:
    """The facts that differ, {name: (ours, theirs)}; what only one has says nothing."""
    return {
        name: (value, theirs[name])
        for name, value in ours.items()
        if name in theirs and theirs[name] != value
    }
