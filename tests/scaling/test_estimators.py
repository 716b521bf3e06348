"""The scalers as scikit-learn estimators: its own checks, its own results, its pipelines and containers."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.preprocessing
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from tests.reference.tolerance import assert_close

from normwise.core.errors import NormwiseWarning
from normwise.scaling import MinMaxScaler, StandardScaler


class Standardizer(StandardScaler):
    """StandardScaler under a name that scikit-learn's checks do not know."""


NAME_CHECKS = {
    # For sparse input the checks call set_params(with_mean=False) on any class of this name.
    "check_estimator_sparse_array": "goes by the class name StandardScaler and sets its with_mean",
    "check_estimator_sparse_matrix": "goes by the class name StandardScaler and sets its with_mean",
}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("scaler", "expected"), [(StandardScaler(), NAME_CHECKS), (Standardizer(), {}), (MinMaxScaler(), {})]
)
def test_check_estimator(scaler, expected):
    results = check_estimator(scaler, on_skip=None, on_fail="raise", expected_failed_checks=expected)
    passed = [r for r in results if r["status"] == "passed"]
    assert len(passed) > 35
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(expected)


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_results_equal_scikit_learns(offset):
    x = np.random.default_rng(0).normal(offset, [1.0, 50.0], (1000, 2))
    x[::9, 0] = np.nan
    for ours, theirs in (
        (StandardScaler(), sklearn.preprocessing.StandardScaler()),
        (MinMaxScaler((-1, 2)), sklearn.preprocessing.MinMaxScaler((-1, 2))),
    ):
        a, b = ours.fit_transform(x), theirs.fit_transform(x)
        assert np.array_equal(np.isnan(a), np.isnan(b))
        # Theirs is x·scale + min, which loses the digits of the offset.
        assert_close(np.nan_to_num(a), np.nan_to_num(b), 1e-12 if offset == 0 else 1e-9)


def test_fitted_attributes():
    scaler = StandardScaler().fit(np.array([[1.0, 10.0], [3.0, np.nan], [5.0, 30.0]]))
    assert scaler.mean_.tolist() == scaler.center_.tolist() == [3.0, 20.0]
    assert scaler.variance_.tolist() == [8 / 3, 100.0]
    assert scaler.scale_.tolist() == [1 / np.sqrt(8 / 3), 0.1]
    assert scaler.shift_.tolist() == [0.0, 0.0]
    assert (scaler.data_min_.tolist(), scaler.data_max_.tolist()) == ([1.0, 10.0], [5.0, 30.0])
    assert scaler.statistics_.names == ("x0", "x1")
    assert scaler.n_features_in_ == 2
    assert not hasattr(scaler, "feature_names_in_")
    minmax = MinMaxScaler((1, 3)).fit(pd.DataFrame({"a": [2.0, 6.0]}))
    assert (minmax.center_[0], minmax.scale_[0], minmax.shift_[0]) == (2.0, 0.5, 1.0)
    assert (minmax.mean_[0], minmax.variance_[0]) == (4.0, 4.0)
    assert list(minmax.feature_names_in_) == ["a"]


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler((-1, 1))])
def test_clone_and_names(scaler):
    copy = clone(scaler.fit([[1.0], [2.0]]))
    assert copy.get_params() == scaler.get_params()
    with pytest.raises(NotFittedError):
        copy.transform([[1.0]])
    with pytest.raises(NotFittedError):
        copy.to_layer()
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": [2.0, 4.0]})
    assert copy.fit(frame).get_feature_names_out().tolist() == ["a", "b"]
    assert pickle.loads(pickle.dumps(copy)).transform(frame).equals(copy.transform(frame))


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, None])
@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_set_output(table, output):
    x = np.array([[1.0], [3.0]]) if table is None else table({"a": [1.0, 3.0]})
    y = StandardScaler().set_output(transform=output).fit_transform(x)
    assert type(y) is {"pandas": pd.DataFrame, "polars": pl.DataFrame}[output]
    assert list(y.columns) == ["x0" if table is None else "a"]
    assert y.to_numpy().tolist() == [[-1.0], [1.0]]


def test_column_transformer_and_pipeline():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 5.0, 10.0]}, index=[7, 8, 9])
    both = ColumnTransformer([("s", StandardScaler(), ["a"]), ("m", MinMaxScaler(), ["b"])])
    out = both.set_output(transform="pandas").fit_transform(frame)
    assert out.columns.tolist() == ["s__a", "m__b"]
    assert out["m__b"].tolist() == [0.0, 0.5, 1.0]
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(frame, [1.0, 2.0, 3.0])
    assert_close(model.predict(frame), [1.0, 2.0, 3.0], 1e-12)


def test_refitting_forgets_the_names():
    scaler = StandardScaler().fit(pd.DataFrame({"a": [1.0, 2.0]}))
    scaler.fit(np.array([[1.0, 2.0], [2.0, 3.0]]))
    assert not hasattr(scaler, "feature_names_in_")
    assert scaler.statistics_.names == ("x0", "x1")


def test_a_refit_that_warns_names_the_caller():
    with pytest.warns(NormwiseWarning, match="constant") as caught:
        StandardScaler().fit([[1.0], [1.0]])
    assert caught[0].filename == __file__
