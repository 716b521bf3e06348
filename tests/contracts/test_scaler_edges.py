"""Every scaler on constants, tiny and huge spreads, infinities and columns that are not its own."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from normwise.core.errors import ColumnError, NormwiseWarning, TableError
from normwise.scaling import MinMaxScaler, StandardScaler

SCALERS = {"standard": (StandardScaler, 0.0), "min-max": (lambda: MinMaxScaler((2, 4)), 2.0)}


@pytest.fixture(params=SCALERS)
def case(request):
    make, low = SCALERS[request.param]
    return make(), low


FRAMES = {
    "numpy": lambda d: np.stack(list(d.values()), axis=1),
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
}


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]


def column(table, i):
    return np.asarray(table)[:, i].tolist()


def test_constants_become_the_low_end_whatever_comes_later(case, frame):
    scaler, low = case
    with pytest.warns(NormwiseWarning, match=r"always 0\.1") as caught:
        scaler.fit(frame({"x0": [0.1] * 3, "x1": [1.0, 2.0, 3.0]}))
    message = str(caught[0].message)
    assert '"x0" (always 0.1)' in message
    assert f"makes it {low:g}" in message
    assert "x1" not in message
    later = frame({"x0": [0.1, 0.2, 1e300], "x1": [1.0, np.nan, 3.0]})
    assert column(scaler.transform(later), 0) == [low] * 3
    assert column(scaler.inverse_transform(scaler.transform(later)), 0) == [0.1] * 3


def test_a_constant_with_missing_values_keeps_them(case):
    scaler, low = case
    with pytest.warns(NormwiseWarning, match="always 5"):
        y = scaler.fit_transform(np.array([[5.0], [np.nan], [5.0]]))
    assert np.array_equal(y[:, 0], [low, np.nan, low], equal_nan=True)


def test_equal_floats_whose_mean_rounds_are_constant(case):
    scaler, low = case
    x = np.full((100_000, 1), 1 / 3)
    assert x.mean() != 1 / 3  # what makes the case
    with pytest.warns(NormwiseWarning, match="always 0.333"):
        scaler.fit(x)
    assert scaler.transform(x[:1]).item() == low
    assert scaler.inverse_transform([[low]]).item() == 1 / 3
    assert scaler.scale_.tolist() == [0.0]


def test_a_column_without_values(case, frame):
    scaler, low = case
    with pytest.warns(NormwiseWarning, match=r'"x0" \(no value at all\)'):
        scaler.fit(frame({"x0": [np.nan] * 2, "x1": [1.0, 2.0]}))
    assert column(scaler.transform(frame({"x0": [7.0, np.nan], "x1": [1.0, 2.0]})), 0)[0] == low
    assert scaler.center_.tolist()[0] == 0.0


def test_many_constants_are_counted(case):
    with pytest.warns(NormwiseWarning, match="and 3 more are constant"):
        case[0].fit(np.ones((2, 11)))


@pytest.mark.parametrize("size", [1e-20, 1e-150, 1e150])
def test_tiny_and_huge_spreads_are_scaled(case, size):
    scaler, _ = case
    x = np.array([[1.0], [2.0], [3.0]]) * size
    y = scaler.fit_transform(x)
    assert np.allclose(y, case[0].fit_transform(x / size), rtol=1e-14)
    assert np.allclose(scaler.fit(x).inverse_transform(y), x, rtol=1e-14)
    assert np.ptp(y) > 1


@pytest.mark.parametrize(("low", "high"), [(-1.5e308, 1.5e308), (0.0, 5e-324)])
def test_spreads_that_no_float64_holds_are_named(case, low, high):
    with pytest.raises(ColumnError) as caught:
        case[0].fit(np.array([[low], [high]]))
    assert '"x0"' in str(caught.value)
    assert f"from {low} to {high}" in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_infinities_are_named_and_counted(case, frame, dtype):
    scaler, _ = case
    good = {"x0": np.array([1, 2, 3], dtype), "x1": np.array([1, 2, 4], dtype)}
    bad = {"x0": good["x0"], "x1": np.array([np.inf, 1, -np.inf], dtype)}
    scaler.fit(frame(good))
    for call in (scaler.transform, scaler.inverse_transform, scaler.fit):
        with pytest.raises(ColumnError, match=r'infinite values in "x1" \(2\)\. Expected finite'):
            call(frame(bad))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_that_are_not_those_of_fit(case, frame):
    scaler, _ = case
    scaler.fit(frame({"age": [1.0, 2.0], "income": [3.0, 4.0]}))
    with pytest.raises(ColumnError) as renamed:
        scaler.transform(frame({"age": [1.0], "incme": [3.0]}))
    assert '"incme" is not known. Did you mean "income"?' in str(renamed.value)
    with pytest.raises(ColumnError, match="order: \\['age', 'income'\\]"):
        scaler.transform(frame({"income": [1.0], "age": [3.0]}))
    with pytest.raises(ColumnError, match="yet now missing:\n- income\n"):
        scaler.transform(frame({"age": [1.0]}))
    with pytest.raises(ColumnError, match="unseen at fit time:\n- zip\n"):
        scaler.transform(frame({"age": [1.0], "income": [3.0], "zip": [2.0]}))


def test_another_number_of_columns(case):
    with pytest.raises(ColumnError, match=r"X has 3 features, but \w+ is expecting 2 features"):
        case[0].fit([[1.0, 2.0], [2.0, 3.0]]).transform([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_words_are_named(case, frame):
    with pytest.raises(ColumnError, match=r'expected columns of numbers; these are not: "city" \(String\)'):
        case[0].fit(frame({"age": [1.0, 2.0], "city": ["a", "b"]}))


@pytest.mark.parametrize("table", [pd.DataFrame({"a": []}), pl.DataFrame({"a": []}), np.empty((0, 1))])
def test_no_rows(case, table):
    with pytest.raises(ValueError, match=r"Found array with 0"):
        case[0].fit(table)


def test_doubled_names(case):
    with pytest.raises(TableError, match='the column names "a" occur more than once'):
        case[0].fit(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))


@pytest.mark.parametrize("bad", [(1, 0), (0, 0), (0,), "ab", (0, np.inf), 3])
def test_feature_range(bad):
    with pytest.raises(ValueError, match="feature_range is ") as caught:
        MinMaxScaler(bad).fit([[1.0], [2.0]])
    assert repr(bad) in str(caught.value)


def test_training_values_stay_inside_the_unit_interval():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x = rng.normal(size=(5, 3)) * 10.0 ** rng.integers(-5, 5)
        y = MinMaxScaler().fit_transform(x)
        assert y.min() == 0.0
        assert 1 - 1e-15 < y.max() <= 1.0


def test_nothing_is_warned_of_without_constants(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case[0].fit_transform(np.array([[1.0], [2.0]]))


def test_what_a_mask_covers_is_missing(case):
    scaler, _ = case
    masked = np.ma.masked_array([[1], [3], [999]], mask=[[False], [False], [True]])
    scaled = scaler.fit_transform(masked)
    assert (scaler.data_min_[0], scaler.data_max_[0]) == (1.0, 3.0)
    assert np.isnan(scaled[2, 0])


@pytest.mark.parametrize("dtype", ["datetime64[D]", "timedelta64[s]"])
def test_arrays_of_times_are_refused(case, dtype):
    scaler, _ = case
    times = np.array([[1], [2]]).astype(dtype)
    with pytest.raises(ColumnError) as caught:
        scaler.fit(times)
    assert f"expected an array of numbers, got {dtype}" in str(caught.value)
    scaler.fit(np.array([[1.0], [2.0]]))
    with pytest.raises(ColumnError, match="expected an array of numbers"):
        scaler.transform(times)


def test_a_range_whose_width_overflows():
    with pytest.raises(ValueError, match=r"feature_range is \(-1e\+308, 1e\+308\), whose width does not fit"):
        MinMaxScaler((-1e308, 1e308)).fit([[1.0], [2.0]])
