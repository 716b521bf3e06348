"""ColumnStatistics: what one pass over a table tells of each of its columns."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from normwise.core.errors import RecordError, TableError, listing
from normwise.core.moments import Moments, merge
from normwise.core.records import Record

Floats = tuple[float, ...]
Counts = tuple[int, ...]
BLOCK_BYTES = 4 << 20
"""Rows are read in blocks of about this many bytes of float64, so that memory stays flat."""


@dataclasses.dataclass(frozen=True)
class ColumnStatistics(Record):
    """Counts, moments and range of each column; of disjoint sets of rows it is merged without loss.

    Args:
        names: The columns' names.
        rows: Rows seen, whatever they hold.
        nulls: Per column, rows without a value.
        nans: Per column, values that are NaN.
        positive_infinities: Per column, values that are +inf.
        negative_infinities: Per column, values that are −inf.
        counts: Per column, the finite values: the count of the moments.
        means: Per column, the mean of the finite values, in the column's unit; 0 where there is none.
        m2s: Per column, the sum of squared deviations, in the column's unit squared.
        minima: Per column, the smallest finite value; NaN where there is none.
        maxima: Per column, the largest finite value; NaN where there is none.

    Example:
        >>> s = ColumnStatistics.of([[1.0, np.nan], [3.0, np.inf]], names=["a", "b"])
        >>> s.means, s.maxima, s.nans, s.positive_infinities
        ((2.0, 0.0), (3.0, nan), (0, 1), (0, 1))
        >>> s.merge(ColumnStatistics.of([[5.0, 1.0]], names=["a", "b"])).means
        (3.0, 1.0)
    """

    names: tuple[str, ...]
    rows: int
    nulls: Counts
    nans: Counts
    positive_infinities: Counts
    negative_infinities: Counts
    counts: Floats
    means: Floats
    m2s: Floats
    minima: Floats
    maxima: Floats

    def __post_init__(self) -> None:
        fields = (f.name for f in dataclasses.fields(self) if f.name not in ("names", "rows"))
        lengths = {name: len(getattr(self, name)) for name in fields}
        if wrong := {name: n for name, n in lengths.items() if n != len(self.names)}:
            raise RecordError(
                f"statistics of {len(self.names)} columns have {wrong} values; expected one a column"
            )

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The statistics in a decoded JSON object.

        Raises:
            RecordError: Also if a count is negative, two columns have the same name, or a minimum lies
                above its maximum.
        """
        # Not in __post_init__: those of a table in memory may have columns of the same name, and are right.
        statistics = super().from_dict(data)
        statistics._check_values()
        return statistics

    def _check_values(self) -> None:
        if doubled := [name for name, count in Counter(self.names).items() if count > 1]:
            raise RecordError(f"statistics have the columns {listing(doubled)} more than once")
        if self.rows < 0:
            raise RecordError(f"statistics have rows={self.rows}; expected 0 or more")
        for field in ("nulls", "nans", "positive_infinities", "negative_infinities", "counts", "m2s"):
            for name, value in zip(self.names, getattr(self, field), strict=True):
                if value < 0:
                    raise RecordError(
                        f'statistics of column "{name}" have {field}={value}; expected 0 or more'
                    )
        for name, low, high in zip(self.names, self.minima, self.maxima, strict=True):
            if low > high:
                raise RecordError(
                    f'statistics of column "{name}" have the minimum {low} above the maximum {high}'
                )

    @classmethod
    def of(
        cls,
        values: Any,
        names: Sequence[str] | None = None,
        nulls: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Statistics of the columns of a two-dimensional array, block by block, in float64.

        Args:
            values: (rows, columns) of numbers.
            names: The columns' names; ``"0", "1", …`` by default.
            nulls: (rows, columns), true where there is no value; what stands there is not read.

        Raises:
            TableError: If `values` is not two-dimensional, or the names are not one a column.
        """
        array = np.asarray(values)
        if array.ndim != 2:
            raise TableError(f"column statistics need (rows, columns), got shape {array.shape}")
        columns = tuple(names) if names is not None else tuple(str(i) for i in range(array.shape[1]))
        if len(columns) != array.shape[1]:
            raise TableError(f"{len(columns)} names were given for {array.shape[1]} columns")
        step = max(1, BLOCK_BYTES // (8 * max(1, array.shape[1])))
        total = cls.empty(columns)
        for start in range(0, len(array), step):
            rows = slice(start, start + step)
            # Values near the end of float64's range overflow in their square: the moments say
            # so by inf and NaN.
            with np.errstate(over="ignore", invalid="ignore"):
                block = cls._of_block(array[rows], columns, None if nulls is None else nulls[rows])
                total = total.merge(block)
        return total

    @classmethod
    def empty(cls, names: Sequence[str]) -> Self:
        """Statistics of no rows: the neutral element of `merge`."""
        n = len(names)
        zeros, nothing = (0,) * n, (float("nan"),) * n
        flat = (0.0,) * n
        return cls(tuple(names), 0, zeros, zeros, zeros, zeros, flat, flat, flat, nothing, nothing)

    @classmethod
    def _of_block(cls, block: NDArray[Any], names: tuple[str, ...], nulls: NDArray[np.bool_] | None) -> Self:
        x = block.astype(np.float64)
        absent = np.zeros(x.shape, dtype=bool) if nulls is None else np.asarray(nulls)
        finite = np.isfinite(x) & ~absent
        moments = Moments.of(x, axis=0, weights=finite)
        some = finite.any(axis=0)
        low = np.where(some, np.where(finite, x, np.inf).min(axis=0), np.nan)
        high = np.where(some, np.where(finite, x, -np.inf).max(axis=0), np.nan)

        def count(where: NDArray[np.bool_]) -> Counts:
            return tuple(int(c) for c in (where & ~absent).sum(axis=0))

        return cls(
            names,
            len(x),
            tuple(int(c) for c in absent.sum(axis=0)),
            count(np.isnan(x)),
            count(np.isposinf(x)),
            count(np.isneginf(x)),
            _floats(moments.count),
            _floats(moments.mean),
            _floats(moments.m2),
            _floats(low),
            _floats(high),
        )

    @property
    def moments(self) -> Moments:
        """The moments of the finite values, as arrays over the columns."""
        return Moments(np.array(self.counts), np.array(self.means), np.array(self.m2s))

    @property
    def missing(self) -> Counts:
        """Per column, rows whose value is null or NaN."""
        return tuple(a + b for a, b in zip(self.nulls, self.nans, strict=True))

    @property
    def infinities(self) -> Counts:
        """Per column, values that are +inf or −inf."""
        pairs = zip(self.positive_infinities, self.negative_infinities, strict=True)
        return tuple(a + b for a, b in pairs)

    def merge(self, other: ColumnStatistics) -> Self:
        """Statistics of the rows of both, which must be different rows of the same columns.

        Raises:
            TableError: If the columns differ.
        """
        if self.names != other.names:
            raise TableError(f"cannot merge statistics of {list(self.names)} and of {list(other.names)}")
        moments = merge(self.moments, other.moments)

        def add(name: str) -> Counts:
            return tuple(a + b for a, b in zip(getattr(self, name), getattr(other, name), strict=True))

        return type(self)(
            self.names,
            self.rows + other.rows,
            add("nulls"),
            add("nans"),
            add("positive_infinities"),
            add("negative_infinities"),
            _floats(moments.count),
            _floats(moments.mean),
            _floats(moments.m2),
            _floats(np.fmin(self.minima, other.minima)),
            _floats(np.fmax(self.maxima, other.maxima)),
        )


def _floats(values: Any) -> Floats:
    return tuple(float(v) for v in values)
