"""A list of words as the model gets it: splits, examples, statistics; and the known lists."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset import SPLITS, Dataset, DatasetError, Split, load, read_words, statistics

NAMES = str(files("data") / "names.txt")

# --- what the model is given ---


def lecture_examples(words: list[str], stoi: dict[str, int], block_size: int) -> list[list[int]]:
    """`build_dataset` of the lecture: each row a context and then its target."""
    rows = []
    for word in words:
        context = [0] * block_size
        for symbol in f"{word}.":
            index = stoi[symbol]
            rows.append([*context, index])
            context = [*context[1:], index]
    return rows


def examples_of(split: Split, block_size: int) -> list[list[int]]:
    assert split.block_size == block_size
    rows: list[list[int]] = split.rows(slice(None)).tolist()
    return rows


ALPHABETS = ("ab", "abcdefghijklmnopqrstuvwxyz '-", "àéîõüßÿ", "абвгд", "קמץ", "𝒜𝒷🙂e\u0301")
lists_of_words = st.sampled_from(ALPHABETS).flatmap(
    lambda symbols: st.lists(
        st.text(alphabet=symbols, min_size=1, max_size=12), min_size=1, max_size=60
    )
)


@given(words=lists_of_words, block_size=st.integers(1, 8), split_seed=st.integers(0, 2**32))
def test_slices_of_the_stream_are_the_lectures_examples(
    words: list[str], block_size: int, split_seed: int
) -> None:
    dataset = Dataset.from_words(words, block_size, split_seed, "")

    assert list(dataset.words) == words
    assert dataset.itos == (".", *sorted(set("".join(words))))
    shuffled = list(words)
    random.Random(split_seed).shuffle(shuffled)
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    dealt = {
        "train": shuffled[:first],
        "dev": shuffled[first:second],
        "test": shuffled[second:],
    }
    for name in SPLITS:
        split = dataset.splits[name]
        expected = lecture_examples(dealt[name], dataset.stoi, block_size)
        assert list(dataset.words_of(name)) == dealt[name]
        assert split.words == len(dealt[name])
        assert split.examples == len(expected)
        assert examples_of(split, block_size) == expected
        plain = "." * block_size + "".join(f"{word}." for word in dealt[name])
        assert "".join(dataset.itos[symbol] for symbol in split.stream.tolist()) == plain
        if split.examples:
            chosen = np.arange(split.examples)[::-3].reshape(1, -1)
            assert split.rows(chosen).tolist() == [expected[::-3]]


@given(words=lists_of_words)
def test_a_list_with_as_few_words_as_you_like_has_statistics(words: list[str]) -> None:
    facts = statistics(Dataset.from_words(words, 3, 42, ""))

    assert facts.distinct + facts.repeated == facts.words == sum(facts.length_counts)
    assert facts.shortest <= facts.mean_length <= facts.longest
    assert facts.length_counts[0] > 0
    assert facts.length_counts[-1] > 0
    assert len(facts.length_counts) == facts.longest - facts.shortest + 1


@pytest.mark.parametrize(
    ("symbols", "dtype"), [(254, np.uint8), (255, np.int16), (9_000, np.int16)]
)
def test_the_stream_is_as_narrow_as_the_vocabulary_allows(
    symbols: int, dtype: type[np.generic]
) -> None:
    dataset = Dataset.from_words(list(map(chr, range(0x4E00, 0x4E00 + symbols))), 2, 42, "")

    split = dataset.splits["train"]
    assert dataset.vocab_size == symbols + 1
    assert split.stream.dtype == dtype
    assert examples_of(split, 2) == lecture_examples(
        list(dataset.words_of("train")), dataset.stoi, 2
    )


@pytest.mark.parametrize("words", [["ava", ""], ["ava", "st. john"]])
def test_a_list_that_would_garble_the_stream_makes_no_dataset(words: list[str]) -> None:
    with pytest.raises(DatasetError, match="must have symbols"):
        Dataset.from_words(words, 3, 42, "")


def test_a_file_and_its_words_make_the_same_dataset(tmp_path: Path) -> None:
    words = ["emma", "zoë", "мия"] * 5
    content = "\n".join(words).encode()
    path = tmp_path / "words.txt"
    path.write_bytes(content)

    loaded, made = load(path, 4, 7), Dataset.from_words(words, 4, 7, "")

    assert (loaded.block_size, loaded.split_seed) == (4, 7)
    assert loaded.sha256 == hashlib.sha256(content).hexdigest()
    assert loaded.itos == made.itos
    for name in SPLITS:
        assert loaded.splits[name].stream.tolist() == made.splits[name].stream.tolist()


def test_encoding_gives_each_symbols_index_and_refuses_strangers() -> None:
    dataset = Dataset.from_words(["ab", "ca"], 3, 42, "")

    assert dataset.encode("cab.") == [3, 1, 2, 0]
    assert dataset.encode("") == []
    with pytest.raises(DatasetError, match=r'"\\x1b" stands in no word'):
        dataset.encode("ab\x1b")


def test_a_word_in_several_splits_counts_as_trains() -> None:
    words = [f"{first}{second}" for first in "abcde" for second in "abcd"] * 2
    dataset = Dataset.from_words(words, 3, 42, "")

    parts = {name: set(dataset.words_of(name)) for name in SPLITS}
    assert parts["dev"] & parts["train"]
    for word in words:
        assert dataset.split_of(word) == next(name for name in SPLITS if word in parts[name])
    assert dataset.split_of("zz") is None


def test_statistics_count_what_the_panel_shows() -> None:
    words = ["aa", "ab", "ab", "abcde", "a", "b", "ba", "bb", "ab", "aab"]
    dataset = Dataset.from_words(words, 3, 42, "")
    facts = statistics(dataset)

    assert (facts.words, facts.distinct, facts.repeated, facts.symbols) == (10, 8, 2, 5)
    assert facts.split_words == {"train": 8, "dev": 1, "test": 1}
    assert sum(facts.examples.values()) == sum(len(word) + 1 for word in words)
    assert facts.dev_in_train == float(dataset.words_of("dev")[0] in dataset.words_of("train"))
    assert (facts.shortest, facts.longest, facts.mean_length) == (1, 5, 2.2)
    assert facts.length_counts == (2, 6, 1, 0, 1)
    assert facts.frequent == (("a", 10), ("b", 9), ("c", 1), ("d", 1), ("e", 1))


def test_the_first_examples_spell_out_the_first_word_of_train() -> None:
    dataset = Dataset.from_words(["ab"] * 10, 3, 42, "")

    assert statistics(dataset).first_examples == (("...", "a"), ("..a", "b"), (".ab", "."))


# --- the lists that people know ---


@pytest.mark.skipif(
    not os.environ.get("STEERMORE_LECTURE_NAMES"),
    reason="STEERMORE_LECTURE_NAMES does not name the lecture's list (it is not ours to ship)",
)
def test_the_lectures_list_gives_the_lectures_counts() -> None:
    dataset = load(os.environ["STEERMORE_LECTURE_NAMES"], 3)

    assert len(dataset.words) == 32_033
    assert statistics(dataset).repeated == 2_539
    assert {name: split.examples for name, split in dataset.splits.items()} == {
        "train": 182_625,
        "dev": 22_655,
        "test": 22_866,
    }


def test_the_shipped_list_is_the_names_of_2017() -> None:
    dataset = load(NAMES, 3)
    facts = statistics(dataset)

    assert len(dataset.words) == 32_469
    assert dataset.words[:6] == ["emma", "olivia", "ava", "isabella", "sophia", "mia"]
    assert "".join(dataset.itos) == ".abcdefghijklmnopqrstuvwxyz"
    assert facts.examples == {"train": 185_346, "dev": 23_267, "test": 23_105}
    assert (facts.distinct, facts.repeated) == (29_910, 2_559)
    assert facts.first_examples[:2] == (("...", "c"), ("..c", "a"))


def test_the_shipped_file_is_the_one_that_its_readme_describes() -> None:
    digest = read_words(NAMES).sha256

    assert digest in (files("data") / "README.md").read_text(encoding="utf-8")


def test_reading_a_list_imports_neither_torch_nor_textual() -> None:
    program = (
        "import sys; from core.dataset import load, statistics; "
        f"statistics(load({NAMES!r}, 3)); "
        "print({'torch', 'textual'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == ("set()", "")
