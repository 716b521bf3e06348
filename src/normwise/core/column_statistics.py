"""ColumnStatistics: what one pass over a table tells of each of its columns."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from normwise.core.block_statistics import BlockStatistics, block_statistics, by_kernels, merge_blocks
from normwise.core.blocks import each, row_blocks
from normwise.core.errors import RecordError, TableError, listing
from normwise.core.moments import Moments, merge
from normwise.core.quantile_sketch import QuantileSketch
from normwise.core.records import Record

if TYPE_CHECKING:
    from normwise.core.drift import Drift

Floats = tuple[float, ...]
Counts = tuple[int, ...]


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
        sketches: Per column, the quantiles of the finite values; empty where they were not asked for.

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
    sketches: tuple[QuantileSketch, ...] = ()
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        optional = ("names", "rows", *(() if self.sketches else ("sketches",)))
        fields = (f.name for f in dataclasses.fields(self) if f.name not in optional)
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
        for name, count, sketch in zip(self.names, self.counts, self.sketches, strict=bool(self.sketches)):
            if sketch.count != count:
                raise RecordError(
                    f'statistics of column "{name}" have counts={count}, but its sketch is of {sketch.count}'
                    " values"
                )

    @classmethod
    def of(
        cls,
        values: Any,
        names: Sequence[str] | None = None,
        nulls: NDArray[np.bool_] | None = None,
        weights: Any = None,
        sketch_size: int | None = None,
    ) -> Self:
        """Statistics of the columns of a two-dimensional array, block by block, in float64.

        Args:
            values: (rows, columns) of numbers.
            names: The columns' names; ``"0", "1", …`` by default.
            nulls: (rows, columns), true where there is no value; what stands there is not read.
            weights: How often each row counts: 2 is "seen twice", a row of weight 0 is not there.
            sketch_size: The size of a `QuantileSketch` a column; None for no sketches.

        Raises:
            TableError: If `values` is not two-dimensional, the names are not one a column, or the weights
                not one a row, finite and 0 or more.

        Example:
            >>> ColumnStatistics.of([[1.0], [4.0], [9.0]], weights=[2, 1, 0]).means
            (2.0,)
        """
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            array = array.astype(np.float64)
        if array.ndim != 2:
            raise TableError(f"column statistics need (rows, columns), got shape {array.shape}")
        columns = tuple(names) if names is not None else tuple(str(i) for i in range(array.shape[1]))
        if len(columns) != array.shape[1]:
            raise TableError(f"{len(columns)} names were given for {array.shape[1]} columns")
        if weights is not None and sketch_size is not None:
            raise ValueError("a sketch counts each row once; expected weights or sketch_size, got both")
        if weights is not None:
            counted = frequency_weights(weights, len(array))
            some = counted > 0
            array, weights = array[some], counted[some]
            nulls = None if nulls is None else nulls[some]
        if not array.size:
            return dataclasses.replace(cls.empty(columns, sketch_size), rows=len(array))

        def of_block(rows: slice) -> BlockStatistics:
            # Values near the end of float64's range overflow in their square: the moments say
            # so by inf and NaN.
            with np.errstate(over="ignore", invalid="ignore"):
                parts = (None if part is None else part[rows] for part in (nulls, weights))
                return block_statistics(array[rows], *parts)

        whole = by_kernels(array) if nulls is None and weights is None else None
        if whole is None:
            with np.errstate(over="ignore", invalid="ignore"):
                whole = merge_blocks(each(of_block, row_blocks(*array.shape)))
        sketches = () if sketch_size is None else _sketches(array, nulls, sketch_size)
        return dataclasses.replace(cls.of_arrays(columns, len(array), whole), sketches=sketches)

    @classmethod
    def of_arrays(cls, names: tuple[str, ...], rows: int, whole: BlockStatistics) -> Self:
        """The statistics that blocks of rows gave, merged."""
        nulls, nans, up, down = (tuple(int(c) for c in values) for values in whole[:4])
        count, mean, m2 = (_floats(values) for values in whole.moments)
        low, high = _floats(whole.minima), _floats(whole.maxima)
        return cls(names, rows, nulls, nans, up, down, count, mean, m2, low, high)

    @classmethod
    def empty(cls, names: Sequence[str], sketch_size: int | None = None) -> Self:
        """Statistics of no rows: the neutral element of `merge`."""
        n = len(names)
        zeros, nothing = (0,) * n, (float("nan"),) * n
        flat = (0.0,) * n
        sketches = () if sketch_size is None else (QuantileSketch.empty(sketch_size),) * n
        return cls(tuple(names), 0, zeros, zeros, zeros, zeros, flat, flat, flat, nothing, nothing, sketches)

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

    def select(self, where: Sequence[int]) -> Self:
        """The statistics of the columns at these positions."""
        parts: dict[str, Any] = {
            f.name: tuple(getattr(self, f.name)[i] for i in where)
            for f in dataclasses.fields(self)
            if f.name != "rows" and getattr(self, f.name)
        }
        return dataclasses.replace(self, **parts)

    def merge(self, other: ColumnStatistics) -> Self:
        """Statistics of the rows of both, which must be different rows of the same columns.

        Raises:
            TableError: If the columns differ, or only one of two that have rows has sketches.
        """
        if self.names != other.names:
            raise TableError(
                f"cannot merge statistics of {list(self.names)} and of {list(other.names)}. Expected the "
                "same columns in the same order: name and order them alike."
            )
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
            _merged_sketches(self, other),
        )

    def compare(self, now: ColumnStatistics) -> Drift:
        """What moved in each column from these rows to those of `now`; `core.drift` has the formulas.

        Raises:
            TableError: If `now` lacks a column or has a further one.

        Example:
            >>> before = ColumnStatistics.of([[1.0], [3.0]], names=["age"])
            >>> before.compare(ColumnStatistics.of([[4.0], [8.0]], names=["age"])).columns[0].shift
            4.0
        """
        from normwise.core.drift import compare

        return compare(self, now)


def _sketches(block: NDArray[Any], nulls: NDArray[np.bool_] | None, size: int) -> tuple[QuantileSketch, ...]:
    """The sketch of each column's finite values."""
    x = block if block.dtype == np.float32 else block.astype(np.float64, copy=False)
    finite = np.isfinite(x) if nulls is None else np.isfinite(x) & ~nulls
    return tuple(QuantileSketch.of(x[finite[:, i], i], size) for i in range(x.shape[1]))


def _merged_sketches(a: ColumnStatistics, b: ColumnStatistics) -> tuple[QuantileSketch, ...]:
    if a.sketches and b.sketches:
        return tuple(first.merge(second) for first, second in zip(a.sketches, b.sketches, strict=True))
    if not (a.rows and b.rows):
        # No rows change nothing, whether they were asked for sketches or not.
        return a.sketches if a.rows else b.sketches
    if a.sketches or b.sketches:
        raise TableError(
            f"cannot merge statistics of {a.rows} rows {_having(a)} with those of {b.rows} rows {_having(b)}:"
            " the quantiles of the whole would be lost. Give both the same sketch_size."
        )
    return ()


def _having(statistics: ColumnStatistics) -> str:
    return "that have quantile sketches" if statistics.sketches else "that have none"


def _floats(values: Any) -> Floats:
    return tuple(float(v) for v in values)


def frequency_weights(weights: Any, rows: int) -> NDArray[np.float64]:
    """Weights as an array of float64, one a row.

    Raises:
        TableError: If there are not as many as rows, one is no number, negative or not finite, or their sum
            is not finite.
    """
    counted = _as_numbers(weights)
    if counted.shape != (rows,):
        raise TableError(f"the sample weights have the shape {counted.shape}; expected one a row, ({rows},)")
    bad = np.flatnonzero(~(np.isfinite(counted) & (counted >= 0)))
    if len(bad):
        raise TableError(
            f"the sample weight of row {bad[0]} is {counted[bad[0]]:g}; expected a finite number, 0 or more"
        )
    with np.errstate(over="ignore"):
        if not np.isfinite(counted.sum()):
            raise TableError(
                f"the sample weights sum to more than float64 holds; the largest is {counted.max():g}. "
                "Expected a finite sum: divide them by a power of ten."
            )
    return counted


def _as_numbers(weights: Any) -> NDArray[np.float64]:
    """The weights in float64, NaN where they are masked: NumPy would read what lies below the mask."""
    given = np.asarray(weights)
    # Of words and dates NumPy would make numbers, too.
    if given.dtype.kind not in "biufO":
        raise TableError(f"the sample weights are of type {given.dtype}; expected numbers")
    try:
        counted = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TableError(f"the sample weights are not all numbers: {error}. Expected numbers.") from error
    return np.where(np.ma.getmaskarray(weights), np.nan, counted) if np.ma.isMA(weights) else counted
