"""Dropout's masks by whole numbers of Python, from the definition: triple32, a key, a threshold."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

_MASK = 2**32 - 1
_GOLDEN = 0x9E3779B9


def triple32(x: int, key: int) -> int:
    """https://github.com/skeeto/hash-prospector, with `key` added in the middle."""
    x ^= x >> 17
    x = x * 0xED5AD4BB & _MASK
    x ^= x >> 11
    x = (x + key) * 0xAC4C1B51 & _MASK
    x ^= x >> 15
    x = x * 0x31848BAB & _MASK
    return x ^ x >> 14


def mask(seed: int, counter: int, shape: Sequence[int], keep: float) -> Any:
    """Which positions are kept, those of the last axis numbered first."""
    left, right = seed, counter
    for _ in range(3):
        # One round of Feistel's; the halves change places.
        left, right = (right + triple32(left, _GOLDEN)) & _MASK, left
    first, second = right, left
    kept = np.empty(shape, bool)
    for number, place in enumerate(itertools.product(*map(range, shape))):
        kept[place] = triple32(number ^ first, second) / 2**32 < keep
    return kept
