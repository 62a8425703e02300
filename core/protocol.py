"""A run's one protocol: what dashboard and engine say, what stands on disk, what a replay reads.

Commands are imperative; events are past tense and carry the step at which they hold. An event that
is recorded has a sequence number: an *act* changes the training state, a *note* does not. Messages
are msgpack on the wire and JSON lines on disk, and are validated on the way in. A number that may
not be finite is `float | None`, None meaning "not finite", since JSON cannot carry NaN.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.config import RunConfig
from core.decoding import soundly
from core.dials import Value

PROTOCOL = 1
"""Version of the messages; engine and dashboard must agree."""

MAX_FRAME = 16 * 1024 * 1024
"""Largest message in bytes that either side accepts."""

RollbackReason = Literal["undo", "redo", "restore", "guard", "resume"]

SnapshotReason = Literal["evaluated", "named", "finished", "stopped"]

By = Literal["person", "command line", "guard", "autopilot"]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of every command and event; its class name is its tag."""


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A place in a run: the last act included, and the count of updates done."""

    seq: int
    step: int


# --- commands ------------------------------------------------------------------------------------


class Command(Message, frozen=True, kw_only=True):
    """A wish to the engine; the answer names its `id`."""

    id: int = 0


class Resume(Command, frozen=True, kw_only=True):
    """Train on."""


class Pause(Command, frozen=True, kw_only=True):
    """Stand still after the present chunk."""


class Step(Command, frozen=True, kw_only=True):
    """Make exactly `count` updates, then stand still. Only while paused."""

    count: int = 1


class SetKnobs(Command, frozen=True, kw_only=True):
    """Give knobs new values, all at one step. A new schedule begins now (core/steering.py)."""

    values: dict[str, Value]


class SetSetting(Command, frozen=True, kw_only=True):
    """Give one setting a new value."""

    name: str
    value: Value


class Nudge(Command, frozen=True, kw_only=True):
    """Move a knob or setting along its ladder, from wherever it is when the engine reads this."""

    name: str
    rungs: int
    fine: bool = False


class Decay(Command, frozen=True, kw_only=True):
    """Multiply the base learning rate by `factor` now, as the lecture does at a plateau."""

    factor: float = 0.1


class Evaluate(Command, frozen=True, kw_only=True):
    """Measure the loss on dev and on the fixed part of train, now."""

    test: bool = False
    """On the test split instead: for the end, confirmed by the person, and counted."""


class FindLearningRate(Command, frozen=True, kw_only=True):
    """Range test (Smith 2015) on a copy of the trainer: one update at each of `steps` rates that
    rise exponentially from `low` to `high`, as in the lecture. The run itself stands still.
    """

    low: float = 1e-3
    high: float = 1.0
    steps: int = 1_000


class Sample(Command, frozen=True, kw_only=True):
    """Draw `count` names.

    None stands for the run's setting (temperature, top_k) or for the count of drawings (seed).
    """

    count: int = 10
    temperature: float | None = None
    top_k: int | None = None
    seed: int | None = None
    prefix: str = ""
    max_length: int = 50


class Predict(Command, frozen=True, kw_only=True):
    """The odds of every symbol that may come after `prefix`; of a text, of every word."""

    prefix: str = ""


class Score(Command, frozen=True, kw_only=True):
    """The surprise of every symbol of these words, and of their ends; of texts, of every word."""

    words: tuple[str, ...]


class FindSurprising(Command, frozen=True, kw_only=True):
    """The words of dev that surprise the model most and least; of a text, the sentences."""

    count: int = 10


class Embed(Command, frozen=True, kw_only=True):
    """The embedding table as it is now."""


class Diagnose(Command, frozen=True, kw_only=True):
    """The checks of the lecture's part 3 on the model as it is, and on the update that is next."""


class Undo(Command, frozen=True, kw_only=True):
    """Go back to the state before the last act that is not undone, weights included."""


class Redo(Command, frozen=True, kw_only=True):
    """Go forward to the state in which the last undo was asked for."""


class Restore(Command, frozen=True, kw_only=True):
    """Go to any earlier state: a point of the record, or a step of the present lineage."""

    point: Point | None = None
    step: int | None = None


class TakeSnapshot(Command, frozen=True, kw_only=True):
    """Save the present state under a name, for good."""

    name: str = ""


class Cancel(Command, frozen=True, kw_only=True):
    """Give up what takes long: an evaluation, a range test, or the way to an earlier state."""


class Shutdown(Command, frozen=True, kw_only=True):
    """Save a checkpoint and end the engine."""


AnyCommand = (
    Resume
    | Pause
    | Step
    | SetKnobs
    | SetSetting
    | Nudge
    | Decay
    | Evaluate
    | FindLearningRate
    | Sample
    | Predict
    | Score
    | FindSurprising
    | Embed
    | Diagnose
    | Undo
    | Redo
    | Restore
    | TakeSnapshot
    | Cancel
    | Shutdown
)


# --- events that are recorded --------------------------------------------------------------------


class Recorded(Message, frozen=True, kw_only=True):
    """An event that stands in the record."""

    seq: int
    branch: int
    step: int
    time: float
    """Seconds since 1970, for people; nothing is computed from it."""
    answers: int | None = None
    """The id of the command that this answers."""
    client: str = ""
    """Who asked; empty for the engine itself."""


class Act(Recorded, frozen=True, kw_only=True):
    """A recorded event that changes the training state: effects in absolute numbers, not wishes."""

    before: Point
    by: By = "person"


class RunOpened(Act, frozen=True, kw_only=True):
    """The first act: the run begins from its configuration."""

    config: RunConfig


class KnobsChanged(Act, frozen=True, kw_only=True):
    """Knobs took new values {name: (old, new)}, in force from the update that leaves `step`."""

    changes: dict[str, tuple[Value, Value]]
    joins: bool = False
    """For undo one act with the act before: the same knob, moved again within a second."""
    optimizer_restarted: bool = False


class RolledBack(Act, frozen=True, kw_only=True):
    """The state of an earlier point is in force again, with `changes`: a new branch begins.

    `branch` is the new one, `step` that of its first state; `before` tells what was left.
    """

    to: Point
    reason: RollbackReason
    changes: dict[str, tuple[Value, Value]] = {}
    differs: int | None = None
    """Reason `resume`: the update whose loss was computed otherwise than it was recorded."""


class EngineStarted(Recorded, frozen=True, kw_only=True):
    """An engine process took up the run, in this environment (whatever could change a bit)."""

    pid: int
    environment: dict[str, str | int]


class EngineStopped(Recorded, frozen=True, kw_only=True):
    """The engine process ended in good order."""

    reason: str


class StateChanged(Recorded, frozen=True, kw_only=True):
    """Running or paused. At its step limit a run is running, and finished until that is raised."""

    running: bool
    finished: bool = False


class SettingChanged(Recorded, frozen=True, kw_only=True):
    """A setting took a new value."""

    name: str
    old: Value
    new: Value


class Evaluated(Recorded, frozen=True, kw_only=True):
    """Mean losses (nats per symbol) of the weights at `step`."""

    train: float | None
    dev: float | None
    train_examples: int
    dev_examples: int
    whole: bool
    """All of train was measured, not only its fixed part."""
    best: bool
    """The lowest dev loss so far on this lineage."""


class TestEvaluated(Recorded, frozen=True, kw_only=True):
    """The test split was looked at."""

    __test__ = False
    """Not a test of pytest's."""

    loss: float | None
    """Mean, nats per symbol, of the weights at `step`."""
    examples: int
    looks: int
    """How often it was looked at now, those of the runs that this one was forked from included."""


class FinderFinished(Recorded, frozen=True, kw_only=True):
    """A range test has ended; the run is bit for bit as before it."""

    low: float
    high: float
    steps: int
    probed: int
    """Rates tried: fewer than `steps` where the loss blew up."""
    suggestions: dict[str, float]
    """Rates by the name of their rule (core/suggesting.py), ours first; empty: the test told
    nothing.
    """


class GuardTripped(Recorded, frozen=True, kw_only=True):
    """The loss of the update at `step` was not finite, or its average had climbed too far.

    Training stops; the rollback to an earlier point follows, and what was trained from there on is
    left on its branch.
    """

    loss: float | None
    """The minibatch loss before that update; None: not finite."""
    average: float | None
    """Debiased (0.98), where it trips, and the lowest that it had been."""
    lowest: float | None
    learning_rate: float
    """Base rate in force."""
    rate: float
    """Effective rate of that update."""
    to: Point | None
    """Where the guard leads back to; None: nothing earlier is sound, and training only stops."""


class SamplesDrawn(Recorded, frozen=True, kw_only=True):
    """Names drawn from the weights at `step`; equal arguments and weights draw equal names."""

    names: tuple[str, ...]
    losses: tuple[float, ...] = ()
    """Of each name, nats per symbol; empty in records of before."""
    temperature: float
    top_k: int
    seed: int
    prefix: str
    max_length: int


class SnapshotTaken(Recorded, frozen=True, kw_only=True):
    """A checkpoint stands on disk."""

    file: str
    """Its name within the run's folder `checkpoints`."""
    reason: SnapshotReason
    name: str = ""
    """What a person called it."""
    state_sha256: str
    weights_sha256: str


class Clock(Recorded, frozen=True, kw_only=True):
    """Seconds spent inside updates up to `step`; noted at most once a second."""

    seconds: float


# --- events that are only streamed ---------------------------------------------------------------


class StepsDone(Message, frozen=True, kw_only=True):
    """Updates from `first_step` on were done; `loss` has the minibatch loss before each."""

    branch: int
    first_step: int
    loss: bytes
    """float32, little-endian, one per update; not finite where the loss was not."""
    seconds: float
    """Spent inside updates since the run began."""


class Reaching(Message, frozen=True, kw_only=True):
    """An earlier state is being computed again: so many updates of so many are done."""

    to: Point
    done: int
    total: int


class LearningRateProbed(Message, frozen=True, kw_only=True):
    """The finder has tried further rates."""

    low: float
    high: float
    steps: int
    first: int
    """Index of the first of these rates, from 0; 0 begins a new test."""
    loss: bytes
    """float32, little-endian, the minibatch loss before the update at each rate."""
    client: str = ""
    """Who asked."""


class Predicted(Message, frozen=True, kw_only=True):
    """What may come next. To the asker only, as are the other looks inside the model."""

    answers: int
    step: int
    prefix: str
    odds: bytes
    """float32, little-endian, a probability for each symbol of the vocabulary."""


class Scored(Message, frozen=True, kw_only=True):
    """How much every symbol of some words surprised the model."""

    answers: int
    step: int
    words: tuple[str, ...]
    surprises: tuple[bytes, ...]
    """Of each word float32, little-endian: nats of each of its symbols, and of its end; of a text,
    which has no end, of each of its words."""


class Surprising(Message, frozen=True, kw_only=True):
    """Words of dev with their loss per symbol; of a text, sentences with their loss per word."""

    answers: int
    step: int
    most: tuple[tuple[str, float], ...]
    least: tuple[tuple[str, float], ...]


class Embedded(Message, frozen=True, kw_only=True):
    """The embedding table C, or as many of its first rows as an answer may hold."""

    answers: int
    step: int
    size: int
    table: bytes
    """float32, little-endian, a row of `size` numbers for each symbol of the vocabulary; of a large
    one, for the first."""


SATURATED = 0.97
"""A tanh output farther from 0 than this is saturated, as in the lecture's part 3."""


class LayerFigures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of C, W1, b1, W2, b2, and its next update; None: not finite, or of one number only."""

    name: str
    shape: tuple[int, ...]
    std: float | None
    norm: float | None
    gradient_mean: float | None
    """Of the mean loss of the next step's minibatch, before clipping and decay."""
    gradient_std: float | None
    update_std: float | None
    """Of what the optimizer would add to the weights now: rate, decay and memory included."""


class DiagnosticsTaken(Message, frozen=True, kw_only=True):
    """How the inside of the model looks, and what the next update would do to it."""

    answers: int
    branch: int
    step: int
    examples: int
    """Of train, always the same ones, on which the hidden layer was looked at."""
    hidden_size: int
    counts: tuple[int, ...]
    """Of tanh outputs: saturated below 0, equal parts of what lies between, saturated above 0."""
    dead: int
    """Hidden units that are saturated for every one of the examples."""
    rate: float
    """The effective rate of the next update."""
    layers: tuple[LayerFigures, ...]
    seconds: float
    """What this look has cost the engine, and so the training."""


class Cancelled(Message, frozen=True, kw_only=True):
    """What took long was given up; the state is as before it began."""

    answers: int
    what: str
    client: str = ""
    """Who asked that it be given up."""


class CommandRejected(Message, frozen=True, kw_only=True):
    """The command changed nothing, for this reason. To the asker only."""

    answers: int
    command: str
    reason: str


class EngineFailed(Message, frozen=True, kw_only=True):
    """The engine met an error that it cannot train through, and ends."""

    reason: str


class Stalled(Message, frozen=True, kw_only=True):
    """The record cannot be written, as on a full disk: training pauses at what stands on disk.

    Everyone is dropped then, since more may have been streamed than stands there; newcomers hear it
    again. Resume tries anew.
    """

    reason: str


class Heartbeat(Message, frozen=True, kw_only=True):
    """The engine is alive; sent every second, also while paused."""

    step: int
    running: bool
    clients: int = 1
    """How many are attached."""


class Hello(Message, frozen=True, kw_only=True):
    """A client's first message after the key."""

    protocol: int
    client: str


class Welcome(Message, frozen=True, kw_only=True):
    """The engine's answer: the record to here is on disk, later events follow on this line."""

    protocol: int
    client: str
    """The name under which this client's acts are recorded."""
    seq: int
    """Of the last recorded event on disk."""
    branch: int
    step: int
    column_bytes: int
    """Length of the branch's loss column."""
    running: bool
    finished: bool
    seconds: float


AnyRecorded = (
    RunOpened
    | KnobsChanged
    | RolledBack
    | EngineStarted
    | EngineStopped
    | StateChanged
    | SettingChanged
    | Evaluated
    | TestEvaluated
    | FinderFinished
    | GuardTripped
    | SamplesDrawn
    | SnapshotTaken
    | Clock
)
AnyEvent = (
    AnyRecorded
    | StepsDone
    | Reaching
    | LearningRateProbed
    | Predicted
    | Scored
    | Surprising
    | Embedded
    | DiagnosticsTaken
    | Cancelled
    | CommandRejected
    | EngineFailed
    | Stalled
    | Heartbeat
    | Welcome
)

encode_wire = msgspec.msgpack.Encoder().encode
decode_event = soundly(msgspec.msgpack.Decoder(AnyEvent).decode)
decode_command = soundly(msgspec.msgpack.Decoder(AnyCommand | Hello).decode)
encode_line = msgspec.json.Encoder().encode
decode_line = soundly(msgspec.json.Decoder(AnyRecorded).decode)
