"""y = (x − center)·scale + shift, clipped or not, on blocks of an array and on columns of any table."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normwise.core.blocks import side_by_side
from normwise.scaling.engines import EXPRESSIONS, Columns, clip

Vector = NDArray[np.float64]
Limits = tuple[float, float]
EVERYTHING: Limits = (-math.inf, math.inf)
LARGEST = 1e30
"""Beyond this a constant is left to float64: a difference or product in float32 could overflow."""


class Affine(NamedTuple):
    """One center, scale and shift a column.

    Args:
        center: What is subtracted.
        scale: What the difference is multiplied by.
        shift: What is added last.
        limits: What the result is clipped to.
        ends: A value of each column, and what its map must not exceed by rounding.
    """

    center: Vector
    scale: Vector
    shift: Vector
    limits: Limits = EVERYTHING
    ends: tuple[Vector, float] | None = None

    @property
    def constants(self) -> tuple[Vector, Vector, Vector]:
        """Of each column, what is subtracted, multiplied by and added: what the native kernels need."""
        return self.center, self.scale, self.shift

    def inverse(self) -> Affine:
        """The way back: ``x = (y − shift)/scale + center``; where the scale is 0, ``x = center``.

        Example:
            >>> Affine(np.array([5.0]), np.array([2.0]), np.array([1.0])).inverse()[:3]
            (array([1.]), array([0.5]), array([5.]))
        """
        some = self.scale != 0
        return Affine(self.shift, np.where(some, 1.0 / np.where(some, self.scale, 1.0), 0.0), self.center)

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float64, in its place."""
        lanes, beside = side_by_side(block, wide=True)
        lanes -= np.tile(self.center, beside)
        lanes *= np.tile(self.scale, beside)
        if self.shift.any():
            lanes += np.tile(self.shift, beside)
        if self.limits != EVERYTHING:
            np.clip(lanes, *self.limits, out=lanes)
        return block

    def float32(self) -> AffineFloat32 | None:
        """The same map in float32, as the layer computes it; None where a constant is not at home there."""
        with np.errstate(all="ignore"):
            hi, scale = self.center.astype(np.float32), self.scale.astype(np.float32)
            rest = (self.shift + (hi.astype(np.float64) - self.center) * self.scale).astype(np.float32)
            if self.ends is not None:
                scale = _within(self.ends, hi, scale, rest)
        tiny = (self.scale != 0) & (np.abs(self.scale) < np.finfo(np.float32).tiny)
        if tiny.any() or not all((np.abs(c) <= LARGEST).all() for c in (hi, scale, rest)):
            return None
        return AffineFloat32(hi, scale, rest, self.limits)

    def of_columns(self, x: Columns) -> Columns:
        """The map of a table's columns."""
        y = (x - self.center) * self.scale + self.shift
        return y if self.limits == EVERYTHING else clip(EXPRESSIONS.let(y), *self.limits)


class AffineFloat32(NamedTuple):
    """``y = (x − hi)·scale + rest`` in float32, hi being the center in float32, the rest of it in the shift.

    The difference is nearly exact where x is near the center, so that a column at offset 1e6 keeps its
    digits: the very formula of `normwise.FeatureScaling`.
    """

    hi: NDArray[np.float32]
    scale: NDArray[np.float32]
    rest: NDArray[np.float32]
    limits: Limits

    @property
    def constants(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """As `Affine.constants`."""
        return self.hi, self.scale, self.rest

    def of_block(self, block: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """The map of (rows, columns), written into `out`, which the block may lie in memory unlike."""
        x, found = side_by_side(block, wide=True)
        y, beside = side_by_side(out, wide=True)
        if found != beside:  # some rows or columns of a larger array
            out[...] = block
            x = y
        np.subtract(x, np.tile(self.hi, beside), out=y)
        y *= np.tile(self.scale, beside)
        if self.rest.any():
            y += np.tile(self.rest, beside)
        if self.limits != EVERYTHING:
            np.clip(y, *self.limits, out=y)


def _within(ends: tuple[Vector, float], hi: Any, scale: Any, rest: Any) -> NDArray[np.float32]:
    """A scale in float32 that no rounding lets the largest value pass the end with."""
    largest, high = ends
    extent = largest.astype(np.float32) - hi
    above = extent * scale + rest > high
    room = (_down(np.float64(high)) - rest.astype(np.float64)) / extent.astype(np.float64)
    # One step further down than the quotient: the product may round up by half a step.
    return np.asarray(np.where(above, np.nextafter(_down(room), np.float32(0)), scale), np.float32)


def _down(value: Any) -> Any:
    """The next float32 that is not above a positive float64, nor above a negative one."""
    nearest = np.float32(value)
    return np.where(nearest > value, np.nextafter(nearest, np.float32(-np.inf)), nearest)
