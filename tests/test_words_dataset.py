"""A text at length: its sentences, frequent and unknown words, known sequences, contexts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from core.counting import known_sequences
from core.dataset import statistics, symbol_counts
from core.lexicon import lexicon, occurrences
from core.text import START, UNKNOWN, Text
from core.tokens import text_in, tokens_of
from tui.dataset.contexts import ContextTable
from tui.dataset.frequent import FrequentTable
from tui.dataset.parts import PartTable
from tui.dataset.rows import Table

SPOKEN = "One two. Three! ¶ four five six? " * 20 + "seven eight"


def text_of(content: str, rare: int = 0) -> Text:
    words = text_in(content.encode(), "a text").words
    return Text.from_tokens(words, 2, "", most=100, rare=rare)


def test_sentences_unknown_words_and_known_sequences_are_counted() -> None:
    data = text_of(SPOKEN)
    tokens = tokens_of(SPOKEN)
    counted = statistics(data)
    assert (counted.words, counted.distinct) == (len(tokens), len(set(tokens)))
    assert sorted(data.lengths.tolist()) == sorted([2, 1, 3] * 20 + [2])
    assert (counted.shortest, counted.longest) == (1, 3)
    assert counted.unknown["train"] == 0.0
    # seven and eight stand in test only.
    parts = {name: len(split.targets) for name, split in data.splits.items()}
    assert data.unknown["test"] == pytest.approx(2 / parts["test"])
    dev = tokens[parts["train"] : parts["train"] + parts["dev"]]
    assert known_sequences(data, 2) == (len(dev) - 1, len(dev) - 1)
    other = text_of("a b c d e f g h i j " * 10 + "a c e g i b d f h j a c e g i b d f h j " * 2)
    assert (
        known_sequences(other, 2)[1] < known_sequences(other, 1)[1] == known_sequences(other, 1)[0]
    )


@given(st.lists(st.sampled_from(["a", ".", "an", "ban", "中", "¶"]), min_size=100, max_size=150))
@settings(deadline=None, max_examples=30)
def test_a_word_is_found_wherever_it_stands(tokens: list[str]) -> None:
    data = text_of(" ".join(tokens))
    held = list(data.words)
    for word in ("a", ".", "an", "ban", "nowhere"):
        assert occurrences(data, word).tolist() == [
            at for at, each in enumerate(held) if each == word
        ]
    known = lexicon(data)
    for query in (".", "a", "an", ""):
        found = {known.words[int(number)] for number in known.find(query)}
        assert found == {word for word in held if query in word}


def test_rows_about_a_text_have_the_width_of_their_pane(few_words: Path) -> None:
    data = text_of(few_words.read_text("utf-8"), rare=1)
    counts = symbol_counts(data)
    tables: list[Table] = [
        FrequentTable(data, counts),
        PartTable.of(data, lexicon(data)),
        ContextTable(data, "the", occurrences(data, "the")),
        ContextTable(data, "accounted", occurrences(data, "accounted")),
        ContextTable(data, "", np.empty(0, dtype=np.int64)),
    ]
    for table in tables:
        for width in (36, 52, 76, 118):
            rows = range(min(table.count(width), 40))
            for line in [table.head(width), *(table.row(at, width) for at in rows)]:
                assert cell_len("".join(part for part, _ in line.pieces)) == width


def test_the_most_frequent_words_come_first_with_their_shares(few_words: Path) -> None:
    data = text_of(few_words.read_text("utf-8"), rare=1)
    table = FrequentTable(data, symbol_counts(data))
    known = Counter(data.itos[index] for split in data.splits.values() for index in split.targets)
    rows = ["".join(part for part, _ in table.row(at, 60).pieces).split() for at in range(5)]
    for (word, times), row in zip(known.most_common(5), rows, strict=True):
        assert (row[1], row[-5]) == (word, f"{times:,}")
    assert START not in known
    assert table.sums[-1] == pytest.approx(1)


def test_an_example_is_shown_as_the_model_reads_it(few_words: Path) -> None:
    data = text_of(few_words.read_text("utf-8"), rare=1)
    first = ContextTable(data, "First", occurrences(data, "First"))
    row = "".join(part for part, _ in first.row(0, 100).pieces)
    assert re.fullmatch(r"train +<s> → First Citizen : Before we .*", row), row
    rare = next(word for word in data.words if word not in data.stoi)
    row = "".join(
        part for part, _ in ContextTable(data, rare, occurrences(data, rare)).row(0, 100).pieces
    )
    assert f"→ {UNKNOWN} ({rare}) " in row
