"""Which examples a step trains on: a pure function of seed and step, with no generator behind it.

Apart, since exact undo and replay rest on it: there is no state to save, and nothing depends on how
steps are cut into chunks. The idea is that of Salmon et al. 2011, the mixing function splitmix64
(Steele et al. 2014).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UInt64 = npt.NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


def minibatch(
    seed: int, first_step: int, steps: int, batch_size: int, examples: int
) -> npt.NDArray[np.int64]:
    """Indices (steps, batch_size) below `examples`, with replacement, from step `first_step` on.

    A smaller batch is the beginning of a larger one of the same step.
    """
    assert 0 < examples < 1 << 32
    numbers = random_words(seed, first_step, steps, batch_size)
    # The upper half times N, its upper half again: no division, and no bias to speak of.
    numbers >>= np.uint64(32)
    numbers *= np.uint64(examples)
    numbers >>= np.uint64(32)
    return numbers.view(np.int64)


def random_words(
    seed: int, first_row: int, rows: int, columns: int, first_column: int = 0
) -> UInt64:
    """Random 64-bit words (rows, columns), each a function of seed, row and column alone.

    A row is the splitmix64 stream whose start is a hash of (seed, row).
    """
    row = np.arange(first_row, first_row + rows, dtype=np.uint64)
    column = np.arange(first_column + 1, first_column + columns + 1, dtype=np.uint64)
    start = np.array([seed & _WORD], dtype=np.uint64)
    start = _mix(_mix(start) + row * np.uint64(_GOLDEN))  # (rows,)
    return _mix(start[:, None] + column * np.uint64(_GOLDEN))


def _mix(z: UInt64) -> UInt64:
    """The finalizer of splitmix64, in place."""
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
