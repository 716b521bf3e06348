"""The estimators: tables of every kind in, scikit-learn's ways, settings, and errors that name values."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from normwise import TabularClassifier, TabularRegressor
from normwise.core.errors import ColumnError, NormwiseWarning, TableError

TINY = {"hidden_units": (4,), "epochs": 2, "random_state": 0, "validation_fraction": 0.2, "batch_size": 4}
"""Of 60 rows 48 are trained on, of 90 rows 72: whole batches, as a smaller last one is a program more."""
FEATURES = ["age", "city", "active", "since"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def numeric():
    return TabularClassifier(**TINY).fit(X, Y)


@pytest.fixture(scope="module")
def named(people):
    return TabularClassifier(**TINY).fit(people.select(FEATURES), people["income"])


def as_kind(kind, people):
    frame = people.select(FEATURES)
    if kind == "pandas":
        data = {name: frame[name].to_list() for name in FEATURES}
        return pd.DataFrame(data, index=range(5, 95)), pd.Series(people["income"].to_list(), name="income")
    if kind == "dict":
        return frame.to_dict(as_series=False), people["income"].to_list()
    if kind == "lazy":
        return frame.lazy(), people["income"].to_numpy()
    return frame, people["income"]


@pytest.mark.parametrize("kind", ["pandas", "dict"])
def test_any_table_trains_the_same_network(kind, people, named):
    table, target = as_kind(kind, people)
    fitted = TabularClassifier(**TINY).fit(table, target)
    assert list(fitted.feature_names_in_) == FEATURES
    expected = named.predict_proba(people.select(FEATURES))
    assert np.array_equal(fitted.predict_proba(table), expected)
    assert [c.kind for c in fitted.schema_.columns] == ["numeric", "categorical", "boolean", "date"]


@pytest.mark.parametrize("kind", ["pandas", "dict", "lazy", "polars"])
def test_any_table_is_predicted_the_same(kind, people, named):
    table, _ = as_kind(kind, people)
    assert np.array_equal(named.predict_proba(table), named.predict_proba(people.select(FEATURES)))


def test_columns_are_found_by_name(people, named):
    frame = people.select(FEATURES)
    with pytest.warns(NormwiseWarning, match='ignored columns .*: "wage"'):
        found = named.predict_proba(people.select(*reversed(FEATURES), "wage"))
    assert np.array_equal(found, named.predict_proba(frame))


def test_what_fit_leaves_behind(named, people):
    assert named.classes_.tolist() == ["high", "low"]
    assert named.n_features_in_ == 4
    assert (named.n_iter_, len(named.history_["loss"])) == (2, 2)
    assert 1 <= named.best_epoch_ <= 2
    assert named.validation_rows_ == sum(round(0.2 * n) for n in people["income"].value_counts()["count"])
    assert (named.schema_.task, named.schema_.target, named.schema_.classes) == (
        "classification",
        "income",
        ("high", "low"),
    )
    assert "epochs" in named.ending_


def test_probabilities_add_up_and_choose_the_class(numeric):
    p = numeric.predict_proba(X)
    assert p.shape == (60, 2)
    assert np.abs(p.sum(1) - 1).max() < 1e-12
    assert np.array_equal(numeric.predict(X), numeric.classes_[p.argmax(1)])


def test_a_seed_makes_the_predictions(numeric):
    again = clone(numeric).fit(X, Y)
    assert np.array_equal(again.predict_proba(X), numeric.predict_proba(X))
    other = clone(numeric).set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), numeric.predict_proba(X))


@pytest.mark.parametrize("estimator", [TabularClassifier, TabularRegressor])
def test_clone_keeps_the_settings_and_nothing_learnt(estimator):
    settings = {**TINY, "preset": "article", "dropout": 0.1, "column_kinds": {"a": "numeric"}, "patience": 3}
    copy = clone(estimator(**settings))
    assert {name: copy.get_params()[name] for name in settings} == settings
    assert not hasattr(copy, "model_")


def test_pipeline_and_cross_validation():
    pipeline = make_pipeline(StandardScaler(), TabularClassifier(**TINY))
    scores = cross_val_score(pipeline, X, Y, cv=2)
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize(
    "y",
    [
        Y,
        Y.astype(bool),
        Y.astype(float),
        np.array(["no", "yes"])[Y],
        pd.Series(Y, dtype="Int64"),
        pd.Series(np.array(["no", "yes"])[Y], dtype="category"),
        pd.Series(np.array(["no", "yes"])[Y]),
        pl.Series(np.array(["no", "yes"])[Y]),
    ],
    ids=["int", "bool", "float", "text", "pandas-Int64", "pandas-category", "pandas-text", "polars-text"],
)
def test_classes_come_back_in_their_type(y, monkeypatch):
    # What is trained is the same for all of them: it is left out.
    monkeypatch.setattr(TabularClassifier, "_fit", lambda self, _, targets, *__: (self, targets))
    estimator = TabularClassifier()
    _, targets = estimator.fit(X, y)
    assert targets.tolist() == Y.tolist()
    assert estimator.classes_[targets].tolist() == list(y)


class TestTargets:
    def refused(self, message, X, y, estimator=TabularClassifier, error=TableError, **fit):
        with pytest.raises(error, match=message):
            estimator(**TINY).fit(X, y, **fit)

    def test_of_the_wrong_length(self):
        self.refused("X has 60 rows, but y has 59 values", X, Y[1:])
        self.refused("X has 60 rows, but y has 59 values", X, X[1:, 0], TabularRegressor)

    def test_a_single_class(self):
        self.refused('single class, "7", in all 60 rows', X, np.full(60, 7))

    def test_a_class_with_one_row(self):
        y = ["rare", *["a", "b"] * 29, "a"]
        with pytest.warns(NormwiseWarning, match=r'of class "rare" there is a single row \(of 60\)'):
            fitted = TabularClassifier(**{**TINY, "epochs": 1}).fit(X, y)
        assert fitted.predict_proba(X).shape == (60, 3)

    @pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
    def test_missing(self, missing):
        self.refused("y misses 1 of 60 values", X, pd.Series([missing, *Y[1:]], dtype=object))

    def test_infinite(self):
        target = X[:, 0].copy()
        target[3] = -np.inf
        self.refused(
            "y contains infinity .*There are 1, the first, -inf, in row 4", X, target, TabularRegressor
        )

    def test_text_to_regress_on(self):
        self.refused("must hold numbers: .*'high'", X[:2], ["high", "low"], TabularRegressor)

    def test_none(self):
        self.refused("requires y", X, None, error=ValueError)

    def test_a_sample_weight_of_the_wrong_length(self):
        self.refused("sample_weight.*59", X, Y, error=ValueError, sample_weight=np.ones(59))

    def test_a_negative_sample_weight(self):
        self.refused("[Nn]egative", X, Y, error=ValueError, sample_weight=-np.ones(60))


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("hidden_units", (64, 0), "positive widths"),
        ("hidden_units", 64, "not a sequence of whole numbers"),
        ("hidden_units", (4.5,), "not a sequence of whole numbers"),
        ("dropout", 1.0, "at least 0 and below 1"),
        ("dropout", -0.1, "at least 0"),
        ("dropout", float("nan"), "at least 0"),
        ("learning_rate", 0.0, "above 0"),
        ("learning_rate", float("inf"), "finite"),
        ("batch_size", 0, "at least 1"),
        ("epochs", 0, "at least 1"),
        ("patience", 0, "at least 1"),
        ("validation_fraction", 1.0, "below 1"),
        ("validation_fraction", -0.1, "at least 0"),
    ],
)
def test_a_setting_out_of_its_range_is_named(setting, value, expected):
    with pytest.raises(ValueError, match=rf"{setting}=.*{expected}") as caught:
        TabularClassifier(**{setting: value}).fit(X, Y)
    assert f"{setting}={value}" in str(caught.value)


def test_an_unknown_preset():
    with pytest.raises(ValueError, match=r'unknown preset "articel". Did you mean "article"'):
        TabularClassifier("articel").fit(X, Y)


def test_the_presets_own_settings_give_way_to_the_estimators():
    preset = TabularClassifier("article", epochs=3, hidden_units=[8]).resolved_preset()
    assert (preset.epochs, preset.hidden_units, preset.activation) == (3, (8,), "tanh")


class TestPredict:
    def test_before_fit(self):
        with pytest.raises(NotFittedError):
            TabularClassifier().predict(X)

    @pytest.mark.parametrize("columns", [1, 3])
    def test_another_number_of_columns(self, numeric, columns):
        with pytest.raises(
            ColumnError, match=f"X has {columns} features, but TabularClassifier is expecting 2"
        ):
            numeric.predict(np.zeros((4, columns)))

    def test_a_column_that_is_absent(self, named, people):
        with pytest.raises(ColumnError, match=r'lacks 1 of the columns .*"age"'):
            named.predict(people.select("city", "active", "since"))

    def test_no_rows(self, named, people):
        assert named.predict_proba(people.select(FEATURES).clear()).shape == (0, 2)
        assert named.predict(people.select(FEATURES).clear()).tolist() == []

    def test_names_do_not_matter_where_there_were_none(self, numeric):
        frame = pl.DataFrame({"b": X[:, 0], "a": X[:, 1]})
        assert np.array_equal(numeric.predict_proba(frame), numeric.predict_proba(X))

    def test_arrays_are_read_in_the_order_of_fit(self, people):
        table = pd.DataFrame({"b": X[:, 0], "a": X[:, 1]})
        fitted = TabularClassifier(**TINY).fit(table, Y)
        assert np.array_equal(fitted.predict_proba(X), fitted.predict_proba(table[["a", "b"]]))

    def test_infinity(self, numeric):
        with pytest.raises(ColumnError, match='"x1" holds 1 infinite values'):
            numeric.predict(np.array([[0.0, np.inf]]))

    def test_missing_values_are_noted(self, numeric):
        with pytest.warns(NormwiseWarning, match='"x0" misses 1 values and missed none in training'):
            p = numeric.predict_proba(np.array([[np.nan, 0.0]]))
        assert np.isfinite(p).all()


class Weights:
    """Stands for the training: keeps the weights that it was given."""

    @pytest.fixture
    def given(self, monkeypatch):
        monkeypatch.setattr(TabularClassifier, "_fit", lambda *given: given[4])
        return lambda y, sample_weight=None, **settings: TabularClassifier(**settings).fit(
            np.zeros((len(y), 1)), y, sample_weight
        )


class TestClassWeight(Weights):
    def test_none(self, given):
        assert given([0, 0, 1, 1]) is None

    def test_balanced(self, given):
        weights = given([0] * 6 + [1] * 2, class_weight="balanced")
        assert (weights / weights[0] * 2 / 3).tolist() == pytest.approx([2 / 3] * 6 + [2.0] * 2)

    def test_by_class_and_with_sample_weights(self, given):
        weights = given(list("aabb"), np.array([1, 2, 3, 4]), class_weight={"a": 10, "b": 1})
        assert (weights / weights[2] * 3).tolist() == pytest.approx([10, 20, 3, 4])
        assert weights.mean() == pytest.approx(1)
        assert weights.dtype == np.float32


def test_rows_of_weight_zero_do_not_move_the_loss():
    weights = np.tile([1.0, 0.0], 30)
    losses = []
    for label in (0, 1):
        y = np.where(weights > 0, Y, label)
        fitted = TabularClassifier(**{**TINY, "validation_fraction": 0.0}).fit(X, y, weights)
        losses.append(fitted.history_["loss"])
    assert losses[0] == losses[1]
    assert np.isfinite(losses[0]).all()


@pytest.fixture(scope="module")
def regressor():
    return TabularRegressor(**{**TINY, "epochs": 30, "learning_rate": 0.02}).fit(X, 1e6 + 1e3 * X[:, 0])


class TestRegressor:
    def test_in_the_targets_unit(self, regressor):
        target = 1e6 + 1e3 * X[:, 0]
        assert regressor.score(X, target) > 0.5
        assert regressor.predict(X).dtype == np.float64
        assert regressor.schema_.target_mean == pytest.approx(target.mean())
        assert regressor.schema_.target_std == pytest.approx(target.std())

    def test_one_number_a_row(self, regressor):
        assert regressor.predict(X[:3]).shape == (3,)
        assert regressor.predict(X[:0]).shape == (0,)

    def test_the_task(self, regressor):
        assert (regressor.schema_.task, regressor.schema_.classes) == ("regression", ())

    def test_a_constant_target(self):
        fitted = TabularRegressor(**TINY).fit(X, np.full(60, 5.0))
        assert fitted.schema_.target_std == 1.0
        assert np.isfinite(fitted.predict(X)).all()


def test_categories_alone():
    frame = pl.DataFrame({"a": ["x", "y", "z"] * 20})
    fitted = TabularClassifier(**TINY).fit(frame, Y)
    assert fitted.schema_.statistics.names == ()
    assert fitted.predict(frame).shape == (60,)


def test_fit_warns_of_what_it_leaves_out():
    frame = pl.DataFrame({"a": X[:, 0], "id": [f"id-{i}" for i in range(60)], "b": [1] * 60})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = TabularClassifier(**TINY).fit(frame, Y)
        fitted.predict(frame)
    messages = [str(w.message) for w in caught if w.category is NormwiseWarning]
    assert len(messages) == 2
    assert '"id" was excluded: an identifier: 60 different values in 60 rows' in messages[0]
    assert '"b" was excluded: constant: always 1' in messages[1]


def test_a_target_whose_spread_no_float64_holds():
    x = np.arange(20.0).reshape(-1, 1)
    with pytest.raises(TableError, match="does not fit in float64"):
        TabularRegressor(epochs=1).fit(x, x[:, 0] * 1e-300)
