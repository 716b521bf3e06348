"""shuffled: rows in random order by way of a buffer, in memory that does not grow with the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[Any], ...]
"""Arrays of as many rows each: features, then targets and weights where there are any."""
Make = Callable[[], Arrays]
"""Room for the rows of one piece."""


class Rows:
    """Blocks of rows, one after the other, from which any number of rows is taken."""

    def __init__(self, blocks: Iterator[Arrays]) -> None:
        self._blocks = blocks
        self._block: Arrays = ()
        self._at = self._end = 0

    def parts(self, rows: int) -> Iterator[Arrays]:
        """The next rows, as views of the blocks; fewer than asked for only at the end."""
        while rows:
            if self._at == self._end:
                block = next(self._blocks, None)
                if block is None:
                    return
                self._block, self._at, self._end = block, 0, len(block[0])
                del block
            step = min(rows, self._end - self._at)
            yield tuple(leaf[self._at : self._at + step] for leaf in self._block)
            self._at, rows = self._at + step, rows - step


def in_order(rows: Rows, size: int, make: Make) -> Iterator[tuple[Arrays, int]]:
    """Pieces of `size` rows, the last with what is left, and how many rows each has."""
    while True:
        piece, done = make(), 0
        for part in rows.parts(size):
            done += _put(piece, slice(done, done + len(part[0])), part)
        if done:
            yield piece, done
        if done < size:
            return


def shuffled(
    rows: Rows, size: int, make: Make, capacity: int, random: np.random.Generator
) -> Iterator[tuple[Arrays, int]]:
    r"""Pieces of `size` rows in random order, every row once.

    A buffer is filled with the first `capacity` rows. Each piece is drawn from it uniformly and without
    replacement; the rows that come next take the places of those drawn. When no more come, the rest is given
    in a random permutation.

    Args:
        rows: The rows, in the order in which they enter the buffer.
        size: Rows a piece, at most `capacity`; the last has what is left.
        make: Makes room for the rows of a piece.
        capacity: Rows in the buffer.
        random: Decides; the order is a function of its state and of the order of `rows`.
    """
    buffer, filled = _filled(rows, capacity)
    drawn, come = np.arange(0), 0
    while filled == capacity and come == len(drawn):
        drawn = random.choice(filled, size, replace=False)
        yield _taken(buffer, drawn, make()), size
        come = 0
        for part in rows.parts(size):
            come += _put(buffer, drawn[come : come + len(part[0])], part)
    left = np.ones(filled, bool)
    left[drawn[come:]] = False
    order = random.permutation(np.flatnonzero(left))
    for start in range(0, len(order), size):
        some = order[start : start + size]
        yield _taken(buffer, some, make()), len(some)


def _filled(rows: Rows, capacity: int) -> tuple[Arrays, int]:
    buffer: Arrays = ()
    filled = 0
    for part in rows.parts(capacity):
        # Memory that is not written to is not taken up: a short table does not pay for a long buffer.
        buffer = buffer or tuple(np.empty((capacity, *leaf.shape[1:]), leaf.dtype) for leaf in part)
        filled += _put(buffer, slice(filled, filled + len(part[0])), part)
    return buffer, filled


def _put(into: Arrays, places: slice | NDArray[Any], part: Arrays) -> int:
    for leaf, values in zip(into, part, strict=True):
        _whole_rows(leaf)[places] = _whole_rows(values)
    return len(part[0])


def _whole_rows(leaf: NDArray[Any]) -> NDArray[Any]:
    """A view in which a row is one item: rows are then put in their places twice as fast."""
    if leaf.ndim == 1:
        return leaf
    flat = leaf.reshape(len(leaf), -1)
    return flat.view(np.dtype((np.void, flat.shape[1] * flat.itemsize)))[:, 0]


def _taken(buffer: Arrays, places: NDArray[Any], piece: Arrays) -> Arrays:
    for leaf, out in zip(buffer, piece, strict=True):
        # The places are all within the buffer; any other mode copies `out` first.
        np.take(leaf, places, axis=0, out=out[: len(places)], mode="clip")
    return piece
