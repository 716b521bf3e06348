"""column_statistics: the ColumnStatistics of any table, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from normwise.core.column_statistics import BLOCK_BYTES, ColumnStatistics
from normwise.core.errors import ColumnError
from normwise.tables.frame import to_frame


def column_statistics(table: Any) -> ColumnStatistics:
    """Counts, moments and range of each column of a table of numbers, in float64.

    Args:
        table: What `as_frame` takes, with columns of numbers or booleans only. Arrays are read in blocks,
            without a copy of the whole.

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
        return ColumnStatistics.of(table, names, nulls)
    frame = to_frame(table)
    require_numbers(frame)
    total = ColumnStatistics.empty(frame.columns)
    step = max(1, BLOCK_BYTES // (8 * max(1, frame.width)))
    for start in range(0, frame.height, step):
        block = frame.slice(start, step)
        values = block.cast(pl.Float64).to_numpy()
        nulls = block.select(pl.all().is_null()).to_numpy() if _has_null(block) else None
        total = total.merge(ColumnStatistics.of(values, frame.columns, nulls))
    return total


def _has_null(block: pl.DataFrame) -> bool:
    return any(column.null_count() for column in block.iter_columns())


def require_numbers(frame: pl.DataFrame) -> None:
    """Raises a ColumnError that names the columns which hold anything but numbers and booleans."""
    others = [
        f'"{name}" ({dtype})'
        for name, dtype in frame.schema.items()
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null))
    ]
    if others:
        raise ColumnError(
            f"expected columns of numbers; these are not: {', '.join(others)}. Leave them out, or "
            "turn them into numbers first."
        )
