"""A hash of 32-bit words by multiplying and shifting, for uint32 of NumPy, JAX and TensorFlow.

The constants are those of Wellons' ``triple32``, found by search for the least bias of any output bit under
the flip of any input bit: https://github.com/skeeto/hash-prospector.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

_A, _B, _C = np.uint32(0xED5AD4BB), np.uint32(0xAC4C1B51), np.uint32(0x31848BAB)
# 2³²/φ: without a constant, zeros would stay zeros.
_GOLDEN = np.uint32(0x9E3779B9)


def scramble(words: Any, key: Any) -> Any:
    """A permutation of the words, another for each `key`: ``triple32``, the key added between its rounds."""
    words = words ^ ops.right_shift(words, 17)
    words = words * _A
    words = words ^ ops.right_shift(words, 11)
    words = (words + key) * _B
    words = words ^ ops.right_shift(words, 15)
    words = words * _C
    return words ^ ops.right_shift(words, 14)


def round_keys(key: Any) -> tuple[Any, Any]:
    """Two words, each of which hangs on every bit of the two of `key`; no two keys give the same.

    A Feistel network of three rounds, so that neighbouring seeds and successive counters end far apart.
    """
    seed, counter = key[0], key[1]
    counter = counter + scramble(seed, _GOLDEN)
    seed = seed + scramble(counter, _GOLDEN)
    counter = counter + scramble(seed, _GOLDEN)
    return seed, counter


def threshold(keep: float) -> int:
    """The word below which a share of `keep` of all words lies, to within 2⁻³²."""
    # 2³² itself is no word.
    return min(round(keep * 2**32), 2**32 - 1)
