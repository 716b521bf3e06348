"""row_moments: moments of values, and how much of their variance lies between rows, in traced code."""

from __future__ import annotations

import math
from typing import Any


def row_moments(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any, Any, Any]:
    """Count, mean, Σ(x − mean)² and Σ(row's mean − mean)², the axes being reduced.

    The positions of a row come first, then the rows, each by a corrected two-pass sum: with n values in all,
    float32 rounds as in a sum of √n. Σ(x − mean)² is Σ of the rows' own and positions·Σ(row's mean − mean)².

    Args:
        x: Values of any rank.
        axes: The axes to reduce; rows are on axis 0.

    Source:
        Chan, Golub & LeVeque 1979, for the sum of both parts.
    """
    from keras import ops

    from normwise.kernels.batch_moments import batch_moments
    from normwise.kernels.precision import at_least_float32

    x = ops.cast(x, at_least_float32(x.dtype))
    positions = tuple(axis for axis in axes if axis)
    means, within = x, None
    if positions:
        inner = batch_moments(x, positions).moments()
        means, within = inner.mean, inner.m2
    count = math.prod(x.shape[axis] for axis in axes)
    if 0 not in axes:  # rows are channels, which nothing lies between
        return count, ops.squeeze(means, positions), ops.squeeze(within, positions), None
    outer = batch_moments(means, (0,)).moments()
    m2 = outer.m2 * (count // x.shape[0])
    if within is not None:
        m2 = m2 + ops.sum(within, 0, keepdims=True)
    return count, *(ops.squeeze(part, axes) for part in (outer.mean, m2, outer.m2))


def by_row(values: Any) -> Any:
    """(rows, positions, units) of (rows, …, units); of (rows,) one unit."""
    from keras import ops

    units = values.shape[-1] if len(values.shape) > 1 else 1
    return ops.reshape(values, (values.shape[0], -1, units))
