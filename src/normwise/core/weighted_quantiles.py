"""Exact quantiles of values in memory that were each seen so many times, whole times or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.core.array_quantiles import between
from normwise.core.blocks import each

Vector = NDArray[np.float64]


def weighted_quantiles(
    values: NDArray[Any], weights: Vector, probabilities: Sequence[float] | Vector
) -> Vector:
    """The quantiles of each column's finite values, by their frequency weights.

    With the values in order, from 0, and ``Cᵢ = w₀ + … + wᵢ``, ``W`` the last of these, each value stands at
    the ranks from ``Cᵢ₋₁`` to ``Cᵢ``: let ``v(t)`` be the value at rank t. Then

        h = (W − 1)·p,   q = ∫ v(t) dt  from h to h + 1.

    Where weights are whole, that is ``v[⌊h⌋] + (h − ⌊h⌋)·(v[⌊h⌋ + 1] − v[⌊h⌋])`` of the values repeated so
    often: the quantile that `array_quantiles` gives, to the bit. Otherwise it is the one formula that goes
    on from there without a jump: a value whose weight goes to 0 leaves like one that is absent. Hence the
    quantile of 0 is the minimum only where that has a weight of 1 or more.

    Weights are counts and no shares: twice the weights are twice the rows, whose quantiles are others.

    Args:
        values: (rows, columns) of numbers; NaN and ±inf are not among the values.
        weights: (rows,), finite, 0 or more; of weight 0 a value is absent.
        probabilities: Each in [0, 1].

    Returns:
        (columns, probabilities) in float64; NaN for a column without a finite value. Where W is less than 1,
        there are no ranks between which to tell: all are the weighted mean.

    Example:
        >>> x = np.array([[1.0], [2.0], [4.0]])
        >>> weighted_quantiles(x, np.array([1.0, 2.0, 1.0]), [0.0, 0.5, 1.0])
        array([[1., 2., 4.]])
        >>> weighted_quantiles(x, np.array([1.0, 0.5, 1.5]), [0.0, 0.5, 1.0])
        array([[1., 3., 4.]])

    Source:
        Akinshin 2023, "Weighted quantile estimators", arXiv:2304.07265, for Hyndman & Fan's definition 7;
        with W in the place of Kish's effective sample size, which whole weights would not repeat rows by.
    """
    p = np.asarray(probabilities, np.float64)
    if not values.shape[1]:
        return np.empty((0, len(p)))
    return np.stack(each(lambda i: weighted_quantiles_of(values[:, i], weights, p), range(values.shape[1])))


def weighted_quantiles_of(values: NDArray[Any], weights: Vector, probabilities: Vector) -> Vector:
    """The same of one dimension."""
    some = np.isfinite(values) & (weights > 0)
    if not some.any():
        return np.full(len(probabilities), np.nan)
    known = values[some]
    order = np.argsort(known, kind="stable")
    ordered, ends = known[order].astype(np.float64), np.cumsum(weights[some][order])
    h = max(ends[-1] - 1.0, 0.0) * probabilities
    last_value = len(ends) - 1
    first = np.minimum(np.searchsorted(ends, h, side="right"), last_value)
    # As ends − 1, and not h + 1: that would round, and repeated rows have h − ⌊h⌋ to the bit.
    last = np.clip(np.searchsorted(ends - 1.0, h, side="left"), first, last_value)
    share = np.clip(h - (ends[first] - 1.0), 0.0, 1.0)
    found = between(ordered[first], ordered[last], share)
    # Of two values the share says all; a whole rank has no room in less than one row.
    for k in np.flatnonzero(last - first > (1 if ends[-1] >= 1.0 else 0)):
        found[k] = _mean(ordered[first[k] : last[k] + 1], ends[first[k] : last[k] + 1] - h[k])
    return found


def _mean(values: Vector, ends: Vector) -> float:
    """The mean of the values at the ranks from 0 to 1, which these end at."""
    upto = np.minimum(ends, 1.0)
    shares = np.diff(upto, prepend=0.0) / upto[-1]
    # By halves, as the distance may overflow.
    half = values / 2
    mean = 2 * (half[0] + shares @ (half - half[0]))
    return float(min(max(mean, values[0]), values[-1]))
