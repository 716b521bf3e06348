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
from normwise.core.weighted_quantiles import weighted_quantiles
from normwise.scaling.apply import Formula, apply_to_frame
from normwise.scaling.columns import Numbers, Weights, names_of
from normwise.scaling.spread import require_two_rows
from normwise.scaling.yeo_johnson import YeoJohnson
from normwise.tables.batches import batches
from normwise.tables.collect import collect
from normwise.tables.lazy_quantiles import EXACT_ROWS, RANK_ERROR, lazy_quantiles, weighted_rank_error
from normwise.tables.lazy_statistics import lazy_statistics
from normwise.tables.statistics import column_statistics

Vector = NDArray[np.float64]


def statistics_of(table: Numbers, weights: Weights = None) -> ColumnStatistics:
    """The statistics of each column.

    Raises:
        TableError: If the table has no rows, or none of a weight above 0.
    """
    if isinstance(table, np.ndarray):
        return _with_rows(ColumnStatistics.of(table, names_of(table), weights=weights), weights)
    return _with_rows(lazy_statistics(table, weights=_column(weights)), weights)


def sketched_statistics_of(table: Numbers, size: int) -> ColumnStatistics:
    """The same with a sketch of each column's values."""
    if isinstance(table, np.ndarray):
        return ColumnStatistics.of(table, names_of(table), sketch_size=size)
    parts = (column_statistics(batch, sketch_size=size) for batch in batches(table))
    return _with_rows(_merged(parts, names_of(table)))


def quantiles_of(
    table: Numbers, statistics: ColumnStatistics, p: Vector, weights: Weights = None
) -> tuple[Vector, Vector]:
    """(columns, probabilities) of quantiles, and by how much the rank of each column's may be off.

    Raises:
        ColumnError: If the weights of a column that is not constant sum to less than 2.
    """
    columns = len(statistics.names)
    if weights is not None:
        require_two_rows(statistics, "Quantiles")
    if isinstance(table, np.ndarray):
        if weights is not None:
            return weighted_quantiles(table, np.asarray(weights), p), np.zeros(columns)
        clean = all(count == statistics.rows for count in statistics.counts)
        return array_quantiles(table, p, all_finite=clean), np.zeros(columns)
    found = lazy_quantiles(table, statistics, p, weights=_column(weights))
    if statistics.rows <= EXACT_ROWS:
        return found, np.zeros(columns)
    if weights is None:
        return found, np.full(columns, RANK_ERROR)
    return found, weighted_rank_error(statistics)


def rows_counted(table: Numbers, statistics: ColumnStatistics, weights: Weights) -> int:
    """How many rows there are, each as often as its weight says, to the nearest whole number."""
    if weights is None:
        return statistics.rows
    if isinstance(table, np.ndarray):
        return round(float(np.sum(weights)))
    total = nw.col(str(weights)).cast(nw.Float64()).sum().alias("total")
    return round(float(collect(table.select(total))["total"][0]))


def statistics_after(
    formulas: Sequence[Formula], table: Numbers, weights: Weights = None
) -> list[ColumnStatistics]:
    """The statistics of what each formula makes of the columns, in one look at the table.

    Infinities are left out. Arrays and what Polars reads go through NumPy block by block; other engines get a
    column for each formula and column.
    """
    names = names_of(table, weights)
    if isinstance(table, np.ndarray):
        array, counted = table, None if weights is None else np.asarray(weights)
        parts = each(
            lambda rows: _after(formulas, array[rows], None if counted is None else counted[rows]),
            row_blocks(*array.shape),
        )
    elif table.implementation.is_polars():
        wide = table.select(nw.col(name).cast(nw.Float64()) for name in names_of(table))
        blocks = (batch.to_numpy() for batch in batches(wide))
        parts = [_after(formulas, *_apart(block, len(names))) for block in blocks]
    else:
        return _after_on_an_engine(formulas, table, _column(weights))
    # A block all of whose rows have the weight 0 tells nothing.
    parts = [part for part in parts if part[0]]
    rows = sum(count for count, _ in parts)
    with np.errstate(all="ignore"):
        merged = [merge_blocks([found[i] for _, found in parts]) for i in range(len(formulas))]
    return [ColumnStatistics.of_arrays(tuple(names), rows, whole) for whole in merged]


def _apart(block: NDArray[Any], columns: int) -> tuple[NDArray[Any], Any]:
    """The columns, and the weights where they stand behind them."""
    return block[:, :columns], block[:, columns] if block.shape[1] > columns else None


def _after(
    formulas: Sequence[Formula], values: NDArray[Any], weights: Any
) -> tuple[int, list[BlockStatistics]]:
    if weights is not None:
        values, weights = values[weights > 0], weights[weights > 0]
    if not len(values):
        return 0, []
    block = values.astype(np.float64)
    block[np.isinf(block)] = np.nan
    with np.errstate(all="ignore"):
        maps = (formula.of_block(block.copy()) for formula in formulas)
        return len(block), [block_statistics(mapped, weights=weights) for mapped in maps]


def _after_on_an_engine(
    formulas: Sequence[Any], table: nw.LazyFrame[Any], weights: str | None
) -> list[ColumnStatistics]:
    names = names_of(table, weights)
    # As Float64: the map of a Float32 column would be rounded to one.
    parts = [
        nw.col(name).cast(nw.Float64()).alias(f"{k} {i}")
        for k in range(len(formulas))
        for i, name in enumerate(names)
    ]
    beside = [] if weights is None else [nw.col(weights).alias("weight")]
    wide, column = table.select(*parts, *beside), None if weights is None else "weight"
    joined = formulas[0] if len(formulas) == 1 else YeoJohnson.joined(formulas)
    mapped = apply_to_frame(joined, wide, names_of(wide, column), "null")
    found = lazy_statistics(mapped, weights=column)
    width = len(names)
    return [found.select(range(k * width, (k + 1) * width)) for k in range(len(formulas))]


def _merged(parts: Iterable[ColumnStatistics], names: list[str]) -> ColumnStatistics:
    return reduce(ColumnStatistics.merge, parts, ColumnStatistics.empty(names))


def select(table: Numbers, where: list[int], weights: Weights = None) -> Numbers:
    """The columns at these positions, and that of the weights."""
    if isinstance(table, np.ndarray):
        return table[:, where]
    if not where and weights is None:
        return np.empty((0, 0))  # No engine has frames without columns.
    names = names_of(table, weights)
    return table.select(*(names[i] for i in where), *([weights] if isinstance(weights, str) else []))


def _column(weights: Weights) -> str | None:
    """The name of a frame's column of weights."""
    return None if weights is None else str(weights)


def _with_rows(statistics: ColumnStatistics, weights: Weights = None) -> ColumnStatistics:
    if not statistics.rows:
        if weights is not None:
            raise TableError("the sample weights of all rows are zero. Expected one above 0.")
        raise TableError(
            f"Found array with 0 row(s) and {len(statistics.names)} column(s), while a minimum of 1 of each "
            "is required: give a table with rows."
        )
    return statistics
