"""Bins of equal width, counted by whatever engine holds the table: how quantiles are found out of core."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import narwhals as nw

from normwise.tables.collect import collect

_MOST_BINS = 1 << 52
"""Beyond this many bins float64 cannot tell one from the next."""
_LIFT = 2.0**600
"""Ranges near the smallest floats are multiplied by this first: their inverse would overflow."""
_SMALLEST = 2.0**-600


@dataclasses.dataclass(frozen=True)
class Grid:
    """Bin k holds the values of which ``floor((x − low)·lift·inverse)`` is k; −1 is below, `bins` above."""

    low: float
    inverse: float
    bins: int
    lift: float = 1.0

    @classmethod
    def over(cls, low: float, high: float, bins: int) -> Grid:
        """Bins of one width from `low` to `high` > `low`, of which the difference is finite."""
        lift = _LIFT if high - low < _SMALLEST else 1.0
        return cls(low, bins / ((high - low) * lift), bins, lift)

    def finer(self, times: int) -> Grid:
        """Each bin cut into `times`, a power of 2: then the bins nest exactly, in floating point too."""
        return dataclasses.replace(self, inverse=self.inverse * times, bins=self.bins * times)

    @property
    def is_countable(self) -> bool:
        """Whether float64 tells the bins apart."""
        return self.bins <= _MOST_BINS and math.isfinite(self.inverse)

    def bins_in(self, low: float, high: float) -> float:
        """How many bins a range covers."""
        return (high - low) * self.lift * self.inverse

    def key(self, x: nw.Expr) -> nw.Expr:
        """The bin of a value, as an expression."""
        away = (x - self.low) if self.lift == 1.0 else (x - self.low) * self.lift
        return (away * self.inverse).clip(-1, self.bins).floor().cast(nw.Int64)


@dataclasses.dataclass(frozen=True)
class Cell:
    """The values in a bin: how many lie below them, how many there are, the smallest and the largest."""

    grid: Grid
    key: int
    below: int
    count: int
    low: float
    high: float

    @property
    def is_inner(self) -> bool:
        """Whether it is a bin of the grid's width, not what lies below or above."""
        return 0 <= self.key < self.grid.bins

    def value(self, rank: int) -> float:
        """The value at a rank, counted from 0 over the column: exact at the ends, a line between them."""
        if rank <= self.below or self.low == self.high:
            return self.low
        share = min((rank - self.below) / max(self.count - 1, 1), 1.0)
        # Each end by itself: their difference may be larger than the largest float.
        return self.low * (1 - share) + self.high * share


def count_cells(
    values: nw.LazyFrame[Any], grid: Grid, below: int, count: nw.Expr | None = None
) -> Iterator[Cell]:
    """The cells, in order, of the values in column ``x``, before which `below` others come.

    Args:
        values: The column.
        grid: The bins.
        below: How many values come before.
        count: What says how many values there are; their number by default.
    """
    x = nw.col("x")
    number = nw.len() if count is None else count
    counted = (
        values.with_columns(grid.key(x).alias("key"))
        .group_by("key")
        .agg(number.alias("count"), x.min().alias("low"), x.max().alias("high"))
    )
    for key, seen, low, high in collect(counted).sort("key").iter_rows():
        yield Cell(grid, int(key), below, int(seen), float(low), float(high))
        below += int(seen)
