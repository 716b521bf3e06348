"""row_moments: moments of values, and how much of their variance lies between rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from normwise.core.moments import Moments


class RowMoments(NamedTuple):
    """Moments, the reduced axes being gone.

    Attributes:
        size: How many values.
        mean: Their mean.
        m2: Σ(x − mean)².
        between: Σ(row's mean − mean)² over the rows; None where rows are not reduced.
    """

    size: int
    mean: Any
    m2: Any
    between: Any


def row_moments(x: Any, axes: tuple[int, ...]) -> RowMoments:
    """The positions of a row come first, then the rows, each by a corrected two-pass sum.

    Σ(x − mean)² is Σ of the rows' own and positions·Σ(row's mean − mean)². In float32, n values round so as
    in a sum of √n.

    Args:
        x: Values of any rank, a NumPy array in float64 or a tensor that is being traced.
        axes: The axes to reduce; rows are on axis 0.

    Example:
        >>> row_moments(np.array([[[1.0], [3.0]], [[5.0], [7.0]]]), (0, 1))
        RowMoments(size=4, mean=array([4.]), m2=array([20.]), between=array([8.]))

    Source:
        Chan, Golub & LeVeque 1979, for the sum of both parts.
    """
    positions = tuple(axis for axis in axes if axis)
    means: Any = x
    within: Any = 0.0
    if positions:
        _, means, within = _moments(x, positions)
    count = math.prod(x.shape[axis] for axis in axes)
    if 0 not in axes:  # rows are channels
        return RowMoments(count, means.squeeze(positions), within.squeeze(positions), None)
    _, mean, between = _moments(means, (0,))
    m2 = between * (count // x.shape[0])
    if positions:
        m2 = m2 + within.sum(0, keepdims=True)
    return RowMoments(count, mean.squeeze(axes), m2.squeeze(axes), between.squeeze(axes))


def _moments(x: Any, axes: tuple[int, ...]) -> Moments:
    """With the reduced axes as axes of size 1."""
    if isinstance(x, np.ndarray):
        with np.errstate(all="ignore"):  # of what is not finite the moments are not, either
            return Moments(*(np.expand_dims(part, axes) for part in Moments.of(x, axis=axes)))
    from normwise.kernels.batch_moments import batch_moments

    return batch_moments(x, axes).moments()
