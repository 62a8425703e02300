"""The order in which words are dealt into train, dev and test: a function of seed and number alone.

Apart, since a run's results rest on it: neither way may ever change.
"""

from __future__ import annotations

import random
from array import array
from typing import Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from core.minibatch import random_words

Dealing = Literal["shuffle", "permutation"]

MOST_SHUFFLED = 1_000_000
"""Longer lists are dealt by a permutation: to shuffle ten million words takes five seconds."""

_STREAM = 0x6465616C696E67
"""Keeps these numbers apart from the minibatches of an equal seed."""


def dealing_for(words: int) -> Dealing:
    """How a list of so many words is dealt in a new run."""
    return "shuffle" if words <= MOST_SHUFFLED else "permutation"


def deal(words: int, seed: int, dealing: Dealing) -> NDArray[np.int32]:
    """The numbers of all words (words,), in the order in which they are dealt."""
    match dealing:
        case "shuffle":
            return shuffled(words, seed)
        case "permutation":
            return permuted(words, seed)
        case _:
            assert_never(dealing)


def shuffled(words: int, seed: int) -> NDArray[np.int32]:
    """As `random.Random(seed).shuffle` orders them, in half its time: 0.4 s for a million.

    Its very algorithm (Fisher and Yates, each number by getrandbits until it is low enough), with
    many draws at once. Written out, so that old runs stay what they are whatever a later Python's
    does.
    """
    order = array("i", range(words))
    bits_of = random.Random(seed).getrandbits
    last = words - 1
    while last > 0:
        # Below a power of two a draw is a bit shorter: draw no more than are surely used till then.
        bits = (last + 1).bit_length()
        draws = min(last + 2 - (1 << (bits - 1)), 1 << 15)
        drawn = np.frombuffer(bits_of(32 * draws).to_bytes(4 * draws, "little"), dtype="<u4")
        for other in (drawn >> (32 - bits)).tolist():
            if other <= last:
                order[last], order[other] = order[other], order[last]
                last -= 1
    return np.frombuffer(order, dtype=np.int32)


def permuted(words: int, seed: int) -> NDArray[np.int32]:
    """In the order of a hash of seed and number: 1 s for ten million.

    The low bits of the hash give way to the number, so that no two are equal: whichever way a later
    numpy sorts them, the order is the same.
    """
    bits = max(1, (words - 1).bit_length())
    keys = np.empty(words, dtype=np.uint64)
    piece = 1 << 16
    for first in range(0, words, piece):
        some = keys[first : first + piece]
        some[:] = random_words(seed ^ _STREAM, 0, 1, len(some), first_column=first)[0]
        some >>= np.uint64(bits)
        some <<= np.uint64(bits)
        some |= np.arange(first, first + len(some), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64((1 << bits) - 1)
    return keys.astype(np.int32)
