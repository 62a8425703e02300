"""What a run is made of: its data, model, seeds, and the knobs and settings it starts with.

No torch here: the dashboard reads this file too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from core.dealing import Dealing
from core.dials import DIALS, KNOB_NAMES, KNOBS, SETTINGS, ConfigError, Value, show, whole
from core.tokens import Splitting

FORMAT = 1
"""Version of the run directory's layout; a reader refuses any other."""

MOST_STEP = 10**12
"""No run comes this far; a larger number is a slip of the keys, or damage."""
MOST_THREADS = 256
SEED_HIGH = 2**63 - 1

ScheduleKind = Literal["constant", "step", "exponential", "linear", "cosine", "inverse"]
OptimizerKind = Literal["sgd", "adamw"]
Initialization = Literal["normal", "scaled", "small"]
GuardKind = Literal["off", "stop", "act"]
PresetName = Literal["lecture", "fast", "bengio2003"]
Level = Literal["character", "word"]
Device = Literal["cpu", "cuda", "mps"]
GPUS: tuple[Device, ...] = ("cuda", "mps")

KERNELS: dict[Device, str] = {"cpu": "script-1", "cuda": "graph-1", "mps": "rows-1"}
"""Of each device the implementation of an update: another name where it may give other bits."""

VOCABULARY, RARE = 17_000, 3
"""Of words, unless others are given: the number that the lecture tells, the paper's §4.1."""
MOST_WORDS = 100_000
"""In a vocabulary."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all that stands in `config.json`: immutable, and strict about what it reads."""


class DataConfig(Config, frozen=True, kw_only=True):
    """The list of words, or the text, and how it becomes train, dev and test."""

    path: str
    """Where it came from. The run keeps its own copy, `words.txt`, and reads only that."""
    sha256: str
    """Of the file's bytes."""
    split_seed: int = 42
    """Of the one deal of the words into train, dev and test (80 / 10 / 10)."""
    dealing: Dealing = "shuffle"
    """How they are dealt: as `random.Random(split_seed).shuffle` orders them, or, beyond a million
    words, by a permutation that takes a fraction of the time (core/dealing.py)."""
    level: Level = "character"
    """What a symbol is: a character of a list of words, or a word of a running text, whose parts
    follow each other (core/text.py)."""
    vocabulary: int = VOCABULARY
    """Of a text: the most symbols, `<s>` and `<unk>` among them."""
    rare: int = RARE
    """Of a text: a word that train has at most so often is `<unk>`."""
    splitting: Splitting = "symbols"
    """Of a text: how it is split into words (core/tokens.py); new runs keep letters whole."""

    def __post_init__(self) -> None:
        _check_range("split_seed", self.split_seed, SEED_HIGH)
        _check_range("vocabulary", self.vocabulary, MOST_WORDS, low=3)
        _check_range("rare", self.rare, MOST_WORDS)


class ModelConfig(Config, frozen=True, kw_only=True):
    """Sizes of the network of Bengio et al. 2003."""

    block_size: int = 3
    """How many symbols of context predict the next one."""
    embedding_size: int = 10
    """Dimensions of a symbol's embedding (a row of C)."""
    hidden_size: int = 200
    """Neurons of the tanh layer."""
    initialization: Initialization = "normal"
    """`normal`: every weight from N(0, 1), as in the lecture.
    `scaled`: W1 × (5/3)/√fan_in, W2 × 0.01, biases 0, as in the lecture's third part.
    `small`: so, and C × 0.1: of thousands of words most come seldom, and large random embeddings
    would stay where chance had put them."""
    direct: bool = False
    """Connections from the embeddings straight to the output: W of the paper's equation 1."""
    decay_biases: bool = True
    """Weight decay pulls biases too, as in `torch.optim`; in the paper's §2 it does not. Of
    thousands of words the bias says how frequent each is: at 0, seldom ones would be too likely."""

    def parameters(self, vocab_size: int) -> int:
        """How many weights the network has: C, W1, b1, W2, b2, and W if there is one."""
        inputs = self.block_size * self.embedding_size
        hidden = (inputs + 1) * self.hidden_size
        straight = inputs * vocab_size if self.direct else 0
        return (
            vocab_size * self.embedding_size
            + hidden
            + (self.hidden_size + 1) * vocab_size
            + straight
        )

    def __post_init__(self) -> None:
        for field, high in (("block_size", 64), ("embedding_size", 1024), ("hidden_size", 16384)):
            value = getattr(self, field)
            if not 1 <= value <= high:
                raise ConfigError(field, value, f"must be between 1 and {high:,}")


class Knobs(Config, frozen=True, kw_only=True):
    """What shapes the next update, and can change at any step: part of the training state."""

    learning_rate: float = 0.1
    schedule: ScheduleKind = "constant"
    schedule_start: int = 0
    schedule_length: int = 200_000
    warmup: int = 0
    floor: float = 0.0
    drops: tuple[int, ...] = ()
    drop_factor: float = 0.1
    optimizer: OptimizerKind = "sgd"
    momentum: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0
    clip: float = 0.0
    batch_size: int = 32
    fixed_batch: int | None = None

    def __post_init__(self) -> None:
        for knob in KNOBS:
            knob.check(getattr(self, knob.name))
        if self.schedule == "exponential" and self.floor == 0:
            raise ConfigError("floor", 0.0, "cannot end an exponential schedule; try 0.01")


class Settings(Config, frozen=True, kw_only=True):
    """What can change at any step without touching the weights: noted, never undone."""

    evaluation_interval: int = 5_000
    step_limit: int = 200_000
    temperature: float = 1.0
    top_k: int = 0
    pace: int = 0
    guard: GuardKind = "stop"
    autopilot: Literal["off", "on"] = "off"
    patience: int = 5
    autopilot_factor: float = 0.1
    autopilot_minimum: float = 1e-5

    def __post_init__(self) -> None:
        for setting in SETTINGS:
            setting.check(getattr(self, setting.name))


class PlannedAct(Config, frozen=True, kw_only=True):
    """A change of knobs that the engine makes by itself at `step` (`--act STEP:knob=value`)."""

    step: int
    changes: dict[str, Value]

    def __post_init__(self) -> None:
        _check_range("act at step", self.step, MOST_STEP)


class Parent(Config, frozen=True, kw_only=True):
    """Where a fork comes from: a run, and the point of it that its `start.safetensors` holds."""

    run: str
    seq: int
    step: int
    examples: int = 0
    """Consumed until there, its own parent's included: the epochs of the fork count on."""

    def __post_init__(self) -> None:
        _check_range("step", self.step, MOST_STEP)
        _check_range("examples", self.examples, MOST_STEP * 65_536)


class RunConfig(Config, frozen=True, kw_only=True):
    """Everything that a run starts from; stands in its `config.json` and never changes."""

    format: int = FORMAT
    created: float
    """Seconds since 1970."""
    version: str
    """Of steermore."""
    preset: PresetName
    data: DataConfig
    model: ModelConfig
    seed: int = 2_147_483_647
    """Gives the initial weights and every minibatch; the lecture's own."""
    threads: int = 1
    """Threads for the mathematics, fixed for the run's life: another number may give other bits."""
    threads_given: bool = False
    """A person said how many; else they were chosen by the size of a step (core/threads.py)."""
    device: Device = "cpu"
    """Where updates are computed: the processor, or a GPU (core/on_device.py)."""
    kernel: str = KERNELS["cpu"]
    """Which implementation of the step computed the run."""
    knobs: Knobs
    settings: Settings
    plan: tuple[PlannedAct, ...] = ()
    parent: Parent | None = None
    """Of a fork: its first state is not that of its seed."""
    test_looks: int = 0
    """How often the test split had been looked at in the runs that this one was forked from."""

    def __post_init__(self) -> None:
        # Two hundred billion threads would end the process that is asked for them.
        _check_range("threads", self.threads, MOST_THREADS, low=1)
        _check_range("seed", self.seed, SEED_HIGH)
        _check_range("created", self.created, 1e11)
        _check_range("test_looks", self.test_looks, MOST_STEP)


def _check_range(field: str, value: float, high: float, low: float = 0) -> None:
    if not low <= value <= high:
        raise ConfigError(field, value, f"must be between {show(low)} and {show(high)}")


@dataclass(frozen=True)
class Preset:
    """A named point to start from."""

    help: str
    knobs: Knobs
    settings: Settings
    model: ModelConfig
    """Its sizes are those of a run that is given no others."""
    level: Level = "character"


PRESETS: dict[PresetName, Preset] = {
    "lecture": Preset(
        "The lecture's recipe: N(0, 1) weights, SGD, batch 32, rate 0.1 then 0.01, 200,000 steps.",
        Knobs(schedule="step", drops=(100_000,)),
        Settings(),
        ModelConfig(),
    ),
    "fast": Preset(
        "The same model in 3,000 steps: scaled weights, AdamW, batch 128, warmup, linear decay.",
        Knobs(
            learning_rate=0.01,
            schedule="linear",
            schedule_length=3_000,
            warmup=150,
            optimizer="adamw",
            batch_size=128,
        ),
        Settings(evaluation_interval=500, step_limit=3_000),
        ModelConfig(initialization="scaled"),
    ),
    "bengio2003": Preset(
        "The paper's network on running text: words, direct connections, SGD with weight decay, a"
        " rate that falls as 1 / (1 + r t).",
        Knobs(
            learning_rate=0.5,
            schedule="inverse",
            schedule_length=10_000,
            weight_decay=1e-5,
            batch_size=64,
        ),
        Settings(evaluation_interval=2_000, step_limit=20_000),
        ModelConfig(
            block_size=5,
            embedding_size=60,
            hidden_size=100,
            initialization="small",
            direct=True,
            decay_biases=False,
        ),
        "word",
    ),
}


def with_changes(knobs: Knobs, changes: dict[str, Value]) -> Knobs:
    """`knobs` with some of them replaced; raises ConfigError for a name or a value that is none."""
    exact: dict[str, Value] = {}
    for name, value in changes.items():
        if name not in KNOB_NAMES:
            raise ConfigError(
                name, value, f"is no knob; the knobs are {', '.join(sorted(KNOB_NAMES))}"
            )
        exact[name] = DIALS[name].exact(value)
    return msgspec.structs.replace(knobs, **exact)


def parse_plan(text: str) -> PlannedAct:
    """Read `STEP:knob=value`, as in `5000:learning_rate=0.01`; raises ConfigError."""
    where, colon, what = text.partition(":")
    name, equals, value = what.partition("=")
    name = name.strip().replace("-", "_")
    cure = "must read STEP:knob=value, as in 5000:learning_rate=0.01"
    if not colon or not equals:
        raise ConfigError("act", text, cure)
    try:
        step = whole(where)
    except ValueError:
        raise ConfigError("act", text, cure) from None
    if step < 0:
        raise ConfigError("act", text, cure)
    if name not in KNOB_NAMES:
        raise ConfigError(
            "act", text, f"names no knob; the knobs are {', '.join(sorted(KNOB_NAMES))}"
        )
    return PlannedAct(step=step, changes={name: DIALS[name].parse(value)})
