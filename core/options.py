"""The options with which a run is begun, for every command that begins one.

The flags for knobs and settings are drawn from the tables in dials.py, so that a new knob has its
flag at once.
"""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import msgspec
import typer

from core import __version__
from core.completing import one_of
from core.config import (
    MOST_THREADS,
    PRESETS,
    SEED_HIGH,
    DataConfig,
    Initialization,
    Knobs,
    ModelConfig,
    PlannedAct,
    PresetName,
    RunConfig,
    Settings,
    with_changes,
)
from core.config import parse_plan as parse_act
from core.dealing import dealing_for
from core.dials import KNOBS, SETTINGS, ConfigError, Dial, Value
from core.steering import check_plan
from core.threads import fitting_threads
from core.words import WordList, read_words

AUTO = "auto"
"""Said in place of a number of threads."""


FOUNDATIONS: tuple[Dial, ...] = (
    Dial("preset", "A named point to start from.", kind="choice", choices=tuple(PRESETS)),
    Dial("seed", "Of the first weights and of all minibatches.", high=SEED_HIGH, kind="count"),
    Dial("split_seed", "Of the one shuffle that deals the words.", high=SEED_HIGH, kind="count"),
    Dial(
        "threads",
        "Threads for the mathematics; auto: by the size of a step.",
        low=1,
        high=MOST_THREADS,
        kind="count",
    ),
    Dial("block_size", "Symbols of context.", low=1, high=64, kind="count"),
    Dial("embedding_size", "Of a symbol.", low=1, high=1024, kind="count"),
    Dial("hidden_size", "Neurons of the tanh layer.", low=1, high=16384, kind="count"),
    Dial("initialization", "Of the weights.", kind="choice", choices=get_args(Initialization)),
)
"""What a run is built on, and can never change while it trains."""
FOUNDATION = {dial.name: dial for dial in FOUNDATIONS}


class Beginning(msgspec.Struct, frozen=True):
    """A run that could begin: its configuration, its list, and where runs live."""

    config: RunConfig
    words: WordList
    runs: Path | None = None


class Recipe(msgspec.Struct, frozen=True):
    """How a run is trained at first, whatever it is built on."""

    knobs: Knobs
    settings: Settings
    plan: tuple[PlannedAct, ...] = ()


def shipped_names() -> Path:
    """The list that is learned when none is given: United States given names of 2017."""
    return Path(str(resources.files("data") / "names.txt"))


def not_given() -> dict[str, Any]:
    """Every flag of a run's beginning as it stands when it is not given."""
    return {flag.name: flag.default for flag in _flags()}


def begin(given: dict[str, Any], acts: tuple[str, ...] = ()) -> Beginning:
    """Turn the flags given on the command line into a configuration; raises ConfigError,
    DatasetError.
    """
    recipe = recipe_of(given, acts)
    words = read_words(shipped_names() if given["data"] is None else given["data"])
    return Beginning(configured(given, words, recipe), words, given["runs_dir"])


def recipe_of(given: dict[str, Any], acts: tuple[str, ...] = ()) -> Recipe:
    """What the preset says, with the knobs, settings and acts given; raises ConfigError."""
    preset = PRESETS[cast(PresetName, FOUNDATION["preset"].parse(given["preset"]))]
    settings = msgspec.structs.replace(preset.settings, **_parsed(SETTINGS, given))
    knobs = stretched(preset.knobs, preset.settings.step_limit, settings.step_limit)
    knobs = with_changes(knobs, _parsed(KNOBS, given))
    return Recipe(knobs, settings, tuple(parse_act(act) for act in acts))


def configured(given: dict[str, Any], words: WordList, recipe: Recipe) -> RunConfig:
    """The configuration of a run on these foundations, each as people type it.

    `given["data"]` names the file that `words` were read from, if not the shipped one; without an
    initialization the preset's is taken, without threads those that fit. Raises ConfigError.
    """
    path = str(given["data"] or shipped_names())
    try:
        # What is recorded of a run is UTF-8, the name of its list included, whatever the locale is.
        path = os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            "data", path, "is no valid UTF-8; rename the file or its folder"
        ) from None
    threads = None if given.get("threads") == AUTO else given.get("threads")
    found = _parsed(FOUNDATIONS, given | {"threads": threads})
    preset = cast(PresetName, found["preset"])
    found.setdefault("initialization", PRESETS[preset].initialization)
    sizes = {name: found[name] for name in ModelConfig.__struct_fields__}
    model = ModelConfig(**cast(dict[str, Any], sizes))
    fitting = fitting_threads(model, len(words.words.itos), recipe.knobs.batch_size)
    config = RunConfig(
        created=time.time(),
        version=__version__,
        preset=preset,
        data=DataConfig(
            path=path,
            sha256=words.sha256,
            split_seed=cast(int, found["split_seed"]),
            dealing=dealing_for(len(words.words)),
        ),
        model=model,
        seed=cast(int, found["seed"]),
        threads=cast(int, found.get("threads", fitting)),
        threads_given="threads" in found,
        knobs=recipe.knobs,
        settings=recipe.settings,
        plan=recipe.plan,
    )
    check_plan(config)
    return config


def stretched(knobs: Knobs, limit: int, new_limit: int) -> Knobs:
    """A preset's schedule in its shape for a run of another length; the warmup stays."""
    if new_limit == limit:
        return knobs
    drops = sorted({max(1, drop * new_limit // limit) for drop in knobs.drops})
    length = max(1, knobs.schedule_length * new_limit // limit)
    return msgspec.structs.replace(knobs, schedule_length=length, drops=tuple(drops))


def _parsed(dials: tuple[Dial, ...], given: dict[str, Any]) -> dict[str, Value]:
    """What is given of these, read from its text; raises ConfigError."""
    texts = ((dial, given.get(dial.name)) for dial in dials)
    return {dial.name: dial.parse(text) for dial, text in texts if text is not None}


def _flags() -> list[inspect.Parameter]:
    """Every flag of a run's beginning, as parameters that typer understands.

    Values stay text until `begin` reads them, so that each mistake gets the same kind of sentence.
    """
    model, run = ModelConfig(), "Run"
    presets = " ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items())
    flags = [
        _flag("data", "A list, one word per line. Default: the shipped names.", None, run, "PATH"),
        _flag("preset", presets, "lecture", run, choices=FOUNDATION["preset"].choices),
        _foundation("seed", 2_147_483_647, run),
        _foundation("split_seed", 42, run),
        _foundation("threads", AUTO, run),
        _foundation("block_size", model.block_size, "Model"),
        _foundation("embedding_size", model.embedding_size, "Model"),
        _foundation("hidden_size", model.hidden_size, "Model"),
        _flag(
            "initialization",
            "normal or scaled; default: the preset's.",
            None,
            "Model",
            choices=FOUNDATION["initialization"].choices,
        ),
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


def _foundation(name: str, default: int | str, panel: str) -> inspect.Parameter:
    return _flag(name, FOUNDATION[name].help, str(default), panel, "N")


def _dial_flags() -> list[inspect.Parameter]:
    """A flag for every knob and setting."""
    metavars = {"number": "X", "count": "N", "steps": "N,N"}
    return [
        _flag(dial.name, dial.help, None, panel, metavars.get(dial.kind, "NAME"), dial.choices)
        for panel, dials in (("Knobs", KNOBS), ("Settings", SETTINGS))
        for dial in dials
    ]


ALIASES = {"step_limit": "--steps"}
"""Flags that are not spelled like the quantity that they set."""


def _flag(
    name: str,
    text: str,
    default: str | None,
    panel: str,
    metavar: str = "NAME",
    choices: tuple[str, ...] = (),
) -> inspect.Parameter:
    option = typer.Option(
        ALIASES.get(name, f"--{name.replace('_', '-')}"),
        metavar=metavar,
        help=text,
        rich_help_panel=panel,
        autocompletion=one_of(choices) if choices else None,
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
    return _parsed(KNOBS, given), _parsed(SETTINGS, given)


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
