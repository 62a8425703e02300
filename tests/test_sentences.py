"""The sentences of a text's part; what the engine tells about texts, which have no end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from core.config import MOST_WORDS
from core.looking import ENOUGH_WORDS, next_odds
from core.options import shipped_text
from core.protocol import (
    CommandRejected,
    FindSurprising,
    Predict,
    Predicted,
    Score,
    Scored,
    Surprising,
)
from core.run import Run
from core.sentences import LONGEST, SHORTEST, WINDOW, Sentences
from core.server import MAX_OUTBOX
from core.text import UNKNOWN, Text
from core.tokens import PARAGRAPH, text_in, tokens_of
from tests.test_looking import ask
from tests.test_time_travel import heard, settle, train
from tests.test_word_runs import word_run

SPOKEN = """the king is dead today.

QUEEN: long live the king! Oh no. who is there now? and so on."""


@pytest.fixture(scope="module")
def speeches() -> Text:
    return text_of(shipped_text().read_text("utf-8")[:40_000])


def text_of(text: str) -> Text:
    words = text_in(text.encode(), "text.txt").words
    return Text.from_tokens(words, 3, "", most=17_000, rare=0)


# --- sentences ---


def test_a_text_is_cut_at_its_marks_and_at_blank_lines() -> None:
    # All of it stands in train too, so that every word is known.
    text = text_of(f"{SPOKEN}\n" * 20)
    found = Sentences(text, "train")
    assert set(found) == {
        "the king is dead today.",
        "¶ QUEEN: long live the king!",
    }
    assert SHORTEST == 6  # "who is there now ?" and "Oh no ." are too short to judge by.


def test_of_dev_every_sentence_is_one_and_stands_there(speeches: Text) -> None:
    found = Sentences(speeches, "dev")
    assert len(found) > 20
    dev = list(speeches.words_of("dev"))
    for sentence, (start, end) in zip(found, found.spans.tolist(), strict=True):
        tokens = tokens_of(sentence)
        assert tokens == dev[start:end]
        assert SHORTEST <= len(tokens) <= LONGEST
        assert PARAGRAPH not in tokens[1:]
        assert not {".", "!", "?"} & set(tokens[:-1])


def test_a_text_without_marks_is_cut_into_windows() -> None:
    found = Sentences(text_of("so it goes " * 200), "dev")
    assert len(found) == 60 // WINDOW
    assert all(len(tokens_of(window)) == WINDOW for window in found)
    assert len(Sentences(text_of("so it. " * 50), "dev")) == 0


def test_apart_each_sentence_follows_starts_alone(speeches: Text) -> None:
    found = Sentences(speeches, "dev")
    rows = found.apart().rows(slice(None)).tolist()
    ended = [at for at, row in enumerate(rows) if row[-1] == 0]
    assert len(ended) == len(found)
    begins = 0
    for sentence, end in zip(found, ended, strict=True):
        symbols = speeches.encode(sentence)
        for place, row in enumerate(rows[begins:end]):
            assert row == ([0, 0, 0, *symbols])[place : place + 4]
        begins = end + 1


# --- what the engine tells ---


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "text.txt").write_text(shipped_text().read_text("utf-8")[:40_000], "utf-8")
    sizes = {"embedding_size": "6", "hidden_size": "8", "threads": "1", "steps": "10000"}
    opened = Run(word_run(folder, data=str(folder / "text.txt"), **sizes))
    settle(opened)
    train(opened, 150)
    heard(opened)
    yield opened
    opened.close()


def test_every_word_of_a_text_has_its_surprise_and_there_is_no_end(run: Run) -> None:
    text = "To be, or not to xylophone"
    answer = ask(run, Score(words=(text, "")))
    assert isinstance(answer, Scored)
    column, empty = (np.frombuffer(each, "<f4") for each in answer.surprises)
    symbols = run.data.encode(text)
    assert (len(column), len(empty)) == (7, 0)
    assert symbols[-1] == run.data.stoi[UNKNOWN]
    for place, nats in enumerate(column):
        odds = next_odds(run.trainer.model, symbols[:place])
        assert nats == pytest.approx(-math.log(odds[symbols[place]]), rel=1e-4)
    told = ask(run, Predict(prefix="To be, or not to"))
    assert isinstance(told, Predicted)
    odds = np.frombuffer(told.odds, "<f4")
    assert odds[symbols[-1]] == pytest.approx(math.exp(-column[-1]), rel=1e-4)


def test_the_sentences_told_are_the_extremes_and_their_loss_is_that_of_what_is_typed(
    run: Run,
) -> None:
    answer = ask(run, FindSurprising(count=5))
    assert isinstance(answer, Surprising)
    assert isinstance(run.data, Text)
    means = {}
    for sentence in Sentences(run.data, "dev"):
        scored = ask(run, Score(words=(sentence,)))
        means[sentence] = float(np.frombuffer(scored.surprises[0], "<f4").mean())
    ranked = sorted(means.values())
    assert [loss for _, loss in answer.least] == pytest.approx(ranked[:5], rel=1e-5)
    assert [loss for _, loss in answer.most] == pytest.approx(ranked[::-1][:5], rel=1e-5)
    for sentence, loss in itertools.chain(answer.most, answer.least):
        assert means[sentence] == pytest.approx(loss, rel=1e-5)


def test_training_does_not_wait_for_a_novel_to_be_scored(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.looking.piece_of", lambda _: 1)
    assert isinstance(ask(run, Score(words=("a " * ENOUGH_WORDS,))), Scored)
    refused = ask(run, Score(words=("a " * ENOUGH_WORDS, "a")))
    assert isinstance(refused, CommandRejected)
    assert refused.reason == "words 101 must be at most 100 in a text"


def test_the_odds_of_the_largest_vocabulary_are_sent() -> None:
    assert 4 * MOST_WORDS < MAX_OUTBOX / 2
