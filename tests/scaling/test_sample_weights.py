"""Sample weights as counts of rows: whole ones repeat rows, 0 leaves them out, and none else is taken."""

import warnings
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from tests.engines import native
from tests.reference.tolerance import assert_close
from tests.scaling.every_scaler import ALL, SKETCHED

from normwise.core.errors import ColumnError, NormwiseWarning, TableError
from normwise.scaling import (
    ColumnScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
    load_scaler,
)

VALUES = st.one_of(st.integers(0, 8).map(float), st.floats(0.0, 1e3).map(lambda v: round(v, 6)))
TABLES = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 3), elements=VALUES), arrays(np.int64, n, elements=st.integers(0, 4))
    )
)
EXACT = ("min-max", "max-abs", "robust", "uniform", "normal")


def fitted(make, x, weights=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormwiseWarning)
        return make().fit(x, sample_weight=weights)


def data(rows=300):
    x = np.random.default_rng(0).gamma(2.0, 3.0, (rows, 3))
    x[::11, 0] = np.nan
    return x


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("yeo-johnson", "columns-of-all")])
@settings(deadline=None, max_examples=30)
@given(data=TABLES)
def test_whole_weights_are_repeated_rows(name, data):
    x, weights = data
    assume(weights.sum() > 1)
    found = fitted(ALL[name], x, weights).transform(x)
    expected = fitted(ALL[name], np.repeat(x, weights, axis=0)).transform(x)
    if name in EXACT:
        assert np.array_equal(found, expected)
    else:
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("name", ["yeo-johnson", "columns-of-all"])
@pytest.mark.parametrize("seed", range(5))
def test_whole_weights_are_repeated_rows_of_a_power(name, seed):
    rng = np.random.default_rng(seed)
    x, weights = rng.gamma(2.0, 3.0, (200, 3)), rng.integers(0, 4, 200)
    found, expected = fitted(ALL[name], x, weights), fitted(ALL[name], np.repeat(x, weights, axis=0))
    assert_close(found.transform(x), expected.transform(x), 1e-7)


@pytest.mark.parametrize("name", ALL)
def test_a_row_of_weight_0_is_not_there(name):
    x, rng = data(), np.random.default_rng(1)
    weights = np.where(rng.random(len(x)) < 0.3, 0.0, rng.random(len(x)) + 0.5)
    there = weights > 0
    bad = x.copy()
    bad[~there] = [np.inf, -1e300, 1e300]
    found, expected = fitted(ALL[name], bad, weights), fitted(ALL[name], x[there], weights[there])
    assert np.array_equal(found.transform(x), expected.transform(x), equal_nan=True)
    frame = pl.DataFrame(bad, schema=["a", "b", "c"]).with_columns(w=weights).lazy()
    lazily = fitted(ALL[name], frame, "w")
    named = pl.DataFrame(x, schema=["a", "b", "c"])
    assert_close(
        np.nan_to_num(lazily.transform(named).to_numpy()), np.nan_to_num(expected.transform(x)), 1e-7
    )


@pytest.mark.parametrize("name", ALL)
def test_weights_change_something(name):
    x = data()
    weights = np.where(x[:, 2] > 5, 3.0, 1.0)
    plain, weighted = fitted(ALL[name], x), fitted(ALL[name], x, weights)
    same = np.array_equal(plain.transform(x), weighted.transform(x), equal_nan=True)
    assert same == (name in ("min-max", "max-abs"))  # whose ends are the same


@pytest.mark.parametrize(
    ("name", "invariant"),
    [("standard", True), ("yeo-johnson", True), ("log1p", True), ("robust", False), ("uniform", False)],
)
def test_a_multiple_of_all_weights(name, invariant):
    """Means and likelihoods do not see it; quantiles count rows."""
    x, weights = data(40), np.random.default_rng(1).random(40) + 0.5
    a, b = (np.nan_to_num(fitted(ALL[name], x, w).transform(x)) for w in (weights, 3 * weights))
    if invariant:
        assert_close(a, b, 1e-7)
    else:
        assert np.abs(a - b).max() > 1e-3


def test_quantiles_of_shares_are_refused_by_name():
    x = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    for make in (RobustScaler, QuantileScaler, lambda: ColumnScaler(default=RobustScaler())):
        with pytest.raises(ColumnError) as caught:
            fitted(make, x, np.full(3, 1 / 3))
        assert 'the sample weights of column "x0" sum to 1.' in str(caught.value)
        assert "need 2: multiply the weights, by the number of rows if they sum to 1." in str(caught.value)
    # A constant has all its quantiles, however seldom it was seen.
    assert fitted(RobustScaler, x[:, 1:], np.full(3, 1 / 3)).median_.tolist() == [5.0]


def test_as_many_quantiles_as_rows_were_counted():
    x = np.arange(5.0)[:, None]
    assert fitted(QuantileScaler, x, [2, 2, 2, 2, 2]).quantiles_.shape == (1, 10)
    assert fitted(QuantileScaler, x, [0.5, 0.5, 0.5, 0.5, 1]).quantiles_.shape == (1, 3)
    assert fitted(lambda: QuantileScaler(4), x, [2, 2, 2, 2, 2]).quantiles_.shape == (1, 4)


@pytest.mark.parametrize("name", ALL)
def test_saved_and_loaded(name, tmp_path):
    x = data()
    scaler = fitted(ALL[name], x, np.full(len(x), 2.5))
    scaler.save(tmp_path / "s.json")
    loaded = load_scaler(tmp_path / "s.json")
    assert np.array_equal(loaded.transform(x), scaler.transform(x), equal_nan=True)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"the shape \(1,\); expected one a row, \(3,\)"),
        ([1.0, -2.0, 1.0], "the sample weight of row 1 is -2"),
        ([1.0, 1.0, np.nan], "the sample weight of row 2 is nan"),
        ([1.0, np.inf, 1.0], "the sample weight of row 1 is inf"),
        ([0.0, 0.0, 0.0], "the sample weights of all rows are zero"),
        ("w", r'sample_weight="w" names a column, but an array has no names'),
    ],
)
def test_weights_that_are_none(name, weights, message):
    x = np.array([[1.0, 3.0, 0.0], [2.0, 1.0, 5.0], [4.0, 0.0, 1.0]])
    frame = pl.DataFrame(x, schema=["a", "b", "c"])
    for table in (x, frame) if weights != "w" else (x,):
        scaler = fitted(ALL[name], table)
        before = dict(vars(scaler))
        with pytest.raises(TableError, match=message):
            scaler.fit(table, sample_weight=weights)
        assert all(vars(scaler)[key] is value for key, value in before.items())


@pytest.mark.parametrize("name", ALL)
def test_columns_of_weights_that_are_none(name):
    frame = pl.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 1.0, 0.0], "c": [0.0, 5.0, 1.0]})
    for values, message in (
        ([1.0, -2.0, 1.0], 'column "w" holds the weight -2'),
        ([1.0, None, 1.0], 'column "w" holds 1 rows without a number'),
        ([1.0, np.nan, np.inf], 'column "w" holds 2 rows without a number'),
        ([0.0, 0.0, 0.0], "the sample weights of all rows are zero"),
    ):
        with pytest.raises(TableError, match=message):
            ALL[name]().fit(frame.with_columns(w=pl.Series(values)).lazy(), sample_weight="w")
    with pytest.raises(ColumnError, match=r'no column "wieght" of sample weights\. Did you mean "weight"\?'):
        ALL[name]().fit(frame.with_columns(weight=1.0), sample_weight="wieght")


def test_the_weights_of_a_column_scaler_are_no_feature_and_may_lie_anywhere():
    frame = pl.DataFrame(
        {"w": [1, 0, 2], "name": ["Eve", "Ada", "Bo"], "age": [20.0, 99.0, 40.0], "size": [1, 7, 2]}
    )
    scaler = ColumnScaler({"age": MinMaxScaler()}, kinds={"integer": StandardScaler()})
    scaler.fit(frame, sample_weight="w")
    assert list(scaler.feature_names_in_) == ["name", "age", "size"]
    assert set(scaler.scalers_) == {("age",), ("size",)}
    assert scaler.transform(frame.drop("w"))["age"].to_list() == [0.0, 3.95, 1.0]
    assert scaler.scalers_[("size",)].statistics_.counts == (3.0,)
    assert_close(scaler.scalers_[("size",)].mean_, [5 / 3], 1e-15)
    beside = clone(scaler).fit(frame.drop("w"), sample_weight=[1, 0, 2])
    assert beside.transform(frame.drop("w")).equals(scaler.transform(frame.drop("w")))


def test_column_scalers_learn_weights_in_parts():
    x, weights = np.nan_to_num(data()), np.random.default_rng(2).integers(0, 3, 300)
    make = lambda: ColumnScaler({0: MinMaxScaler()}, default=StandardScaler())  # noqa: E731
    parts = make()
    for rows in np.array_split(np.arange(300), 4):
        parts.partial_fit(x[rows], sample_weight=weights[rows])
    assert_close(parts.transform(x), make().fit(x, sample_weight=weights).transform(x), 1e-12)


@pytest.mark.parametrize("name", SKETCHED)
def test_a_sketch_takes_no_weights(name):
    x = np.nan_to_num(data())
    scaler = SKETCHED[name]().partial_fit(x)
    before = dict(vars(scaler))
    with pytest.raises(
        TableError, match=r"keeps a sketch, which counts each row once.*Fit it on the whole table"
    ):
        scaler.partial_fit(x, sample_weight=np.ones(300))
    assert all(vars(scaler)[key] is value for key, value in before.items())
    weighted = SKETCHED[name]().fit(x, sample_weight=np.ones(300))
    with pytest.raises(TableError, match=r"on 300 rows, .*no sketch \(with sample weights\)"):
        weighted.partial_fit(x)


def test_the_logarithm_of_a_row_of_weight_0_is_not_asked_for():
    scaler = PowerScaler("log1p").fit([[-5.0], [0.0], [np.e - 1]], sample_weight=[0, 1, 1])
    assert scaler.center_.tolist() == [0.5]


@pytest.mark.parametrize("name", ["yeo-johnson", "log1p"])
@pytest.mark.parametrize("absent", [slice(1024, None), slice(0, 1024)])
def test_a_whole_block_of_weight_0(name, absent):
    """One column in blocks of 1,024 rows and what is left."""
    x = np.random.default_rng(0).gamma(2.0, 3.0, (1100, 1))
    weights = np.ones(1100)
    weights[absent] = 0
    expected = fitted(ALL[name], x[weights > 0])
    lazy = pl.LazyFrame({"a": x[:, 0], "w": weights})
    for table, counted in ((x, weights), (lazy, "w")):
        assert_close(fitted(ALL[name], table, counted).scale_, expected.scale_, 1e-7)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (["1", "2"], "the sample weights are of type <U1; expected numbers"),
        (np.array([1, 2], "M8[D]"), r"are of type datetime64\[D\]; expected numbers"),
        (np.array([1, 2j]), "are of type complex128; expected numbers"),
        (np.array([1, "two"], object), "are not all numbers: could not convert string to float: 'two'"),
        (np.ma.array([1.0, 7.0], mask=[False, True]), "the sample weight of row 1 is nan"),
        ([1e308, 1.5e308], r"sum to more than float64 holds; the largest is 1\.5e\+308\. .*a power of ten"),
    ],
)
def test_weights_that_are_no_counts(weights, message):
    for table in ([[1.0], [2.0]], pl.DataFrame({"a": [1.0, 2.0]})):
        with pytest.raises(TableError, match=message):
            StandardScaler().fit(table, sample_weight=weights)


@pytest.mark.parametrize("kind", ["eager", "duckdb"])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (["1", "2"], 'the column "w" of weights holds String. Expected numbers'),
        ([date(2026, 1, 1), date(2026, 1, 2)], 'the column "w" of weights holds Date. Expected numbers'),
        ([1e308, 1e308], 'column "w" holds weights whose sum is more than float64 holds'),
    ],
)
def test_columns_that_are_no_counts(kind, weights, message, tmp_path):
    frame = pl.DataFrame({"a": [1.0, 2.0], "w": weights})
    with pytest.raises(TableError, match=message):
        StandardScaler().fit(frame if kind == "eager" else native(kind, frame, tmp_path), sample_weight="w")


def test_an_array_beside_rows_without_an_order(tmp_path):
    relation = native("duckdb", pl.DataFrame({"a": [1.0, 2.0]}), tmp_path)
    with pytest.raises(TableError, match=r"the rows of a DuckDBPyRelation have no order\. Give the name"):
        StandardScaler().fit(relation, sample_weight=[1.0, 2.0])


def test_unbiased_variances_of_shares_are_refused_by_name():
    """W − 1 of weights that sum to 1 is 0, or a rounding."""
    x = np.arange(20.0).reshape(10, 2)
    for share in (0.1, np.nextafter(0.1, 1.0), 0.19):
        with pytest.raises(ColumnError, match=r'column "x0" sum to 1.*Unbiased variances .*need 2: multiply'):
            StandardScaler(unbiased=True).fit(x, sample_weight=np.full(10, share))
    found = StandardScaler(unbiased=True).fit(x, sample_weight=np.full(10, 0.2)).variance_
    assert_close(found, 2 * x.var(axis=0), 1e-14)
    assert_close(RobustScaler().fit(x, sample_weight=np.full(10, 0.2)).median_, x.mean(axis=0), 1e-14)
    # Whatever its weight, a constant has no spread.
    assert fitted(lambda: StandardScaler(unbiased=True), x[:1], [0.5]).variance_.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("lazy", [False, True])
def test_fit_transform_leaves_out_the_column_of_weights(name, lazy):
    features = pl.DataFrame(np.nan_to_num(data(40)), schema=["a", "b", "c"])
    frame = features.with_columns(w=pl.Series(range(40)))
    found = ALL[name]().fit_transform(frame.lazy() if lazy else frame, sample_weight="w")
    expected = ALL[name]().fit(frame, sample_weight="w").transform(features)
    assert isinstance(found, pl.LazyFrame if lazy else pl.DataFrame)
    assert found.lazy().collect().equals(expected)
