"""The scalers as scikit-learn estimators: its own checks, its pipelines and its containers."""

import inspect
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from tests.reference.tolerance import assert_close
from tests.scaling.every_scaler import ALL, EACH

from normwise.core.errors import NormwiseWarning, TableError
from normwise.scaling import ColumnScaler, MinMaxScaler, RobustScaler, StandardScaler


@pytest.fixture(params=ALL)
def scaler(request):
    return ALL[request.param]()


def numbers(rows=30):
    return np.random.default_rng(0).gamma(2.0, 3.0, (rows, 3))


def rounding(scaler):
    """How far NumPy and an engine of tables may be apart: λ is found to 1e-9 only."""
    return 1e-7 if "Power" in repr(scaler) else 1e-13


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("make", [*EACH.values(), lambda: ColumnScaler(default=RobustScaler()), ColumnScaler])
def test_check_estimator_without_an_expected_failure(make):
    results = check_estimator(make(), on_skip=None, on_fail="raise")
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert len([r for r in results if r["status"] == "passed"]) > 35


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
    robust = RobustScaler((0, 75)).fit(np.array([[0.0], [1.0], [2.0], [6.0], [100.0]]))
    found = (robust.median_, robust.quantile_low_, robust.quantile_high_, robust.scale_, robust.rank_error_)
    assert [v[0] for v in found] == [2.0, 0.0, 6.0, 1 / 6, 0.0]


def test_every_attribute_that_a_docstring_names_is_there(scaler):
    fitted = scaler.fit(pd.DataFrame(numbers(), columns=["a", "b", "c"]))
    text = inspect.getdoc(type(scaler)).partition("Attributes:")[2].partition("Raises:")[0]
    named = [line.strip().partition(":")[0] for line in text.splitlines() if line.startswith(" " * 4)]
    named = [name for name in named if name.endswith("_")]
    assert len(named) > 4
    assert [name for name in named if not hasattr(fitted, name)] == []
    public = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    assert public <= set(named)


def test_clone_pickle_and_names(scaler):
    frame = pl.DataFrame(numbers(), schema=["a", "b", "c"])
    copy = clone(scaler.fit(frame))
    assert repr(copy) == repr(scaler)
    for call in (copy.transform, copy.inverse_transform):
        with pytest.raises(NotFittedError):
            call(frame)
    with pytest.raises(NotFittedError):
        copy.to_layer()
    assert copy.fit(frame).get_feature_names_out().tolist() == ["a", "b", "c"]
    assert list(copy.feature_names_in_) == ["a", "b", "c"]
    assert pickle.loads(pickle.dumps(copy)).transform(frame).equals(scaler.transform(frame))


@pytest.mark.parametrize(
    ("table", "output"),
    [(pd.DataFrame, "polars"), (pl.DataFrame, "pandas"), (None, "pandas"), (None, "polars")],
)
def test_set_output(scaler, table, output):
    names = ["x0", "x1", "x2"]
    x = numbers() if table is None else table(dict(zip(names, numbers().T, strict=True)))
    y = scaler.set_output(transform=output).fit_transform(x)
    assert type(y) is {"pandas": pd.DataFrame, "polars": pl.DataFrame}[output]
    assert list(y.columns) == names
    plain = clone(scaler).set_output(transform="default")
    assert_close(y.to_numpy(), plain.fit_transform(numbers()), rounding(scaler))


@pytest.mark.parametrize("make", [StandardScaler, lambda: ColumnScaler(default=StandardScaler())])
def test_set_output_of_rows_that_are_not_there(make):
    frame = pl.DataFrame({"a": [1.0, 2.0, 4.0]})
    scaler = make().fit(frame).set_output(transform="pandas")
    for table in (frame.lazy(), iter([frame])):
        with pytest.raises(TableError, match=rf"pandas.* the {type(table).__name__} gives its rows later"):
            scaler.transform(table)
    scaler.set_output(transform="default")
    assert scaler.transform(frame.lazy()).collect().height == 3


def test_column_transformer_and_pipeline(scaler):
    frame = pd.DataFrame(numbers(), columns=["a", "b", "c"], index=range(7, 37))
    both = ColumnTransformer([("s", scaler, ["c", "a"]), ("m", MinMaxScaler(), ["b"])])
    out = both.set_output(transform="pandas").fit_transform(frame)
    assert out.columns.tolist() == ["s__c", "s__a", "m__b"]
    assert out.index.equals(frame.index)
    assert np.array_equal(out[["s__c", "s__a"]], clone(scaler).fit_transform(frame[["c", "a"]]))
    target = frame["a"].to_numpy()
    model = make_pipeline(StandardScaler(), clone(scaler), LinearRegression())
    if "log1p" not in repr(scaler):
        assert model.fit(frame, target).score(frame, target) > 0.8
        assert np.array_equal(clone(model).fit(frame, target).predict(frame), model.predict(frame))


def test_parameters_of_an_inner_scaler_can_be_set():
    scaler = ColumnScaler(default=StandardScaler()).set_params(default__clip=1.0)
    assert scaler.fit_transform(numbers()).max() == 1.0


def test_refitting_forgets_the_names(scaler):
    x = numbers()
    scaler.fit(pd.DataFrame(x[:, :2], columns=["a", "b"])).fit(x)
    assert not hasattr(scaler, "feature_names_in_")
    assert scaler.n_features_in_ == 3
    assert scaler.statistics_.names == ("x0", "x1", "x2")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_by_their_places_where_one_side_has_no_names(scaler, frame):
    x = numbers()
    named = frame(dict(zip("abc", x.T, strict=True)))
    expected = clone(scaler).fit(x).transform(x)
    with pytest.warns(UserWarning, match="X has feature names, but"):
        assert_close(clone(scaler).fit(x).transform(named).to_numpy(), expected, rounding(scaler))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        assert_close(clone(scaler).fit(named).transform(x), expected, rounding(scaler))


def test_columns_whose_names_are_numbers(scaler):
    x = numbers()
    scaler.fit(pd.DataFrame(x, columns=[3, 4, 5]))
    assert not hasattr(scaler, "feature_names_in_")
    scaled = scaler.transform(pd.DataFrame(x, columns=[8, 9, 7]))
    assert_close(scaled.to_numpy(), clone(scaler).fit_transform(x), rounding(scaler))


def test_a_warning_names_the_line_of_the_caller(scaler):
    x = numbers()
    x[:, 0] = 5.0
    for call in (scaler.fit, scaler.fit_transform):
        with pytest.warns(NormwiseWarning, match='"x0" \\(always 5.0\\)') as caught:
            call(x)
        assert caught[0].filename == __file__


def test_a_failed_fit_leaves_the_scaler_as_it_was(scaler):
    frame = pd.DataFrame(numbers(), columns=["a", "b", "c"])
    scaler.fit(frame)
    before = dict(vars(scaler))
    bad = np.full((4, 2), np.inf)
    with pytest.raises(ValueError, match="infinite values"):
        scaler.fit(bad)
    assert all(vars(scaler)[name] is value for name, value in before.items())
    assert vars(scaler).keys() == before.keys()
    fresh = clone(scaler)
    with pytest.raises(ValueError, match="infinite values"):
        fresh.fit(bad)
    assert not hasattr(fresh, "n_features_in_")


@pytest.mark.parametrize(
    ("name", "value"),
    [("clip", 5.0), ("clip", "no"), ("infinite", "keep"), ("infinite", None), ("feature_range", "ab")],
)
def test_arguments_that_are_none(name, value):
    with pytest.raises(ValueError, match=name) as caught:
        MinMaxScaler(**{name: value}).fit(numbers())
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        ("standard", {"clip": -1.0}),
        ("standard", {"clip": np.inf}),
        ("standard", {"clip": True}),
        ("standard", {"with_mean": "no"}),
        ("robust", {"clip": np.nan}),
        ("robust", {"quantile_range": (75, 25)}),
        ("robust", {"quantile_range": (0, 101)}),
        ("robust", {"quantile_range": 5}),
        ("uniform", {"n_quantiles": 1}),
        ("uniform", {"n_quantiles": 10.0}),
        ("uniform", {"n_quantiles": True}),
        ("uniform", {"output": "gauss"}),
        ("yeo-johnson", {"method": "box-cox"}),
        ("yeo-johnson", {"standardize": 1}),
        ("columns", {"kinds": {"floats": StandardScaler()}}),
        ("columns", {"default": "standard"}),
        ("columns", {"columns": {0: ColumnScaler()}}),
    ],
)
def test_arguments_that_no_scaler_takes(make, value):
    scaler = ALL[make]().set_params(**value)
    (given,) = value.values()
    shown = next(iter(given.values())) if isinstance(given, dict) else given
    shown = "floats" if "kinds" in value else repr(shown)
    with pytest.raises(ValueError, match=r"must be|Expected|Did you mean") as caught:
        scaler.fit(numbers())
    assert shown in str(caught.value)


def test_nothing_is_warned_of_without_a_reason(scaler):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaled = scaler.fit_transform(numbers())
    assert_close(scaler.inverse_transform(scaled), numbers(), 1e-12)


def test_a_table_without_a_column_to_scale(tmp_path):
    people = pl.DataFrame({"name": ["Eve", "Ada"]})
    for scaler in (ColumnScaler().fit(people), ColumnScaler().partial_fit(people.lazy())):
        scaler.save(tmp_path / "s.json", overwrite=True)
        for ready in (scaler, ColumnScaler.load(tmp_path / "s.json")):
            assert ready.transform(people).equals(people)
            assert ready.inverse_transform(people.lazy()).collect().equals(people)
    weighted = ColumnScaler().fit(people.with_columns(w=1.0), sample_weight="w")
    assert weighted.transform(people).equals(people)
