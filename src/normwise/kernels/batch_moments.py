"""The moments of a batch in traced code: corrected two-pass, weighted or not, on one device or on several."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from normwise.core.moments import Moments, merge_all

Total = Callable[[Any], Any]
"""The sum of an array over all devices, of the same shape."""


class Centered(NamedTuple):
    """Moments about an origin: the batch's mean is ``origin + rest``.

    Kept apart because float32 has no room for both: ``x − mean`` would round twice, ``(x − origin) − rest``
    does not.
    """

    origin: Any
    rest: Any
    count: Any
    m2: Any

    def moments(self) -> Moments:
        return Moments(self.count, self.origin + self.rest, self.m2)

    def deviation(self, x: Any) -> Any:
        return (x - self.origin) - self.rest


def batch_moments(x: Any, axes: tuple[int, ...], weights: Any = None, total: Total | None = None) -> Centered:
    """Weighted moments over some axes, which stay as axes of size 1.

    ``o ≈ Σwx/W``, ``r = Σw(x − o)/W``, ``mean = o + r``, ``m2 = Σw((x − o) − r)²``, ``W = Σw``. The sum
    of x is off by several standard deviations where the mean is large beside them; x − o is exact there and
    r puts it right.

    Args:
        x: Tensor of any rank, float32 at least, finite wherever its weight is not 0.
        axes: The axes to reduce.
        weights: Frequency weights ≥ 0 of the rank of `x`, each axis of its size or 1; None counts all as 1.
        total: Sums over the devices that share the batch; None where this one has all of it.
    """
    count = count_of(x, axes, weights)
    # Exact in the gradient: ∂(o + r)/∂x is w/W whatever o, so o may be a constant.
    near = origin_of(x, axes, x.dtype) if weights is None else _sum(x, axes, weights) / at_least_one(count)
    origin = ops.stop_gradient(near)
    if total is not None:
        origin = total(count * origin) / at_least_one(total(count))
    shifted = x - origin
    rest = _sum(shifted, axes, weights) / at_least_one(count)
    m2 = _sum(ops.square(shifted - rest), axes, weights)
    if total is not None:
        count, rest, m2 = merge_all(Moments(count, rest, m2), total, xp=ops)
    return Centered(origin, rest, count, m2)


def at_least_one(count: Any) -> Any:
    """A divisor: the count, and 1 for no values. A weighted count may lie between 0 and 1."""
    return ops.where(count > 0, count, ops.ones_like(count))


def origin_of(x: Any, axes: tuple[int, ...], dtype: Any) -> Any:
    """A number near each channel's mean: of a sixteenth of the batch.

    Its distance from the mean is less than √15 standard deviations of the batch, whatever the values, and it
    costs no pass over them.
    """
    head = ops.cast(x[: _sixteenth(x)] if 0 in axes else x, dtype)
    return ops.sum(head, axis=axes, keepdims=True) / at_least_one(count_of(head, axes, None))


def _sixteenth(x: Any) -> Any:
    rows = ops.shape(x)[0]
    return -(-rows // 16)


def _sum(x: Any, axes: tuple[int, ...], weights: Any) -> Any:
    return ops.sum(x if weights is None else x * ops.cast(weights, x.dtype), axis=axes, keepdims=True)


def count_of(x: Any, axes: tuple[int, ...], weights: Any = None) -> Any:
    """How much the values of each channel weigh together."""
    sizes = ops.shape(x)
    if weights is None:
        shape = [1] * len(sizes)
        return ops.reshape(ops.cast(math.prod(sizes[i] for i in axes), x.dtype), shape)
    # Axes on which the weights are 1 and the input is not: each weight counts for all the values there.
    rest = math.prod(sizes[i] for i in axes if weights.shape[i] == 1)
    return ops.sum(ops.cast(weights, x.dtype), axis=axes, keepdims=True) * ops.cast(rest, x.dtype)
