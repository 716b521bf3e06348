"""What a scaler learns of a table, by the table's own engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from normwise.core.array_quantiles import array_quantiles
from normwise.core.block_statistics import BlockStatistics, block_statistics, merge_blocks
from normwise.core.blocks import each, row_blocks
from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import TableError
from normwise.scaling.apply import Formula, apply_to_frame
from normwise.scaling.columns import Numbers
from normwise.scaling.yeo_johnson import YeoJohnson
from normwise.tables.batches import batches
from normwise.tables.lazy_quantiles import EXACT_ROWS, RANK_ERROR, lazy_quantiles
from normwise.tables.lazy_statistics import lazy_statistics
from normwise.tables.statistics import column_statistics

Vector = NDArray[np.float64]


def statistics_of(table: Numbers, weights: Any = None) -> ColumnStatistics:
    """The statistics of each column.

    Args:
        weights: One number a row of an array, or the name of the frame's column that holds them.

    Raises:
        TableError: If the table has no rows.
    """
    if isinstance(table, np.ndarray):
        return _with_rows(ColumnStatistics.of(table, names_of(table), weights=weights), weights)
    return _with_rows(lazy_statistics(table, weights=weights), weights)


def sketched_statistics_of(table: Numbers, size: int) -> ColumnStatistics:
    """The same with a sketch of each column's values."""
    if isinstance(table, np.ndarray):
        return ColumnStatistics.of(table, names_of(table), sketch_size=size)
    parts = (column_statistics(batch, sketch_size=size) for batch in batches(table))
    return _with_rows(_merged(parts, names_of(table)))


def quantiles_of(table: Numbers, statistics: ColumnStatistics, p: Vector) -> tuple[Vector, Vector]:
    """(columns, probabilities) of quantiles, and by how much the rank of each column's may be off."""
    columns = len(statistics.names)
    if isinstance(table, np.ndarray):
        clean = all(count == statistics.rows for count in statistics.counts)
        return array_quantiles(table, p, all_finite=clean), np.zeros(columns)
    exact = statistics.rows <= EXACT_ROWS
    return lazy_quantiles(table, statistics, p), np.full(columns, 0.0 if exact else RANK_ERROR)


def statistics_after(formulas: Sequence[Formula], table: Numbers) -> list[ColumnStatistics]:
    """The statistics of what each formula makes of the columns, in one look at the table.

    Infinities are left out. Arrays and what Polars reads go through NumPy block by block; other engines get a
    column for each formula and column.
    """
    if isinstance(table, np.ndarray):
        array = table
        parts = each(lambda rows: _after(formulas, array[rows]), row_blocks(*array.shape))
    elif table.implementation.is_polars():
        wide = table.select(nw.col(name).cast(nw.Float64()) for name in names_of(table))
        parts = [_after(formulas, batch.to_numpy()) for batch in batches(wide)]
    else:
        return _after_on_an_engine(formulas, table)
    rows = sum(count for count, _ in parts)
    with np.errstate(all="ignore"):
        merged = [merge_blocks([found[i] for _, found in parts]) for i in range(len(formulas))]
    return [ColumnStatistics.of_arrays(tuple(names_of(table)), rows, whole) for whole in merged]


def _after(formulas: Sequence[Formula], values: NDArray[Any]) -> tuple[int, list[BlockStatistics]]:
    block = values.astype(np.float64)
    block[np.isinf(block)] = np.nan
    with np.errstate(all="ignore"):
        return len(block), [block_statistics(formula.of_block(block.copy())) for formula in formulas]


def _after_on_an_engine(formulas: Sequence[Any], table: nw.LazyFrame[Any]) -> list[ColumnStatistics]:
    names = names_of(table)
    # As Float64: the map of a Float32 column would be rounded to one.
    wide = table.select(
        nw.col(name).cast(nw.Float64()).alias(f"{k} {i}")
        for k in range(len(formulas))
        for i, name in enumerate(names)
    )
    joined = formulas[0] if len(formulas) == 1 else YeoJohnson.joined(formulas)
    found = lazy_statistics(apply_to_frame(joined, wide, names_of(wide), "null"))
    width = len(names)
    return [found.select(range(k * width, (k + 1) * width)) for k in range(len(formulas))]


def _merged(parts: Iterable[ColumnStatistics], names: list[str]) -> ColumnStatistics:
    return reduce(ColumnStatistics.merge, parts, ColumnStatistics.empty(names))


def names_of(table: Numbers) -> list[str]:
    """The columns' names, ``x0, x1, …`` for an array's."""
    if isinstance(table, np.ndarray):
        return [f"x{i}" for i in range(table.shape[1])]
    return list(table.collect_schema())


def select(table: Numbers, where: list[int]) -> Numbers:
    """The columns at these positions."""
    if isinstance(table, np.ndarray):
        return table[:, where]
    names = names_of(table)
    return table.select([names[i] for i in where])


def _with_rows(statistics: ColumnStatistics, weights: Any = None) -> ColumnStatistics:
    if not statistics.rows:
        if weights is not None:
            raise TableError("the sample weights of all rows are zero. Expected one above 0.")
        raise TableError(
            f"Found array with 0 row(s) and {len(statistics.names)} column(s), while a minimum of 1 of each "
            "is required: give a table with rows."
        )
    return statistics
