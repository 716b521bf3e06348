"""lazy_statistics: the ColumnStatistics of a table that its engine reads as a stream."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import ColumnError, TableError, did_you_mean
from normwise.tables.collect import collect
from normwise.tables.statistics import is_number, require_numbers

HEAD_ROWS = 1024
"""So many first rows give the origin about which a column is summed."""
GROUP = 100
"""So many columns are summed in one query, except in Polars: Spark fails on thousands of sums at once."""
FAR = 4.0
"""An origin further from the mean than this many standard deviations costs digits: the sums are made anew."""


@dataclasses.dataclass(frozen=True)
class _Sums:
    """What one pass tells of a column, summed about an origin."""

    rows: int
    nulls: int
    finite: int
    infinities: tuple[int, int]
    origin: float
    weight: float
    first: float
    second: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        return self.origin + self.first / self.weight if self.weight else 0.0

    @property
    def m2(self) -> float:
        shift = self.first / self.weight if self.weight else 0.0
        return max(0.0, self.second - self.first * shift) if math.isfinite(self.second) else self.second

    @property
    def is_far(self) -> bool:
        """Whether the origin lies so far from the mean that digits of the spread were lost."""
        return abs(self.first) > FAR * math.sqrt(self.m2) * math.sqrt(self.weight)


def lazy_statistics(
    frame: nw.LazyFrame[Any], columns: Sequence[str] | None = None, weights: str | None = None
) -> ColumnStatistics:
    """Counts, moments and range of each column of numbers, in float64, in one pass where that is enough.

    ``Σw(x − o)`` and ``Σw(x − o)²`` about an origin ``o`` among the first rows. Columns that turn out to hold
    NaN or infinities are read a second time without these, and columns whose mean lies far from the origin
    once more about the mean.

    Args:
        frame: A Narwhals frame over Polars, DuckDB or Spark, as `scan_table` gives.
        columns: Names of columns of numbers or booleans; all but `weights` by default.
        weights: The column that says how often each row counts; rows of weight 0 are not read at all.

    Returns:
        NaN, null and infinities counted apart; ``counts`` is the weight of the finite values.

    Raises:
        ColumnError: If a column is absent or holds anything but numbers and booleans.
        TableError: If a weight is missing, negative or not finite, or the engine cannot read the table.

    Example:
        >>> frame = nw.from_native(pl.LazyFrame({"a": [1.0, 3.0, float("nan"), None]}))
        >>> s = lazy_statistics(frame)
        >>> s.rows, s.counts, s.means, s.nans, s.nulls
        (4, (2.0,), (2.0,), (1,), (1,))

    Source:
        Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", section 3: shifted data.
    """
    names = _require_columns(frame, columns, weights)
    if weights is not None:
        frame = _weighted_rows(frame, weights)
    if not names:
        return dataclasses.replace(ColumnStatistics.empty([]), rows=_count_rows(frame))
    sums = _sums(frame, dict(zip(names, _origins(frame, names), strict=True)), weights)
    poor = {name: s.origin for name, s in sums.items() if not math.isfinite(s.first)}
    if poor:
        sums |= _sums(frame, poor, weights, masked=True)
    far = {name: s.mean for name, s in sums.items() if s.is_far and math.isfinite(s.mean)}
    for masked in (False, True):
        again = {name: mean for name, mean in far.items() if (name in poor) == masked}
        if again:
            sums |= _sums(frame, again, weights, masked=masked)
    return _statistics(names, [sums[name] for name in names])


def _require_columns(
    frame: nw.LazyFrame[Any], columns: Sequence[str] | None, weights: str | None
) -> list[str]:
    schema = frame.collect_schema()
    names = [name for name in schema if name != weights] if columns is None else list(columns)
    for name in [*names, *([] if weights is None else [weights])]:
        if name not in schema:
            raise ColumnError(f'there is no column "{name}". {did_you_mean(name, schema)}')
    require_numbers({name: schema[name] for name in names})
    if weights is not None and not is_number(schema[weights]):
        raise ColumnError(
            f'the column "{weights}" of weights holds {schema[weights]}. Expected numbers: how often a row '
            "counts."
        )
    return names


def _weighted_rows(frame: nw.LazyFrame[Any], weights: str) -> nw.LazyFrame[Any]:
    """The rows of a weight above 0, once all weights were found to be such."""
    w = nw.col(weights).cast(nw.Float64)
    seen = collect(
        frame.select(
            nw.len().alias("rows"),
            nw.col(weights).null_count().alias("nulls"),
            nw.when((w - w) == 0).then(w).count().alias("finite"),
            nw.when((w - w) == 0).then(w).min().alias("low"),
            nw.when((w - w) == 0).then(w).sum().alias("total"),
        )
    ).row(0, named=True)
    rows, nulls, finite = (int(seen[key]) for key in ("rows", "nulls", "finite"))
    low = seen["low"] if seen["low"] is not None else 0.0
    fault = f"the weight {low}" if low < 0 else ""
    if nulls or finite < rows:
        fault = fault or f"{rows - finite} rows without a number"
    elif not math.isfinite(seen["total"] or 0.0):
        fault = fault or "weights whose sum is more than float64 holds"
    if fault:
        raise TableError(
            f'column "{weights}" holds {fault}. Expected finite weights of 0 or more: how often a row counts.'
        )
    return frame.filter(w > 0)


def _count_rows(frame: nw.LazyFrame[Any]) -> int:
    return int(collect(frame.select(nw.len().alias("rows")))["rows"][0])


def _origins(frame: nw.LazyFrame[Any], names: list[str]) -> list[float]:
    """Per column the finite one of the first values that lies nearest to their mean, else 0.

    One of the values, so that a constant column sums to exactly 0.
    """
    return [
        _origin(column.drop_nulls().to_numpy())
        for group in _groups(frame, names)
        for column in collect(frame.select(*group).head(HEAD_ROWS)).cast(pl.Float64).iter_columns()
    ]


def _groups(frame: nw.LazyFrame[Any], names: list[str]) -> list[list[str]]:
    size = len(names) if frame.implementation.is_polars() else GROUP
    return [names[start : start + size] for start in range(0, len(names), size)]


def _origin(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0
    halved = finite / 2
    return float(finite[np.argmin(np.abs(halved - (halved / len(halved)).sum()))])


def _sums(
    frame: nw.LazyFrame[Any], origins: dict[str, float], weights: str | None, masked: bool = False
) -> dict[str, _Sums]:
    sums: dict[str, _Sums] = {}
    for group in _groups(frame, list(origins)):
        parts = [nw.len().alias("rows")]
        for i, name in enumerate(group):
            parts += _parts(i, name, origins[name], weights, masked)
        # DuckDB's own time for each expression grows with the width of what it is computed from.
        narrow = frame.select(*dict.fromkeys([*group, *([] if weights is None else [weights])]))
        row = collect(narrow.select(*parts)).row(0, named=True)
        sums |= {name: _read(row, i, origins[name]) for i, name in enumerate(group)}
    return sums


def _parts(i: int, name: str, origin: float, weights: str | None, masked: bool) -> list[nw.Expr]:
    value = nw.col(name).cast(nw.Float64)
    x = nw.when((value - value) == 0).then(value) if masked else value
    away, squared = x - origin, (x - origin) ** 2
    # The range is the same before the values are widened, and found faster.
    bounded = x if masked else nw.col(name)
    parts = {"nulls": nw.col(name).null_count(), "low": bounded.min(), "high": bounded.max()}
    if weights is None:
        parts |= {"first": away.sum(), "second": squared.sum()}
    else:
        w = nw.col(weights).cast(nw.Float64)
        parts |= {"first": (w * away).sum(), "second": (w * squared).sum()}
        parts["weight"] = nw.when(~x.is_null()).then(w).sum()
    if masked:
        parts["finite"] = x.count()
        parts["up"] = nw.when(value == math.inf).then(1).count()
        parts["down"] = nw.when(value == -math.inf).then(1).count()
    return [part.alias(f"{key}{i}") for key, part in parts.items()]


def _read(row: dict[str, Any], i: int, origin: float) -> _Sums:
    def number(key: str, otherwise: float = 0.0) -> float:
        value = row.get(f"{key}{i}")
        return otherwise if value is None else float(value)

    rows, nulls = int(row["rows"]), int(number("nulls"))
    finite = int(number("finite", rows - nulls))
    return _Sums(
        rows,
        nulls,
        finite,
        (int(number("up")), int(number("down"))),
        origin,
        number("weight", finite),
        number("first"),
        number("second"),
        number("low", math.nan),
        number("high", math.nan),
    )


def _statistics(names: list[str], sums: list[_Sums]) -> ColumnStatistics:
    return ColumnStatistics(
        tuple(names),
        sums[0].rows,
        nulls=tuple(s.nulls for s in sums),
        nans=tuple(s.rows - s.nulls - s.finite - sum(s.infinities) for s in sums),
        positive_infinities=tuple(s.infinities[0] for s in sums),
        negative_infinities=tuple(s.infinities[1] for s in sums),
        counts=tuple(float(s.weight) for s in sums),
        means=tuple(s.mean for s in sums),
        m2s=tuple(s.m2 for s in sums),
        minima=tuple(s.low for s in sums),
        maxima=tuple(s.high for s in sums),
    )
