"""row_moments: moments of values, and how much of their variance lies between rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    """The positions of a row come first, then the rows.

    Σ(x − mean)² is Σ of the rows' own and positions·Σ(row's mean − mean)².

    Args:
        x: Values of any rank, a NumPy array in float64 or an array that JAX traces, in float32 at least.
        axes: The axes to reduce; rows are on axis 0.

    Example:
        >>> row_moments(np.array([[[1.0], [3.0]], [[5.0], [7.0]]]), (0, 1))
        RowMoments(size=4, mean=array([4.]), m2=array([20.]), between=array([8.]))

    Source:
        Chan, Golub & LeVeque 1979, for the sum of both parts.
    """
    positions = tuple(axis for axis in axes if axis)
    if not isinstance(x, np.ndarray):
        return _traced(x, axes, positions)
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


def sums_together(terms: Mapping[str, Any], axes: tuple[int, ...]) -> dict[str, Any]:
    """Sums of arrays of one shape that JAX traces: what is compiled is one loop, and the axes are gone."""
    from jax import lax

    def added(one: Any, other: Any) -> Any:
        return tuple(map(lax.add, one, other))

    starts = tuple(np.zeros((), array.dtype) for array in terms.values())
    return dict(zip(terms, lax.reduce(tuple(terms.values()), starts, added, axes), strict=True))


def powers_about(x: Any, origin: Any) -> dict[str, Any]:
    """x − o and (x − o)²: of their sums `moments_about` makes the moments."""
    shifted = x - origin
    return {"shifted": shifted, "squares": shifted * shifted}


def moments_about(count: int, origin: Any, shifted: Any, squares: Any) -> Moments:
    """The moments of n values from their sums about an origin that is near the mean.

    ``mean = o + s/n``, ``m2 = q − s²/n``: nothing cancels that matters, as o is fewer than √15 standard
    deviations off (`normwise.kernels.batch_moments.origin_of`).
    """
    m2 = squares - shifted * (shifted / count)
    return Moments(count, origin + shifted / count, m2 * (m2 > 0))


def _traced(x: Any, axes: tuple[int, ...], positions: tuple[int, ...]) -> RowMoments:
    from normwise.kernels.batch_moments import origin_of

    origin = origin_of(x, axes, x.dtype)
    sums: Any = powers_about(x, origin)
    count = math.prod(x.shape[axis] for axis in axes)
    if positions:
        sums = sums_together(sums, positions)
    if 0 not in axes:  # rows are channels
        found = moments_about(count, origin.squeeze(positions), sums["shifted"], sums["squares"])
        return RowMoments(count, found.mean, found.m2, None)
    rows = sums["shifted"] / (count // x.shape[0])
    sums = sums_together(sums, (0,))
    found = moments_about(count, origin.squeeze(axes), sums["shifted"], sums["squares"])
    offsets = rows - sums["shifted"] / count
    return RowMoments(count, found.mean, found.m2, (offsets * offsets).sum(0))


def _moments(x: Any, axes: tuple[int, ...]) -> Moments:
    """With the reduced axes as axes of size 1."""
    with np.errstate(all="ignore"):  # of what is not finite the moments are not, either
        return Moments(*(np.expand_dims(part, axes) for part in Moments.of(x, axis=axes)))
