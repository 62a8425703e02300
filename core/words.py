"""Reading a list of words from a file, and refusing what is none with a sentence that helps.

Apart from dataset.py: there a list is taken for good. All that can be wrong with a person's file
is found here, before anything is computed, and every refusal is a DatasetError that names the file,
the line where there is one, and the cure.

A file is read a megabyte at a time, and as numbers: strings are made only of what is untidy or
refused. Ten million words take a second.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.coded import BOUNDARY as BOUNDARY
from core.coded import Points, Words, symbols_of
from core.errors import UserError, harmless

FEWEST_WORDS = 10
"""The least that leaves a word each for dev and test after 8 for train."""
LONGEST_WORD = 1_000
LONGEST_PATH = 300
"""Characters of a file's name that a sentence quotes."""
MOST_SYMBOLS = 10_000
MOST_BYTES = 256 * 1024 * 1024
"""Larger files are refused unread; in memory a list takes some times its size on disk."""

PIECE = 1 << 20
"""Bytes of a file that are looked at together, and the rest of their last line."""
READ_AT_ONCE = 16 * PIECE
FIRST_LINE = 1 << 20
"""Bytes of the first line beyond which the rest is not even read."""

FORBIDDEN = frozenset(
    map(
        chr,
        # Controls (C0, DEL, C1), line and paragraph separators, those that turn the direction of
        # writing, and the byte order mark: drawn as a sample, each could tear a terminal's screen.
        [*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF],
    )
)
"""Symbols that no word may hold."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class DatasetError(UserError):
    """A list of words that cannot be used; the message names the file, the line and the cure."""


@dataclass(frozen=True)
class WordList:
    """What a file of words held."""

    words: Words
    """In the file's order, repeats included; none is empty. Of running text: its tokens."""
    sha256: str
    """Of `raw`, in hexadecimal."""
    raw: bytes
    """The file as it was."""


def read_words(path: str | os.PathLike[str]) -> WordList:
    """Read one word per line from a UTF-8 file; raises DatasetError.

    A line ends in LF, CRLF or a lone CR. A byte order mark, blank lines and whitespace around a
    word are dropped; inside a word, spaces, hyphens and apostrophes are symbols like any other.
    """
    return words_in(read_bytes(path), path)


def words_in(raw: bytes, path: str | os.PathLike[str]) -> WordList:
    """As `read_words`, of a file's bytes; `path` is what messages call it."""
    content = raw.removeprefix(BYTE_ORDER_MARK)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    pieces = _tidy_pieces(content, path)
    points = symbols_of(pieces)
    _check(pieces, points, content, path)
    words = Words.coded(pieces, points, _LINE_FEED)
    return WordList(words, hashlib.sha256(raw).hexdigest(), raw)


def quoted(text: str) -> str:
    """`text` from a file as messages quote it: harmless, at most 30 characters, in quotes."""
    return f'"{harmless(text, 30)}"'


def refusal(path: str | os.PathLike[str], fault: str, line: int | None = None) -> DatasetError:
    where = harmless(os.fspath(path), LONGEST_PATH)
    return DatasetError(f"{where}: {fault}" if line is None else f"{where}, line {line:,}: {fault}")


def read_bytes(path: str | os.PathLike[str], *, in_lines: bool = True) -> bytes:
    """The bytes of a regular file; `in_lines`: none but lines as short as words. Raises
    DatasetError.
    """
    name = os.fspath(path)
    if not name.strip():
        raise DatasetError("the name of the list is empty. Name a text file, one word per line.")
    if "\0" in name:
        raise refusal(path, "no file can be called so. Check its name.")
    try:
        with open(path, "rb", buffering=0, opener=_at_once) as file:
            return _bytes_of(file, path, in_lines)
    except (FileNotFoundError, NotADirectoryError):
        raise refusal(path, "no such file. Check its name and folder.") from None
    except IsADirectoryError:
        raise refusal(path, "is a folder. Name a text file with one word per line.") from None
    except PermissionError:
        raise refusal(path, "may not be read. Check its permissions (chmod +r).") from None
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror}). Try a copy of it.") from None


def _at_once(path: str, flags: int) -> int:
    """Open without waiting: a FIFO would make us wait for ever for someone who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _bytes_of(file: io.FileIO, path: str | os.PathLike[str], in_lines: bool) -> bytes:
    """All that the file holds; what it is, and how large, is looked at on the open file."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise refusal(path, "is not a regular file. Save the words to a text file first.")
    # It may grow while it is read.
    pieces: list[bytes] = []
    size = 0
    while max(size, status.st_size) <= MOST_BYTES and (piece := file.read(READ_AT_ONCE)):
        long = in_lines and not pieces and len(piece) > FIRST_LINE
        if long and not {10, 13} & set(piece[: FIRST_LINE + 1]):
            # Hundreds of megabytes need not be read to see that this is no list.
            begins = quoted(piece[:200].decode(errors="replace"))
            fault = (
                f"{begins} goes on for more than {FIRST_LINE:,} bytes. Put one word on each line."
            )
            raise refusal(path, fault, 1)
        pieces.append(piece)
        size += len(piece)
    if (size := max(size, status.st_size)) > MOST_BYTES:
        most = MOST_BYTES // 2**20
        fault = (
            f"is too large ({size / 2**20:,.0f} MiB; at most {most} MiB). Take a part of the list."
        )
        raise refusal(path, fault)
    return b"".join(pieces)


def _tidy_pieces(content: bytes, path: str | os.PathLike[str]) -> list[Points]:
    """The words' code points, each word with a line feed after it; raises DatasetError at the first
    byte that is not UTF-8 text.
    """
    save = "Save the list as plain UTF-8 text, one word per line."
    nul = content.find(0)
    if nul >= 0:
        fault = f"holds a NUL byte, so it is binary or UTF-16, not UTF-8 text. {save}"
        raise refusal(path, fault, line_of(content, nul))
    space = np.array([chr(point).isspace() for point in range(_AFTER_SPACES + 1)])
    pieces, start = [], 0
    for piece in _pieces(content):
        try:
            pieces.append(_tidy(piece, space))
        except UnicodeDecodeError as error:
            at = start + error.start
            fault = f"byte 0x{content[at]:02x} is not valid UTF-8. {save}"
            raise refusal(path, fault, line_of(content, at)) from None
        start += len(piece)
    return [piece for piece in pieces if len(piece)]


_LINE_FEED = ord("\n")
_AFTER_SPACES = 0x3001
"""No symbol from here on is whitespace."""


def _pieces(content: bytes) -> Iterator[bytes]:
    """Cut into whole lines, about a megabyte at a time; the last line ends like the others."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + PIECE) + 1 or len(content)
        piece = content[start:end]
        yield piece if piece.endswith(b"\n") else piece + b"\n"
        start = end


def _tidy(piece: bytes, space: NDArray[np.bool_]) -> Points:
    """The code points of lines, without blank ones and whitespace around words."""
    points = points_of(piece)
    ends = np.flatnonzero(points == _LINE_FEED)
    edges = np.concatenate([points[:1], points[ends[:-1] + 1], points[ends - 1]])
    if not space.take(edges, mode="clip").any():
        return points
    lines = map(str.strip, piece.decode("utf-8").split("\n"))
    return points_of("".join(f"{word}\n" for word in lines if word).encode())


def points_of(text: bytes) -> Points:
    """In as few bytes each as the highest of them needs; raises UnicodeDecodeError."""
    if text.isascii():
        return np.frombuffer(text, dtype=np.uint8)
    points = np.frombuffer(text.decode("utf-8").encode("utf-32-le"), dtype="<u4")
    return points.astype(np.uint16) if points.max() < 1 << 16 else points


def _lines(content: bytes) -> Iterator[str]:
    """The lines of text that is known to be UTF-8."""
    for piece in _pieces(content):
        # Not splitlines(), which also ends lines at form feeds and at Unicode's separators.
        yield from piece[:-1].decode("utf-8").split("\n")


def line_of(content: bytes, offset: int) -> int:
    """The 1-based line on which the byte at `offset` stands."""
    return 1 + content.count(b"\n", 0, offset)


def _perhaps_a_text(line: str) -> str:
    """A second cure, where a line looks as if it were no name."""
    return " A running text is read with --level word." if line.count(" ") > 1 else ""


def _check(
    pieces: list[Points],
    points: NDArray[np.int64],
    content: bytes,
    path: str | os.PathLike[str],
) -> None:
    """Raise DatasetError for a rule that the list breaks, naming the first line that breaks it."""
    ends = [np.flatnonzero(piece == _LINE_FEED) for piece in pieces]
    words = sum(map(len, ends))
    if not words:
        raise refusal(path, "holds no words. Put one word on each line.")
    if any(np.diff(piece, prepend=-1).max() - 1 > LONGEST_WORD for piece in ends):
        line, word = _first(_lines(content), lambda word: len(word) > LONGEST_WORD)
        fault = (
            f"{quoted(word)} has {len(word):,} symbols; at most {LONGEST_WORD:,} are accepted. "
            f"Put one word on each line.{_perhaps_a_text(word)}"
        )
        raise refusal(path, fault, line)

    symbols = set(map(chr, points[points != _LINE_FEED].tolist()))
    if forbidden := symbols & FORBIDDEN:
        line, word = _first(_lines(content), lambda word: not forbidden.isdisjoint(word))
        symbol = next(symbol for symbol in word if symbol in forbidden)
        raise refusal(path, f"{quoted(word)} {forbidden_fault(symbol)}", line)
    if BOUNDARY in symbols:
        line, word = _first(_lines(content), lambda word: BOUNDARY in word)
        fault = (
            f'{quoted(word)} holds "{BOUNDARY}", the symbol that marks where words begin and end. '
            f"Remove it, or put another symbol in its place.{_perhaps_a_text(word)}"
        )
        raise refusal(path, fault, line)
    if len(symbols) > MOST_SYMBOLS:
        fault = f"holds {len(symbols):,} distinct symbols; at most {MOST_SYMBOLS:,} are accepted."
        raise refusal(path, f"{fault} Take a list in fewer scripts.")
    if len(symbols) == 1:
        fault = f"holds one distinct symbol only, {quoted(symbols.pop())}: nothing to learn."
        raise refusal(path, f"{fault} Take a list with at least two symbols.")
    if words < FEWEST_WORDS:
        fault = f"holds only {words} word{'s' if words > 1 else ''}. Add more:"
        raise refusal(path, f"{fault} at least {FEWEST_WORDS} are needed.")


def forbidden_fault(symbol: str) -> str:
    """Why a word with this symbol is refused, and the cure."""
    if symbol == "\t":
        return r"holds a TAB (\t): is this a table? Keep one column, the words."
    shown = harmless(symbol)
    return f"holds the control character {shown} (U+{ord(symbol):04X}). Remove it from the file."


def _first(lines: Iterable[str], wrong: Callable[[str], bool]) -> tuple[int, str]:
    """The 1-based number of the first line whose word is wrong, and that word."""
    return next(
        (number, word)
        for number, word in enumerate(map(str.strip, lines), start=1)
        if word and wrong(word)
    )
