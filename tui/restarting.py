"""What a restart takes over from the run on the screen, and what may be otherwise in the new one.

Apart from Textual, so that the form and the command line can be compared without a screen: both
hand their texts to `core.options.configured`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from core.config import (
    PRESETS,
    DataConfig,
    Knobs,
    Level,
    ModelConfig,
    PresetName,
    RunConfig,
    Settings,
    with_changes,
)
from core.dials import Dial, show
from core.foundations import AUTO, FOUNDATION, SWITCH
from core.launch import read_data, vocab_size_of
from core.options import Beginning, Recipe, configured, recipe_of, shipped
from core.protocol import SetKnobs
from core.steering import resolve_knobs
from core.words import WordList

BEGAN, NOW, PRESET = "as this run began", "as they are now", "as the preset has them"
"""Where the knobs and settings of the new run come from."""


@dataclass(frozen=True)
class Field:
    """A line of the form."""

    name: str
    """Of a flag of the command line, or `recipe`."""
    help: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Words to turn through, each with its help; without any a text is typed."""

    @property
    def dial(self) -> Dial | None:
        """What checks the text, if it can be checked by itself."""
        return FOUNDATION.get(self.name)

    @property
    def label(self) -> str:
        """Its name as people say it."""
        return {"data": "data file", "recipe": "rate and knobs"}.get(
            self.name, self.name.replace("_", " ")
        )

    def about(self, text: str) -> str:
        """Help on what stands in it."""
        return self.choices.get(text, self.help)


def _count(name: str) -> Field:
    dial = FOUNDATION[name]
    return Field(name, f"{dial.help} {dial.range().capitalize()}.")


FIELDS = (
    _count("block_size"),
    _count("embedding_size"),
    _count("hidden_size"),
    Field(
        "initialization",
        choices={
            "normal": "Every weight from N(0, 1), as in the lecture.",
            "scaled": "W1 × (5/3)/√fan_in, W2 × 0.01, biases 0.",
            "small": "As scaled, and C × 0.1: for vocabularies of thousands of words.",
        },
    ),
    Field(
        "direct",
        choices={
            "off": "The output sees the embeddings through the hidden layer only.",
            "on": "The output sees the embeddings themselves too: W of the paper's equation 1.",
        },
    ),
    _count("seed"),
    Field(
        "level",
        choices={
            "character": "The data is a list, one word per line; a symbol is a character.",
            "word": "The data is a running text; a symbol is a word or a mark, and rare words are"
            " one.",
        },
    ),
    Field(
        "data",
        "A list, one word per line, or a text where symbols are words; empty: the shipped one."
        " Left as it is: this run's own copy.",
    ),
    Field(
        "device",
        choices={
            "cpu": "Updates are computed on the processor.",
            "cuda": "On an NVIDIA GPU, or on one of AMD; refused where PyTorch finds none.",
            "mps": "On the GPU of a Mac; refused where PyTorch finds none.",
            AUTO: "On a GPU where PyTorch finds one, else on the processor.",
        },
    ),
    Field("preset", choices={name: preset.help for name, preset in PRESETS.items()}),
    Field(
        "recipe",
        choices={
            BEGAN: "Rate, schedule, optimizer, batch, step limit and all else that this run was"
            " begun with; the pace as it is now.",
            NOW: "Rate, schedule, optimizer, batch, step limit and all else that is in force now,"
            " from step 0 on.",
            PRESET: "Rate, schedule, optimizer, batch, step limit and all else as the preset says;"
            " the pace as it is now.",
        },
    ),
)
"""In their order on the screen; a model's sizes come first, since they are changed most."""


@dataclass(frozen=True)
class Origin:
    """The run that is restarted."""

    config: RunConfig
    knobs: Knobs
    """In force now."""
    settings: Settings
    words: Path
    """Where it reads its list: mostly a copy of its own."""

    @property
    def texts(self) -> dict[str, str]:
        """What the form is filled with."""
        config = self.config
        return {
            **_texts_of(config.model, config.data.level),
            "seed": str(config.seed),
            "data": config.data.path,
            "device": config.device,
            "preset": config.preset,
            "recipe": BEGAN,
        }

    def brought(self, preset: PresetName) -> dict[str, str]:
        """What a preset brings to the fields: that in which it is not like the run's own preset.

        So sizes that a person gave this run stay as long as the presets do not differ in them.
        """
        own, other = PRESETS[self.config.preset], PRESETS[preset]
        ours, theirs = (_texts_of(each.model, each.level) for each in (own, other))
        changed = {name: text for name, text in theirs.items() if text != ours[name]}
        return self.texts | changed | {"recipe": BEGAN if own is other else PRESET}

    def data_for(self, level: str) -> str:
        """What stands in the field for the data until a person types there: a list is no text."""
        return self.config.data.path if level == self.config.data.level else ""

    def file(self, text: str, level: Level) -> Path:
        """The file that is meant by the text of the field for the data."""
        return self.words if text == self.config.data.path else Path(_path(text, level))

    def read(self, text: str, level: Level) -> ReadList:
        """Read that file as a list, or as a text."""
        data = msgspec.structs.replace(self.config.data, level=level)
        return read_list(text, self.file(text, level), data)

    def decay_biases(self, texts: dict[str, str]) -> str:
        """Not asked for: as the run has it, or as another preset does."""
        preset = cast(PresetName, texts["preset"])
        model = self.config.model if preset == self.config.preset else PRESETS[preset].model
        return SWITCH[model.decay_biases]

    def recipe(self, texts: dict[str, str]) -> Recipe:
        """What the new run begins with."""
        if texts["recipe"] == NOW:
            return Recipe(_from_the_first_step(self.knobs), self.settings)
        found = recipe_of(texts) if texts["recipe"] == PRESET else began(self.config)
        # How fast it is watched is no part of what is learned: a person has just chosen it.
        settings = msgspec.structs.replace(found.settings, pace=self.settings.pace)
        return msgspec.structs.replace(found, settings=settings)

    def begin(self, texts: dict[str, str], words: WordList) -> Beginning:
        """The new run from the form's texts and the list that they name; raises ConfigError.

        Where the device is not the processor, it is looked for: a second or two, once.
        """
        own, text = self.config.data, texts["data"]
        data = text if text == own.path else _path(text, cast(Level, texts["level"]))
        kept = {
            "split_seed": str(own.split_seed),
            "vocabulary": str(own.vocabulary),
            "rare": str(own.rare),
            "decay_biases": self.decay_biases(texts),
            "threads": str(self.config.threads) if self.config.threads_given else AUTO,
        }
        given = texts | kept | {"data": data}
        return Beginning(configured(given, words, self.recipe(texts)), words)


def _texts_of(model: ModelConfig, level: Level) -> dict[str, str]:
    """What a model has to say of the fields: a run's, or that of a preset."""
    return {
        "block_size": str(model.block_size),
        "embedding_size": str(model.embedding_size),
        "hidden_size": str(model.hidden_size),
        "initialization": model.initialization,
        "direct": SWITCH[model.direct],
        "level": level,
    }


def _path(text: str, level: Level) -> str:
    """A path as a shell would read it; what is shipped where nothing is typed."""
    return os.path.expanduser(text.strip()) or str(shipped(level))  # noqa: PTH111


def began(config: RunConfig) -> Recipe:
    """What a run was begun with; a fork with what it was given at its first step."""
    knobs, plan = config.knobs, config.plan
    if config.parent is not None:
        first = config.parent.step
        for act in (act for act in plan if act.step <= first):
            wish = SetKnobs(values=act.changes)
            knobs = with_changes(knobs, resolve_knobs(wish, knobs, config.settings, first))
        plan = tuple(act for act in plan if act.step > first)
    return Recipe(_from_the_first_step(knobs), config.settings, plan)


def _from_the_first_step(knobs: Knobs) -> Knobs:
    """A schedule that began later begins with the new run."""
    return msgspec.structs.replace(knobs, schedule_start=0)


@dataclass(frozen=True)
class ReadList:
    """What became of reading the list that a text names."""

    text: str
    level: Level
    """As what it was read."""
    words: WordList | None = None
    vocab_size: int = 0
    error: str = ""


def read_list(text: str, file: Path, data: DataConfig) -> ReadList:
    """Read and count the list or text, as `data` says; a mistake is told in the answer."""
    try:
        words = read_data(file, data.level)
        return ReadList(text, data.level, words, vocab_size_of(words, data))
    except ValueError as error:
        # A UserError, or a name that no file can have.
        return ReadList(text, data.level, error=str(error))


def recipe_text(recipe: Recipe) -> str:
    """`sgd at rate 0.1 (step), batch 32, 200,000 steps`."""
    knobs, limit = recipe.knobs, recipe.settings.step_limit
    planned = f", acts planned: {len(recipe.plan)}" if recipe.plan else ""
    return (
        f"{knobs.optimizer} at rate {show(knobs.learning_rate)} ({knobs.schedule}),"
        f" batch {show(knobs.batch_size)}, {show(limit)} steps{planned}"
    )
