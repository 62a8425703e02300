"""What a run is built on, as data: what the command line and the form for a restart ask for.

Apart from the knobs and settings of dials.py, which can change while a run trains.
"""

from __future__ import annotations

from typing import get_args

from core.config import (
    MOST_THREADS,
    MOST_WORDS,
    PRESETS,
    SEED_HIGH,
    Device,
    Initialization,
    Level,
)
from core.dials import Dial

AUTO = "auto"
"""Said in place of a number of threads, and of a device."""
SWITCH = ("off", "on")
"""Said of what a model has or has not."""


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
    Dial(
        "device",
        "Where updates are computed; auto: on a GPU where PyTorch finds one.",
        kind="choice",
        choices=(*get_args(Device), AUTO),
    ),
    Dial(
        "level",
        "What a symbol is: a character of a list of words, or a word of a running text.",
        kind="choice",
        choices=get_args(Level),
    ),
    Dial(
        "vocabulary",
        "Of a text: most words, the frequent ones; others become <unk>.",
        low=3,
        high=MOST_WORDS,
        kind="count",
    ),
    Dial(
        "rare",
        "Of a text: words that train has at most so often become <unk>.",
        high=MOST_WORDS,
        kind="count",
    ),
    Dial("block_size", "Symbols of context.", low=1, high=64, kind="count"),
    Dial("embedding_size", "Of a symbol.", low=1, high=1024, kind="count"),
    Dial("hidden_size", "Neurons of the tanh layer.", low=1, high=16384, kind="count"),
    Dial("initialization", "Of the weights.", kind="choice", choices=get_args(Initialization)),
    Dial(
        "direct",
        "Connections from the embeddings straight to the output.",
        kind="choice",
        choices=SWITCH,
    ),
    Dial(
        "decay_biases",
        "Weight decay pulls biases too, not only weights.",
        kind="choice",
        choices=SWITCH,
    ),
)
"""What a run is built on, and can never change while it trains."""
FOUNDATION = {dial.name: dial for dial in FOUNDATIONS}
