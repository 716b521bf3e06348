"""What one block of rows tells of each of its columns, as arrays over the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normwise.core.blocks import scratch, side_by_side
from normwise.core.moments import Moments, merge_all
from normwise.core.native_columns import statistics_by_kernels

Vector = NDArray[Any]


class BlockStatistics(NamedTuple):
    """Counts, moments and range of each column; of several blocks, arrays of (blocks, columns)."""

    nulls: Vector
    nans: Vector
    positive_infinities: Vector
    negative_infinities: Vector
    moments: Moments
    minima: Vector
    maxima: Vector


def block_statistics(block: NDArray[Any], absent: Any = None, weights: Any = None) -> BlockStatistics:
    """The statistics of (rows, columns) of numbers.

    Args:
        block: One row or more.
        absent: (rows, columns), true where there is no value.
        weights: (rows,), how often each row counts, none of them 0.
    """
    if absent is None and weights is None:
        if (found := by_kernels(block)) is not None:
            return found
        x = _in_order(block)
        fast = _if_finite(x) or (_if_without_infinities(x) if x.dtype.kind == "f" else None)
        if fast is not None:
            return fast
    return _of_anything(block, absent, weights)


def by_kernels(x: NDArray[Any]) -> BlockStatistics | None:
    """The statistics of a block of any size, or None where the native kernels do not give them."""
    found = statistics_by_kernels(x)
    if found is None:
        return None
    counts, mean, m2, low, high = found
    zeros = np.zeros(x.shape[1], np.int64)
    nans = x.shape[0] - counts.astype(np.int64)
    return BlockStatistics(zeros, nans, zeros, zeros, Moments(counts, mean, m2), _wide(low), _wide(high))


def merge_blocks(blocks: Sequence[BlockStatistics]) -> BlockStatistics:
    """The statistics of all blocks together."""
    stacked = [np.stack(values) for values in zip(*(_flat(b) for b in blocks), strict=True)]
    count, mean, m2 = stacked[4:7]
    # About a common origin, as means may be large beside their spread.
    origin = mean[np.argmax(count, axis=0), np.arange(mean.shape[1])]
    whole = merge_all(Moments(count, mean - origin, m2), lambda values: values.sum(axis=0))
    nulls, nans, up, down = (values.sum(axis=0) for values in stacked[:4])
    return BlockStatistics(
        nulls,
        nans,
        up,
        down,
        Moments(whole.count, np.where(whole.count > 0, origin + whole.mean, 0.0), whole.m2),
        np.fmin.reduce(stacked[7]),
        np.fmax.reduce(stacked[8]),
    )


def _flat(block: BlockStatistics) -> list[Vector]:
    return [*block[:4], *block.moments, block.minima, block.maxima]


def _in_order(block: NDArray[Any]) -> NDArray[Any]:
    """The block with its rows, or its columns, one behind the other in memory."""
    return block if block.flags.c_contiguous or block.flags.f_contiguous else np.ascontiguousarray(block)


def _if_finite(x: NDArray[Any]) -> BlockStatistics | None:
    """The statistics, or None if a value, or the square of one, is not finite."""
    rows, columns = x.shape
    lanes, beside = side_by_side(x)
    origin = lanes[:1].reshape(-1, columns).mean(axis=0, dtype=np.float64)
    moments = _moments(lanes, np.full(columns, float(rows)), origin, None)
    if moments is None:
        return None
    zeros = np.zeros(columns, np.int64)
    low = lanes.min(axis=0).reshape(beside, columns).min(axis=0)
    high = lanes.max(axis=0).reshape(beside, columns).max(axis=0)
    return BlockStatistics(zeros, zeros, zeros, zeros, moments, _wide(low), _wide(high))


def _if_without_infinities(x: NDArray[Any]) -> BlockStatistics | None:
    """The same where some values are NaN; None also if a column's first rows are NaN, nearly all of them."""
    rows, columns = x.shape
    lanes, beside = side_by_side(x)
    absent = np.isnan(lanes)
    first, seen = lanes[:1].reshape(-1, columns).astype(np.float64), ~absent[:1].reshape(-1, columns)
    some = seen.sum(axis=0)
    # An origin of a few values of many may lie so far from the mean that the spread loses digits.
    if (some < beside / 8).any() or not some.all():
        return None
    origin = np.where(seen, first, 0.0).sum(axis=0) / some
    nans = absent.sum(axis=0, dtype=np.int64).reshape(beside, columns).sum(axis=0)
    moments = _moments(lanes, rows - nans.astype(np.float64), origin, absent)
    if moments is None:
        return None
    zeros = np.zeros(columns, np.int64)
    low = np.fmin.reduce(np.fmin.reduce(lanes).reshape(beside, columns))
    high = np.fmax.reduce(np.fmax.reduce(lanes).reshape(beside, columns))
    return BlockStatistics(zeros, nans, zeros, zeros, moments, _wide(low), _wide(high))


def _moments(lanes: NDArray[Any], count: Vector, origin: Vector, absent: Any) -> Moments | None:
    """The moments about an origin o: with d = x − o, ``mean = o + Σd/n``, ``m2 = Σd² − (Σd)²/n``.

    The mean of the first k rows out of n lies at most √(n/k) deviations from that of all: little cancels.
    """
    columns = len(origin)
    beside = lanes.shape[1] // columns

    def total(sums: Vector) -> Vector:
        return np.asarray(sums.reshape(beside, columns).sum(axis=0))

    deviations = _less(lanes, origin)
    if absent is not None:
        np.copyto(deviations, 0.0, where=absent)
    rest = total(deviations.sum(axis=0))
    squares = total(np.einsum("ij,ij->j", deviations, deviations))
    if not np.isfinite(squares).all():
        return None
    return Moments(count, origin + rest / count, np.maximum(squares - rest * rest / count, 0.0))


def _less(lanes: NDArray[Any], origin: Vector) -> NDArray[np.float64]:
    """The values, less the origin of each column, in the thread's own memory."""
    x, found = lanes, scratch(lanes.shape)
    if x.dtype != np.float64:
        # First: a subtraction that widens as it goes takes NumPy twice as long as the copy and one in place.
        np.copyto(found, x)
        x = found
    x, beside = side_by_side(x.reshape(-1, len(origin)), wide=True)
    np.subtract(x, np.tile(origin, beside), out=found.reshape(x.shape))
    return found


def _wide(values: NDArray[Any]) -> Vector:
    return values.astype(np.float64)


def _of_anything(block: NDArray[Any], absent: Any, weights: Any) -> BlockStatistics:
    x = block.astype(np.float64)
    present = np.ones(x.shape, dtype=bool) if absent is None else ~np.asarray(absent)
    finite = np.isfinite(x) & present
    moments = Moments.of(x, axis=0, weights=finite if weights is None else finite * weights[:, None])
    some = finite.any(axis=0)

    def count(where: NDArray[np.bool_]) -> Vector:
        return np.asarray((where & present).sum(axis=0), np.int64)

    return BlockStatistics(
        (~present).sum(axis=0),
        count(np.isnan(x)),
        count(np.isposinf(x)),
        count(np.isneginf(x)),
        moments,
        np.where(some, np.where(finite, x, np.inf).min(axis=0), np.nan),
        np.where(some, np.where(finite, x, -np.inf).max(axis=0), np.nan),
    )
