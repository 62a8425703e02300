"""A training for the notebook: words in, a rate found, updates made, names out, in a line each.

What `steermore fit` records and serves, this does in the caller's own process, without a record:
the same options under the same names, and the same bits. It loads torch; `core` itself does not.

    from core.notebook import Training

    training = Training("my-list.txt", hidden_size=100)
    found = training.find_rate()
    training.set_knobs(learning_rate=found.suggestion)
    losses = training.advance(10_000)
    training.evaluate("dev"), training.sample(10)
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig, Settings, with_changes
from core.continuing import drawn
from core.dataset import SPLITS, Dataset, SplitName
from core.dials import KNOB_NAMES, ConfigError, Value, parse_count
from core.drawing import parse_wish
from core.environment import settle
from core.errors import UserError, harmless
from core.evaluation import measure
from core.given import LONGEST_TOLD, flags_given, plain, typed, words_given
from core.launch import dealt, runs_directory
from core.lineage import settings_after
from core.lr_finder import HIGH, LOW, STEPS, check_wish, range_test
from core.model import Model
from core.options import configured, level_given, recipe_of
from core.protocol import FindLearningRate
from core.recomputing import trainer_at_end
from core.record import find_run
from core.smoothing import NOTHING, DebiasedAverage, Floats
from core.story import read_story
from core.suggesting import OURS, Probes, suggestions
from core.trainer import Trainer

PIECE_SECONDS = 0.1
"""Updates that an interrupt of the notebook may cost."""
SMOOTHING = 0.98
"""As the chart of the dashboard has it at first."""


class Found(Probes):
    """What a range test found: `rates`, `losses` and `smoothed`, one of each for every rate."""

    @property
    def suggestions(self) -> dict[str, float]:
        """Rates by the name of the rule that suggests them, ours first; may be empty."""
        return suggestions(self)

    @property
    def suggestion(self) -> float:
        """The rate to take: half of the minimum's. Raises UserError where the test tells none."""
        if OURS not in self.suggestions:
            raise UserError(
                "the loss did not clearly fall, so no rate is suggested; try it before training,"
                f" with a larger batch, or a lower one: find_rate(low={self.low / 10:g})"
            )
        return self.suggestions[OURS]


class Training:
    """A model in training, on a list of words. Its mathematics is that of every recorded run."""

    def __init__(self, words: str | Path | Iterable[str] | None = None, **options: Any) -> None:
        """Begin on a file of words, on words, or on the shipped names; with `level="word"` on a
        file of running text, on its lines, or on the shipped text.

        `options` are those of `steermore fit`, as in `preset="fast", embedding_size=2, steps=3000`.
        Raises UserError with a sentence for what cannot be.
        """
        given = flags_given(options)
        path, read = words_given(words, level_given(given))
        config = configured({**given, "data": path}, read, recipe_of(given))
        data = dealt(read, config)
        self._begin(config, config.settings, data)
        self._trainer = Trainer(data, config.model, config.knobs, config.seed, config.device)

    def _begin(self, config: RunConfig, settings: Settings, data: Dataset) -> None:
        self.config = config
        self.settings = settings
        self.data = data
        """The words, the vocabulary (`itos`, `stoi`) and the splits."""
        self.test_looks = config.test_looks
        """How often the test split was looked at: it is for the end."""
        self._losses: list[Floats] = []
        self._drawings = 0
        settle(config)

    @classmethod
    def of_run(cls, run: str | Path = "last", runs_dir: str | Path | None = None) -> Training:
        """Where a recorded run stands now, with its losses that led there: of a fork, from where it
        was forked.

        `run` is its id, the beginning of it, a path, or `last`. The run itself stays as it is.
        """
        for name, given in (("run", run), ("runs_dir", "" if runs_dir is None else runs_dir)):
            if not isinstance(given, (str, Path)):
                told = harmless(repr(given), LONGEST_TOLD)
                raise UserError(f"{name} {told} must be text or a path")
        story = read_story(find_run(runs_directory(Path(runs_dir) if runs_dir else None), str(run)))
        training = cls.__new__(cls)
        trainer = trainer_at_end(story, story.path)
        settings = settings_after(story.config.settings, story.events)
        training._begin(story.config, settings, trainer.dataset)
        training._trainer = trainer
        training._losses = [piece.losses for piece in story.pieces()]
        return training

    def __repr__(self) -> str:
        count, size = self.model.parameter_count, self.config.model
        layers = f"{size.block_size}×{size.embedding_size}→{size.hidden_size}"
        return (
            f"<Training: MLP {layers}→{self.data.vocab_size}, {count:,} parameters,"
            f" {len(self.data.words):,} words, step {self.step:,}>"
        )

    @property
    def step(self) -> int:
        """Updates done."""
        return self._trainer.step

    @property
    def model(self) -> Model:
        """The weights C, W1, b1, W2, b2 as tensors, and `forward`."""
        return self._trainer.model

    @property
    def knobs(self) -> dict[str, Value]:
        """What shapes the next update: rate, schedule, batch size, optimizer …"""
        return {name: getattr(self._trainer.knobs, name) for name in sorted(KNOB_NAMES)}

    @property
    def losses(self) -> Floats:
        """Of every minibatch so far, float32 (updates,), each taken before its update."""
        return np.concatenate([NOTHING, *self._losses])

    @property
    def smoothed(self) -> Floats:
        """The losses' debiased average (0.98), as the dashboard draws it, float32 (updates,)."""
        average = DebiasedAverage(SMOOTHING)
        average.extend(self.losses)
        return average.column.values

    def set_knobs(self, **changes: Value | np.generic | list[int]) -> None:
        """Turn knobs from the next update on, as in `learning_rate=0.01, batch_size=128`."""
        exact = {name: plain(value) for name, value in changes.items()}
        self._trainer.set_knobs(with_changes(self._trainer.knobs, exact))

    def advance(self, updates: int | None = None) -> Floats:
        """Make so many updates, else those up to the step limit; return their minibatch losses.

        Interrupted, it stands after a whole number of updates, whose losses are in `losses`.
        """
        if updates is None:
            updates = max(0, self.settings.step_limit - self.step)
        updates = parse_count("updates", typed(updates), 0, 10**12)
        settle(self.config)
        first, piece = len(self._losses), 1
        while updates:
            known, before = len(self._losses), self._trainer.snapshot()
            started = time.perf_counter()
            try:
                losses = self._trainer.advance(min(piece, updates))
                self._losses.append(losses)
            except KeyboardInterrupt:
                # It may have come in the middle of an update.
                self._trainer.restore(before)
                del self._losses[known:]
                raise
            updates -= len(losses)
            if time.perf_counter() - started < PIECE_SECONDS / 2:
                piece *= 2
        return np.concatenate([NOTHING, *self._losses[first:]])

    def find_rate(self, low: float = 1e-3, high: float = 1.0, steps: int = 1_000) -> Found:
        """Try rising rates on a copy: the range test of the dashboard's `f`. Nothing changes."""
        wish = FindLearningRate(
            low=float(LOW.parse(typed(low))),  # type: ignore[arg-type]
            high=float(HIGH.parse(typed(high))),  # type: ignore[arg-type]
            steps=int(STEPS.parse(typed(steps))),  # type: ignore[arg-type]
        )
        check_wish(wish)
        settle(self.config)
        pieces = range_test(self._trainer, wish.low, wish.high, wish.steps)
        return Found(wish.low, wish.high, wish.steps, np.concatenate(list(pieces)))

    def evaluate(self, split: SplitName = "dev") -> float:
        """The mean loss over all of a split, nats per symbol, of a text per word.

        A look at `test` is counted.
        """
        if split not in SPLITS:
            raise ConfigError("split", split, f"must be one of {', '.join(SPLITS)}")
        settle(self.config)
        loss = _finished(measure(self._trainer.measured, self.data.splits[split]))
        self.test_looks += split == "test"
        return loss

    def sample(
        self,
        count: int = 10,
        *,
        temperature: float | None = None,
        top_k: int | None = None,
        seed: int | None = None,
        prefix: str = "",
        max_length: int = 50,
    ) -> list[str]:
        """Draw names, or texts that continue `prefix`, by default others at every call; equal seeds
        draw equal ones. `max_length` is in symbols: of texts in words.
        """
        usual = self.settings
        if not isinstance(prefix, str):
            raise UserError(f"prefix {harmless(repr(prefix), LONGEST_TOLD)} must be text")
        wish = parse_wish(
            count=typed(count),
            temperature=typed(usual.temperature if temperature is None else temperature),
            top_k=typed(usual.top_k if top_k is None else top_k),
            seed=typed(self._drawings if seed is None else seed),
            prefix=prefix,
            max_length=typed(max_length),
        )
        self.data.encode(prefix)
        settle(self.config)
        try:
            names = [name for piece in drawn(self.model, self.data, wish) for name in piece]
        except ValueError as error:
            raise UserError(str(error)) from None
        self._drawings += 1
        return names

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights: of a run with equal options and acts `fit` prints the same."""
        return self.model.weights_sha256()


def _finished(work: Generator[None, None, float]) -> float:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return float(end.value)
