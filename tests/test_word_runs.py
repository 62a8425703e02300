"""Runs whose symbols are words: begun, recorded, undone, replayed, measured, continued."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from core.commands import obey
from core.config import DataConfig, RunConfig
from core.dials import ConfigError
from core.evaluation import MOST_LOGITS, piece_of
from core.forking import fork
from core.launch import load_data, new_run
from core.looking import next_odds
from core.notebook import Training
from core.options import begin, not_given, shipped_text
from core.protocol import (
    AnyEvent,
    CommandRejected,
    Diagnose,
    DiagnosticsTaken,
    Embed,
    Embedded,
    Evaluate,
    Evaluated,
    FindSurprising,
    Pause,
    Redo,
    Sample,
    SamplesDrawn,
    SetKnobs,
    StateChanged,
    Step,
    Surprising,
    Undo,
)
from core.record import find_run, read_config
from core.replaying import Verdict, replay
from core.run import Run
from core.snapshots import EVERY, MOST_BYTES, Snapshots
from core.text import NO_WORDS, Text
from core.tokens import tokens_of
from core.trainer import Trainer
from tests.conftest import Engine, Steermore, begun
from tests.stage import until
from tests.test_cli import fit as fitted
from tests.test_cli import within
from tui.app import SteermoreApp

SMALL = ("--preset", "bengio2003", "--embedding-size", "6", "--hidden-size", "8", "--threads", "1")


@pytest.fixture(scope="module")
def some_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first speeches of the shipped text: 12,000 tokens."""
    path = tmp_path_factory.mktemp("text") / "speeches.txt"
    path.write_text(shipped_text().read_text("utf-8")[:50_000], "utf-8")
    return path


@pytest.fixture
def run(some_text: Path, tmp_path: Path) -> Iterator[Run]:
    """A small one, paused at its first step."""
    sizes = {"embedding_size": "6", "hidden_size": "8", "threads": "1", "steps": "10000"}
    opened = Run(word_run(tmp_path, data=str(some_text), **sizes))
    settle(opened)
    yield opened
    opened.close()


def word_run(folder: Path, **flags: str) -> Path:
    flags["step_limit"] = flags.pop("steps", "100")
    beginning = begin(not_given() | {"preset": "bengio2003"} | flags)
    return new_run(folder / "runs", beginning.config, beginning.words.raw)


def settle(run: Run) -> None:
    while run.errand is not None or run.single_steps:
        run.work()


def train(run: Run, updates: int) -> None:
    obey(run, Step(count=updates))
    settle(run)


def answer(run: Run, command: Any, kind: type[Any]) -> Any:
    """Of this kind, to this command."""
    obey(run, command, "tester")
    settle(run)
    events: list[AnyEvent] = [event for event, _ in run.journal.take()]
    refused = [event.reason for event in events if isinstance(event, CommandRejected)]
    found = [event for event in events if isinstance(event, kind)]
    assert found, refused
    return found[-1]


def replayed(directory: Path) -> Verdict:
    work: Generator[tuple[int, int], None, Verdict] = replay(directory)
    while True:
        try:
            next(work)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


# --- begun ---


def test_a_text_is_read_as_its_record_says_it_was_split(tmp_path: Path) -> None:
    path = tmp_path / "hindi.txt"
    path.write_text("यह हिन्दी है। क्या यह हिन्दी है? नहीं, यह और है।\n" * 30, "utf-8")
    sizes = {"embedding_size": "6", "hidden_size": "8", "threads": "1"}
    directory = word_run(tmp_path, data=str(path), **sizes)
    assert "हिन्दी" in load_data(directory, read_config(directory)).stoi
    file = directory / "config.json"
    content = json.loads(file.read_text("utf-8"))
    # As it was before letters were kept whole.
    assert content["data"].pop("splitting") == "letters"
    file.write_text(json.dumps(content), "utf-8")
    old = load_data(directory, read_config(directory))
    assert "हिन्दी" not in old.stoi
    assert {"ह", "ि", "न", "्"} <= old.stoi.keys()
    # So is what is typed into it.
    assert old.written(old.encode("यह हिन्दी")) == "यह ह ि न ् द ी"


def test_the_preset_is_the_papers_network_on_the_shipped_text() -> None:
    config = begun(preset="bengio2003")
    assert config.data.level == "word"
    assert (config.data.vocabulary, config.data.rare) == (17_000, 3)
    assert Path(config.data.path) == shipped_text()
    assert config.model.direct
    assert config.knobs.schedule == "inverse"
    assert config.knobs.weight_decay > 0


def test_flags_overrule_the_preset(some_text: Path) -> None:
    flags = {"block_size": "2", "direct": "off", "vocabulary": "300", "rare": "0"}
    config = begun(preset="bengio2003", data=str(some_text), **flags)
    assert (config.model.block_size, config.model.direct) == (2, False)
    assert (config.data.vocabulary, config.data.rare) == (300, 0)
    words = begun(preset="fast", data=str(some_text), level="word")
    assert (words.data.level, words.model.block_size) == ("word", 3)


def test_a_list_of_names_stays_what_it_was_and_old_records_are_read() -> None:
    config = begun()
    assert config.data.level == "character"
    assert config.model == type(config.model)()
    stored = msgspec.json.decode(msgspec.json.encode(config))
    for field in ("level", "vocabulary", "rare"):
        del stored["data"][field]
    del stored["model"]["direct"]
    assert msgspec.convert(stored, RunConfig) == config


def test_a_text_whose_words_are_all_rare_is_refused_before_a_run_is_made(
    steermore: Steermore, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text(" ".join(f"w{i}" for i in range(200)))
    folder = ("--runs-dir", tmp_path / "runs")
    code, _, sentence = steermore(
        "fit", "--level", "word", "--data", tmp_path / "text.txt", *folder
    )
    assert code == 2
    assert f"{tmp_path / 'text.txt'}: no word stands more than 3 times" in sentence
    assert "lower --rare; a list of names has no --level word." in sentence
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("field", "value"), [("vocabulary", 2), ("vocabulary", 10**9), ("rare", -1)]
)
def test_a_config_that_no_text_can_have_is_refused(field: str, value: int) -> None:
    with pytest.raises(ConfigError, match=field):
        DataConfig(path="x", sha256="x", **{field: value})  # type: ignore[arg-type]


# --- recorded ---


def test_undone_redone_and_replayed_states_are_equal_bit_for_bit(run: Run) -> None:
    train(run, 150)
    before = run.trainer.state_sha256()
    obey(run, SetKnobs(values={"learning_rate": 2.0, "batch_size": 20}))
    train(run, 150)
    far = run.trainer.state_sha256()
    obey(run, Undo())
    settle(run)
    assert run.trainer.state_sha256() == before
    obey(run, Redo())
    settle(run)
    assert run.trainer.state_sha256() == far
    obey(run, Undo())
    settle(run)
    train(run, 20)
    # Built again from the first state, without one at hand.
    ended = run.trainer.state_sha256()
    run.snapshots.forget_memory()
    obey(run, SetKnobs(values={"optimizer": "adamw", "learning_rate": 0.001}))
    train(run, 30)
    obey(run, Undo())
    settle(run)
    assert run.trainer.state_sha256() == ended
    obey(run, Pause())
    run.end("test")
    run.close()
    verdict = replayed(run.directory)
    assert (verdict.identical, verdict.steps) == (True, 170)
    assert verdict.checkpoints


def test_how_steps_are_cut_changes_no_bit(some_text: Path, tmp_path: Path) -> None:
    directory = word_run(tmp_path, data=str(some_text), embedding_size="6", hidden_size="8")
    config = read_config(directory)
    data = load_data(directory, config)
    one, other = (Trainer(data, config.model, config.knobs, 1) for _ in range(2))
    together = one.advance(40)
    apart = np.concatenate([other.advance(n) for n in (1, 7, 32)])
    assert together.tobytes() == apart.tobytes()
    assert one.state_sha256() == other.state_sha256()


def test_states_at_hand_are_bounded_in_bytes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    size = run.trainer.snapshot().bytes
    monkeypatch.setattr("core.snapshots.MOST_BYTES", int(3.5 * size))
    kept = Snapshots(run.directory, run.journal.point(0), run.trainer.snapshot())
    for step in range(10):
        kept.keep(run.journal.point(step), run.trainer.snapshot())
    assert len(kept._memory) == 3
    # 17,000 words, of the preset's sizes, with the memory of AdamW: still more than one.
    model = begun(preset="bengio2003").model
    assert MOST_BYTES // (3 * 4 * model.parameters(17_000)) >= 1
    assert EVERY == 1_000


# --- measured ---


def test_a_piece_of_an_evaluation_is_bounded_whatever_the_vocabulary(run: Run) -> None:
    model = run.trainer.model
    measured = answer(run, Evaluate(), Evaluated)
    split = run.data.splits["dev"]
    assert measured.dev_examples == split.examples == 1_152
    rows = split.rows(slice(None)).tolist()
    plainly = np.mean([-math.log(next_odds(model, row[:-1])[row[-1]]) for row in rows])
    assert measured.dev == pytest.approx(plainly, rel=1e-5)
    model.vocab_size = 17_000
    assert piece_of(model) * 17_000 <= MOST_LOGITS


def test_the_dashboard_can_look_into_a_run_of_words(run: Run) -> None:
    train(run, 5)
    assert len(answer(run, FindSurprising(count=3), Surprising).most) == 3
    embedded = answer(run, Embed(), Embedded)
    assert len(embedded.table) == 4 * 6 * run.data.vocab_size
    names = [layer.name for layer in answer(run, Diagnose(), DiagnosticsTaken).layers]
    assert names == ["C", "W1", "b1", "W2", "b2", "W"]


def test_of_a_large_table_the_most_frequent_words_are_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.looking.MOST_TABLE", 60)
    assert len(answer(run, Embed(), Embedded).table) == 4 * 6 * 10


# --- continued ---


def test_a_text_continues_its_beginning_with_words_that_it_knows(run: Run) -> None:
    assert isinstance(run.data, Text)
    wish = Sample(count=5, max_length=20, prefix="to be or", seed=3)
    drawn = answer(run, wish, SamplesDrawn)
    for text in drawn.names:
        tokens = tokens_of(text)
        assert tokens[:3] == ["to", "be", "or"]
        assert len(tokens) == 20
        assert not set(run.data.encode(text)[3:]) & set(NO_WORDS)
    assert len(set(drawn.names)) == 5
    assert all(0 < loss < 20 for loss in drawn.losses)
    again = answer(run, wish, SamplesDrawn)
    assert again.names == drawn.names
    alone = answer(run, msgspec.structs.replace(wish, count=1), SamplesDrawn)
    assert alone.names == drawn.names[:1]


def test_training_does_not_wait_for_a_novel(run: Run) -> None:
    obey(run, Sample(count=10, max_length=1_000), "tester")
    (refused,) = (event for event, _ in run.journal.take() if isinstance(event, CommandRejected))
    assert refused.reason == "texts 10 of 1,000 words each must be at most 1,000 words in all"


def test_the_notebook_continues_a_text_too(some_text: Path) -> None:
    options = {"preset": "bengio2003", "embedding_size": 6, "hidden_size": 8}
    training = Training(some_text, **options)
    before = training.evaluate()
    training.advance(150)
    assert training.evaluate() < before - 0.5
    (text,) = training.sample(1, prefix="First Citizen:", max_length=12)
    assert text.startswith("First Citizen:")


# --- in the dashboard ---


def test_the_dashboard_shows_a_run_of_words(
    some_text: Path, tmp_path: Path, start: Callable[[Path], Engine]
) -> None:
    directory = word_run(tmp_path, data=str(some_text), embedding_size="6", hidden_size="8")
    engine = start(directory)
    app = SteermoreApp(directory, load_data(directory, read_config(directory)))

    async def show() -> None:
        async with app.run_test(size=(120, 36)) as pilot:
            while app._training.link != "live":
                await pilot.pause(0.01)
            await pilot.press("space")
            engine.until(StateChanged, finished=True)
            await pilot.press("s")
            drawn = engine.until(SamplesDrawn)
            (text,) = drawn.names
            assert len(tokens_of(text)) == 100
            for key in ("g", "i", "S", "D", "I", "R", "h", "f", "o", "E"):
                await pilot.press(key)
                await until(pilot, lambda: app.screen is not app._training)
                await until(pilot, lambda: app.screen.is_mounted)
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is app._training)

    asyncio.run(show())


# --- as people call it ---


@pytest.fixture(scope="module")
def folder(some_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run of 200 updates, and what `fit` said of it."""
    folder = tmp_path_factory.mktemp("fitted")
    report = fitted(folder, *SMALL, "--data", some_text, "--steps", "200")
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_fit_tells_the_perplexity(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    assert report["dev_perplexity"] == pytest.approx(math.exp(report["dev_loss"]))
    resumed = within("resume", "last", "--headless", "--steps", "210", cwd=folder)
    assert ", perplexity " in resumed.stdout


@pytest.fixture
def drawn(folder: Path, steermore: Steermore) -> Callable[..., tuple[int, str, str]]:
    """`sample` on that run."""
    runs = ("--runs-dir", folder / "runs")
    return lambda *flags: steermore("sample", "last", "--seed", "1", *runs, *flags)


def test_sample_continues_a_text(drawn: Callable[..., tuple[int, str, str]]) -> None:
    code, text, aside = drawn("--beginning", "the xylophone,")
    assert (code, aside) == (0, "")
    assert text.startswith("the <unk>,")
    assert drawn("--prefix", "the xylophone,")[1] == text
    told = json.loads(drawn("--json", "--count", "2", "--max-length", "30")[1])
    assert [len(tokens_of(each)) for each in told["texts"]] == [30, 30]


@pytest.mark.parametrize("flag", ["--unique", "--new"])
def test_what_is_for_names_is_refused_for_texts(
    flag: str, drawn: Callable[..., tuple[int, str, str]]
) -> None:
    code, text, sentence = drawn(flag)
    assert (code, text) == (2, "")
    assert f"{flag} is for names" in sentence


def test_evaluate_sets_the_model_beside_a_trigram(folder: Path, steermore: Steermore) -> None:
    code, told, _ = steermore("evaluate", "last", "--runs-dir", folder / "runs")
    assert code == 0
    model, trigram = told.splitlines()
    assert "nats per word, perplexity" in model
    assert trigram.startswith("interpolated trigram on dev:")
    assert trigram.endswith("(counted on train, its weights fitted on dev)")


def test_a_run_of_words_forks(folder: Path, tmp_path: Path) -> None:
    parent = find_run(folder / "runs", "last")
    forked = Run(fork(parent, tmp_path / "runs", step=100))
    settle(forked)
    assert (forked.step, type(forked.data)) == (100, Text)
    forked.close()
