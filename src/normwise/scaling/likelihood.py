"""The λ of largest likelihood, for all columns at once, by few looks at the data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Points = NDArray[np.float64]

NEAR = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
"""Where the peak is looked for first: λ = 1 leaves a column as it is, 0 is the logarithm."""
FAR = (-64.0, -32.0, -16.0, -8.0, 10.0, 18.0, 34.0, 66.0)
"""… and where else if it lies beyond; further out, powers leave float64's range."""
HALVINGS = 4
WIDTHS = (0.06, 0.004, 1e-5)
"""Of the parabolas at the end: the top of each is right to about the square of its width."""


def maximize(likelihood: Callable[[Points], Points], columns: int) -> Vector:
    """The argument, one a column, at which a function with a single peak is largest.

    A grid first, then halved brackets about the best point, then the tops of parabolas through three points:
    nine looks, ten where the peak is far out.

    Args:
        likelihood: Of (points, columns), the value at each; what is not finite counts as the lowest.
        columns: How many there are.

    Returns:
        1 where no value is finite.

    Example:
        >>> maximize(lambda x: -((x - np.array([0.3, 9.0])) ** 2), 2).round(6)
        array([0.3, 9. ])
    """

    def value(*x: Vector) -> Points:
        with np.errstate(all="ignore"):
            found = np.asarray(likelihood(np.stack(x)), np.float64)
        return np.where(np.isfinite(found), found, -np.inf)

    points, values = np.array(NEAR), value(*(np.full(columns, at) for at in NEAR))
    where = np.argmax(values, axis=0)
    if ((where == 0) | (where == len(points) - 1)).any():
        further = value(*(np.full(columns, at) for at in FAR))
        order = np.argsort(np.concatenate([points, FAR]))
        points, values = np.concatenate([points, FAR])[order], np.concatenate([values, further])[order]
        where = np.argmax(values, axis=0)
    low, high = points[np.maximum(where - 1, 0)], points[np.minimum(where + 1, len(points) - 1)]
    peak, top = points[where], values.max(axis=0)
    for _ in range(HALVINGS):
        low, peak, high, top = _halve(value, low, peak, high, top)
    finest = peak
    for width in WIDTHS:
        finest = np.asarray(np.clip(_top_of_parabola(value, finest, width), low, high))
    # Beside the end of what has a likelihood, a parabola may point beyond it.
    peak = np.where(np.isfinite(value(finest)[0]), finest, peak)
    return np.where(np.isfinite(top), peak, 1.0)


def _halve(
    value: Callable[..., Points], low: Vector, peak: Vector, high: Vector, top: Vector
) -> tuple[Vector, Vector, Vector, Vector]:
    """A bracket of half the width: the better of the points halfway out, or the old peak between them."""
    left, right = (low + peak) / 2, (peak + high) / 2
    at_left, at_right = value(left, right)
    to_left, to_right = (at_left > top) & (at_left >= at_right), (at_right > top) & (at_right > at_left)
    return (
        np.where(to_left, low, np.where(to_right, peak, left)),
        np.where(to_left, left, np.where(to_right, right, peak)),
        np.where(to_left, peak, np.where(to_right, high, right)),
        np.maximum(top, np.maximum(at_left, at_right)),
    )


def _top_of_parabola(value: Callable[..., Points], x: Vector, width: float) -> Vector:
    """The top of the parabola through the values at x − width, x and x + width."""
    before, at, after = value(x - width, x, x + width)
    with np.errstate(all="ignore"):
        bend = before - 2.0 * at + after
        moved = x + width / 2.0 * (before - after) / bend
    return np.where(np.isfinite(moved) & (bend < 0), moved, x)
