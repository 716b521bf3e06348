"""room, full_capacity: memory for stacked batches, of the size and at the addresses that suit the device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUFFER_BYTES = 16 * 2**20
"""A buffer holds about so many bytes: enough that starting a program costs nothing, little beside the data,
and below the 32 MiB from which the C library asks the system for new pages each time."""
ALIGNMENT = 64
"""Arrays at such an address are taken by XLA's CPU client as they are; others are copied at each call."""


def room(shape: Sequence[int], dtype: Any) -> NDArray[Any]:
    """An array of arbitrary content, at an address that is a multiple of `ALIGNMENT`.

    Example:
        >>> room((3, 5), np.float32).ctypes.data % 64
        0
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    whole: NDArray[Any] = raw[start : start + size].view(kind).reshape(shape)
    return whole


def full_capacity(full: int, bytes_a_step: int) -> int:
    """How many batches a buffer has room for, so that the buffers of an epoch are about equally full.

    Args:
        full: How many batches of the full size an epoch has.
        bytes_a_step: The size of one.

    Example:
        >>> full_capacity(100, BUFFER_BYTES // 64), full_capacity(0, 1), full_capacity(5, 2 * BUFFER_BYTES)
        (50, 1, 1)
    """
    full = max(1, full)
    parts = -(-full // max(1, BUFFER_BYTES // max(1, bytes_a_step)))
    return -(-full // parts)
