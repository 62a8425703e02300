"""Lists of words as numbers: what they are asked gives what a list of strings would give."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.words
from core.coded import Words
from core.dataset import SPLITS, Dataset, load, statistics
from core.places import Places
from core.words import DatasetError, read_words

ALPHABETS = ("ab", "abcdefghijklmnopqrstuvwxyz '-", "àéîõüßÿ", "абвгд", "𝒜𝒷🙂e\u0301")
LISTS = st.sampled_from(ALPHABETS).flatmap(
    lambda symbols: st.lists(st.text(alphabet=symbols, min_size=1, max_size=9), max_size=60)
)


def generated(words: int) -> list[str]:
    """Words of 1 to 9 letters, some of them more than once."""
    generator = np.random.default_rng(1)
    lengths = generator.integers(1, 10, words).tolist()
    letters = generator.integers(97, 123, sum(lengths), dtype=np.uint8).tobytes().decode()
    listed, at = [], 0
    for length in lengths:
        listed.append(letters[at : at + length])
        at += length
    return listed


@given(words=LISTS, data=st.data())
def test_words_are_asked_for_as_from_a_list(words: list[str], data: st.DataObject) -> None:
    held = Words.of(words)
    assert (len(held), list(held)) == (len(words), words)
    assert held.lengths.tolist() == [len(word) for word in words]
    assert held[1:-1] == words[1:-1]
    assert held[::-2] == words[::-2]
    places = st.integers(-len(words), len(words) - 1) if words else st.nothing()
    order = data.draw(st.lists(places.map(lambda place: place % len(words))))
    picked = held.picked(np.array(order, dtype=np.int32))
    assert list(picked) == [words[place] for place in order]
    assert picked.lengths.tolist() == [len(words[place]) for place in order]
    for place in order[:3]:
        assert held[place] == words[place]
        assert held[place - len(words)] == words[place]
    with pytest.raises(IndexError):
        held[len(words)]


@given(words=LISTS, others=LISTS)
def test_membership_is_exact(words: list[str], others: list[str]) -> None:
    data = Dataset.from_words(words, 3, 42, "")
    parts = {name: set(data.words_of(name)) for name in SPLITS}
    for word in {*words, *others, "", ".", "ab.", *(word[:-1] for word in words)}:
        expected = next((name for name in SPLITS if word in parts[name]), None)
        assert data.split_of(word) == expected


def test_a_hash_that_takes_two_words_for_one_is_not_used() -> None:
    listed = generated(9_000)
    dealt = Words.of(listed)
    wide, narrow = Places(dealt), Places(dealt, bits=24)
    assert (wide.salt, len(wide)) == (0, len(set(listed)))
    assert narrow.salt > 0
    assert len(narrow) == len(set(listed))
    for place in range(0, 9_000, 7):
        codes = dealt.joined(np.array([place], dtype=np.int32))
        assert narrow.first(codes) == wide.first(codes) == listed.index(listed[place])


def test_two_hundred_thousand_words_are_as_a_list_of_strings_would_be(tmp_path: Path) -> None:
    words = generated(200_000)
    path = tmp_path / "many.txt"
    path.write_text("\n".join(words), "utf-8")
    data = load(path, 3)
    assert list(data.words) == words
    facts = statistics(data)
    train, dev = set(data.words_of("train")), list(data.words_of("dev"))
    assert facts.distinct == len(set(words))
    assert facts.dev_in_train == sum(word in train for word in dev) / len(dev)
    assert facts.length_counts == tuple(np.bincount([len(word) for word in words])[1:].tolist())
    assert sum(facts.examples.values()) == sum(map(len, words)) + len(words)
    for word in dev[:200]:
        assert data.split_of(word) == ("train" if word in train else "dev")


def test_a_long_list_is_held_in_a_few_bytes_a_symbol_and_not_as_strings(tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("\n".join(generated(200_000)), "utf-8")
    gc.collect()
    known = {id(found) for found in gc.get_objects()}
    data = load(path, 8)
    gc.collect()
    long = [
        found
        for found in gc.get_objects()
        if type(found) in (list, tuple, dict) and len(found) > 1_000 and id(found) not in known
    ]
    assert long == []
    streams = sum(split.stream.nbytes for split in data.splits.values())
    held = data.words.codes.nbytes + data.words.starts.nbytes + streams
    # A number more for each word: the order in which it is dealt.
    assert held + 4 * len(data.words) < 4 * path.stat().st_size


# --- files, against the plain way to read them ---


def plainly(content: bytes) -> list[str]:
    text = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return [word for word in map(str.strip, text.split("\n")) if word]


LINES = st.text(alphabet="ab é\u3000\u2003я🙂\xa0'", max_size=6)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \n"])


@given(
    lines=st.lists(st.tuples(LINES, ENDS), max_size=40),
    piece=st.sampled_from([1, 7, 30, 1 << 20]),
)
def test_any_file_is_read_as_plainly(lines: list[tuple[str, str]], piece: int) -> None:
    content = ("x\ny\n" * 5 + "".join(line + end for line, end in lines)).encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.words, "PIECE", piece)
        path = Path(folder) / "words.txt"
        path.write_bytes(content)
        assert list(read_words(path).words) == plainly(content)


@pytest.mark.parametrize("piece", [1, 20, 1 << 20])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (b"zo\xeb\n", "byte 0xeb is not valid"),
        (b"a.b\n", 'holds "."'),
        (b"  em\x1bma\n", "U+001B"),
        (b"x" * 1_001 + b"\n", "1,001 symbols"),
    ],
)
def test_a_fault_is_found_in_its_line_however_far_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, fault: bytes, says: str
) -> None:
    monkeypatch.setattr(core.words, "PIECE", piece)
    path = tmp_path / "words.txt"
    path.write_bytes("emma\r\nмия\r\n\r\n".encode() * 50 + fault + b"ava\n" * 50)
    with pytest.raises(DatasetError, match=", line 151: ") as refusal:
        read_words(path)
    assert says in str(refusal.value)
