"""as_frame and like: every kind of table in, and back out as it came."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from polars.testing import assert_frame_equal

from normwise.core.errors import ColumnError, TableError
from normwise.tables import as_frame, column_statistics, like

DAY = datetime.date(2026, 1, 31)
MOMENT = datetime.datetime(2026, 1, 31, 10, 20)


def test_polars_comes_back_as_it_is_with_null_for_nan():
    frame = pl.DataFrame({"a": [1.0, float("nan")], "b": ["x", None]})
    assert as_frame(frame)["a"].to_list() == [1.0, None]
    assert as_frame(frame.lazy()).equals(as_frame(frame))
    assert as_frame(frame["b"]).equals(frame.select("b"))
    assert as_frame(pl.Series([1])).columns == ["x0"]


@pytest.mark.parametrize(
    ("series", "expected", "dtype"),
    [
        (pd.Series([1, 2], dtype="int8"), [1, 2], pl.Int8),
        (pd.Series([1.5, None]), [1.5, None], pl.Float64),
        (pd.Series([1.5, None], dtype="float32"), [1.5, None], pl.Float32),
        (pd.Series([1, None], dtype="Int64"), [1, None], pl.Int64),
        (pd.Series([1, None], dtype="UInt8"), [1, None], pl.UInt8),
        (pd.Series([1.5, None], dtype="Float32"), [1.5, None], pl.Float32),
        (pd.Series([True, False]), [True, False], pl.Boolean),
        (pd.Series([True, None], dtype="boolean"), [True, None], pl.Boolean),
        (pd.Series(["a", None]), ["a", None], pl.String),
        (pd.Series(["a", None], dtype="string"), ["a", None], pl.String),
        (pd.Series(["a", None, np.nan], dtype=object), ["a", None, None], pl.String),
        (pd.Series([1, 2.5, None], dtype=object), [1.0, 2.5, None], pl.Float64),
        (pd.Series([1, pd.NA], dtype=object), [1, None], pl.Int64),
        (pd.Series([2**70], dtype=object), [2.0**70], pl.Float64),
        (pd.Series([True, None], dtype=object), [True, None], pl.Boolean),
        (pd.Series([1, "x", True], dtype=object), ["1", "x", "True"], pl.String),
        (pd.Series([decimal.Decimal("1.5"), decimal.Decimal("NaN")]), [1.5, None], pl.Float64),
        (pd.Series([b"ab", None]), ["ab", None], pl.String),
        (pd.Series([DAY, None]), [DAY, None], pl.Date),
        (pd.Series([MOMENT, DAY], dtype=object), [str(MOMENT), str(DAY)], pl.String),
        (pd.Series([None, None], dtype=object), [None, None], pl.String),
        (pd.Series([MOMENT, None]), [MOMENT, None], pl.Datetime),
        (pd.Series([pd.Timestamp(MOMENT), pd.NaT], dtype=object), [MOMENT, None], pl.Datetime),
        (
            pd.Series([pd.Timestamp(MOMENT, tz="Asia/Tokyo"), pd.NaT]),
            [MOMENT.replace(hour=1, tzinfo=datetime.UTC), None],
            pl.Datetime,
        ),
        (pd.Series([datetime.timedelta(1), None]), [datetime.timedelta(1), None], pl.Duration),
        (pd.Series(pd.Categorical(["u", None])), ["u", None], pl.Categorical),
        (pd.Series(pd.Categorical([3, 4])), ["3", "4"], pl.Categorical),
        (pd.Series(pd.arrays.SparseArray([0, 1])), [0, 1], pl.Int64),
        (pd.Series(pd.period_range("2026-01", periods=1, freq="M")), ["2026-01"], pl.String),
    ],
)
def test_pandas_columns(series, expected, dtype):
    column = as_frame(pd.DataFrame({"a": series}))["a"]
    assert column.to_list() == expected
    assert column.dtype == dtype
    named = as_frame(series.rename("s"))
    assert named.columns == ["s"]
    assert named["s"].to_list() == expected


def test_pandas_index_is_ignored_and_names_become_text():
    frame = pd.DataFrame({0: [1], "名<b>": [2]}, index=["row"])
    assert as_frame(frame).to_dict(as_series=False) == {"0": [1], "名<b>": [2]}


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[1, 2], [3, 4]]), {"x0": [1, 3], "x1": [2, 4]}),
        (np.asfortranarray([[1.0, np.nan]]), {"x0": [1.0], "x1": [None]}),
        (np.array([1.5, 2.5]), {"x0": [1.5, 2.5]}),
        (np.array([[1.5]], dtype=np.float16), {"x0": [1.5]}),
        (np.array([[1.5]], dtype=np.longdouble), {"x0": [1.5]}),
        (np.array([[1.5]], dtype=">f4"), {"x0": [1.5]}),
        (np.array([[1, "a"], [None, "b"]], dtype=object), {"x0": [1, None], "x1": ["a", "b"]}),
        (np.array([["a", "1"]]), {"x0": ["a"], "x1": ["1"]}),
        (np.array([[b"a"]]), {"x0": ["a"]}),
        (np.array([["2026-01-31", "NaT"]], "datetime64[D]"), {"x0": [DAY], "x1": [None]}),
        (np.array([["2026-01-31T10:20"]], "datetime64[s]"), {"x0": [MOMENT]}),
        (np.array([(1, "a")], dtype=[("n", "i4"), ("s", "U3")]), {"n": [1], "s": ["a"]}),
        (np.ma.masked_array([[1, 2]], mask=[[False, True]]), {"x0": [1], "x1": [None]}),
        ([[1, "a"], [None, "b"]], {"x0": [1, None], "x1": ["a", "b"]}),
        ([1, 2.5], {"x0": [1.0, 2.5]}),
        (
            {"a": [1, None], "b": np.array([1.0, np.nan]), "c": pd.Series(["x", "y"])},
            {"a": [1, None], "b": [1.0, None], "c": ["x", "y"]},
        ),
        ({"a": pl.Series([1]), "b": range(1), "c": (None,)}, {"a": [1], "b": [0], "c": [None]}),
    ],
)
def test_arrays_rows_and_dicts(array, expected):
    assert as_frame(array).to_dict(as_series=False) == expected


def test_anything_that_hands_out_arrow_data():
    class Relation:
        def __arrow_c_stream__(self, requested_schema=None):
            return pl.DataFrame({"a": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert as_frame(Relation()).to_dict(as_series=False) == {"a": [1, 2]}


def test_names():
    assert as_frame(np.zeros((1, 2)), names=["a", "b"]).columns == ["a", "b"]
    assert as_frame(pd.DataFrame({"a": [1]}), names=["a"]).columns == ["a"]
    with pytest.raises(
        TableError, match=r'1 names were given \("a"\) for a table with 2 columns \("x0", "x1"\)'
    ):
        as_frame(np.zeros((1, 2)), names=["a"])
    with pytest.raises(ColumnError, match='"a" occur more than once'):
        as_frame(np.zeros((1, 2)), names=["a", "a"])


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), ColumnError, 'names "a" occur more than once'),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), ColumnError, 'names "1" occur more than once'),
        (np.array([[1j]]), ColumnError, r'column "x0" holds complex numbers \(complex128\)'),
        (pd.DataFrame({"z": [1j]}), ColumnError, 'column "z" holds complex'),
        (scipy.sparse.csr_matrix([[1.0]]), TableError, r"sparse csr_matrix.*\.toarray\(\)"),
        (scipy.sparse.coo_array([[1.0]]), TableError, r"sparse coo_array.*\.toarray\(\)"),
        (np.zeros((1, 2, 3)), TableError, r"shape \(1, 2, 3\)"),
        (np.array(1.0), TableError, r"shape \(\)"),
        ([[1, 2], [3]], TableError, "row 1 has 1 values, row 0 has 2"),
        ({"a": [1], "b": [1, 2]}, TableError, r"different lengths: {'a': 1, 'b': 2}"),
        ({"a": 1}, ColumnError, 'column "a" is 1. Expected a list'),
        ({"a": "xy"}, ColumnError, "column \"a\" is 'xy'"),
        ({"a": np.zeros((2, 2))}, ColumnError, r'column "a" has the shape \(2, 2\)'),
        ([{"a": 1}], ColumnError, "column \"x0\" holds a value of type dict: {'a': 1}"),
        ({"a": [[1]]}, ColumnError, 'column "a" holds a value of type list'),
        ({"a": [b"\xff"]}, ColumnError, 'column "a" holds bytes that are not UTF-8'),
        ("table.csv", TableError, "a str is not a table.*read_table"),
        (7, TableError, "a int is not a table"),
    ],
)
def test_what_is_no_table(table, error, message):
    with pytest.raises(error, match=message):
        as_frame(table)


def test_like_gives_back_the_kind():
    frame = pl.DataFrame({"a": [1.0, None], "b": ["x", None]})
    assert like(frame, frame) is frame
    assert_frame_equal(like(frame, frame.lazy()).collect(), frame)
    pandas = like(frame, pd.DataFrame({"z": [1, 2]}, index=["r", "s"]))
    assert pandas.index.tolist() == ["r", "s"]
    assert pandas["a"].isna().tolist() == pandas["b"].isna().tolist() == [False, True]
    assert like(frame, pd.DataFrame({"z": [1]})).index.tolist() == [0, 1]
    assert like(frame, {"z": [1]}) == {"a": [1.0, None], "b": ["x", None]}
    assert like(frame, [[1]]) == [[1.0, "x"], [None, None]]
    numbers = like(frame.select("a"), np.zeros((1, 1), np.float32))
    assert numbers.dtype == np.float32
    assert np.array_equal(numbers, [[1.0], [np.nan]], equal_nan=True)
    assert like(frame.select("a"), np.zeros(3)).shape == (2,)
    assert like(frame.select("a"), np.zeros((2, 1), int)).dtype == np.float64


def test_statistics_count_null_and_nan_apart():
    frame = pl.DataFrame({"a": [1.0, None, float("nan"), float("inf")], "b": [True, False, None, None]})
    statistics = column_statistics(frame)
    assert (statistics.nulls, statistics.nans, statistics.positive_infinities) == ((1, 2), (1, 0), (1, 0))
    assert (statistics.rows, statistics.counts, statistics.means) == (4, (1.0, 2.0), (1.0, 0.5))
    pandas = pd.DataFrame({"a": [1.0, np.nan], "b": pd.array([1, None], dtype="Int64")})
    assert (column_statistics(pandas).nulls, column_statistics(pandas).nans) == ((0, 1), (1, 0))
    masked = np.ma.masked_array([[1.0], [2.0]], mask=[[False], [True]])
    assert column_statistics(masked).nulls == (1,)


def test_statistics_are_the_same_from_every_kind_and_over_blocks():
    x = np.random.default_rng(0).normal(1e5, 1.0, (300_000, 4))
    expected = column_statistics(x)
    assert expected.names == ("x0", "x1", "x2", "x3")
    assert np.allclose(expected.means, x.mean(axis=0), rtol=1e-14)
    assert np.allclose(expected.moments.variance(), x.var(axis=0), rtol=1e-9)
    names = list(expected.names)
    for table in (np.asfortranarray(x), pd.DataFrame(x, columns=names), pl.DataFrame(x, schema=names)):
        found = column_statistics(table)
        assert (found.names, found.counts, found.maxima) == (expected.names, expected.counts, expected.maxima)
        assert np.allclose(found.means, expected.means, rtol=1e-15)
        assert np.allclose(found.m2s, expected.m2s, rtol=1e-13)


def test_statistics_of_words():
    with pytest.raises(ColumnError, match=r'these are not: "s" \(String\), "d" \(Date\)'):
        column_statistics({"n": [1], "s": ["x"], "d": [DAY]})
