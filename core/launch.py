"""Make a run directory and start its engine, without loading torch into the caller's process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from core.config import DataConfig, Level, RunConfig
from core.dataset import Dataset, DatasetError
from core.record import START, RunError, cure, write_whole
from core.text import Text
from core.tokens import Splitting, read_text
from core.words import WordList, read_words, refusal

MAX_COPY = 16 * 1024 * 1024
"""Bytes of a list of words that a run keeps a copy of; a larger list is named with its sha256."""

AS_RECORDED = "STEERMORE_AS_RECORDED"
"""Set for an engine that is to end where the run cannot be opened as it was recorded."""


def new_run(
    runs: Path, config: RunConfig, words: bytes, start: bytes | None = None, *, name: str = ""
) -> Path:
    """A fresh directory in `runs` for a run from `config`, with its own copy of the list's bytes.

    `start` is the checkpoint that a fork begins from. Without a `name` it is called by the time it
    was made and the list's name, so that names sort by age. Raises RunError.
    """
    stem = re.sub(r"[^a-z0-9]+", "-", Path(config.data.path).stem.lower()).strip("-")[:24] or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(config.created))
    directory: Path | None = None
    try:
        runs.mkdir(parents=True, exist_ok=True)
        directory = _fresh(runs, name or f"{stamp}-{stem}")
        (directory / "checkpoints").mkdir()
        if len(words) <= MAX_COPY:
            write_whole(directory / "words.txt", words)
        if start is not None:
            write_whole(directory / START, start)
        # Last, since its presence makes the directory a run.
        write_whole(directory / "config.json", msgspec.json.format(msgspec.json.encode(config)))
    except OSError as error:
        if directory is not None:
            # On a full disk, half a run is of no use to anyone.
            shutil.rmtree(directory, ignore_errors=True)
        where = error.filename or runs
        raise RunError(
            f"{where}: cannot write the run here: {cure(error)},"
            " or choose another folder with --runs-dir"
        ) from None
    return directory


def _fresh(runs: Path, name: str) -> Path:
    number = 1
    while True:
        directory = runs / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
        else:
            return directory


def words_path(directory: Path, config: RunConfig) -> Path:
    """Where the run's list stands: its own copy, or the named file if that is too large."""
    copy = directory / "words.txt"
    return copy if copy.exists() else Path(config.data.path)


def load_data(directory: Path, config: RunConfig) -> Dataset:
    """The run's list, dealt as its configuration says; raises DatasetError."""
    dataset = dealt(read_recorded(directory, config), config)
    if dataset.sha256 != config.data.sha256:
        raise another_list(directory, config)
    return dataset


def another_list(directory: Path, config: RunConfig) -> DatasetError:
    """What is said where a run's list is not the one that it learned from."""
    return DatasetError(
        f"{words_path(directory, config)}: is not the list that run {directory.name} was begun"
        " with, as its sha256 shows. Put that list back, or begin a new run."
    )


def read_recorded(directory: Path, config: RunConfig) -> WordList:
    """Read the list or text of the run in `directory` as it was read then; raises DatasetError."""
    data = config.data
    return read_data(words_path(directory, config), data.level, data.splitting)


def read_data(
    path: str | os.PathLike[str], level: Level, splitting: Splitting = "letters"
) -> WordList:
    """Read a list of words, or a running text; raises DatasetError."""
    return read_text(path, splitting) if level == "word" else read_words(path)


def dealt(words: WordList, config: RunConfig) -> Dataset:
    """What was read, in three parts as the configuration says; raises DatasetError for a text whose
    words are all too rare.
    """
    data, T = config.data, config.model.block_size
    if data.level == "word":
        return _text_of(words, data, T)
    return Dataset.from_words(words.words, T, data.split_seed, words.sha256, data.dealing)


def vocab_size_of(words: WordList, data: DataConfig) -> int:
    """How many symbols a model of this list or text knows; raises DatasetError as `dealt` does."""
    return _text_of(words, data, 1).vocab_size if data.level == "word" else len(words.words.itos)


def _text_of(words: WordList, data: DataConfig, block_size: int) -> Text:
    try:
        return Text.from_tokens(
            words.words,
            block_size,
            words.sha256,
            most=data.vocabulary,
            rare=data.rare,
            splitting=data.splitting,
        )
    except DatasetError as error:
        raise refusal(data.path, str(error)) from None


def start_engine(directory: Path, *, as_recorded: bool = False) -> subprocess.Popen[bytes]:
    """Start the engine that serves the run in `directory`, in a session of its own.

    `as_recorded`: where its end is computed otherwise here, the engine ends with a sentence; else
    it goes on from a checkpoint, which is an act.

    It outlives the terminal, and what it or its libraries print goes to the run's engine.log: on an
    inherited output it would tear the dashboard's screen. Raises RunError.
    """
    try:
        log = (directory / "engine.log").open("ab")
    except OSError as error:
        raise RunError(
            f"run {directory.name}: no engine can be started on it: {cure(error)} (engine.log)"
        ) from None
    with log:
        return subprocess.Popen(
            # -P keeps a folder called core where the person stands from shadowing ours.
            [sys.executable, "-P", "-m", "core.worker", str(directory.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment() | ({AS_RECORDED: "1"} if as_recorded else {}),
        )


def environment() -> dict[str, str]:
    """The caller's environment, with this package to be found even when it runs from a checkout."""
    here = str(Path(__file__).resolve().parent.parent)
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def runs_directory(given: Path | None) -> Path:
    """Where runs live: `--runs-dir`, else $STEERMORE_RUNS, else ./runs."""
    return given or Path(os.environ.get("STEERMORE_RUNS") or "runs")


def called(run: Path) -> str:
    """How a run is named on the command line: by its path, unless it is kept where runs live."""
    run = run.resolve()
    return run.name if run.parent == runs_directory(None).resolve() else str(run)
