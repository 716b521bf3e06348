"""Every scaler on every kind of table gives what the float64 reference gives, in the kind it was given."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.reference.scaling import by_column, normalized, standardized
from tests.reference.tolerance import tolerance

from normwise.scaling import MinMaxScaler, StandardScaler

NAMES = ["age", "a<b>,\n名"]
SCALERS = {
    "standard": (StandardScaler, standardized, {}),
    "min-max": (MinMaxScaler, normalized, {}),
    "min-max(-1, 3)": (lambda: MinMaxScaler((-1, 3)), normalized, {"low": -1.0, "high": 3.0}),
}
KINDS = {
    "numpy-c": np.ascontiguousarray,
    "numpy-fortran": np.asfortranarray,
    "numpy-float32": lambda x: x.astype(np.float32),
    "numpy-strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "numpy-big-endian": lambda x: x.astype(">f8"),
    "list": lambda x: x.tolist(),
    "pandas": lambda x: pd.DataFrame(x, columns=NAMES, index=range(100, 100 + len(x))),
    "pandas-float32": lambda x: pd.DataFrame(x.astype(np.float32), columns=NAMES),
    "pandas-nullable": lambda x: pd.DataFrame(x, columns=NAMES).astype("Float64"),
    "pandas-object": lambda x: pd.DataFrame(x, columns=NAMES).astype(object),
    "polars": lambda x: pl.DataFrame(x, schema=NAMES, orient="row"),
    "polars-float32": lambda x: pl.DataFrame(x.astype(np.float32), schema=NAMES, orient="row"),
    "polars-null": lambda x: pl.DataFrame(x, schema=NAMES, orient="row").fill_nan(None),
    "polars-lazy": lambda x: pl.LazyFrame(x, schema=NAMES, orient="row"),
}


def as_array(table):
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pd.DataFrame):
        return table.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(table.to_numpy() if hasattr(table, "to_numpy") else table, dtype=np.float64)


def data(missing):
    x = np.random.default_rng(0).normal([5.0, -200.0], [2.0, 30.0], (257, 2))
    if missing:
        x[::7, 0] = np.nan
        x[3, 1] = np.nan
    return x


def assert_matches(actual, expected, allowed):
    """NaN where and only where it is expected, and no error beyond `allowed` of the largest value."""
    assert actual.shape == expected.shape
    assert (np.isnan(actual) == np.isnan(expected)).all(), "NaN is elsewhere than expected"
    error = np.nanmax(np.abs(actual - expected)) / np.nanmax(np.abs(expected))
    assert error <= allowed, f"error {error:.3g}, allowed {allowed:.3g}"


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError, match="NaN is elsewhere"):
        assert_matches(np.array([np.nan, 1.0]), np.array([1.0, 1.0]), 1.0)
    with pytest.raises(AssertionError, match=r"error 0.1, allowed 0.01"):
        assert_matches(np.array([1.0, 0.9]), np.array([1.0, 1.0]), 0.01)


@pytest.fixture(params=SCALERS)
def scaler(request):
    return SCALERS[request.param][0]()


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SCALERS)
def test_equals_the_reference(name, kind, missing):
    make, formula, options = SCALERS[name]
    table = KINDS[kind](data(missing))
    # The reference sees the very values of the table, rounded to float32 where it is one.
    expected = by_column(formula, as_array(table), **options)
    scaler = make()
    scaled = scaler.fit_transform(table)
    dtype = "float32" if "float32" in kind else "float64"
    assert_matches(as_array(scaled), expected, tolerance(dtype, conditioning=10))
    back = scaler.inverse_transform(scaled)
    assert_matches(as_array(back), as_array(table), tolerance(dtype, conditioning=10))


@pytest.mark.parametrize("kind", KINDS)
def test_gives_back_the_kind_it_was_given(scaler, kind):
    table = KINDS[kind](data(missing=True))
    scaled = scaler.fit_transform(table)
    assert type(scaled) is (np.ndarray if kind == "list" else type(table))
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


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_the_table_alone(scaler, kind):
    table = KINDS[kind](data(missing=True))
    before = as_array(table).copy()
    scaler.fit_transform(table)
    assert np.array_equal(as_array(table), before, equal_nan=True)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16])
def test_small_types_widen_first(scaler, dtype):
    x = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    wide = scaler.fit_transform(x.astype(np.float64))
    for table in (x, pd.DataFrame(x), pl.DataFrame(x.astype(np.float32) if dtype == np.float16 else x)):
        assert_matches(as_array(scaler.fit_transform(table)), wide, tolerance("float32"))
    assert scaler.fit_transform(x).dtype == np.float64


def test_many_blocks_equal_one(scaler):
    x = np.random.default_rng(1).normal(1e5, 1.0, (100_000, 9))
    whole = np.concatenate([as_array(scaler.fit(x).transform(x[i : i + 999])) for i in range(0, len(x), 999)])
    assert np.array_equal(whole, scaler.transform(x))


def test_mean_1e5_and_standard_deviation_1_over_100_000_rows():
    x = np.random.default_rng(2).normal(1e5, 1.0, (100_000, 1)).astype(np.float32)
    y = StandardScaler().fit_transform(x)
    assert_matches(y, by_column(standardized, x), tolerance("float32"))
    # keras.layers.Normalization.adapt is out by more than 100 here in its own unit; one rounding is allowed.
    assert abs(float(y.mean(dtype=np.float64))) < 1e-6


def test_mixed_columns_of_a_frame(scaler):
    frame = pl.DataFrame({"i": [1, None, 3], "b": [True, False, None], "f": [1.0, float("nan"), 2.0]})
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
