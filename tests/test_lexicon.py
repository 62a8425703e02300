"""The distinct words of a list, its searches, its pairs: each against the same in plain Python."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bigram import MOST_SYMBOLS, count_bigrams
from core.coded import Words
from core.counting import MOST_PAIRED, count_lengths, count_pairs
from core.dataset import SPLITS, Dataset, statistics, symbol_counts
from core.lexicon import lexicon
from core.places import Places
from tests.test_dataset import lists_of_words

few_words = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=40)
"""So few symbols that words repeat."""


def dataset_of(words: list[str], block_size: int = 3) -> Dataset:
    return Dataset.from_words(words, block_size, 42, "")


@given(words=few_words | lists_of_words)
def test_every_word_is_there_once_in_the_lists_order_with_its_times(words: list[str]) -> None:
    dataset = dataset_of(words)
    known = lexicon(dataset)
    assert list(known.words) == list(dict.fromkeys(words))
    for split, times in zip(SPLITS, known.times, strict=True):
        counts = Counter(dataset.words_of(split))
        assert times.tolist() == [counts[word] for word in known.words]
        assert known.distinct(split) == len(counts)
    assert known.repeated == len(words) - len(set(words))


@given(words=few_words)
def test_an_overlap_counts_the_words_that_the_other_split_has_too(words: list[str]) -> None:
    dataset = dataset_of(words)
    known = lexicon(dataset)
    for of in SPLITS:
        for within in SPLITS:
            overlap, others = known.overlap(of, within), set(dataset.words_of(within))
            assert overlap.words == len(dataset.words_of(of))
            assert overlap.known == sum(word in others for word in dataset.words_of(of))
    assert known.overlap("dev", "train").share == statistics(dataset).dev_in_train


@given(data=st.data(), words=few_words | lists_of_words)
def test_a_search_finds_what_a_plain_filter_finds(data: st.DataObject, words: list[str]) -> None:
    known = lexicon(dataset_of(words))
    whole = f".{data.draw(st.sampled_from(words))}."
    start = data.draw(st.integers(0, len(whole)))
    part = whole[start : data.draw(st.integers(start, len(whole)))]
    for query in (part, whole, data.draw(st.text("ab.é☃", max_size=5))):
        found = known.find(query)
        expected = [word for word in dict.fromkeys(words) if query in f".{word}."]
        assert [known.words[at] for at in found.tolist()] == expected


def test_a_search_across_the_pieces_it_is_made_in_loses_nothing() -> None:
    known = lexicon(dataset_of(["abab", "ba", "bb", "aab", "b"]))
    for query in ("ab", "a", ".b", "b.", "bab", "abab"):
        expected = [word for word in known.words if query in f".{word}."]
        assert [known.words[at] for at in known.find(query, 2).tolist()] == expected


def test_the_most_frequent_words_come_first_and_equal_ones_as_they_were() -> None:
    known = lexicon(dataset_of(["one", "two", "three", "two", "one", "two", "four"]))
    ordered = known.most_frequent_first(known.find(""))
    assert [known.words[at] for at in ordered.tolist()] == ["two", "one", "three", "four"]


@given(words=few_words, bits=st.integers(8, 64))
def test_equal_words_have_equal_numbers_whatever_the_hash(words: list[str], bits: int) -> None:
    places = Places(Words.of(words), bits)
    numbers = places.numbers().tolist()
    assert sorted(set(numbers)) == list(range(len(set(words))))
    assert len(set(zip(numbers, words, strict=True))) == len(set(words))


@given(words=lists_of_words)
def test_lengths_and_symbols_are_counted_as_they_stand(words: list[str]) -> None:
    dataset = dataset_of(words)
    lengths, expected = count_lengths(dataset), Counter(map(len, words))
    counted = enumerate(lengths.counts.tolist(), start=lengths.shortest)
    assert {length: count for length, count in counted if count} == expected
    assert lengths.mean == pytest.approx(sum(map(len, words)) / len(words))
    symbols = Counter("".join(f"{word}." for word in words))
    assert symbol_counts(dataset).tolist() == [symbols[symbol] for symbol in dataset.itos]


@given(words=lists_of_words)
def test_the_table_of_pairs_is_the_bigram_model(words: list[str]) -> None:
    dataset = dataset_of(words)
    pairs, bigram = count_pairs(dataset), count_bigrams(dataset)
    assert bigram is not None
    assert pairs.is_whole
    assert np.array_equal(pairs.counts, bigram.counts)
    assert -np.log(pairs.odds) == pytest.approx(bigram.surprise)
    assert pairs.odds.sum(axis=1) == pytest.approx(1.0)
    symbols = dataset.encode(words[0])
    assert pairs.surprises(symbols) == pytest.approx(bigram.surprises(symbols))


def test_of_a_vocabulary_too_large_for_a_table_the_most_frequent_symbols_have_one() -> None:
    rare = [chr(0x4E00 + at) for at in range(MOST_SYMBOLS)]
    words = ["abba", "bab", "a"] * 50 + [f"a{symbol}b" for symbol in rare]
    dataset = dataset_of(words)
    assert count_bigrams(dataset) is None
    pairs = count_pairs(dataset)
    assert len(pairs.symbols) == MOST_PAIRED
    assert not pairs.is_whole
    counts = Counter(pair for word in dataset.words_of("train") for pair in pairwise(f".{word}."))
    firsts = Counter(first for first, _ in counts.elements())
    for row, first in enumerate(".ab"):
        assert pairs.totals[row] == firsts[first]
        for column, second in enumerate(".ab"):
            assert pairs.counts[row, column] == counts[first, second]
            odds = (counts[first, second] + 1) / (firsts[first] + dataset.vocab_size)
            assert pairs.odds[row, column] == pytest.approx(odds)
    unknown = dataset.encode(rare[-1])
    assert np.isnan(pairs.surprises(unknown)).all()
