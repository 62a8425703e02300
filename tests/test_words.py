"""Lists of words as files: what is read, and what is refused with which sentence."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.words import LONGEST_WORD, MOST_BYTES, DatasetError, read_words

WORDS = ["emma", "olivia", "ava", "mary ann", "o'neil", "jean-luc", "zoë", "мия", "莉莉", "emma"]
PLAIN = "".join(f"{word}\n" for word in WORDS).encode()

# --- what is read ---


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.removesuffix(b"\n"),
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + PLAIN,
        b"\n \n" + PLAIN.replace(b"\n", b"\n\n\t\n"),
        PLAIN.replace(b"\n", b" \t\n  "),
        PLAIN.replace(b"\n", "\N{NO-BREAK SPACE}\n".encode()),
        PLAIN.replace(b"\n", b"\n\r", 3),
    ],
    ids=["LF", "no last LF", "CRLF", "CR", "BOM", "blank lines", "spaces", "no-break", "mixed"],
)
def test_the_same_words_are_read_however_the_file_is_written(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)

    read = read_words(path)

    assert list(read.words) == WORDS
    assert read.raw == content
    assert read.sha256 == hashlib.sha256(content).hexdigest()


def test_separators_other_than_line_ends_do_not_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("".join(f"a\N{NO-BREAK SPACE}b{i}\n" for i in range(10)), encoding="utf-8")

    assert read_words(path).words[9] == "a\N{NO-BREAK SPACE}b9"


def test_a_word_of_just_the_longest_length_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(PLAIN + b"x" * LONGEST_WORD)

    assert len(read_words(path).words[-1]) == LONGEST_WORD


# --- what is refused ---


def refusal(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read_words(path)
    return str(caught.value)


def message_has_cure(message: str, words: str) -> bool:
    return words in message and message.count(". ") == 1


REFUSALS: dict[str, tuple[bytes, int | None, list[str]]] = {
    "empty": (b"", None, ["no words", "one word on each line"]),
    "byte order mark only": (b"\xef\xbb\xbf", None, ["no words"]),
    "blank lines only": (b"\n \r\n\t\n", None, ["no words"]),
    "boundary": (PLAIN + b"st. john\n", 11, ['"st. john"', 'holds "."', "Remove it"]),
    "a text": (PLAIN + b"To be, or not.\n", 11, ['holds "."', "is read with --level word."]),
    "boundary after CRLF": (b"a\r\n\r\nb.c\r\n", 3, ['"b.c"', "Remove it"]),
    "boundary after CR": (b"a\r\rb.c\r", 3, ['"b.c"', "Remove it"]),
    "NUL": (PLAIN + b"\x89PNG\x00", 11, ["NUL", "plain UTF-8 text"]),
    "UTF-16": ("emma\nava\n".encode("utf-16"), 1, ["UTF-16", "plain UTF-8 text"]),
    "Latin-1": (b"\xef\xbb\xbfava\r\nmia\r\nzo\xeb\r\n", 3, ["0xeb", "not valid UTF-8", "Save"]),
    "cut short": (PLAIN + b"zo\xc3", 11, ["0xc3", "not valid UTF-8"]),
    "surrogate": (b"ava\n\xed\xa0\x80\n", 2, ["0xed", "not valid UTF-8"]),
    "ESC": (PLAIN + b"em\x1b[31mma\n", 11, [r'"em\x1b[31mma"', "U+001B", "Remove it"]),
    "TAB": (b"emma\t12\nava\t9\n", 1, [r'"emma\t12"', "TAB", "table", "one column"]),
    "form feed": (PLAIN + b"a\x0cb\n", 11, [r'"a\x0cb"', "U+000C"]),
    "C1 control": (PLAIN + "a\x9bb\n".encode(), 11, [r'"a\x9bb"', "U+009B"]),
    "line separator": (PLAIN + "a\u2028b\n".encode(), 11, [r'"a\u2028b"', "U+2028"]),
    "override": (PLAIN + "a\u202eb\n".encode(), 11, [r'"a\u202eb"', "U+202E"]),
    "second byte order mark": (PLAIN + "\ufeffb\n".encode(), 11, [r'"\ufeffb"', "U+FEFF"]),
    "one symbol": (b"aa\na\n" * 9, None, ["one distinct symbol", '"a"', "at least two"]),
    "one word": (b"emma\n", None, ["only 1 word.", "Add more", "at least 10"]),
    "few words": (b"emma\nava\n" * 4 + b"mia", None, ["only 9 words", "Add more", "at least 10"]),
    "long word": (
        PLAIN + b"x" * (LONGEST_WORD + 1),
        11,
        ["xxx…", "1,001 symbols", "at most 1,000", "one word on each line"],
    ),
    "many symbols": (
        "\n".join(map(chr, range(0x4E00, 0x4E00 + 10_001))).encode(),
        None,
        ["10,001 distinct symbols", "at most 10,000", "fewer scripts"],
    ),
}


@pytest.mark.parametrize(("content", "line", "says"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_file_that_is_no_list_is_refused_with_file_line_and_cure(
    tmp_path: Path, content: bytes, line: int | None, says: list[str]
) -> None:
    path = tmp_path / "my words.txt"
    path.write_bytes(content)

    message = refusal(path)

    where = f"{path}: " if line is None else f"{path}, line {line}: "
    assert message.startswith(where)
    for words in says:
        assert words in message
    assert message.isprintable()
    assert message.endswith(".")


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything; be somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nmaes.txt")

    assert "nmaes.txt: no such file. Check its name" in message


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(PLAIN)

    assert "no such file" in refusal(tmp_path / "names.txt" / "more.txt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path)

    assert message.startswith(f"{tmp_path}: is a folder. Name a text file")


def test_an_unreadable_file_is_refused() -> None:
    # Not in tmp_path, whose own folders are closed to others.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "names.txt"
        path.write_bytes(PLAIN)
        path.chmod(0)
        with without_privileges():
            message = refusal(path)

    assert message.startswith(f"{path}: may not be read. Check its permissions")


def test_a_file_in_a_locked_folder_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.txt"
        path.write_bytes(PLAIN)
        Path(folder).chmod(0)
        try:
            with without_privileges():
                message = refusal(path)
        finally:
            Path(folder).chmod(0o700)

    assert message.startswith(f"{path}: may not be read. Check its permissions")


def test_a_link_that_leads_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.symlink_to(path)

    assert message_has_cure(refusal(path), "names.txt: cannot be read (")


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    assert message_has_cure(refusal(path), "pipe: is not a regular file. Save the words")


def test_a_device_is_refused() -> None:
    assert message_has_cure(refusal(Path(os.devnull)), "is not a regular file. Save the words")


def test_a_file_beyond_the_size_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 2**20)

    assert message_has_cure(refusal(path), "huge.txt: is too large (257 MiB; at most 256 MiB).")


def test_one_huge_line_is_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_bytes(b"x" * 1_000_000)

    start = time.perf_counter()
    message = refusal(path)

    assert time.perf_counter() - start < 1
    assert "line 1" in message
    assert "1,000,000 symbols" in message
    assert len(message) < len(str(path)) + 200


def test_a_path_that_would_disturb_the_terminal_is_shown_escaped(tmp_path: Path) -> None:
    assert r"\x1b[31m.txt: no such file" in refusal(tmp_path / "\x1b[31m.txt")


def test_quoted_text_is_cut_to_thirty_characters_escapes_included(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(PLAIN + b"\x1b" * 20 + b".\n")

    quotation = refusal(path).split('"')[1]

    assert quotation.endswith("…")
    assert len(quotation) <= 30
