"""Arrays in blocks of rows, on all cores: memory stays flat, and a block stays in the cache."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 4 << 20
"""A block has about this many bytes once its values are float64."""
LANE = 1024
"""Rows are laid side by side up to about this many values: NumPy's inner loops are then long ones."""
WIDE_LANE = 8192
"""And up to this many for arithmetic with one row: a row shorter than half of that, which is the size of its
buffer, NumPy copies again and again."""

_threads = threading.local()

T = TypeVar("T")
R = TypeVar("R")


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Slices that cover the rows once; all but the last have a whole number of `rows_side_by_side`.

    All but the last two also have a whole number of those in a wide lane.

    Example:
        >>> row_blocks(10, 300_000)[:2], len(row_blocks(10, 300_000)), row_blocks(0, 3)
        ([slice(0, 1, None), slice(1, 2, None)], 10, [])
        >>> row_blocks(1000, 2)
        [slice(0, 512, None), slice(512, 1000, None)]
    """
    beside = rows_side_by_side(columns)
    wide = rows_side_by_side(columns, wide=True)
    step = max(1, BLOCK_BYTES // (8 * max(1, columns)) // wide) * wide
    whole = rows - rows % beside
    blocks = [slice(start, min(start + step, whole)) for start in range(0, whole, step)]
    return blocks if whole == rows else [*blocks, slice(whole, rows)]


def rows_side_by_side(columns: int, wide: bool = False) -> int:
    """How many rows fill a lane; a wide one holds a whole number of lanes.

    Example:
        >>> rows_side_by_side(14), rows_side_by_side(14, wide=True)
        (73, 584)
    """
    columns = max(1, columns)
    beside = max(1, LANE // columns)
    return beside * max(1, WIDE_LANE // (beside * columns)) if wide else beside


def side_by_side(block: NDArray[Any], wide: bool = False) -> tuple[NDArray[Any], int]:
    """A block whose rows lie in memory one behind the other, several of them as one row, and how many.

    Sums over the first axis then run over long rows. What cannot be seen that way comes back as it is.

    Args:
        wide: Whether as many as fill a wide lane, where they come out even.
    """
    rows, columns = block.shape
    for beside in (rows_side_by_side(columns, wide), rows_side_by_side(columns)):
        if rows and rows % beside == 0 and block.flags.c_contiguous:
            return block.reshape(rows // beside, beside * columns), beside
    return block, 1


def each(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The function of each item, in order, by as many threads as there are cores: NumPy lets them run."""
    given = list(items)
    workers = min(len(given), cores())
    if workers < 2:
        return [function(item) for item in given]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, given))


def scratch(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An array of float64 that holds anything, the thread's own until it asks for the next one.

    New memory for each block would cost as much as what is computed in it.
    """
    size = math.prod(shape)
    held = getattr(_threads, "scratch", None)
    if held is None or held.size < size:
        held = _threads.scratch = np.empty(size)
    return held[:size].reshape(shape)


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
