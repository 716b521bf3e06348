"""Ghost batches: a batch seen as groups of rows, each normalized by its own statistics."""

from __future__ import annotations

from typing import Any

from keras import ops

from normwise.core.moments import Moments, merge_all
from normwise.kernels.batch_moments import at_least_one


def split(x: Any, weights: Any, size: int) -> tuple[Any, Any]:
    """(batch, …) as (groups, size, …), filled up with rows of weight 0 where the last group is smaller."""
    rows = ops.shape(x)[0]
    fill = -rows % size
    if isinstance(fill, int) and fill == 0:
        return _grouped(x, size), _grouped_weights(weights, size)
    if weights is None:
        weights = ops.ones([rows] + [1] * (len(x.shape) - 1), "float32")
    elif weights.shape[0] == 1:
        weights = ops.broadcast_to(weights, [rows, *ops.shape(weights)[1:]])
    return _grouped(_filled(x, fill), size), _grouped(_filled(weights, fill), size)


def join(y: Any, like: Any) -> Any:
    """(groups, size, …) as (batch, …) again, without the rows that filled it up."""
    rows = ops.shape(like)[0]
    return ops.reshape(y, [-1, *ops.shape(y)[2:]])[:rows]


def merge_groups(moments: Moments) -> Moments:
    """Moments of (groups, …) as those of the batch."""

    def total(values: Any) -> Any:
        return ops.sum(values, axis=0)

    count = ops.broadcast_to(moments.count, ops.shape(moments.mean))
    # About a common origin, as means may be large beside their spread.
    origin = total(count * moments.mean) / at_least_one(total(count))
    whole = merge_all(Moments(count, moments.mean - origin, moments.m2), total, xp=ops)
    return Moments(whole.count, origin + whole.mean, whole.m2)


def _grouped(x: Any, size: int) -> Any:
    return ops.reshape(x, [-1, size, *ops.shape(x)[1:]])


def _grouped_weights(weights: Any, size: int) -> Any:
    if weights is None:
        return None
    return ops.expand_dims(weights, 0) if weights.shape[0] == 1 else _grouped(weights, size)


def _filled(x: Any, fill: Any) -> Any:
    return ops.pad(x, [[0, fill]] + [[0, 0]] * (len(x.shape) - 1))
