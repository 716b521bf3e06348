"""Every scaler on every kind of table gives what the float64 reference gives, in the kind it was given."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.contracts.table_kinds import (
    IN_MEMORY,
    KINDS,
    NAMES,
    ONCE,
    as_array,
    assert_matches,
    sorted_rows,
)
from tests.reference import scaling as reference
from tests.reference.power_errors import power_errors
from tests.reference.scaling import by_column
from tests.reference.tolerance import tolerance

from normwise.core.errors import TableError
from normwise.scaling import (
    ColumnScaler,
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)


def without_negative(x):
    return np.abs(x)


SCALERS = {
    "standard": (StandardScaler, reference.standardized, {}),
    "standard, unbiased": (lambda: StandardScaler(unbiased=True), reference.standardized, {"ddof": 1}),
    "standard, mean alone": (
        lambda: StandardScaler(with_std=False),
        reference.standardized,
        {"with_std": False},
    ),
    "min-max": (MinMaxScaler, reference.normalized, {}),
    "min-max(-1, 3)": (lambda: MinMaxScaler((-1, 3)), reference.normalized, {"low": -1.0, "high": 3.0}),
    "max-abs": (MaxAbsScaler, reference.by_the_largest, {}),
    "robust": (RobustScaler, reference.robust, {}),
    "robust(10, 95)": (
        lambda: RobustScaler((10, 95), unit_variance=True),
        reference.robust,
        {"low": 10.0, "high": 95.0, "unit_variance": True},
    ),
    "quantile": (QuantileScaler, reference.ranked, {}),
    "quantile(20), normal": (
        lambda: QuantileScaler(20, output="normal"),
        reference.ranked,
        {"n_quantiles": 20, "normal": True},
    ),
    "power": (PowerScaler, reference.powered, {}),
    "log1p": (lambda: PowerScaler("log1p"), reference.logarithmic, {}),
    "columns": (lambda: ColumnScaler(default=RobustScaler()), reference.robust, {}),
}
MAGNIFIED = {"quantile(20), normal": 10}
"""By how much the way back magnifies rounding: a bent scale is dense where the other is wide."""
SLOW_ON_SPARK = ("power", "quantile")
"""Half a minute each, and so once only there: with missing values."""


def data(missing, name=""):
    x = np.random.default_rng(0).normal([5.0, -200.0], [2.0, 30.0], (257, 2))
    if name == "log1p":
        x = np.abs(x)
    if missing:
        x[::7, 0] = np.nan
        x[3, 1] = np.nan
    return x


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError, match="NaN is elsewhere"):
        assert_matches(np.array([np.nan, 1.0]), np.array([1.0, 1.0]), 1.0)
    with pytest.raises(AssertionError, match=r"error 0.1, allowed 0.01"):
        assert_matches(np.array([1.0, 0.9]), np.array([1.0, 1.0]), 0.01)


@pytest.fixture(params=SCALERS)
def scaler(request):
    return SCALERS[request.param][0]()


CASES = [
    pytest.param(name, kind, missing, id=f"{name}-{kind}-{'missing' if missing else 'whole'}")
    for name in SCALERS
    for kind in KINDS
    for missing in (False, True)
    if missing or kind != "spark" or name not in SLOW_ON_SPARK
]


def allowed(name, dtype, column, expected):
    """What y, and x from it, may be off by, as shares of the column's largest y and x."""
    if name in ("power", "log1p"):
        errors = power_errors(column, column, dtype=dtype, logarithm=name == "log1p")
        return errors[0] / np.nanmax(np.abs(expected)), errors[1] / np.nanmax(np.abs(column))
    return tolerance(dtype, conditioning=10), tolerance(dtype, conditioning=MAGNIFIED.get(name, 1) * 10)


@pytest.mark.parametrize(("name", "kind", "missing"), CASES)
def test_equals_the_reference(name, kind, missing):
    make, formula, options = SCALERS[name]
    x = data(missing, name)
    # The reference sees the very values of the table, rounded to float32 where it is one.
    seen = x.astype(np.float32).astype(np.float64) if "float32" in kind else x
    expected = by_column(formula, seen, **options)
    scaler = make().fit(KINDS[kind](x))
    scaled = scaler.transform(KINDS[kind](x))
    dtype = "float32" if "float32" in kind else "float64"
    found, expected = sorted_rows(as_array(scaled)), sorted_rows(expected)
    if kind in ONCE or kind == "pyarrow-dataset":
        scaled = scaler.transform(KINDS[kind](x))
    back, seen = sorted_rows(as_array(scaler.inverse_transform(scaled))), sorted_rows(seen)
    for i in range(2):
        there, here = allowed(name, dtype, seen[:, i], expected[:, i])
        assert_matches(found[:, i], expected[:, i], there)
        assert_matches(back[:, i], seen[:, i], here)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "spark"])
def test_gives_back_the_kind_it_was_given(scaler, kind):
    table = KINDS[kind](np.abs(data(missing=True)))
    scaled = scaler.fit(KINDS[kind](np.abs(data(missing=True)))).transform(table)
    assert isinstance(scaled, result_kind(kind, table))
    if isinstance(table, np.ndarray):
        assert scaled.dtype == (np.float32 if table.dtype == np.float32 else np.float64)
        assert scaled.flags.c_contiguous == table.flags.c_contiguous or kind == "numpy-strided"
    if isinstance(table, pd.DataFrame):
        assert list(scaled.columns) == NAMES
        assert scaled.index.equals(table.index)
        assert set(scaled.dtypes) == {np.dtype("float32" if "float32" in kind else "float64")}
    if isinstance(table, pl.DataFrame):
        assert scaled.columns == NAMES
        assert [c.null_count() for c in scaled] == [c.null_count() for c in table]


def result_kind(kind, table):
    """A list comes back as an array, a file as a lazy frame, a dataset as a reader."""
    if kind == "pyarrow-dataset":
        return type(KINDS["pyarrow-reader"](data(missing=False)))
    if kind == "batches":
        return Iterator
    return {"list": np.ndarray, "parquet": pl.LazyFrame, "csv": pl.LazyFrame, "feather": pl.LazyFrame}.get(
        kind, type(table)
    )


@pytest.mark.parametrize("kind", sorted(ONCE))
def test_rows_that_come_once_are_not_read_twice(scaler, kind):
    table = KINDS[kind](np.abs(data(missing=False)))
    with pytest.raises(TableError, match=r"gives its rows once.*Make it anew for fit and for transform"):
        scaler.fit_transform(table)
    assert as_array(scaler.fit(KINDS[kind](np.abs(data(missing=False)))).transform(table)).shape == (257, 2)


@pytest.mark.parametrize("kind", [k for k in KINDS if k in IN_MEMORY])
def test_leaves_the_table_alone(scaler, kind):
    table = KINDS[kind](np.abs(data(missing=True)))
    before = as_array(table).copy()
    scaler.fit_transform(table)
    assert np.array_equal(as_array(table), before, equal_nan=True)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16])
def test_small_types_widen_first(scaler, dtype):
    x = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    wide = scaler.fit_transform(x.astype(np.float64))
    for table in (x, pd.DataFrame(x), pl.DataFrame(x.astype(np.float32) if dtype == np.float16 else x)):
        assert_matches(as_array(scaler.fit_transform(table)), wide, tolerance("float32", conditioning=10))
    assert scaler.fit_transform(x).dtype == np.float64


def test_many_blocks_equal_one(scaler):
    x = np.random.default_rng(1).normal(1e3, 10.0, (50_000, 9))
    scaler.fit(x)
    whole = np.concatenate([as_array(scaler.transform(x[i : i + 999])) for i in range(0, len(x), 999)])
    assert np.array_equal(whole, scaler.transform(x))


PARTS = {
    "columns": lambda x: x[:, 1:4],
    "every-other-column": lambda x: x[:, ::2],
    "every-other-row": lambda x: x[::2],
    "rows-backwards": lambda x: x[::-1],
    "one-column": lambda x: x[:, 2:3],
    "rows-of-fortran-order": lambda x: np.asfortranarray(x)[100:],
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_part_of_a_larger_array(scaler, part, dtype):
    x = PARTS[part](np.random.default_rng(5).lognormal(size=(3000, 5)).astype(dtype))
    whole = scaler.fit_transform(np.ascontiguousarray(x))
    assert_matches(scaler.fit(x).transform(x), whole, tolerance(np.dtype(dtype).name, conditioning=10))


def test_mean_1e5_and_standard_deviation_1_over_100_000_rows():
    x = np.random.default_rng(2).normal(1e5, 1.0, (100_000, 1)).astype(np.float32)
    y = StandardScaler().fit_transform(x)
    assert_matches(y, by_column(reference.standardized, x), tolerance("float32"))
    # keras.layers.Normalization.adapt is out by more than 100 here in its own unit; one rounding is allowed.
    assert abs(float(y.mean(dtype=np.float64))) < 1e-6


@pytest.mark.parametrize("make", [StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, QuantileScaler])
def test_mixed_columns_of_a_frame(make):
    frame = pl.DataFrame({"i": [1, None, 3], "b": [True, False, None], "f": [1.0, float("nan"), 2.0]})
    scaler = make()
    scaled = scaler.fit_transform(frame)
    assert scaled.dtypes == [pl.Float64] * 3
    assert scaled["f"].is_nan().to_list() == [False, True, False]
    assert scaled["i"].is_null().to_list() == [False, True, False]
    assert scaler.statistics_.nulls == (1, 1, 0)
    assert scaler.statistics_.nans == (0, 0, 1)


def test_decimals(scaler):
    frame = pl.DataFrame({"d": ["1.50", "2.50"]}).select(pl.col("d").cast(pl.Decimal(10, 2)))
    assert (
        scaler.fit_transform(frame)["d"].to_list()
        == scaler.fit_transform(np.array([[1.5], [2.5]]))[:, 0].tolist()
    )
