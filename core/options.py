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
from typing import Annotated, Any, cast

import msgspec
import typer

from core import __version__
from core.completing import one_of
from core.config import (
    KERNELS,
    PRESETS,
    RARE,
    VOCABULARY,
    DataConfig,
    Knobs,
    Level,
    ModelConfig,
    PlannedAct,
    Preset,
    PresetName,
    RunConfig,
    Settings,
    with_changes,
)
from core.config import parse_plan as parse_act
from core.dealing import dealing_for
from core.devices import chosen
from core.dials import KNOBS, SETTINGS, ConfigError, Dial, Value
from core.foundations import AUTO, FOUNDATION, FOUNDATIONS, SWITCH
from core.launch import read_data, vocab_size_of
from core.steering import check_plan
from core.threads import fitting_threads
from core.words import WordList


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


def shipped_text() -> Path:
    """The text that is learned where symbols are words and none is given: some Shakespeare."""
    return Path(str(resources.files("data") / "shakespeare.txt"))


def shipped(level: Level) -> Path:
    """What is learned when nothing is given."""
    return shipped_text() if level == "word" else shipped_names()


def level_given(given: dict[str, Any]) -> Level:
    """What a symbol is to be: as given, else as the preset says; raises ConfigError."""
    if given.get("level") is not None:
        return cast(Level, FOUNDATION["level"].parse(given["level"]))
    return _preset(given).level


def _preset(given: dict[str, Any]) -> Preset:
    return PRESETS[cast(PresetName, FOUNDATION["preset"].parse(given["preset"]))]


def not_given() -> dict[str, Any]:
    """Every flag of a run's beginning as it stands when it is not given."""
    return {flag.name: flag.default for flag in _flags()}


def begin(given: dict[str, Any], acts: tuple[str, ...] = ()) -> Beginning:
    """Turn the flags given on the command line into a configuration; raises ConfigError,
    DatasetError.
    """
    recipe = recipe_of(given, acts)
    level = level_given(given)
    words = read_data(shipped(level) if given["data"] is None else given["data"], level)
    return Beginning(configured(given, words, recipe), words, given["runs_dir"])


def recipe_of(given: dict[str, Any], acts: tuple[str, ...] = ()) -> Recipe:
    """What the preset says, with the knobs, settings and acts given; raises ConfigError."""
    preset = _preset(given)
    settings = msgspec.structs.replace(preset.settings, **_parsed(SETTINGS, given))
    knobs = stretched(preset.knobs, preset.settings.step_limit, settings.step_limit)
    knobs = with_changes(knobs, _parsed(KNOBS, given))
    return Recipe(knobs, settings, tuple(parse_act(act) for act in acts))


def configured(given: dict[str, Any], words: WordList, recipe: Recipe) -> RunConfig:
    """The configuration of a run on these foundations, each as people type it.

    `given["data"]` names the file that `words` were read from, if not the shipped one; what is not
    given of the model is the preset's, without threads those that fit are taken. Raises
    ConfigError, and DatasetError for a text whose words are all too rare.
    """
    level = level_given(given)
    path = str(given["data"] or shipped(level))
    try:
        # What is recorded of a run is UTF-8, the name of its list included, whatever the locale is.
        path = os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            "data", path, "is no valid UTF-8; rename the file or its folder"
        ) from None
    threads = None if given.get("threads") == AUTO else given.get("threads")
    found = _parsed(FOUNDATIONS, given | {"threads": threads})
    sizes = {name: found[name] for name in ModelConfig.__struct_fields__ if name in found}
    sizes |= {name: found == "on" for name, found in sizes.items() if found in SWITCH}
    model = msgspec.structs.replace(_preset(given).model, **sizes)
    data = DataConfig(
        path=path,
        sha256=words.sha256,
        split_seed=cast(int, found["split_seed"]),
        dealing=dealing_for(len(words.words)),
        level=level,
        splitting="letters",
        **{name: found[name] for name in ("vocabulary", "rare") if name in found},  # type: ignore[arg-type]
    )
    device = chosen(cast(str, found.get("device", "cpu")))
    fitting = fitting_threads(model, vocab_size_of(words, data), recipe.knobs.batch_size)
    config = RunConfig(
        created=time.time(),
        version=__version__,
        preset=cast(PresetName, found["preset"]),
        data=data,
        model=model,
        seed=cast(int, found["seed"]),
        threads=cast(int, found.get("threads", fitting)),
        threads_given="threads" in found,
        device=device,
        kernel=KERNELS[device],
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
    run = "Run"
    presets = " ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items())
    flags = [
        _flag(
            "data",
            "A list, one word per line, or a text if symbols are words. Default: the shipped ones.",
            None,
            run,
            "PATH",
        ),
        _flag("preset", presets, "lecture", run, choices=FOUNDATION["preset"].choices),
        _foundation("seed", 2_147_483_647, run),
        _foundation("split_seed", 42, run),
        _foundation("threads", AUTO, run),
        _flag(
            "device", FOUNDATION["device"].help, "cpu", run, choices=FOUNDATION["device"].choices
        ),
        _of_preset("level", run),
        _of_preset("vocabulary", run, f"Default: {VOCABULARY:,}."),
        _of_preset("rare", run, f"Default: {RARE}."),
        *(_of_preset(name, "Model") for name in ModelConfig.__struct_fields__),
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


def _of_preset(name: str, panel: str, default: str = "Default: the preset's.") -> inspect.Parameter:
    """A flag that is not given unless it is typed."""
    dial = FOUNDATION[name]
    metavar = "NAME" if dial.choices else "N"
    return _flag(name, f"{dial.help} {default}", None, panel, metavar, dial.choices)


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
        # Two are said as shortly as named.
        metavar="|".join(choices) if len(choices) == 2 else metavar,
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
