"""PiecewiseLinearEncoding: a number as how far it has come through each of its quantile bins."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from normwise.kernels.precision import at_least_float32
from normwise.kernels.take_columns import take_columns


@keras.saving.register_keras_serializable(package="normwise")
class PiecewiseLinearEncoding(keras.layers.Layer):  # type: ignore[misc]
    """Encodes each number by the bins that it has passed.

    ``eᵦ(x) = clip((x − lowᵦ) / (highᵦ − lowᵦ), 0, 1)`` for each bin b of x's column: 0 before the bin, 1
    behind it,
    linear within. A linear layer on top is then any piecewise linear function of x, which one scale cannot
    give:
    a heavy-tailed column keeps its detail where the rows are. NaN encodes as zeros. Computed in float32 at
    least.

    Shapes: ``(batch, columns) → (batch, Σ bins of the columns)``, in [0, 1], without a unit.

    Args:
        edges: Per column, the rising edges of its bins, in the column's unit; fewer than two give no output.
        **kwargs: Keras' layer arguments.

    Raises:
        ValueError: If edges are not finite or do not rise strictly, or the input has other columns.

    Example:
        >>> layer = PiecewiseLinearEncoding([[0.0, 10.0, 100.0]])
        >>> layer(np.array([[5.0], [55.0], [1000.0]])).tolist()
        [[0.5, 0.0], [1.0, 0.5], [1.0, 1.0]]

    Source:
        Gorishniy, Rubachev & Babenko 2022, "On Embeddings for Numerical Features in Tabular Deep Learning",
        eq. 1,
        with both ends clipped.
    """

    def __init__(self, edges: Sequence[Sequence[float]], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.edges = tuple(tuple(float(e) for e in column) for column in edges)
        for i, column in enumerate(self.edges):
            if not all(map(math.isfinite, column)):
                raise ValueError(f"the edges of column {i} must be finite, got {list(column)}")
            if any(not a < b for a, b in itertools.pairwise(column)):
                raise ValueError(f"the edges of column {i} must rise strictly, got {list(column)}")
        self._column = np.array([i for i, c in enumerate(self.edges) for _ in c[1:]], "int32")
        self._low = np.array([a for c in self.edges for a in c[:-1]], "float32")
        width = [b - a for c in self.edges for a, b in itertools.pairwise(c)]
        # A bin narrower than float32 can divide by is a step all the same: never 0·inf.
        self._rate = np.minimum(1.0 / np.array(width, "float64"), np.finfo("float32").max).astype("float32")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if input_shape[-1] != len(self.edges):
            raise ValueError(
                f"edges for {len(self.edges)} columns were given, but the input has {input_shape[-1]}"
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = take_columns(ops.cast(inputs, at_least_float32(inputs.dtype)), self._column.tolist())
        # The inner `where` keeps NaN out of the gradient, the outer one out of the output.
        absent = ops.isnan(x)
        safe = ops.where(absent, ops.zeros_like(x), x)
        encoded = ops.clip((safe - ops.cast(self._low, x.dtype)) * ops.cast(self._rate, x.dtype), 0.0, 1.0)
        return ops.cast(ops.where(absent, ops.zeros_like(x), encoded), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], len(self._column))

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.pop("autocast", None)
        return {**config, "edges": [list(c) for c in self.edges]}


def quantile_edges(values: Any, bins: int) -> tuple[tuple[float, ...], ...]:
    """Bin edges for each column at its quantiles, so that every bin holds about as many rows.

    Where one value takes many rows (a capital gain of 0, say) its quantiles coincide and are one edge; the
    rest of
    the column is then cut at its own quantiles, so that its detail is not lost.

    Args:
        values: (rows, columns); NaN is ignored.
        bins: At most so many bins a column. Columns with at most two values get none: one scale says it all.

    Example:
        >>> quantile_edges(np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]]), bins=3)
        ((1.0, 2.0, 3.0, 4.0), ())
    """
    return tuple(_column_edges(column[~np.isnan(column)], bins) for column in np.asarray(values, "float32").T)


def _column_edges(column: Any, bins: int) -> tuple[float, ...]:
    distinct, counts = np.unique(column, return_counts=True)
    if len(distinct) <= 2:
        return ()
    if len(distinct) <= bins + 1:
        return tuple(float(v) for v in distinct)
    mode = distinct[counts.argmax()]
    crowded = counts.max() * 2 > len(column)
    detail = column[column != mode] if crowded else column
    edges = np.quantile(detail, np.linspace(0, 1, bins + (not crowded)), method="nearest")
    return tuple(float(e) for e in np.unique(np.append(edges, mode) if crowded else edges))
