"""Running text: the rule of its tokens, its vocabulary, its three parts, and what is refused."""

from __future__ import annotations

import math
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bigram import bigram_loss
from core.coded import Words
from core.dataset import SPLITS, part, statistics, symbol_counts
from core.text import START, UNKNOWN, Text
from core.tokens import paragraphs, read_text, spelled, text_in, tokens_of
from core.words import DatasetError

SHIPPED = Path(str(files("data") / "shakespeare.txt"))

# --- tokens ---


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("To be, or not to be:", "To|be|,|or|not|to|be|:"),
        ("'Tis o'er well-known ne’er.", "'|Tis|o'er|well-known|ne’er|."),
        ("3.14 of 10,000 at 12:30.", "3.14|of|10,000|at|12:30|."),
        ("He--she (2nd)", "He|-|-|she|(|2nd|)"),
        ("one\ntwo\n\n \nthree", "one|two|¶|three"),
        ("_so_ $5", "_|so|_|$|5"),
        ("cafe\u0301", "café"),
        ("हिन्दी में है।", "हिन्दी|में|है|।"),
        ("שָׁלוֹם מִי‌ש", "שָׁלוֹם|מִי‌ש"),
        ("می\u200cخواهم، نه", "می\u200cخواهم|،|نه"),
        ("👍🏽👩‍🚀 🇮🇳🇧🇷❤️!", "👍🏽|👩‍🚀|🇮🇳|🇧🇷|❤️|!"),
        ("=\u0338x 1\u20e3", "≠|x|1\u20e3"),
        ("1.5\u0301 🇮🇳\ufe0f", "1.5\u0301|🇮🇳\ufe0f"),
        ("نه\u200c نه ☂\u200d.", "نه|نه|☂|."),
        ("", ""),
    ],
)
def test_a_text_is_split_by_the_rule(text: str, tokens: str) -> None:
    assert tokens_of(text) == [token for token in tokens.split("|") if token]


@pytest.mark.parametrize(
    "text",
    [
        "To be, or not to be: that is the question (I think)!",
        'He said "no" -- and "yes".',
        "'Tis gone; ‘tis “well-known”.",
        "यह हिन्दी है। क्या यह है?",
        "( 🏽 and # \u0301",
        "هل هذا، يا صديقي؟ نعم.",
    ],
)
def test_tokens_are_written_as_people_write_them(text: str) -> None:
    assert spelled(tokens_of(text)) == text


def test_a_blank_line_is_written_as_one() -> None:
    text = "First Citizen:\nSpeak.\n\nAll:\nSpeak, speak."
    written = "First Citizen: Speak.\n\nAll: Speak, speak."
    assert paragraphs(spelled(tokens_of(text))) == written


PLAIN = "ab1é¶ \n.,:;'’\"-()“”‘$_<>\u0301"
JOINING = "ab1é¶ \n.,'\"-(“$\u0301\u0338\u093fह\u200d\u200c\ufe0f👩🚀🏽🇮🇳\U000e0067"


@given(
    st.text(alphabet=PLAIN, max_size=60)
    | st.text(alphabet=JOINING, max_size=60)
    | st.text(max_size=60)
)
def test_written_tokens_are_the_same_tokens_again(text: str) -> None:
    tokens = tokens_of(text)
    assert tokens_of(spelled(tokens)) == tokens
    assert all(tokens_of(token) == [token] for token in tokens)


def test_a_file_is_cut_into_the_tokens_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    text = SHIPPED.read_text("utf-8")[:20_000] + "\n\n" + "é o'er 3.14\n \n" * 99
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    monkeypatch.setattr("core.tokens.PIECE", 50)
    assert list(read_text(path).words) == tokens_of(text.strip())


# --- the dataset ---

WORDS = st.lists(st.sampled_from([*"abcdef", "the", "of", "1", ","]), min_size=20)


def text_of(tokens: list[str], block_size: int = 3, most: int = 17_000, rare: int = 0) -> Text:
    pieces = [np.frombuffer("".join(f"{token}\n" for token in tokens).encode(), np.uint8)]
    words = Words.coded(pieces, np.unique(pieces[0]).astype(np.int64), ord("\n"), ends="\n")
    return Text.from_tokens(words, block_size, "", most=most, rare=rare)


@given(WORDS, st.integers(1, 5), st.integers(3, 14), st.integers(0, 3))
def test_a_text_keeps_its_order_its_parts_and_the_cap_of_its_vocabulary(
    tokens: list[str], block_size: int, most: int, rare: int
) -> None:
    counts = Counter(tokens[part("train", len(tokens))])
    if max(counts.values()) <= rare:
        with pytest.raises(DatasetError, match="lower --rare"):
            text_of(tokens, block_size, most, rare)
        return
    text = text_of(tokens, block_size, most, rare)
    assert list(text.words) == tokens
    kept = text.itos[2:]
    assert text.itos[:2] == (START, UNKNOWN)
    assert text.vocab_size <= most
    # The most frequent are kept, of equal ones the earlier, and none that is too rare.
    order = sorted(counts, key=lambda word: (-counts[word], tokens.index(word)))
    assert list(kept) == [word for word in order if counts[word] > rare][: most - 2]
    # Contiguous: the parts one after the other are the text, with <unk> for what was not kept.
    followed = [text.itos[i] for name in SPLITS for i in text.splits[name].targets]
    assert followed == [token if token in kept else UNKNOWN for token in tokens]
    assert sum(symbol_counts(text)) == len(tokens)


@given(WORDS, st.integers(1, 5))
def test_a_context_is_what_stands_before_it_in_its_part_and_starts_before(
    tokens: list[str], block_size: int
) -> None:
    text = text_of(tokens, block_size)
    for name in SPLITS:
        own = [START] * block_size + tokens[part(name, len(tokens))]
        unknown = {token for token in own if token not in text.itos}
        own = [UNKNOWN if token in unknown else token for token in own]
        rows = text.splits[name].rows(slice(None)).tolist()
        examples = [own[at : at + block_size + 1] for at in range(len(own) - block_size)]
        assert [[text.itos[i] for i in row] for row in rows] == examples


def test_contexts_run_across_the_ends_of_sentences() -> None:
    text = text_of(tokens_of("It is. And so it is. " * 20))
    row = text.splits["train"].rows(np.array([4]))[0].tolist()
    assert text.written(row) == "is . And so"


def test_words_that_the_vocabulary_lacks_are_unknown() -> None:
    text = text_of(["to", "be", "or"] * 30)
    assert text.written(text.encode("to xylophone, or")) == "to <unk> <unk> or"


def test_a_vocabulary_of_many_words_needs_no_more_than_their_numbers() -> None:
    tokens = [f"w{i % 40_000}" for i in range(100_000)]
    text = text_of(tokens, most=100_000)
    assert text.vocab_size == 40_002
    assert text.itos[text.splits["test"].targets[-1]] == tokens[-1]
    assert text_of(tokens, most=17_000).splits["train"].stream.itemsize == 2


def test_the_panel_of_the_dataset_can_count_a_text() -> None:
    read = read_text(SHIPPED)
    text = Text.from_tokens(read.words, 5, read.sha256, most=17_000, rare=3)
    assert read.sha256 in (files("data") / "README.md").read_text(encoding="utf-8")
    assert text.vocab_size == 3_748
    counted = statistics(text)
    assert counted.words == 258_806
    assert counted.examples == {"train": 207_044, "dev": 25_881, "test": 25_881}
    assert [symbol for symbol, _ in counted.frequent[:3]] == [",", UNKNOWN, ":"]
    assert counted.first_examples[1] == ("<s> <s> <s> <s> First", "Citizen")
    assert text.split_of("Verona") == "train"
    assert text.split_of("xylophone") is None
    line = bigram_loss(text)
    assert line is not None
    assert 4 < line < math.log(text.vocab_size)


# --- what is refused ---

ENOUGH = b"to be or not to be, that is the question. " * 20


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "is empty. Add more: at least 100"),
        (b" \n\n \t ", "is empty. Add more: at least 100"),
        (b"To be, or not.", "holds only 6 words and marks. Add more"),
        (b"one\n" + ENOUGH + b"\0", "line 2: holds a NUL byte"),
        (ENOUGH + b"\nfa\xe7ade", "line 2: byte 0xe7 is not valid UTF-8. Save the text"),
        (ENOUGH + b"\n\nx\x1b[2Jy", "line 3: the text holds the control character"),
        (ENOUGH + b"\n" + b"A" * 5_000_000, 'line 2: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA…" goes on for'),
    ],
)
def test_what_is_no_text_is_refused_with_a_sentence_and_a_cure(raw: bytes, sentence: str) -> None:
    with pytest.raises(DatasetError) as refused:
        text_in(raw, "text.txt")
    assert str(refused.value).startswith("text.txt")
    assert sentence in str(refused.value)


def test_a_text_in_one_huge_line_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_bytes(ENOUGH * 3_000)
    assert len(read_text(path).words) == 12 * 20 * 3_000
