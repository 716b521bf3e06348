"""column_statistics: the ColumnStatistics of any table, block by block."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import ColumnError
from normwise.tables.frame import to_frame

SLICE_BYTES = 64 << 20
"""A frame is taken in slices of about so many bytes of float64."""


def column_statistics(table: Any, sketch_size: int | None = None) -> ColumnStatistics:
    """Counts, moments and range of each column of a table of numbers, in float64.

    Args:
        table: What `as_frame` takes, with columns of numbers or booleans only. Arrays are read in blocks,
            without a copy of the whole.
        sketch_size: The size of a `QuantileSketch` a column; None for no sketches.

    Returns:
        Null and NaN counted apart, as the table has them.

    Raises:
        ColumnError: If a column holds anything but numbers and booleans.

    Example:
        >>> s = column_statistics(pl.DataFrame({"a": [1.0, None, float("nan")], "b": [True, False, False]}))
        >>> s.counts, s.nulls, s.nans
        ((1.0, 3.0), (1, 0), (1, 0))
    """
    if isinstance(table, np.ndarray) and table.ndim == 2 and table.dtype.kind in "biuf":
        names = [f"x{i}" for i in range(table.shape[1])]
        nulls = np.ma.getmaskarray(table) if isinstance(table, np.ma.MaskedArray) else None
        return ColumnStatistics.of(table, names, nulls, sketch_size=sketch_size)
    frame = to_frame(table)
    require_numbers(frame.schema)
    total = ColumnStatistics.empty(frame.columns, sketch_size)
    step = max(1, SLICE_BYTES // (8 * max(1, frame.width)))
    for start in range(0, frame.height, step):
        total = total.merge(_of_slice(frame.slice(start, step), sketch_size))
    return total


def _of_slice(frame: pl.DataFrame, sketch_size: int | None) -> ColumnStatistics:
    # Null is NaN to NumPy, and taken from what is counted as such again.
    values = frame.cast(pl.Float64).to_numpy()
    found = ColumnStatistics.of(values, frame.columns, sketch_size=sketch_size)
    nulls = tuple(column.null_count() for column in frame.iter_columns())
    nans = tuple(n - absent for n, absent in zip(found.nans, nulls, strict=True))
    return dataclasses.replace(found, nulls=nulls, nans=nans)


def require_numbers(schema: Mapping[str, Any]) -> None:
    """Raises a ColumnError that names the columns which hold anything but numbers and booleans.

    Args:
        schema: The columns' types, of Polars or of Narwhals.
    """
    others = [f'"{name}" ({dtype})' for name, dtype in schema.items() if not is_number(dtype)]
    if others:
        raise ColumnError(
            f"expected columns of numbers; these are not: {', '.join(others)}. Leave them out, or "
            "turn them into numbers first."
        )


def is_number(dtype: Any) -> bool:
    """Whether a type of Polars or of Narwhals is one of numbers, booleans or nothing but nulls."""
    # Narwhals has no name for a column of nothing but nulls.
    return bool(dtype.is_numeric()) or dtype in (pl.Boolean, pl.Null, nw.Boolean, nw.Unknown)
