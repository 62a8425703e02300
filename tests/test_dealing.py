"""How words are dealt: the order of old runs for ever, and a faster one for very long lists."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import DataConfig
from core.dataset import SPLITS, Dataset, DatasetError
from core.dealing import MOST_SHUFFLED, deal, dealing_for, permuted, shuffled
from core.launch import load_data
from core.record import read_config
from tests.conftest import MakeRun

SEEDS = st.integers(0, 2**63 - 1)


@given(words=st.integers(0, 5_000), seed=SEEDS)
def test_a_shuffle_is_the_one_of_pythons_random(words: int, seed: int) -> None:
    expected = list(range(words))
    random.Random(seed).shuffle(expected)
    assert shuffled(words, seed).tolist() == expected


def test_a_long_shuffle_is_the_one_of_pythons_random() -> None:
    expected = list(range(150_000))
    random.Random(42).shuffle(expected)
    assert shuffled(150_000, 42).tolist() == expected


@given(words=st.integers(1, 5_000), seed=SEEDS)
def test_a_permutation_deals_every_word_once(words: int, seed: int) -> None:
    order = permuted(words, seed)
    assert sorted(order.tolist()) == list(range(words))
    assert permuted(words, seed).tolist() == order.tolist()


def test_a_permutation_is_the_same_on_every_machine() -> None:
    assert permuted(10, 42).tolist() == [2, 7, 0, 6, 1, 3, 4, 8, 5, 9]
    digest = hashlib.sha256(permuted(100_000, 42).astype("<i4").tobytes()).hexdigest()
    assert digest.startswith("28f853e93b8c3b00")


def test_a_permutation_mixes_the_list_and_depends_on_the_seed() -> None:
    order = permuted(100_000, 1)
    assert abs(np.corrcoef(order, np.arange(100_000))[0, 1]) < 0.02
    assert (order == permuted(100_000, 2)).mean() < 0.001
    # As many of each tenth of the list in train as there should be.
    train = np.histogram(order[:80_000], bins=10, range=(0, 100_000))[0]
    assert np.abs(train - 8_000).max() < 200


def test_only_lists_beyond_a_million_words_are_dealt_the_faster_way() -> None:
    assert MOST_SHUFFLED == 1_000_000
    assert dealing_for(1_000_000) == "shuffle"
    assert dealing_for(1_000_001) == "permutation"
    assert deal(1_000_001, 42, "permutation").tolist() == permuted(1_000_001, 42).tolist()


def test_a_record_without_the_way_of_dealing_means_the_shuffle(make_run: MakeRun) -> None:
    directory = make_run()
    path = directory / "config.json"
    content = json.loads(path.read_text("utf-8"))
    assert content["data"].pop("dealing") == "shuffle"
    path.write_text(json.dumps(content), "utf-8")
    config = read_config(directory)
    assert config.data.dealing == "shuffle"
    words = list(load_data(directory, config).words)
    random.Random(42).shuffle(words)
    assert list(load_data(directory, config).dealt) == words


def test_the_recorded_way_of_dealing_is_the_one_that_is_used(make_run: MakeRun) -> None:
    directory = make_run()
    config = read_config(directory)
    data = load_data(directory, config)
    path = directory / "config.json"
    path.write_text(path.read_text("utf-8").replace('"shuffle"', '"permutation"'), "utf-8")
    other = load_data(directory, read_config(directory))
    words = list(data.words)
    assert list(other.dealt) == [words[place] for place in permuted(len(words), 42)]
    assert list(other.dealt) != list(data.dealt)
    for name in SPLITS:
        assert other.splits[name].words == data.splits[name].words


def test_dealing_is_chosen_by_size_where_nothing_is_recorded() -> None:
    few = Dataset.from_words(["ab", "cd", "ef"] * 20, 3, 42, "")
    same = Dataset.from_words(["ab", "cd", "ef"] * 20, 3, 42, "", "shuffle")
    assert list(few.dealt) == list(same.dealt)
    assert DataConfig(path="", sha256="").dealing == "shuffle"


def test_a_list_that_has_changed_since_is_refused(make_run: MakeRun, names: Path) -> None:
    directory = make_run()
    # As with a list too large to be copied.
    (directory / "words.txt").unlink()
    config = read_config(directory)
    assert len(load_data(directory, config).words) == 301
    with names.open("a", encoding="utf-8") as file:
        file.write("another\n")
    with pytest.raises(DatasetError, match=r"is not the list that run .* was begun with"):
        load_data(directory, config)
