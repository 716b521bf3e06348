"""Exact quantiles of the columns of an array in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.blocks import each, row_blocks

FEW = 100_000
"""So many values are sorted without further ado."""
PIVOTS = 16384
"""How many values are looked at to guess between which two a quantile lies; it is then checked."""
COPY_BYTES = 256 << 20
"""Columns that lie across memory are copied in groups of at most about so many bytes."""

Vector = NDArray[np.float64]


def array_quantiles(
    values: NDArray[Any], probabilities: Sequence[float] | Vector, all_finite: bool = False
) -> Vector:
    """The quantiles of each column's finite values, by linear interpolation between the ordered values.

    With n values in order, from 0: ``h = (n − 1)·p``, ``q = v[⌊h⌋] + (h − ⌊h⌋)·(v[⌊h⌋ + 1] − v[⌊h⌋])``.

    Args:
        values: (rows, columns) of numbers; NaN and ±inf are not among the values.
        probabilities: Each in [0, 1].
        all_finite: Whether it is known that every value is finite, which is then not looked for.

    Returns:
        (columns, probabilities) in float64; NaN for a column without a finite value.

    Example:
        >>> array_quantiles(np.array([[1.0], [2.0], [np.nan], [4.0]]), [0.0, 0.5, 0.75])
        array([[1., 2., 3.]])

    Source:
        Hyndman & Fan 1996, "Sample Quantiles in Statistical Packages", definition 7.
    """
    p = np.asarray(probabilities, np.float64)
    rows, columns = values.shape
    group = max(1, COPY_BYTES // max(1, rows * values.itemsize))
    found = [np.empty((0, len(p)))]
    for first in range(0, columns, group):
        part = _columns_in_order(values[:, first : first + group])
        columns_of = part if all_finite and part.dtype.kind == "f" else [finite(column) for column in part]
        found.append(np.stack(each(lambda column: quantiles_of(column, p), columns_of)))
    return np.concatenate(found)


def _columns_in_order(values: NDArray[Any]) -> NDArray[Any]:
    """(columns, rows), each column's values one behind the other."""
    if values.T.flags.c_contiguous:
        return values.T
    out = np.empty(values.shape[::-1], values.dtype)

    def copy(rows: slice) -> None:
        out[:, rows] = values[rows].T

    each(copy, row_blocks(*values.shape))
    return out


def finite(column: NDArray[Any]) -> NDArray[Any]:
    """The column's finite values, as numbers that can be subtracted."""
    if column.dtype.kind != "f":
        return column.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        clean = np.isfinite(column.sum(dtype=np.float64))
    return column if clean else column[np.isfinite(column)]


def quantiles_of(values: NDArray[Any], probabilities: Vector) -> Vector:
    """The quantiles of finite values of one dimension; NaN where there are none."""
    n = len(values)
    if not n:
        return np.full(len(probabilities), np.nan)
    ranks, where, share = ranks_of(n, probabilities)
    return interpolated(order_statistics(values, ranks), where, share)


def ranks_of(n: int, probabilities: Vector) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector]:
    """The ranks among n values that quantiles lie between, for `interpolated`: how they are put together.

    Returns:
        The ranks, counted from 0 and ascending; which of them is below and above each quantile, and how far a
        quantile is on its way from the one to the other.
    """
    h = (n - 1) * probabilities
    below = np.floor(h).astype(np.int64)
    ranks, where = np.unique(np.concatenate([below, np.minimum(below + 1, n - 1)]), return_inverse=True)
    return ranks, where, h - below


def interpolated(ordered: NDArray[Any], where: NDArray[np.int64], share: Vector) -> Vector:
    """The quantiles from the values at the ranks of `ranks_of`."""
    values = ordered.astype(np.float64)[where]
    return between(values[: len(share)], values[len(share) :], share)


def between(low: Vector, high: Vector, share: Vector) -> Vector:
    """From the nearer end, as NumPy does it to the bit; by halves where the distance overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        away = high - low
        found = np.where(share < 0.5, low + away * share, high - away * (1.0 - share))
    return np.asarray(np.where(np.isfinite(away), found, (low / 2 + share * (high / 2 - low / 2)) * 2))


def order_statistics(values: NDArray[Any], ranks: NDArray[np.int64]) -> NDArray[Any]:
    """The values of these ranks, counted from 0 and ascending, as sorting would give them."""
    n = len(values)
    if n <= FEW or len(ranks) > 64:
        return np.asarray(np.sort(values)[ranks])
    pivots = np.sort(values[:: n // PIVOTS])
    # Neighbours share a bracket: the two values that a quantile lies between.
    groups = np.split(ranks, np.flatnonzero(np.diff(ranks) > 1) + 1)
    brackets = [_bracket(group, pivots, n) for group in groups]
    near = [_within(values, low, high) for low, high in brackets]
    # One extraction for all brackets costs less than one for each.
    kept = values[np.logical_or.reduce([inside for inside, _ in near])]
    found = [
        _in_bracket(kept, group - below, *bracket)
        for group, bracket, (_, below) in zip(groups, brackets, near, strict=True)
    ]
    if any(part is None for part in found):
        return np.asarray(np.partition(values, ranks)[ranks])
    return np.concatenate([part for part in found if part is not None])


def _bracket(ranks: NDArray[np.int64], pivots: NDArray[Any], n: int) -> tuple[Any, Any]:
    """Two values between which these ranks lie in all likelihood; None for no limit."""
    m = len(pivots)
    at = ranks * (m / n)
    # Four deviations of a sample's rank.
    reach = 4.0 * np.sqrt(at * (1.0 - at / m)).max() + 2.0
    first, last = int(at[0] - reach), int(at[-1] + reach) + 1
    return (None if first < 0 else pivots[first]), (None if last >= m else pivots[last])


def _within(values: NDArray[Any], low: Any, high: Any) -> tuple[NDArray[np.bool_], int]:
    """Where the values lie in the bracket, and how many lie below it."""
    inside = np.ones(len(values), bool) if low is None else values >= low
    below = len(values) - np.count_nonzero(inside)
    if high is not None:
        inside &= values <= high
    return inside, int(below)


def _in_bracket(kept: NDArray[Any], ranks: NDArray[np.int64], low: Any, high: Any) -> NDArray[Any] | None:
    """The values of these ranks among those in the bracket; None if they are not all in it."""
    within = kept[_within(kept, low, high)[0]]
    if ranks[0] < 0 or ranks[-1] >= len(within):
        return None
    within.partition(ranks)
    return np.asarray(within[ranks])
