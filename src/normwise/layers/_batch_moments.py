"""The moments of a batch in traced code: corrected two-pass, masked or not."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from normwise.core.moments import Moments


def batch_moments(x: Any, axis: int, mask: Any = None) -> tuple[Moments, Any]:
    """Moments of each channel, and the deviations from the mean that they were taken from.

    ``s = Σx/m``, ``r = Σ(x − s)/m``, ``mean = s + r``, ``m2 = Σ((x − s) − r)²``. The sum s is off by several
    standard deviations where the mean is large beside them; x − s is exact there and r puts it right. The
    deviations are returned because x − mean would round twice: mean has no room for the digits of r.

    Args:
        x: Tensor of any rank, float32 at least.
        axis: The channels' axis, not negative.
        mask: Booleans of the rank of `x`, from `expand_mask`, or None: all values count.

    Returns:
        Moments with the shape of `x` but 1 on all axes other than `axis` (the count a scalar), and the
        deviations, of the shape of `x`.
    """
    axes = tuple(i for i in range(len(x.shape)) if i != axis)
    count = _count(x, axis, mask)
    size = ops.maximum(count, ops.ones_like(count))

    def mean(values: Any) -> Any:
        counted = values if mask is None else ops.where(mask, values, ops.zeros_like(values))
        return ops.sum(counted, axis=axes, keepdims=True) / size

    # Exact in the gradient: ∂(s + r)/∂x is 1/m whatever s, so s may be a constant.
    start = ops.stop_gradient(mean(x))
    rest = mean(x - start)
    deviation = (x - start) - rest
    return Moments(count, start + rest, mean(ops.square(deviation)) * size), deviation


def expand_mask(mask: Any, x: Any, axis: int) -> Any:
    """A mask over the leading axes of `x`, as booleans of the rank of `x`.

    Raises:
        ValueError: If the mask does not cover the leading axes of `x`, or covers the channels' axis.
    """
    rank = len(mask.shape)
    if axis < rank:
        raise ValueError(
            f"the mask of shape {tuple(mask.shape)} covers the first {rank} axes of the input of shape "
            f"{tuple(x.shape)}, and the channels' axis {axis} is one of them; put the channels last"
        )
    pairs = zip(mask.shape, x.shape, strict=False)
    if any(m is not None and n is not None and m != n for m, n in pairs):
        raise ValueError(
            f"the mask of shape {tuple(mask.shape)} does not cover the leading axes of the input of shape "
            f"{tuple(x.shape)}"
        )
    mask = ops.cast(mask, "bool")
    for _ in range(len(x.shape) - rank):
        mask = ops.expand_dims(mask, -1)
    return mask


def _count(x: Any, axis: int, mask: Any) -> Any:
    sizes = ops.shape(x)
    if mask is None:
        return ops.cast(math.prod(n for i, n in enumerate(sizes) if i != axis), x.dtype)
    # Axes on which the mask is 1 are those it says nothing about, unless the input is 1 there too.
    rest = math.prod(
        n for i, (n, m) in enumerate(zip(sizes, mask.shape, strict=True)) if i != axis and m == 1
    )
    return ops.sum(ops.cast(mask, x.dtype)) * ops.cast(rest, x.dtype)
