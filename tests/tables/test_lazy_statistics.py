"""lazy_statistics: the same counts, moments and ranges on every engine, and each engine's traps."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from tests.engines import LAZY, lazily

from normwise.core.errors import ColumnError, TableError
from normwise.tables import lazy_statistics

INF = math.inf
ROWS = 5_000


def reference(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float, float]:
    """Weight, mean and sum of squared deviations of the finite values, in long double."""
    finite = np.isfinite(values)
    x = values[finite].astype(np.longdouble)
    w = np.ones(len(x), np.longdouble) if weights is None else weights[finite].astype(np.longdouble)
    mean = (w * x).sum() / w.sum()
    return float(w.sum()), float(mean), float((w * (x - mean) ** 2).sum())


@pytest.mark.parametrize("engine", LAZY)
def test_counts_tell_null_nan_and_infinities_apart(engine, tmp_path):
    frame = pl.DataFrame(
        {
            "all": [1.0, None, math.nan, INF, -INF, INF, 3.0],
            "plain": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            "nulls": [None, 2.0, None, 4.0, None, 6.0, None],
            "nothing": pl.Series([math.nan, None, INF, None, None, None, None], dtype=pl.Float64),
            "int": pl.Series([1, 2, 3, None, 5, 6, 7], dtype=pl.Int16),
            "bool": [True, False, None, True, True, True, True],
            "decimal": pl.Series([Decimal("1.5"), None, *[Decimal("2.5")] * 5], dtype=pl.Decimal(10, 2)),
        }
    )
    s = lazy_statistics(lazily(engine, frame, tmp_path))
    assert s.names == tuple(frame.columns)
    assert s.rows == 7
    assert s.nulls == (1, 0, 4, 5, 1, 1, 1)
    assert s.nans == (1, 0, 0, 1, 0, 0, 0)
    assert s.positive_infinities == (2, 0, 0, 1, 0, 0, 0)
    assert s.negative_infinities == (1, 0, 0, 0, 0, 0, 0)
    assert s.counts == (2.0, 7.0, 3.0, 0.0, 6.0, 6.0, 6.0)
    assert np.allclose(s.means, [2, 4, 4, 0, 4, 5 / 6, 14 / 6], rtol=1e-15)
    assert np.allclose(s.m2s, [2, 28, 8, 0, 28, 5 / 6, 5 / 6], rtol=1e-14)
    assert np.array_equal(s.minima, [1, 1, 2, math.nan, 1, 0, 1.5], equal_nan=True)
    assert np.array_equal(s.maxima, [3, 7, 6, math.nan, 7, 1, 2.5], equal_nan=True)


@pytest.mark.parametrize("engine", LAZY)
@pytest.mark.parametrize("masked", [False, True])
def test_moments_of_difficult_columns(engine, masked, tmp_path):
    rng = np.random.default_rng(7)
    normal = rng.standard_normal(ROWS)
    columns = {
        "offset": 1e9 + normal,
        "tiny": 1e-20 * normal,
        "huge": 1e140 * normal,
        "sorted": np.sort(1e6 + normal),
        "constant": np.full(ROWS, 0.1),
        # The first rows give an origin that lies 1e5 standard deviations from the mean.
        "far": np.r_[np.full(1, 1e5), normal[1:]] if not masked else np.r_[np.full(1500, 1e8), normal[1500:]],
    }
    if masked:
        columns = {name: np.r_[x, math.nan, INF] for name, x in columns.items()}
    s = lazy_statistics(lazily(engine, pl.DataFrame(columns), tmp_path))
    for i, (name, x) in enumerate(columns.items()):
        count, mean, m2 = reference(x)
        spread = math.sqrt(m2 / count)
        assert s.counts[i] == count
        # The mean is a float64: beside a large offset it has no more digits than that.
        assert abs(s.means[i] - mean) <= 1e-13 * spread + 2.0**-52 * abs(mean), name
        assert abs(s.m2s[i] - m2) <= 1e-12 * m2, name
    constant = list(columns).index("constant")
    assert (s.means[constant], s.m2s[constant]) == (0.1, 0.0)


@pytest.mark.parametrize("engine", LAZY)
def test_float32_is_widened_before_it_is_summed(engine, tmp_path):
    x = (1e6 + np.random.default_rng(1).standard_normal(ROWS)).astype(np.float32)
    s = lazy_statistics(lazily(engine, pl.DataFrame({"a": x}), tmp_path))
    _, mean, m2 = reference(x.astype(np.float64))
    assert abs(s.means[0] - mean) <= 2.0**-52 * abs(mean)
    assert abs(s.m2s[0] - m2) <= 1e-12 * m2
    assert (s.minima[0], s.maxima[0]) == (float(x.min()), float(x.max()))


@pytest.mark.parametrize("engine", LAZY)
def test_frequency_weights(engine, tmp_path):
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal(ROWS), rng.integers(0, 4, ROWS).astype(float)
    x[w == 0] = 1e30
    y = np.where(np.arange(ROWS) % 7 == 1, math.nan, x)
    frame = pl.DataFrame({"x": x, "w": w, "y": y}).with_columns(
        n=pl.when(pl.int_range(ROWS) % 2 == 0).then(pl.col("x"))
    )
    s = lazy_statistics(lazily(engine, frame, tmp_path), weights="w")
    assert s.names == ("x", "y", "n")
    kept = w > 0
    assert s.rows == kept.sum()
    n = np.where(np.arange(ROWS) % 2 == 0, x, math.nan)
    for i, values in enumerate((x, y, n)):
        count, mean, m2 = reference(values[kept], w[kept])
        assert s.counts[i] == count
        assert abs(s.means[i] - mean) <= 1e-13
        assert abs(s.m2s[i] - m2) <= 1e-12 * m2
    assert s.nans == (0, int((np.isnan(y) & kept).sum()), 0)
    assert s.nulls == (0, 0, int((np.isnan(n) & kept).sum()))
    assert max(s.maxima) < 1e30


@pytest.mark.parametrize("engine", LAZY)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, None, 1.0], r'column "w" holds 1 rows without a number'),
        ([1.0, math.nan, INF], r'column "w" holds 2 rows without a number'),
        ([1.0, -2.0, 1.0], r'column "w" holds the weight -2\.0\. Expected finite weights of 0 or more'),
    ],
)
def test_weights_that_are_none(engine, weights, message, tmp_path):
    frame = lazily(engine, pl.DataFrame({"a": [1.0, 2.0, 3.0], "w": weights}), tmp_path)
    with pytest.raises(TableError, match=message):
        lazy_statistics(frame, weights="w")


def test_duckdb_believes_that_parquet_holds_no_nan_where_pyarrow_wrote_it(tmp_path):
    """https://github.com/duckdb/duckdb/issues/25521: isnan(x) is folded to false by the file's statistics."""
    duckdb = pytest.importorskip("duckdb")
    parquet = pytest.importorskip("pyarrow.parquet")
    frame = pl.DataFrame({"a": [1.0, math.nan, 3.0, INF]})
    parquet.write_table(frame.to_arrow(), tmp_path / "t.parquet")
    s = lazy_statistics(nw.from_native(duckdb.read_parquet(str(tmp_path / "t.parquet"))))
    assert (s.nans, s.positive_infinities, s.counts, s.means) == ((1,), (1,), (2.0,), (2.0,))


def test_columns_are_chosen_and_checked():
    frame = nw.from_native(
        pl.LazyFrame({"a": [1, 2], "s": ["x", "y"], "d": [datetime.date(2026, 1, 1)] * 2, "n": [None, None]})
    )
    assert lazy_statistics(frame, ["a"]).names == ("a",)
    assert lazy_statistics(frame, ["n"]).nulls == (2,)
    assert lazy_statistics(frame, []).rows == 2
    with pytest.raises(ColumnError, match=r'these are not: "s" \(String\), "d" \(Date\)'):
        lazy_statistics(frame)
    with pytest.raises(ColumnError, match=r'there is no column "aa"\. Did you mean "a"'):
        lazy_statistics(frame, ["aa"])
    with pytest.raises(ColumnError, match='there is no column "w"'):
        lazy_statistics(frame, ["a"], weights="w")


@pytest.mark.parametrize("engine", LAZY)
def test_no_rows(engine, tmp_path):
    frame = lazily(engine, pl.DataFrame({"a": [1.0]}), tmp_path).filter(nw.col("a") > 1)
    s = lazy_statistics(frame)
    assert (s.rows, s.counts, s.means, s.m2s) == (0, (0.0,), (0.0,), (0.0,))
    assert math.isnan(s.minima[0])


def test_values_whose_squares_overflow_say_so():
    s = lazy_statistics(nw.from_native(pl.LazyFrame({"a": [1.0, 2.0, 1e300]})))
    assert (s.m2s, s.maxima, s.positive_infinities) == ((INF,), (1e300,), (0,))
