"""From a table to a run folder: the record adds up, and what is bad is refused before the training."""

import json
import os
import sys

import numpy as np
import polars as pl
import pytest

import normwise
from normwise.core.errors import ColumnError, NotFiniteError, RunFolderError, TableError
from normwise.core.run_record import RunRecord
from normwise.workflows.fit_table import FitOptions, Listener, _check_all_rows, built_in_table, fit_table
from normwise.workflows.run_folder import FILES, HISTORY, METRICS, README, RUN, SCHEMA
from normwise.workflows.stratified import held_out_rows

TINY = {"hidden_units": (4,), "epochs": 2, "batch_size": 4}
"""Tables of 88 rows leave 60 to train on, whole batches: a smaller last one is a program more."""


class Ears(Listener):
    def __init__(self):
        self.stages, self.epochs, self.warnings = [], [], []

    def stage(self, what):
        self.stages.append(what)

    def epoch(self, report):
        self.epochs.append(report)

    def warning(self, message):
        self.warnings.append(message)


def options(**changes):
    return FitOptions(**{"target": "income", "settings": TINY, **changes})


@pytest.fixture(scope="module")
def run(people, tmp_path_factory):
    """A run on the people, two of whom have no income: the record, the folder, what was heard."""
    folder = tmp_path_factory.mktemp("run")
    gone = pl.Series([i in (3, 50) for i in range(90)])
    table = people.drop("level", "member", "wage").with_columns(
        income=people["income"].set(gone, None), id=pl.Series([f"id-{i}" for i in range(90)])
    )
    table.write_csv(folder / "people.csv")
    ears = Ears()
    record = fit_table(folder / "people.csv", folder / "out", options(seed=3), ears)
    return record, folder / "out", ears


def test_the_rows_add_up(run):
    record = run[0]
    assert (record.rows, record.dropped_rows) == (88, 2)
    assert record.held_out_rows == sum(sum(row) for row in record.confusion)
    assert 15 <= record.held_out_rows <= 20
    assert 8 <= record.validation_rows <= 12


def test_the_record_tells_of_the_run(run):
    record = run[0]
    assert (record.source, record.seed) == ("people.csv", 3)
    assert (record.schema.target, record.schema.task, record.schema.classes) == (
        "income",
        "classification",
        ("high", "low"),
    )
    assert record.schema.target_dtype == "String"
    kinds = {c.name: c.kind for c in record.schema.columns}
    assert kinds == {
        "age": "numeric",
        "city": "categorical",
        "active": "boolean",
        "since": "date",
        "id": "excluded",
    }
    assert [score.model for score in record.scores] == [
        "this network",
        "logistic regression",
        "gradient boosting",
    ]
    assert {len(values) for values in record.history.values()} == {2}
    assert (record.actual, record.predicted) == ((), ())
    assert record.settings["epochs"] == "2"
    assert record.versions["normwise"] == normwise.__version__
    assert record.seconds > 0
    assert len(record.data_hash) == 64
    assert [f.name for f in record.features] == list(record.schema.statistics.names)
    trained = record.rows - record.held_out_rows - record.validation_rows
    assert record.diagnosis is not None
    assert record.diagnosis.rows == trained
    statuses = {check.code: check.status for check in record.diagnosis.checks}
    assert "failed" not in statuses.values()
    assert "NRM404" in {code for code, status in statuses.items() if status in ("clean", "found")}


def test_the_accuracy_is_that_of_the_confusion(run):
    matrix = np.array(run[0].confusion)
    assert run[0].scores[0].metrics["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())


def test_the_listener_hears_all(run):
    record, _, ears = run
    assert ears.stages == [
        "reading the table",
        "training",
        "comparing with scikit-learn",
        "diagnosing the network",
        "writing the run folder",
    ]
    assert [e.epoch for e in ears.epochs] == [1, 2]
    assert tuple(ears.warnings) == record.warnings
    assert "missing in 2 of 90 rows" in ears.warnings[0]
    assert '"id" was excluded: an identifier' in ears.warnings[1]
    assert len(ears.warnings) == 2


def test_the_folder_is_whole(run):
    record, folder, _ = run
    assert sorted(os.listdir(folder)) == sorted(FILES)
    assert sorted(os.listdir(folder.parent)) == ["out", "people.csv"]
    assert RunRecord.from_json((folder / RUN).read_text()).to_json() == record.to_json()
    assert type(record.schema).from_json((folder / SCHEMA).read_text()).to_json() == record.schema.to_json()
    metrics = json.loads((folder / METRICS).read_text())
    assert metrics["held_out_rows"] == record.held_out_rows
    assert metrics["scores"]["this network"]["accuracy"] == record.scores[0].metrics["accuracy"]
    history = pl.read_csv(folder / HISTORY)
    assert history["epoch"].to_list() == [1, 2]
    assert tuple(history["loss"]) == pytest.approx(record.history["loss"])
    assert record.data_hash in (folder / README).read_text()


@pytest.fixture(scope="module")
def wages(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wages")
    table = people.select("active", "city", "wage", age=1e9 + people["age"])[:88]
    table.write_parquet(folder / "people.parquet")
    record = fit_table(folder / "people.parquet", folder / "out", options(target="wage"))
    return record, table


def test_a_regression(wages):
    record, table = wages
    assert (record.schema.task, record.confusion) == ("regression", ())
    assert len(record.actual) == len(record.predicted) == record.held_out_rows == 18
    assert set(record.actual) <= set(table["wage"])
    found = np.abs(np.subtract(record.actual, record.predicted)).mean()
    assert record.scores[0].metrics["mae"] == pytest.approx(found)


def test_features_are_recorded_in_the_units_of_the_table(wages):
    (age,) = (f for f in wages[0].features if f.name == "age")
    assert age.mean == pytest.approx(1e9 + 40, abs=5)
    assert age.minimum >= 1e9
    assert age.after.edges[0] > -5


class TestRefusedBeforeTheTraining:
    @pytest.fixture(autouse=True)
    def no_training(self, monkeypatch):
        def never(*_):
            raise AssertionError("trained")

        monkeypatch.setattr(sys.modules[FitOptions.__module__], "_train", never)

    def refused(self, frame, message, tmp_path, error=TableError, **changes):
        frame.write_parquet(tmp_path / "t.parquet")
        with pytest.raises(error, match=message):
            fit_table(tmp_path / "t.parquet", tmp_path / "out", options(**changes))
        assert os.listdir(tmp_path) == ["t.parquet"]

    @pytest.mark.parametrize("row", [0, 44, 89])
    def test_infinity_in_any_row_with_its_number(self, people, tmp_path, row):
        ages = people["age"].to_list()
        ages[row] = float("inf")
        income = people["income"].set(pl.Series([i == 1 for i in range(90)]), None)
        frame = people.with_columns(age=pl.Series(ages), income=income)
        self.refused(frame, rf'"age" holds 1 infinite .* in data row {row + 1}\)', tmp_path)

    @pytest.mark.parametrize("row", [0, 44, 89])
    def test_a_word_among_dates_in_any_row(self, people, tmp_path, row):
        dates = [str(d) for d in people["since"]]
        dates[row] = "soon"
        frame = people.with_columns(since=pl.Series(dates))
        self.refused(frame, '"soon" is none', tmp_path, column_kinds={"since": "date"})

    def test_an_absent_target(self, people, tmp_path):
        self.refused(people, 'no column "incme" to predict. Did you mean "income"', tmp_path, target="incme")

    def test_no_target(self, people, tmp_path):
        self.refused(people, "which column of t.parquet is to be predicted.*age", tmp_path, target=None)

    @pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0])
    def test_a_share_that_is_none(self, people, tmp_path, share):
        self.refused(people, f"held_out={share}", tmp_path, error=ValueError, held_out=share)

    def test_too_few_rows(self, tmp_path):
        frame = pl.DataFrame({"x": [1, 2, 3, 4], "income": list("aabb")})
        self.refused(frame, "4 rows are too few to hold 20% of them out", tmp_path)

    def test_an_existing_folder_is_kept(self, people, tmp_path):
        (tmp_path / "out").mkdir()
        with pytest.raises(RunFolderError, match="out exists and is kept"):
            fit_table(None, tmp_path / "out", FitOptions(settings=TINY))
        assert os.listdir(tmp_path / "out") == []

    def test_kinds_of_absent_columns(self, people, tmp_path):
        self.refused(
            people, 'no column "agee"', tmp_path, error=ColumnError, column_kinds={"agee": "numeric"}
        )


def test_a_few_words_that_fall_into_the_held_out_rows_cost_no_training(people, tmp_path):
    ages = [str(a) if a is not None else None for a in people["age"]]
    for i in range(0, 90, 11):
        ages[i] = f"word {i}"
    frame = people.select("city", "income", age=pl.Series(ages))
    frame.write_parquet(tmp_path / "t.parquet")
    for seed in range(30):
        held = held_out_rows(np.zeros(90, dtype=int), 0.2, seed, keep=2)
        _check_all_rows(frame.drop("income"), frame.drop("income"), held, options())


def test_a_training_that_diverges_is_told_and_leaves_nothing(people, tmp_path):
    people[:88].write_parquet(tmp_path / "t.parquet")
    wild = {**TINY, "learning_rate": 1e38, "epochs": 3}
    with pytest.raises(NotFiniteError, match=r"step 1 of epoch 1 is not finite .*lower learning rate"):
        fit_table(tmp_path / "t.parquet", tmp_path / "out", options(target="wage", settings=wild))
    assert os.listdir(tmp_path) == ["t.parquet"]


def test_the_built_in_table():
    frame = built_in_table()
    assert frame.shape == (569, 31)
    assert frame["diagnosis"].value_counts().sort("diagnosis").rows() == [("benign", 357), ("malignant", 212)]
