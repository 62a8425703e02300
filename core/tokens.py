"""Running text as tokens: the rule that splits it, reading it from a file, writing it out again.

The rule is that of Bengio et al. 2003 for the Brown corpus (§4.1): upper and lower case differ, and
punctuation marks and the ends of paragraphs are tokens like words.

- A word is letters and digits, with apostrophes and hyphens only inside it: `o'er`, `well-known`.
- A number with marks inside is one token: `3.14`, `10,000`, `12:30`.
- Every other visible symbol is a token of its own.
- A blank line is the token `¶`; any other end of a line is a space.
- What Unicode writes as several symbols stays whole: a letter with its vowel signs or accents
  (हिन्दी), an emoji with its tone or joined to another, a flag. A joiner that joins nothing is none.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.coded import Points, Words, symbols_of
from core.errors import harmless
from core.words import (
    BYTE_ORDER_MARK,
    FORBIDDEN,
    LONGEST_WORD,
    MOST_SYMBOLS,
    PIECE,
    WordList,
    forbidden_fault,
    line_of,
    points_of,
    quoted,
    read_bytes,
    refusal,
)

Splitting = Literal["symbols", "letters"]
"""Whether a combining mark, too, is a token of its own, as in the records of long ago."""

PARAGRAPH = "¶"
"""The token for a blank line."""

FEWEST_TOKENS = 100
"""With fewer, dev and test would hold less than ten each."""

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)+|[^\W_]+(?:['’-][^\W_]+)*|\S")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_SPACE = re.compile(rb"(?<=\S)\s")
_JOINER = "\u200d"
_JOINERS = f"\u200c{_JOINER}"
"""The first keeps two letters apart that would run together."""
_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))
_TAGS = "".join(map(chr, range(0xE0020, 0xE0080)))
"""What the flag of a region that is no country ends with."""
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_LINE_FEED = "\n"
_SAVE = "Save the text as plain UTF-8."

_NO_SPACE_BEFORE = frozenset(",.;:!?)]}’”%…।॥،؛؟۔、，。！？")
_NO_SPACE_AFTER = frozenset("([{‘“$£€#'")


def tokens_of(text: str, splitting: Splitting = "letters") -> list[str]:
    """The tokens of a text, by the rule above; letters with accents as one symbol each (NFC)."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    token = _token_in(text, splitting)
    return token.findall(_BLANK_LINE.sub(f" {PARAGRAPH} ", text))


def ends_of(line: str, splitting: Splitting = "letters") -> list[int]:
    """Where in a line (NFC, without line feeds) each of its tokens ends."""
    return [found.end() for found in _token_in(line, splitting).finditer(line)]


def _token_in(text: str, splitting: Splitting) -> re.Pattern[str]:
    # Most texts have nothing that the longer pattern, which takes twice the time, would keep whole.
    plain = splitting == "symbols" or text.isascii() or _kept_whole().isdisjoint(text)
    return _TOKEN if plain else _token_with_marks()


@functools.cache
def _token_with_marks() -> re.Pattern[str]:
    """As `_TOKEN`, where what belongs to the symbol before it is no token."""
    # As ranges they are found in half the time.
    points = set(map(ord, _marks()))
    firsts = sorted(points - {point + 1 for point in points})
    lasts = sorted(points - {point - 1 for point in points})
    marks = "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(firsts, lasts, strict=True))
    joined = rf"[{_JOINERS}]+(?=[^\W_]|[{marks}])"
    letters = rf"[^\W_]+(?:(?:[{marks}]|{joined})[^\W_]*)*"
    symbol = rf"[^\s{_JOINERS}][{marks}{_TONES}{_TAGS}]*"
    return re.compile(
        rf"\d+(?:[.,:]\d+)+[{marks}]*|{letters}(?:['’-]{letters})*"
        rf"|[{_FLAG_LETTERS}]{{2}}[{marks}]*|{symbol}(?:{_JOINER}(?![\x00-\x7f]){symbol})*"
    )


@functools.cache
def _kept_whole() -> frozenset[str]:
    """The symbols that may belong to the one before them."""
    return frozenset(_marks() | set(f"{_JOINERS}{_TONES}{_TAGS}{_FLAG_LETTERS}"))


@functools.cache
def _marks() -> frozenset[str]:
    """The symbols that combine with the one before them: Unicode's category M."""
    symbols = map(chr, (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)))
    return frozenset(each for each in symbols if unicodedata.category(each).startswith("M"))


def spelled(tokens: Iterable[str]) -> str:
    """Tokens as people write them: marks beside their words. `tokens_of` gives them back."""
    written: list[str] = []
    quoting, before = False, ""
    for token in tokens:
        opens = token == '"' and not quoting
        closes = token == '"' and quoting
        quoting = quoting != (token == '"') and token != PARAGRAPH
        beside = token in _NO_SPACE_BEFORE or closes or before == token == "-"
        # A mark or a tone that stands alone would belong to what it stands beside.
        alone = not token.isascii() and token[0] in _kept_whole()
        if written and not beside and (alone or before not in _NO_SPACE_AFTER):
            written.append(" ")
        written.append(token)
        # An opening mark of this kind has its word beside it.
        before = "(" if opens else token
    return "".join(written)


def paragraphs(text: str) -> str:
    """`text` with a blank line where it has the token for one."""
    return re.sub(rf"[ ]?{PARAGRAPH}[ ]?", "\n\n", text).strip("\n")


def read_text(path: str | os.PathLike[str], splitting: Splitting = "letters") -> WordList:
    """Read running text from a UTF-8 file; its words are its tokens. Raises DatasetError."""
    return text_in(read_bytes(path, in_lines=False), path, splitting)


def text_in(raw: bytes, path: str | os.PathLike[str], splitting: Splitting = "letters") -> WordList:
    """As `read_text`, of a file's bytes; `path` is what messages call it."""
    content = raw.removeprefix(BYTE_ORDER_MARK)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    content = content.strip()
    nul = content.find(0)
    if nul >= 0:
        fault = f"holds a NUL byte, so it is binary or UTF-16, not UTF-8 text. {_SAVE}"
        raise refusal(path, fault, line_of(content, nul))
    pieces = [piece for piece in _token_pieces(content, path, splitting) if len(piece)]
    points = symbols_of(pieces)
    _check(pieces, points, content, path)
    words = Words.coded(pieces, points, ord(_LINE_FEED), ends=_LINE_FEED)
    return WordList(words, hashlib.sha256(raw).hexdigest(), raw)


def _token_pieces(
    content: bytes, path: str | os.PathLike[str], splitting: Splitting
) -> Iterator[Points]:
    """The tokens' code points, each token with a line feed after it, some megabytes at a time;
    raises DatasetError at the first byte that is not UTF-8.
    """
    start = 0
    while start < len(content):
        # Cut where spaces begin, so that blank lines and tokens stay whole.
        space = _SPACE.search(content, start + PIECE)
        end = space.start() if space else len(content)
        try:
            text = content[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            at = start + error.start
            fault = f"byte 0x{content[at]:02x} is not valid UTF-8. {_SAVE}"
            raise refusal(path, fault, line_of(content, at)) from None
        yield points_of("".join(f"{token}\n" for token in tokens_of(text, splitting)).encode())
        start = end


def _check(
    pieces: list[Points],
    points: NDArray[np.int64],
    content: bytes,
    path: str | os.PathLike[str],
) -> None:
    """Raise DatasetError for a rule that the text breaks."""
    ends = [np.flatnonzero(piece == ord(_LINE_FEED)) for piece in pieces]
    tokens = sum(map(len, ends))
    for piece, of_tokens in zip(pieces, ends, strict=True):
        lengths = np.diff(of_tokens, prepend=-1) - 1
        if lengths.max() > LONGEST_WORD:
            end = of_tokens[lengths.argmax()]
            word = "".join(map(chr, piece[end - lengths.max() : end][:200].tolist()))
            fault = (
                f"{quoted(word)} goes on for {lengths.max():,} symbols without a space or a mark;"
                f" at most {LONGEST_WORD:,} are accepted. Take a text in words."
            )
            raise refusal(path, fault, line_of(content, content.find(word.encode())))
    symbols = set(map(chr, points.tolist())) - {_LINE_FEED}
    if forbidden := symbols & FORBIDDEN:
        at, symbol = min((content.find(symbol.encode()), symbol) for symbol in forbidden)
        fault = forbidden_fault(symbol)
        raise refusal(path, f"the text {fault}", line_of(content, at))
    if len(symbols) > MOST_SYMBOLS:
        fault = f"holds {len(symbols):,} distinct symbols; at most {MOST_SYMBOLS:,} are accepted."
        raise refusal(path, f"{fault} Take a text in fewer scripts.")
    if tokens < FEWEST_TOKENS:
        held = f"holds only {tokens} word{'s' * (tokens != 1)} and marks" if tokens else "is empty"
        fault = f"{held}. Add more: at least {FEWEST_TOKENS} are needed."
        raise refusal(path, harmless(fault))
