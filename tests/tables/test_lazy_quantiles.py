"""lazy_quantiles: exact in memory, and out of core within the rank error that is promised."""

from __future__ import annotations

import math
import sys

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from tests.engines import LAZY, lazily

from normwise.tables import lazy_quantiles, lazy_statistics, scan_table
from normwise.tables.lazy_quantiles import RANK_ERROR, weighted_rank_error

ROWS = 300_000
QUARTILES = [0.25, 0.5, 0.75]
THOUSAND = np.linspace(0, 1, 1000)


@pytest.fixture(autouse=True)
def never_by_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars too cuts its bins finer here; what it counts and keeps has a test file of its own."""
    monkeypatch.setattr("normwise.tables.counted_quantiles.KEPT", -1)


def columns(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(rows)
    return {
        "normal": normal,
        "lognormal": np.exp(3 * normal),
        "discrete": rng.integers(0, 9, rows).astype(float),
        "constant": np.full(rows, 0.1),
        "outlier": np.r_[normal[1:], 1e300],
        "offset": 1e9 + normal,
        "tiny": 1e-20 * normal,
        "close": 1 + 1e-15 * rng.integers(0, 100, rows),
        "subnormal": 1e-308 * normal,
        "whole range": np.where(rng.random(rows) < 0.5, -1.0, 1.0) * 10.0 ** rng.uniform(-300, 308, rows),
        "two clusters": np.where(rng.random(rows) < 0.5, 1e-9 * normal, 1e9 + normal),
        "infinite": np.where(rng.random(rows) < 0.01, math.inf, normal),
        "missing": np.where(rng.random(rows) < 0.3, math.nan, normal),
    }


def rank_errors(values: np.ndarray, probabilities: np.ndarray, found: np.ndarray) -> np.ndarray:
    """How far, as a share of the finite values, each value found lies from the rank that it stands for."""
    finite = np.sort(values[np.isfinite(values)])
    rank = np.asarray(probabilities) * (len(finite) - 1)
    low, high = np.searchsorted(finite, found, "left"), np.searchsorted(finite, found, "right")
    # A value between two neighbours has every rank from the one to the other.
    return np.maximum(np.maximum(low - 1 - rank, rank - high), 0) / len(finite)


def test_the_helper_sees_a_wrong_rank():
    x = np.arange(1000.0)
    assert rank_errors(x, [0.5], np.array([499.5]))[0] == 0
    assert rank_errors(x, [0.5], np.array([510.0]))[0] > 0.008
    assert rank_errors(x, [0.5], np.array([490.0]))[0] > 0.008


FEW = ("normal", "lognormal", "outlier", "missing")
OTHERS = tuple(name for name in columns(3) if name not in FEW)


@pytest.mark.parametrize(
    ("engine", "rows", "names"),
    [
        *(pytest.param(engine, 30_000, FEW, id=engine) for engine in LAZY),
        pytest.param("polars", 30_000, OTHERS, id="polars-other columns"),
        # An error of 1e-5 is then three rows, and a bin may hold several.
        pytest.param("polars", ROWS, FEW[:2], id="polars-many rows"),
        pytest.param("polars", ROWS, FEW[2:] + OTHERS, id="polars-all columns", marks=pytest.mark.slow),
    ],
)
def test_ranks_out_of_core(engine, rows, names, tmp_path):
    table = columns(rows)
    frame = lazily(engine, pl.DataFrame(table).select(names), tmp_path)
    statistics = lazy_statistics(frame)
    for probabilities in (QUARTILES, THOUSAND):
        found = lazy_quantiles(frame, statistics, probabilities, exact_rows=0)
        assert found.shape == (len(names), len(probabilities))
        for name, values in zip(names, found, strict=True):
            assert np.all(np.diff(values) >= 0), name
            assert rank_errors(table[name], probabilities, values).max() <= RANK_ERROR, name


def weighted_rank_errors(values, weights, probabilities, found):
    """How far, as a share of the weights, each value lies from the ranks whose mean it is to be."""
    there = np.isfinite(values) & (weights > 0)
    order = np.argsort(values[there], kind="stable")
    known, ends = values[there][order], np.cumsum(weights[there][order])
    rank = np.asarray(probabilities) * (ends[-1] - 1) + 0.5
    starts = np.concatenate([[0.0], ends])
    low = starts[np.searchsorted(known, found, "left")]
    high = starts[np.searchsorted(known, found, "right")]
    # A value between two neighbours lies anywhere from the end of the one to the start of the other.
    return np.maximum(np.maximum(low - rank, rank - high), 0) / ends[-1]


def test_the_weighted_helper_sees_a_wrong_rank():
    x, w = np.arange(1000.0), np.where(np.arange(1000) < 500, 3.0, 1.0)
    assert weighted_rank_errors(x, w, [0.5], np.array([333.0]))[0] == 0
    assert weighted_rank_errors(x, w, [0.5], np.array([500.0]))[0] > 0.2
    assert weighted_rank_errors(x, w, [0.5], np.array([320.0]))[0] > 0.01


@pytest.mark.parametrize("engine", LAZY)
def test_weighted_ranks_out_of_core(engine, tmp_path):
    rows = 30_000
    table, rng = columns(rows), np.random.default_rng(1)
    names = ["normal", "lognormal", "discrete", "outlier", "missing"]
    weights = np.where(rng.random(rows) < 0.1, 0.0, rng.gamma(0.5, 3.0, rows))
    table["outlier"][weights == 0] = -1e305
    frame = lazily(engine, pl.DataFrame(table).select(names).with_columns(w=weights), tmp_path)
    statistics = lazy_statistics(frame, weights="w")
    allowed = weighted_rank_error(statistics)
    assert (allowed < 1e-4).all()
    for probabilities in (QUARTILES, THOUSAND):
        found = lazy_quantiles(frame, statistics, probabilities, exact_rows=0, weights="w")
        for name, values, error in zip(names, found, allowed, strict=True):
            assert np.all(np.diff(values) >= 0), name
            assert weighted_rank_errors(table[name], weights, probabilities, values).max() <= error, name


def test_weights_of_any_size_are_counted_in_units():
    x = np.random.default_rng(0).standard_normal(5000)
    for size in (1e-200, 1.0, 1e200):
        # Of shares, a whole row is all there is: the mean, or here a value of the middle rank.
        frame = scan_table({"a": x, "w": np.full(5000, size)})
        statistics = lazy_statistics(frame, weights="w")
        found = lazy_quantiles(frame, statistics, [0.25, 0.5], exact_rows=0, weights="w")[0]
        expected = np.quantile(x, [0.25, 0.5] if size >= 1 else [0.5, 0.5])
        assert np.abs(found - expected).max() < 0.01


@pytest.mark.parametrize("engine", LAZY)
def test_weighted_and_exact_in_memory(engine, tmp_path):
    table = {name: x for name, x in columns(3000).items() if name != "whole range"}
    weights = np.random.default_rng(1).integers(0, 4, 3000)
    frame = lazily(engine, pl.DataFrame(table).with_columns(w=weights), tmp_path)
    for exact_rows in (4_000_000, 7000):  # all columns at once, and two by two
        found = lazy_quantiles(
            frame, lazy_statistics(frame, weights="w"), THOUSAND, exact_rows=exact_rows, weights="w"
        )
        for values, x in zip(found, table.values(), strict=True):
            repeated = np.repeat(x, weights)
            assert np.array_equal(values, np.quantile(repeated[np.isfinite(repeated)], THOUSAND))


@pytest.mark.parametrize("engine", LAZY)
def test_exact_in_memory(engine, tmp_path):
    table = {name: x for name, x in columns(3000).items() if name != "whole range"}
    frame = lazily(engine, pl.DataFrame(table), tmp_path)
    found = lazy_quantiles(frame, lazy_statistics(frame), THOUSAND)
    for values, x in zip(found, table.values(), strict=True):
        assert np.array_equal(values, np.quantile(x[np.isfinite(x)], THOUSAND))


@pytest.mark.parametrize("exact_rows", [0, 4_000_000])
def test_few_values(exact_rows):
    frame = scan_table({"one": [7.0, None, None], "none": np.full(3, math.nan), "three": [1.0, 2.0, 4.0]})
    found = lazy_quantiles(frame, lazy_statistics(frame), [0, 0.25, 1], exact_rows=exact_rows)
    assert np.array_equal(found, [[7, 7, 7], [math.nan] * 3, [1, 1.5, 4]], equal_nan=True)


def test_every_small_table_is_exact_by_bins_too():
    rng = np.random.default_rng(5)
    for rows in (2, 3, 10, 101):
        x = rng.standard_normal(rows)
        frame = scan_table({"a": x})
        found = lazy_quantiles(frame, lazy_statistics(frame), THOUSAND, exact_rows=0)[0]
        assert np.allclose(found, np.quantile(x, THOUSAND), rtol=1e-14, atol=1e-15)


def test_the_ends_are_the_smallest_and_the_largest_value():
    x = columns(20_000)["lognormal"]
    frame = scan_table({"a": x})
    found = lazy_quantiles(frame, lazy_statistics(frame), [0, 1], exact_rows=0)[0]
    assert np.array_equal(found, [x.min(), x.max()])


def test_several_columns_are_read_at_once_where_they_fit(monkeypatch):
    read = []
    module = sys.modules["normwise.tables.lazy_quantiles"]
    collect = module.collect
    monkeypatch.setattr(module, "collect", lambda frame: read.append(frame.columns) or collect(frame))
    frame = scan_table({name: [1.0, 2.0] for name in "abcde"})
    statistics = lazy_statistics(frame)
    assert lazy_quantiles(frame, statistics, [0.5], exact_rows=4).tolist() == [[1.5]] * 5
    assert read == [["a", "b"], ["c", "d"], ["e"]]


def test_text_is_parsed_once_however_many_columns_there_are(tmp_path):
    x = np.random.default_rng(2).standard_normal((5000, 6))
    pl.DataFrame(x, schema=list("abcdef")).write_csv(tmp_path / "t.csv")
    done = []
    frame = scan_table(tmp_path / "t.csv", progress=lambda part, whole: done.append((part, whole)))
    statistics = lazy_statistics(frame)
    del done[:]
    found = lazy_quantiles(frame, statistics, QUARTILES, exact_rows=0)
    assert np.allclose(found, np.quantile(x, QUARTILES, axis=0).T, rtol=1e-4)
    size = (tmp_path / "t.csv").stat().st_size
    assert done.count((size, size)) <= 2
    assert done[-1] == (size, size)


@pytest.mark.parametrize("bad", [-0.1, 1.5, math.nan])
def test_probabilities_are_checked(bad):
    frame = scan_table({"a": [1.0]})
    with pytest.raises(ValueError, match=f"between 0 and 1, got {bad}"):
        lazy_quantiles(frame, lazy_statistics(frame), [0.5, bad])


def test_nothing_asked():
    frame = scan_table({"a": [1.0]})
    assert lazy_quantiles(frame, lazy_statistics(frame), []).shape == (1, 0)
    assert lazy_quantiles(frame, lazy_statistics(frame, []), [0.5]).shape == (0, 1)
    assert isinstance(frame, nw.LazyFrame)


@pytest.mark.parametrize("total", [1e-320, 1e-305, 1.0, 1e300])
def test_weights_of_any_size_above_the_exact_rows(total):
    nothing = np.full(2, math.nan)
    frame = scan_table({"nothing": nothing, "one": [3.0, 3.0], "w": [total / 2] * 2})
    statistics = lazy_statistics(frame, weights="w")
    found = lazy_quantiles(frame, statistics, [0.25, 0.5], exact_rows=0, weights="w")
    assert np.array_equal(found, [nothing, [3.0, 3.0]], equal_nan=True)
