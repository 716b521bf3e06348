"""Affine: what a normalization is at inference, a factor and a shift per channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.deploy.blocked_error import BlockedError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """``y = scale·x + shift``, element by element, in float64.

    Both arrays have the axes of the tensor without its batch axis; an axis along which nothing varies has
    size 1.

    Example:
        >>> double, one_more = Affine(np.array([2.0]), np.zeros(1)), Affine(np.ones(1), np.ones(1))
        >>> double.after(one_more)
        Affine(scale=array([2.]), shift=array([2.]))
    """

    scale: Array
    shift: Array

    def after(self, first: Affine) -> Affine:
        """The map that does `first` and then this one."""
        return Affine(self.scale * first.scale, self.scale * first.shift + self.shift)

    @property
    def has_shift(self) -> bool:
        """Whether anything is added."""
        return bool(self.shift.any())

    @property
    def largest_shift(self) -> str:
        """The magnitude of what is added, for a message."""
        return f"a shift of up to {np.abs(self.shift).max():.3g}"

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values there are along each axis."""
        return np.broadcast_shapes(self.scale.shape, self.shift.shape)

    def varies_along(self, axes: Iterable[int]) -> bool:
        """Whether the map differs from place to place along one of the axes."""
        return any(self.sizes[axis] != 1 for axis in axes)

    def reshaped(self, change: Any) -> Affine:
        """The map with both arrays changed by a function."""
        return Affine(change(self.scale), change(self.shift))

    def reduced(self) -> Affine:
        """The same map with size 1 along each axis along which nothing varies."""
        return self.reshaped(_reduced)


def per_channel(affine: Affine, axis: int, size: int) -> tuple[Array, Array]:
    """Scale and shift as vectors, of a map that varies along one axis at most.

    Raises:
        BlockedError: If it varies along another one.
    """
    rank = len(affine.sizes)
    if affine.varies_along(other for other in range(rank) if other != axis % rank):
        raise BlockedError("the map differs along other axes than the channels'")
    return np.broadcast_to(affine.scale.ravel(), (size,)), np.broadcast_to(affine.shift.ravel(), (size,))


def _reduced(values: Array) -> Array:
    for axis in range(values.ndim):
        first = values.take([0], axis)
        values = first if (values == first).all() else values
    return values
