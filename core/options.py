"""The options with which a run is begun, for every command that begins one.

The flags for knobs and settings are drawn from the tables in dials.py, so that a new knob has its
flag at once.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import msgspec
import typer

from core import __version__
from core.config import (
    PRESETS,
    DataConfig,
    Initialization,
    Knobs,
    ModelConfig,
    PresetName,
    RunConfig,
    with_changes,
)
from core.config import parse_plan as parse_act
from core.dials import KNOBS, SETTINGS, ConfigError, Dial, Value, parse_count
from core.steering import check_plan
from core.words import WordList, read_words

SEED_HIGH = 2**63 - 1


class Beginning(msgspec.Struct, frozen=True):
    """A run that could begin: its configuration, its list, and where runs live."""

    config: RunConfig
    words: WordList
    runs: Path | None


def shipped_names() -> Path:
    """The list that is learned when none is given: United States given names of 2017."""
    return Path(str(resources.files("data") / "names.txt"))


def begin(given: dict[str, Any], acts: tuple[str, ...] = ()) -> Beginning:
    """Turn the flags given on the command line into a configuration; raises ConfigError,
    DatasetError.
    """
    preset_name = given["preset"]
    if preset_name not in PRESETS:
        raise ConfigError("preset", preset_name, f"must be one of {', '.join(PRESETS)}")
    preset = PRESETS[cast(PresetName, preset_name)]
    initialization = given["initialization"] or preset.initialization
    if initialization not in get_args(Initialization):
        names = ", ".join(get_args(Initialization))
        raise ConfigError("initialization", initialization, f"must be one of {names}")
    settings = msgspec.structs.replace(preset.settings, **_typed(SETTINGS, given))
    knobs = stretched(preset.knobs, preset.settings.step_limit, settings.step_limit)
    knobs = with_changes(knobs, _typed(KNOBS, given))
    path = given["data"] or shipped_names()
    words = read_words(path)
    config = RunConfig(
        created=time.time(),
        version=__version__,
        preset=cast(PresetName, preset_name),
        data=DataConfig(
            path=str(path),
            sha256=words.sha256,
            split_seed=parse_count("split_seed", given["split_seed"], 0, SEED_HIGH),
        ),
        model=ModelConfig(
            block_size=parse_count("block_size", given["block_size"], 1, 64),
            embedding_size=parse_count("embedding_size", given["embedding_size"], 1, 1024),
            hidden_size=parse_count("hidden_size", given["hidden_size"], 1, 16384),
            initialization=cast(Initialization, initialization),
        ),
        seed=parse_count("seed", given["seed"], 0, SEED_HIGH),
        threads=parse_count("threads", given["threads"], 1, 256),
        knobs=knobs,
        settings=settings,
        plan=tuple(parse_act(act) for act in acts),
    )
    check_plan(config)
    return Beginning(config, words, given["runs_dir"])


def stretched(knobs: Knobs, limit: int, new_limit: int) -> Knobs:
    """A preset's schedule in its shape for a run of another length; the warmup stays."""
    if new_limit == limit:
        return knobs
    drops = sorted({max(1, drop * new_limit // limit) for drop in knobs.drops})
    length = max(1, knobs.schedule_length * new_limit // limit)
    return msgspec.structs.replace(knobs, schedule_length=length, drops=tuple(drops))


def _typed(dials: tuple[Dial, ...], given: dict[str, Any]) -> dict[str, Value]:
    return {dial.name: dial.parse(text) for dial in dials if (text := given[dial.name]) is not None}


def _flags() -> list[inspect.Parameter]:
    """Every flag of a run's beginning, as parameters that typer understands.

    Values stay text until `begin` reads them, so that each mistake gets the same kind of sentence.
    """
    model, run = ModelConfig(), "Run"
    flags = [
        _flag("data", "A list, one word per line. Default: the shipped names.", None, run, "PATH"),
        _flag("preset", "; ".join(f"{n}: {p.help}" for n, p in PRESETS.items()), "lecture", run),
        _flag("seed", "Of the first weights and of all minibatches.", "2147483647", run, "N"),
        _flag("split_seed", "Of the one shuffle that deals the words.", "42", run, "N"),
        _flag("threads", "Threads for the mathematics.", "1", run, "N"),
        _flag("block_size", "Symbols of context.", str(model.block_size), "Model", "N"),
        _flag("embedding_size", "Of a symbol.", str(model.embedding_size), "Model", "N"),
        _flag("hidden_size", "Neurons of the tanh layer.", str(model.hidden_size), "Model", "N"),
        _flag("initialization", "normal or scaled; default: the preset's.", None, "Model"),
    ]
    flags += _dial_flags()
    runs_dir = Annotated[
        Path | None,
        typer.Option(
            "--runs-dir",
            metavar="DIR",
            help="Where runs are kept. Default: $STEERMORE_RUNS, or ./runs.",
            rich_help_panel=run,
        ),
    ]
    return [*flags, _parameter("runs_dir", runs_dir, None)]


def _dial_flags() -> list[inspect.Parameter]:
    """A flag for every knob and setting."""
    metavars = {"number": "X", "count": "N", "steps": "N,N"}
    return [
        _flag(dial.name, dial.help, None, panel, metavars.get(dial.kind, "NAME"))
        for panel, dials in (("Knobs", KNOBS), ("Settings", SETTINGS))
        for dial in dials
    ]


ALIASES = {"step_limit": "--steps"}
"""Flags that are not spelled like the quantity that they set."""


def _flag(
    name: str, text: str, default: str | None, panel: str, metavar: str = "NAME"
) -> inspect.Parameter:
    option = typer.Option(
        ALIASES.get(name, f"--{name.replace('_', '-')}"),
        metavar=metavar,
        help=text,
        rich_help_panel=panel,
    )
    return _parameter(name, Annotated[str | None, option], default)


def _parameter(name: str, annotation: Any, default: str | None) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def with_run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every flag of a run's beginning; its parameter `given` receives them."""
    return _with_flags(function, _flags())


def with_dial_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of knobs and settings; its parameter `given` receives them."""
    return _with_flags(function, _dial_flags())


def changes(given: dict[str, Any]) -> tuple[dict[str, Value], dict[str, Value]]:
    """The knobs and the settings among the flags given; raises ConfigError."""
    return _typed(KNOBS, given), _typed(SETTINGS, given)


def _with_flags(function: Callable[..., Any], flags: list[inspect.Parameter]) -> Callable[..., Any]:
    own = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != "given"
    ]

    @functools.wraps(function)
    def command(**values: Any) -> Any:
        given = {flag.name: values.pop(flag.name) for flag in flags}
        return function(given=given, **values)

    parameters = [*own, *flags]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    del command.__wrapped__
    return command
