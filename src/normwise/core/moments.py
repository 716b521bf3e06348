"""Moments: how many values, their mean, their spread, and the one merge that everything rests on."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

Array = Any
"""An array of NumPy, JAX, torch or TensorFlow: `Moments` is the same record for all of them."""


class Moments(NamedTuple):
    """Count, mean and sum of squared deviations of a set of values.

    ``m2 = Σ wᵢ (xᵢ − mean)²``, ``count = Σ wᵢ``; without weights every wᵢ is 1.

    A set of no values has count 0, mean 0 and m2 0: the neutral element of `merge`, free of NaN.
    It is a tuple of arrays, hence a pytree: it passes through `jax.jit` and `jax.lax.scan` as it is.

    Args:
        count: Sum of the frequency weights, broadcastable to `mean`.
        mean: The mean, in the unit of the values.
        m2: Sum of squared deviations from the mean, in the unit of the values squared.

    Example:
        >>> first, second = Moments.of([1.0, 2.0, 3.0]), Moments.of([10.0])
        >>> whole = merge(first, second)
        >>> float(whole.count), float(whole.mean), float(whole.variance())
        (4.0, 4.0, 12.5)

    Source:
        Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample
        variances".
    """

    count: Array
    mean: Array
    m2: Array

    @classmethod
    def of(
        cls, values: Array, axis: int | tuple[int, ...] | None = None, weights: Array | None = None
    ) -> Moments:
        """Moments of an array, in float64, by the corrected two-pass algorithm.

        ``m = Σwx/Σw``, then ``m += Σw(x − m)/Σw``, then ``m2 = Σw(x − m)² − (Σw(x − m))²/Σw``.
        The correction keeps the mean right when it is large beside the spread.

        Args:
            values: Array of any shape. Values of weight 0 are never read, so they may be NaN.
            axis: The axes to reduce; all of them by default.
            weights: Frequency weights ≥ 0, broadcastable to `values`: weight 2 is "seen twice".

        Returns:
            Moments whose arrays have the shape of `values` without the reduced axes.

        Raises:
            ValueError: If a weight is negative or not finite.

        Example:
            >>> Moments.of(np.array([[1.0, 10.0], [3.0, 10.0]]), axis=0)
            Moments(count=array([2., 2.]), mean=array([ 2., 10.]), m2=array([2., 0.]))
            >>> Moments.of([]).variance()
            np.float64(0.0)
        """
        x = np.asarray(values, dtype=np.float64)
        if weights is None:
            w = np.ones(())
        else:
            w = np.asarray(weights, dtype=np.float64)
            if not np.all(np.isfinite(w) & (w >= 0)):
                bad = w[~(np.isfinite(w) & (w >= 0))].flat[0]
                raise ValueError(f"weights must be finite and not negative, got {bad}")
            x = np.where(w > 0, x, 0.0)
        count = np.sum(np.broadcast_to(w, x.shape), axis=axis, keepdims=True)
        size = np.where(count > 0, count, 1.0)
        mean = np.sum(w * x, axis=axis, keepdims=True) / size
        rest = np.sum(w * (x - mean), axis=axis, keepdims=True) / size
        mean = mean + rest
        deviation = x - mean
        m2 = np.sum(w * deviation * deviation, axis=axis)
        shape = m2.shape
        return cls(count.reshape(shape), mean.reshape(shape), m2)

    def variance(self, ddof: float = 0, xp: ModuleType | Any = np) -> Array:
        """Variance ``m2 / (count − ddof)``; where the count does not exceed `ddof`, ``m2 / count``.

        One value has no spread to correct and no values have none at all: both give 0, never NaN.

        Args:
            ddof: 0 for the population variance, 1 for the unbiased estimate of a sample's.
            xp: `numpy`, or `keras.ops` in traced code.

        Returns:
            An array in the unit of the values squared.

        Example:
            >>> m = Moments.of([1.0, 3.0])
            >>> float(m.variance()), float(m.variance(ddof=1)), float(Moments.of([7.0]).variance(ddof=1))
            (1.0, 2.0, 0.0)
        """
        if isinstance(self.count, float):
            # torch's compiler has numbers that it does not know yet, of which no backend makes a tensor.
            number = self.count - ddof if self.count > ddof else self.count
            return self.m2 / (number if number > 0 else 1.0)
        divisor = xp.where(self.count > ddof, self.count - ddof, self.count)
        return self.m2 / xp.where(divisor > 0, divisor, xp.ones_like(divisor))


def merge(a: Moments, b: Moments, xp: ModuleType | Any = np) -> Moments:
    """Moments of the union of two disjoint sets of values.

    ``δ = mean_b − mean_a``, ``mean = mean_a + δ·n_b/n``, ``m2 = m2_a + m2_b + δ²·n_a·n_b/n``, ``n = n_a +
    n_b``.
    Associative and commutative to rounding, stable, and defined when either side is empty.

    Args:
        a: Moments of one set.
        b: Moments of the other, of a shape that broadcasts to `a`'s.
        xp: `numpy`, or `keras.ops` in traced code.

    Returns:
        Moments of both together.

    Example:
        >>> merge(Moments.of([]), Moments.of([2.0, 4.0]))
        Moments(count=np.float64(2.0), mean=np.float64(3.0), m2=np.float64(2.0))

    Source:
        Chan, Golub & LeVeque 1979, eq. 2.1.
    """
    count = a.count + b.count
    share = b.count / xp.where(count > 0, count, xp.ones_like(count))
    delta = b.mean - a.mean
    return Moments(count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.count * share)


def merge_all(parts: Moments, total: Callable[[Array], Array], xp: ModuleType | Any = np) -> Moments:
    """Moments of the union of many disjoint sets at once: `merge`, for any number of them.

    ``n = Σnᵢ``, ``mean = Σnᵢ·meanᵢ/n``, ``m2 = Σ(m2ᵢ + nᵢ·(meanᵢ − mean)²)``. For means that are large beside
    their spread, take them about a common origin first.

    Args:
        parts: The sets' moments, as arrays along an axis or one on each device.
        total: Sums over the sets: along that axis, or over the devices.
        xp: `numpy`, or `keras.ops` in traced code.

    Returns:
        Moments of all sets together.

    Example:
        >>> parts = Moments(np.array([2.0, 0.0, 1.0]), np.array([3.0, 0.0, 9.0]), np.array([2.0, 0.0, 0.0]))
        >>> merge_all(parts, np.sum)
        Moments(count=np.float64(3.0), mean=np.float64(5.0), m2=np.float64(26.0))

    Source:
        Chan, Golub & LeVeque 1979, eq. 2.1, over all sets.
    """
    count = total(parts.count)
    some = xp.where(count > 0, count, xp.ones_like(count))
    mean = total(parts.count * parts.mean) / some
    return Moments(count, mean, total(parts.m2 + parts.count * xp.square(parts.mean - mean)))
