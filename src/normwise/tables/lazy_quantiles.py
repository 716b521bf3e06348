"""lazy_quantiles: quantiles of a table that its engine reads as a stream, never by sampling."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from normwise.core.array_quantiles import quantiles_of
from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import TableError
from normwise.core.weighted_quantiles import weighted_quantiles_of
from normwise.tables.collect import collect
from normwise.tables.counted_quantiles import counted_quantiles
from normwise.tables.histogram import Cell, Grid, count_cells
from normwise.tables.spool import rereadable

EXACT_ROWS = 4_000_000
"""So many rows of one column are taken into memory and give exact quantiles."""
RANK_ERROR = 1e-5
"""A quantile above `exact_rows` is off by at most this share of the values."""
MANY_RANKS = 64
FEW_BINS, MANY_BINS, MOST_BINS = 1 << 12, 1 << 14, 1 << 17
"""Bins of each grid for up to `MANY_RANKS` ranks; for more, those of the first grid and of the later ones."""
COUNTED_BINS = 1 << 14
"""Bins that NumPy counts a column of Polars in, for up to `MANY_RANKS` ranks; `MOST_BINS` for more."""
REACH = 8.0
"""The first grid spans so many standard deviations on either side of the mean."""
WIDEST = 4e307
UNITS = 50
"""Weights of a stream are counted in whole units, of which all rows have up to 2 to the power of so many."""
LARGEST_POWER = 1000
"""Of two, that a weight is multiplied by: float64 ends at 1024."""

Floats = NDArray[np.float64]


def lazy_quantiles(
    frame: nw.LazyFrame[Any],
    statistics: ColumnStatistics,
    probabilities: ArrayLike,
    exact_rows: int = EXACT_ROWS,
    weights: str | None = None,
) -> Floats:
    """Quantiles of the finite values of each column, by NumPy's "linear" definition.

    With weights, by that of `core.weighted_quantiles`, above `exact_rows` to `weighted_rank_error`.

    Up to `exact_rows` rows they are exact. Above, the values are counted in bins. Where Polars is the engine
    and the bins that hold a quantile hold few values, these are kept, and the quantiles exact again.
    Elsewhere these bins are cut finer in further passes until each holds at most 1e-5 of the values, or one
    value; a quantile is then a point on the line from the bin's smallest to its largest value.

    Args:
        frame: A Narwhals frame over Polars, DuckDB or Spark, as `scan_table` gives.
        statistics: Of this frame, as `lazy_statistics` gives: the columns, and where to look first.
        probabilities: Between 0 and 1.
        exact_rows: So many rows of one column fit into memory.
        weights: The column that says how often each row counts, finite and 0 or more.

    Returns:
        (columns, probabilities), in the columns' units; NaN where a column has no finite value.

    Raises:
        ValueError: If a probability does not lie between 0 and 1.
        TableError: If the engine cannot read the table, or it changed since the statistics were taken.

    Example:
        >>> frame = nw.from_native(pl.LazyFrame({"a": [1.0, 2.0, 4.0, None]}))
        >>> statistics = ColumnStatistics.of([[1.0], [2.0], [4.0]], names=["a"])
        >>> lazy_quantiles(frame, statistics, [0.25, 0.5, 1.0])
        array([[1.5, 2. , 4. ]])

    Source:
        Munro & Paterson 1980, "Selection and sorting with limited storage": selection in several passes.
    """
    shares = np.asarray(probabilities, dtype=np.float64).reshape(-1)
    if not np.all((shares >= 0) & (shares <= 1)):
        bad = shares[~((shares >= 0) & (shares <= 1))][0]
        raise ValueError(f"probabilities must lie between 0 and 1, got {bad}")
    names = list(statistics.names)
    if not names or not len(shares):
        return np.empty((len(names), len(shares)))
    together = max(1, exact_rows // max(1, statistics.rows))
    if statistics.rows <= exact_rows and together >= len(names):
        return _exact(frame, names, shares, weights)
    with rereadable(frame, names if weights is None else [*names, weights]) as again:
        if statistics.rows <= exact_rows:
            groups = [names[start : start + together] for start in range(0, len(names), together)]
            return np.concatenate([_exact(again, group, shares, weights) for group in groups])
        found = _by_counting(again, statistics, shares) if weights is None else {}
        return np.stack(
            [
                found[name] if name in found else _by_bins(again, statistics, i, shares, weights)
                for i, name in enumerate(names)
            ]
        )


def _by_counting(frame: nw.LazyFrame[Any], statistics: ColumnStatistics, shares: Floats) -> dict[str, Floats]:
    """The columns that two passes of Polars' own are enough for, exactly."""
    native = frame.to_native()
    if not isinstance(native, pl.LazyFrame):
        return {}
    bins = COUNTED_BINS if 2 * len(shares) <= MANY_RANKS else MOST_BINS
    grids = {name: _first_grid(statistics, i, bins) for i, name in enumerate(statistics.names)}
    return counted_quantiles(native, grids, shares)


def weighted_rank_error(statistics: ColumnStatistics) -> Floats:
    """What the rank of a weighted quantile above `EXACT_ROWS` is off by at most, a share of the weights.

    Besides `RANK_ERROR` there is half a row, as one rank stands for those from h to h + 1, and half a unit
    for the rounding of each weight.
    """
    total = np.maximum(statistics.counts, 1e-300)
    return np.minimum(RANK_ERROR + 0.5 / total + statistics.rows * 2.0**-UNITS, 1.0)


def _exact(frame: nw.LazyFrame[Any], names: list[str], shares: Floats, weights: str | None) -> Floats:
    columns = collect(frame.select(nw.col(*names, *([weights] if weights else [])).cast(nw.Float64)))
    if weights is None:
        return np.stack([_quantiles_of(column, shares) for column in columns.iter_columns()])
    counted = columns[weights].to_numpy()
    # To NumPy null is NaN, and neither is a value.
    return np.stack([weighted_quantiles_of(columns[name].to_numpy(), counted, shares) for name in names])


def _quantiles_of(column: pl.Series, shares: Floats) -> Floats:
    values = column.drop_nulls().to_numpy()
    finite = values[np.isfinite(values)]
    return quantiles_of(finite, shares)


def _by_bins(
    frame: nw.LazyFrame[Any], statistics: ColumnStatistics, i: int, shares: Floats, weights: str | None
) -> Floats:
    value = nw.col(statistics.names[i]).cast(nw.Float64)
    x = nw.col("x")
    if not statistics.minima[i] < statistics.maxima[i]:  # one value, or NaN where there is none
        return np.full(len(shares), statistics.minima[i])
    unit = _unit(statistics.counts[i]) if weights else 1.0
    parts = [(nw.col(weights).cast(nw.Float64) * unit).round().cast(nw.Int64).alias("n")] if weights else []
    finite = frame.select(value.alias("x"), *parts).filter((x - x) == 0)
    number = nw.col("n").sum() if weights else None
    if weights:
        finite = finite.filter(nw.col("n") > 0)
    few = 2 * len(shares) <= MANY_RANKS
    grid = _first_grid(statistics, i, FEW_BINS if few else MANY_BINS)
    cells = list(count_cells(finite, grid, 0, number))
    if not cells:
        return np.full(len(shares), np.nan)
    count = cells[-1].below + cells[-1].count
    # The middle of the ranks that a weighted quantile is the mean of.
    row = min(unit, count)
    at = np.clip(shares * (count - row) + row / 2, 0, count - 1) if weights else shares * (count - 1)
    ranks = np.unique([np.floor(at), np.ceil(at)]).astype(np.int64)
    found = _Search(finite, count, FEW_BINS if few else MOST_BINS, number).values(cells, ranks)
    below = found[np.searchsorted(ranks, np.floor(at))]
    above = found[np.searchsorted(ranks, np.ceil(at))]
    share = at - np.floor(at)
    # The line between equal values may miss them by a rounding.
    return np.where(below == above, below, below * (1 - share) + above * share)


def _unit(total: float) -> float:
    """What weights of this sum are multiplied by to be counted in whole units.

    A power of two keeps whole weights whole; whole units add up to the same in whatever order.
    """
    return 2.0 ** min(math.floor(UNITS - math.log2(total)), LARGEST_POWER)


def _first_grid(statistics: ColumnStatistics, i: int, bins: int) -> Grid:
    """Bins about the mean, clipped to the range and to half of what float64 holds."""
    mean, count = statistics.means[i], max(statistics.counts[i], 1.0)
    reach = REACH * math.sqrt(max(statistics.m2s[i], 0.0) / count)
    low, high = statistics.minima[i], statistics.maxima[i]
    if math.isfinite(mean) and math.isfinite(reach):
        low, high = max(low, mean - reach), min(high, mean + reach)
    low, high = max(low, -WIDEST), min(high, WIDEST)
    return Grid.over(low, high, bins) if low < high else Grid(low if math.isfinite(low) else 0.0, 1.0, bins)


@dataclasses.dataclass(frozen=True)
class _Search:
    """Cuts the cells that hold a wanted rank until they are narrow enough."""

    finite: nw.LazyFrame[Any]
    count: int
    bins: int
    number: nw.Expr | None

    def values(self, cells: list[Cell], ranks: NDArray[np.int64]) -> Floats:
        """The values at the ranks, which are sorted."""
        found = np.full(len(ranks), np.nan)
        waiting = [self._settle(cells, ranks, found)]
        while waiting:
            group = waiting.pop()
            outer = [[cell] for cell in group if not cell.is_inner]
            inner = [cell for cell in group if cell.is_inner]
            waiting += outer if inner or len(outer) > 1 else []
            now = inner if inner or len(outer) > 1 else group
            if now:
                waiting += self._cut(now, ranks, found)
        return found

    def _cut(self, cells: list[Cell], ranks: NDArray[np.int64], found: Floats) -> Iterator[list[Cell]]:
        low, high = cells[0].low, cells[-1].high
        finer = cells[0].grid.finer(_power_of_2(self.bins / len(cells)))
        if len(cells) == 1 or finer.bins_in(low, high) <= self.bins:
            yield self._settle(self._cut_range(low, high, cells[0].below), ranks, found)
        elif finer.is_countable:
            yield self._settle(self._cut_each(cells, finer), ranks, found)
        else:
            yield from ([cell] for cell in cells)

    def _settle(self, cells: list[Cell], ranks: NDArray[np.int64], found: Floats) -> list[Cell]:
        """Notes the values at the ranks in narrow cells; gives back the others that hold a rank."""
        wide = []
        for cell in cells:
            start, end = np.searchsorted(ranks, [cell.below, cell.below + cell.count])
            if start == end or not np.isnan(found[start:end]).any():
                continue
            if cell.low == cell.high or cell.count <= max(2, RANK_ERROR * self.count):
                found[start:end] = [cell.value(int(rank)) for rank in ranks[start:end]]
            else:
                wide.append(cell)
        return wide

    def _cut_range(self, low: float, high: float, below: int) -> list[Cell]:
        """A new grid over all values from `low` to `high`."""
        x = nw.col("x")
        grid = Grid.over(*_halfway(low, high), self.bins)
        between = self.finite.filter((x >= low) & (x <= high))
        return self._checked(list(count_cells(between, grid, below, self.number)))

    def _cut_each(self, cells: list[Cell], finer: Grid) -> list[Cell]:
        """The same grid, finer, over the values of these cells alone."""
        x, coarse = nw.col("x"), cells[0].grid
        chosen = self.finite.filter(coarse.key(x).is_in([cell.key for cell in cells]))
        times = finer.bins // coarse.bins
        parts = list(count_cells(chosen, finer, 0, self.number))
        return self._checked(_within(parts, {cell.key: cell.below for cell in cells}, times))

    def _checked(self, cells: list[Cell]) -> list[Cell]:
        if not cells:
            raise TableError("the table changed while it was read: values of the first pass are gone.")
        return cells


def _within(parts: list[Cell], below: dict[int, int], times: int) -> list[Cell]:
    """The parts of several cells, each counted on from what lies below its own cell."""
    placed = []
    for part in parts:
        parent = part.key // times
        placed.append(dataclasses.replace(part, below=below[parent]))
        below[parent] += part.count
    return placed


def _halfway(low: float, high: float) -> tuple[float, float]:
    """The range, or its middle part where it is wider than the largest float."""
    return (low, high) if math.isfinite(high - low) else (max(low, -WIDEST), min(high, WIDEST))


def _power_of_2(value: float) -> int:
    return int(2 ** math.floor(math.log2(value))) if value >= 2 else 2
