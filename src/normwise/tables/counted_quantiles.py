"""Exact quantiles of what Polars reads, in two passes: values are counted, then those of few bins kept."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.array_quantiles import interpolated, ranks_of
from normwise.core.blocks import each
from normwise.tables.batches import batches
from normwise.tables.histogram import Grid

KEPT = 500_000
"""So many values of a column are kept at most: where more share the bins of the quantiles, it is left out."""

Floats = NDArray[np.float64]


@dataclasses.dataclass
class _Column:
    """A column's bins, and what was found in them."""

    name: str
    grid: Grid
    counts: NDArray[np.int64]
    wanted: NDArray[np.bool_]
    kept: list[Floats]

    def keys(self, values: Floats) -> NDArray[np.int32]:
        """The bin of each value: 0 below the grid, the last one above it."""
        where = (values - self.grid.low) * self.grid.inverse
        np.clip(where, -1.0, self.grid.bins, out=where)
        np.floor(where, out=where)
        return where.astype(np.int32) + np.int32(1)

    def count(self, rows: pl.DataFrame) -> None:
        """Counts the values of a batch."""
        self.counts += np.bincount(self.keys(self._values(rows)), minlength=len(self.counts))

    def keep(self, rows: pl.DataFrame) -> None:
        """Keeps the values of a batch that lie in the wanted bins."""
        values = self._values(rows)
        self.kept.append(values[self.wanted[self.keys(values)]])

    def want(self, ranks: NDArray[np.int64]) -> bool:
        """Marks the bins that hold these ranks; whether they hold few enough values."""
        bins = np.searchsorted(np.cumsum(self.counts), ranks, side="right")
        self.wanted[bins] = True
        return int(self.counts[self.wanted].sum()) <= KEPT

    def at(self, ranks: NDArray[np.int64]) -> Floats:
        """The values at these ranks."""
        upto = np.cumsum(self.counts)
        bins = np.searchsorted(upto, ranks, side="right")
        left_out = np.cumsum(np.where(self.wanted, 0, self.counts))
        return np.asarray(np.sort(np.concatenate(self.kept))[ranks - left_out[bins]])

    def _values(self, rows: pl.DataFrame) -> Floats:
        values = rows[self.name].to_numpy().astype(np.float64)
        finite = np.isfinite(values)
        return values if finite.all() else values[finite]


def counted_quantiles(frame: pl.LazyFrame, grids: dict[str, Grid], shares: Floats) -> dict[str, Floats]:
    """The quantiles of the finite values of columns, exact, where few values share a bin with one.

    Args:
        frame: A lazy frame that can be read twice.
        grids: The bins of each column.
        shares: Between 0 and 1.

    Returns:
        The quantiles of each column that two passes are enough for.

    Source:
        Munro & Paterson 1980, "Selection and sorting with limited storage": selection in two passes.
    """
    columns = [
        _Column(name, grid, np.zeros(grid.bins + 2, np.int64), np.zeros(grid.bins + 2, np.bool_), [])
        for name, grid in grids.items()
        if grid.lift == 1.0
    ]
    _read(frame, columns, _Column.count)
    ranks = {c.name: ranks_of(int(c.counts.sum()), shares) for c in columns if c.counts.any()}
    few = [c for c in columns if c.name in ranks and c.want(ranks[c.name][0])]
    _read(frame, few, _Column.keep)
    return {c.name: interpolated(c.at(ranks[c.name][0]), *ranks[c.name][1:]) for c in few}


def _read(
    frame: pl.LazyFrame, columns: Sequence[_Column], look: Callable[[_Column, pl.DataFrame], None]
) -> None:
    if columns:
        for rows in batches(frame.select(c.name for c in columns)):
            each(functools.partial(_look_at, look, rows), columns)


def _look_at(look: Callable[[_Column, pl.DataFrame], None], rows: pl.DataFrame, column: _Column) -> None:
    look(column, rows)
