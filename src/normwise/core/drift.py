"""Drift: how far the columns of one table moved from those of another, by their statistics alone."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from normwise.core.column_statistics import ColumnStatistics
from normwise.core.errors import TableError, did_you_mean, listing
from normwise.core.quantile_sketch import QuantileSketch
from normwise.core.records import Record


@dataclasses.dataclass(frozen=True)
class ColumnDrift(Record):
    """What moved in one column. All but `new_nulls` is of the finite values; no field is ever NaN.

    Args:
        name: The column.
        shift: ``(mean′ − mean)/std``, std before; signed. Of a column that was constant: 0 if the mean is the
            same, else ±inf. None where either side has no values, or its moments are beyond float64.
        variance_ratio: ``variance′/variance``. Of a column that was constant: 1 if it still is, else inf. One
            value is constant. None where `shift` is.
        ks: ``sup |F(x) − F′(x)|`` of the two distributions, from 0 to 1 (Kolmogorov-Smirnov). None where
            either side has no sketch or no values.
        ks_error: What `ks` is off by at most, certain: the rank errors of both sketches. None where `ks` is.
        new_nulls: The share of rows whose value is null or NaN, minus the share before; of no rows it is 0.
        count_before: Finite values before.
        count_now: Finite values now.
        mean_before: Mean before, in the column's unit; None where there are no values, or it is beyond
            float64.
        mean_now: Mean now.
        std_before: Standard deviation before, of the population; None where `mean_before` is.
        std_now: Standard deviation now.
    """

    name: str
    shift: float | None
    variance_ratio: float | None
    ks: float | None
    ks_error: float | None
    new_nulls: float
    count_before: float
    count_now: float
    mean_before: float | None
    mean_now: float | None
    std_before: float | None
    std_now: float | None


@dataclasses.dataclass(frozen=True)
class Drift(Record):
    """What moved in each column of a table, in the order that the columns had before."""

    columns: tuple[ColumnDrift, ...]


def compare(before: ColumnStatistics, now: ColumnStatistics) -> Drift:
    """What moved in each column; columns are matched by name.

    Args:
        before: Statistics of the rows that are compared with, such as the training rows.
        now: Statistics of the others.

    Raises:
        TableError: If `now` lacks a column or has a further one; or if the columns stand in another order and
            two have the same name.

    Example:
        >>> before = ColumnStatistics.of([[1.0], [2.0], [3.0], [4.0]], names=["age"], sketch_size=64)
        >>> now = ColumnStatistics.of([[3.0], [4.0], [5.0], [np.nan]], names=["age"], sketch_size=64)
        >>> column = compare(before, now).columns[0]
        >>> round(column.shift, 2), round(column.variance_ratio, 2), column.ks, column.ks_error
        (1.34, 0.53, 0.5, 0.0)
        >>> column.new_nulls, column.count_before, column.count_now
        (0.25, 4.0, 3.0)

    Source:
        Massey 1951, "The Kolmogorov-Smirnov test for goodness of fit".
    """
    places = _places(before.names, now.names)
    return Drift(tuple(_column(before, i, now, j) for i, j in enumerate(places)))


def _places(before: tuple[str, ...], now: tuple[str, ...]) -> list[int]:
    """Where each column of `before` stands in `now`."""
    if before == now:
        return list(range(len(now)))
    if absent := [name for name in before if name not in now]:
        raise TableError(
            f"cannot compare: the second statistics lack {listing(absent)}. {did_you_mean(absent[0], now)}"
        )
    if further := [name for name in now if name not in before]:
        raise TableError(
            f"cannot compare: the first statistics lack {listing(further)}."
            f" {did_you_mean(further[0], before)}"
        )
    if doubled := [name for name, count in Counter(before + now).items() if count > 2]:
        raise TableError(
            f"cannot compare: the columns {listing(doubled)} occur more than once, in two orders."
            " Rename them."
        )
    return [now.index(name) for name in before]


def _column(before: ColumnStatistics, i: int, now: ColumnStatistics, j: int) -> ColumnDrift:
    (mean_before, std_before), (mean_now, std_now) = _mean_and_std(before, i), _mean_and_std(now, j)
    ks, ks_error = _largest_difference(before.sketches[i : i + 1], now.sketches[j : j + 1])
    return ColumnDrift(
        name=before.names[i],
        shift=_shift(mean_before, std_before, mean_now),
        variance_ratio=_variance_ratio(std_before, std_now),
        ks=ks,
        ks_error=ks_error,
        new_nulls=_missing_share(now, j) - _missing_share(before, i),
        count_before=before.counts[i],
        count_now=now.counts[j],
        mean_before=mean_before,
        mean_now=mean_now,
        std_before=std_before,
        std_now=std_now,
    )


def _mean_and_std(statistics: ColumnStatistics, i: int) -> tuple[float, float] | tuple[None, None]:
    if not statistics.counts[i]:
        return None, None
    if statistics.minima[i] == statistics.maxima[i]:
        # Exact, where sums of one value leave a rounding that would count as a spread.
        return statistics.minima[i], 0.0
    mean, variance = statistics.means[i], statistics.m2s[i] / statistics.counts[i]
    return (mean, math.sqrt(variance)) if math.isfinite(mean) and math.isfinite(variance) else (None, None)


def _shift(mean_before: float | None, std_before: float | None, mean_now: float | None) -> float | None:
    if mean_before is None or std_before is None or mean_now is None:
        return None
    difference = mean_now - mean_before
    if std_before:
        return difference / std_before
    return math.copysign(math.inf, difference) if difference else 0.0


def _variance_ratio(std_before: float | None, std_now: float | None) -> float | None:
    if std_before is None or std_now is None:
        return None
    if std_before:
        ratio = std_now / std_before
        return ratio * ratio
    return math.inf if std_now else 1.0


def _missing_share(statistics: ColumnStatistics, i: int) -> float:
    return statistics.missing[i] / statistics.rows if statistics.rows else 0.0


def _largest_difference(
    before: Sequence[QuantileSketch], now: Sequence[QuantileSketch]
) -> tuple[float, float] | tuple[None, None]:
    """Of a column's sketches, where it has them."""
    if not (before and now and before[0].count and now[0].count):
        return None, None
    a, b = before[0], now[0]
    # Both distributions are steps: they differ most at one of them.
    x = np.concatenate([a.points()[0], b.points()[0]])
    return float(np.abs(a.cdf(x) - b.cdf(x)).max()), min(1.0, a.rank_error + b.rank_error)
