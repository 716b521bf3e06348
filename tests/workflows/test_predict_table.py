"""Predictions of a run folder are those of the estimator in memory, from any table, in the target's type."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

from normwise.core.errors import ColumnError, RunFolderError, TableError
from normwise.workflows import load_run
from normwise.workflows.fit_table import FitOptions, fit_table
from normwise.workflows.predict_table import _as_target, predict_table

# The tables of these tests hold the other targets too, of which predict says that it ignores them.
pytestmark = pytest.mark.filterwarnings("ignore:ignored columns:normwise.core.errors.NormwiseWarning")

FEATURES = ["age", "city", "active", "since"]


@pytest.fixture(scope="module")
def runs(people, tmp_path_factory):
    """Target to the run's folder and the estimator that was in memory."""
    found = {}
    fit_module = sys.modules[FitOptions.__module__]

    def fit(target):
        if target not in found:
            folder = tmp_path_factory.mktemp(target)
            people.select(*FEATURES, target).write_parquet(folder / "t.parquet")
            kept, score = [], fit_module.score_run
            fit_module.score_run = lambda estimator, *rest: kept.append(estimator) or score(estimator, *rest)
            try:
                # Of each target 56 rows are left to train on: a smaller last batch is a program more.
                settings = {"hidden_units": (4,), "epochs": 2, "validation_fraction": 0.22, "batch_size": 8}
                fit_table(folder / "t.parquet", folder / "run", FitOptions(target, settings=settings))
            finally:
                fit_module.score_run = score
            found[target] = (folder / "run", kept[0])
        return found[target]

    return fit


def in_memory(estimator, people):
    return estimator.predict_proba(people.select(FEATURES))


def probabilities(frame):
    return frame.select(pl.selectors.starts_with("probability of ")).to_numpy()


@pytest.mark.parametrize("target", ["income", "level", "member"])
def test_they_are_the_estimators_in_memory_and_in_the_targets_type(runs, people, target):
    folder, estimator = runs(target)
    found = load_run(folder).predict(people)
    names = [
        f"probability of {c}"
        for c in sorted({str(v).lower() if target == "member" else str(v) for v in people[target]})
    ]
    assert found.columns == ["prediction", *names]
    assert np.abs(probabilities(found) - in_memory(estimator, people)).max() <= 1e-6
    assert found["prediction"].dtype == people[target].dtype
    chosen = np.array(sorted(people[target].unique().to_list()))[probabilities(found).argmax(1)]
    assert found["prediction"].to_list() == chosen.tolist()


def test_a_regression_comes_back_in_its_unit(runs, people):
    folder, estimator = runs("wage")
    found = load_run(folder).predict(people)
    assert found.columns == ["prediction"]
    assert (
        np.abs(found["prediction"].to_numpy() / estimator.predict(people.select(FEATURES)) - 1).max() <= 1e-6
    )
    assert 10_000 < found["prediction"].mean() < 200_000


@pytest.fixture(scope="module")
def run(runs):
    return load_run(runs("income")[0])


@pytest.fixture(scope="module")
def expected(runs, people):
    return in_memory(runs("income")[1], people)


class TestTables:
    def test_pandas(self, run, people, expected):
        frame = pd.DataFrame({name: people[name].to_list() for name in FEATURES})
        assert np.abs(probabilities(run.predict(frame)) - expected).max() <= 1e-6

    def test_a_dict(self, run, people, expected):
        table = people.select(FEATURES).to_dict(as_series=False)
        assert np.abs(probabilities(run.predict(table)) - expected).max() <= 1e-6

    def test_the_order_of_columns_and_rows(self, run, people, expected):
        shuffled = people.select(reversed(FEATURES)).reverse()
        assert np.abs(probabilities(run.predict(shuffled)) - expected[::-1]).max() <= 1e-6

    @pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
    def test_a_file(self, runs, people, expected, tmp_path, name):
        if name.endswith("gz"):
            people.select(FEATURES).write_csv(tmp_path / name, compression="gzip", check_extension=False)
        else:
            getattr(people.select(FEATURES), "write_parquet" if "parquet" in name else "write_csv")(
                tmp_path / name
            )
        told = []
        found = predict_table(runs("income")[0], tmp_path / name, tmp_path / "out.csv", warn=told.append)
        assert np.abs(probabilities(found) - expected).max() <= 1e-6
        assert told == []
        written = pl.read_csv(tmp_path / "out.csv")
        assert written["prediction"].to_list() == found["prediction"].to_list()
        assert np.abs(probabilities(written) - expected).max() <= 1e-6

    @pytest.mark.parametrize("values", ["income", "wage", "age"])
    def test_the_target_is_ignored_whatever_it_holds(self, run, people, expected, values):
        told = []
        table = people.select(*FEATURES, income=people[values])
        assert np.abs(probabilities(run.predict(table, told.append)) - expected).max() <= 1e-6
        assert told == []

    def test_no_rows(self, run, people):
        told = []
        found = run.predict(people.clear().drop("wage", "level", "member"), told.append)
        assert found.schema == {
            "prediction": pl.String,
            "probability of high": pl.Float64,
            "probability of low": pl.Float64,
        }
        assert (found.height, told) == (0, [])

    def test_one_row(self, run, people, expected):
        assert np.abs(probabilities(run.predict(people[:1])) - expected[:1]).max() <= 1e-6

    def test_what_differs_is_told(self, run, people):
        told = []
        frame = people.select(
            pl.col("age") + 60, city=pl.lit("Rome"), active="active", since="since", extra=pl.lit(1)
        )
        run.predict(frame, told.append)
        assert 'ignored columns that were not in the training table: "extra"' in told
        assert any('"city": 90 rows hold categories' in t and '"Rome"' in t for t in told)
        assert any(t.startswith('"age" drifted: its mean is 1') for t in told)
        assert len(told) == 3

    def test_columns_that_are_absent_or_of_another_kind(self, run, people):
        with pytest.raises(ColumnError, match=r'lacks 1 of the columns .*"age"'):
            run.predict(people.drop("age"))
        with pytest.raises(ColumnError, match=r'"age" should hold numbers.*"Basel|"age" should hold numbers'):
            run.predict(people.with_columns(age=pl.col("city")))
        with pytest.raises(ColumnError, match='"since" should hold dates'):
            run.predict(people.with_columns(since=pl.lit("soon")))

    def test_an_existing_file_is_kept(self, runs, people, tmp_path):
        people.write_csv(tmp_path / "t.csv")
        (tmp_path / "out.csv").write_text("mine")
        with pytest.raises(TableError, match=r"out.csv exists and was kept"):
            predict_table(runs("income")[0], tmp_path / "t.csv", tmp_path / "out.csv")
        assert (tmp_path / "out.csv").read_text() == "mine"


def test_a_model_that_cannot_be_read_is_named(runs, tmp_path):
    folder = runs("income")[0]
    broken = tmp_path / "run"
    broken.mkdir()
    (broken / "schema.json").write_bytes((folder / "schema.json").read_bytes())
    whole = (folder / "model.keras").read_bytes()
    for content in (whole[:1000], b"", b"no zip"):
        (broken / "model.keras").write_bytes(content)
        with pytest.raises(RunFolderError, match=r"run/model.keras cannot be loaded"):
            load_run(broken)


@pytest.mark.parametrize(
    ("texts", "dtype", "values"),
    [
        (["3", "-1"], "Int32", [3, -1]),
        (["3"], "UInt8", [3]),
        (["3", "2.5"], "Float64", [3.0, 2.5]),
        (["true", "false"], "Boolean", [True, False]),
        (["a"], "String", ["a"]),
        (["2020-01-01"], "Date", ["2020-01-01"]),
        (["3"], "Categorical", ["3"]),
    ],
)
def test_classes_in_the_targets_type(texts, dtype, values):
    assert _as_target(pl.Series(texts), dtype).to_list() == values


def test_classes_beyond_int64():
    assert _as_target(pl.Series([str(2**63 + 1)]), "UInt64").to_list() == [2**63 + 1]
