"""y = (x − center)·scale + shift, on arrays block by block and on frames column by column, in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.column_statistics import BLOCK_BYTES

Vector = NDArray[np.float64]


class Affine(NamedTuple):
    """One center, scale and shift a column."""

    center: Vector
    scale: Vector
    shift: Vector

    def inverse(self) -> Affine:
        """The way back: ``x = (y − shift)/scale + center``; where the scale is 0, ``x = center``.

        Example:
            >>> Affine(np.array([5.0]), np.array([2.0]), np.array([1.0])).inverse()
            Affine(center=array([1.]), scale=array([0.5]), shift=array([5.]))
        """
        some = self.scale != 0
        return Affine(self.shift, np.where(some, 1.0 / np.where(some, self.scale, 1.0), 0.0), self.center)

    def of_array(self, x: NDArray[Any]) -> NDArray[Any]:
        """The map of (rows, columns) of float32 or float64, in the same dtype and memory order."""
        y = np.empty_like(x, subok=False)
        step = max(1, BLOCK_BYTES // (8 * max(1, x.shape[1])))
        for start in range(0, len(x), step):
            rows = slice(start, start + step)
            block = x[rows].astype(np.float64)
            block -= self.center
            block *= self.scale
            block += self.shift
            y[rows] = block
        return y

    def of_frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The map of a frame of numbers; columns of Float32 stay Float32, others become Float64."""
        return frame.select(
            ((pl.col(name).cast(pl.Float64) - center) * scale + shift).cast(
                pl.Float32 if dtype == pl.Float32 else pl.Float64
            )
            for (name, dtype), center, scale, shift in zip(
                frame.schema.items(), *(v.tolist() for v in self), strict=True
            )
        )
