"""UCI Adult, whole: the accuracy that is promised, and predictions of the raw file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.data import adult

from normwise import TabularClassifier
from normwise.workflows.fit_table import FitOptions, fit_table
from normwise.workflows.predict_table import predict_table
from normwise.workflows.stratified import held_out_rows
from normwise.workflows.training_target import take_target

pytestmark = pytest.mark.slow


def test_accuracy_on_adult_test(data: Path) -> None:
    """One seed of the ten of benchmarks/tabular.py, which has the median and the peers."""
    train, test = adult("data", data), adult("test", data)
    assert (train.height, test.height) == (32_561, 16_281)
    classifier = TabularClassifier(random_state=0).fit(train.drop("income"), train["income"])
    assert classifier.score(test.drop("income"), test["income"].to_numpy()) >= 0.857


def test_predict_on_the_raw_file_is_the_estimator_in_memory(data: Path, tmp_path: Path) -> None:
    table = adult("data", data)
    table.write_csv(tmp_path / "adult.csv")
    adult("test", data).write_csv(tmp_path / "test.csv")
    options = FitOptions(target="income", seed=3, settings={"epochs": 2})
    fit_table(tmp_path / "adult.csv", tmp_path / "run", options)
    served = predict_table(tmp_path / "run", tmp_path / "test.csv", None)

    features, target = take_target(table, "income", None, print)
    held = held_out_rows(target.strata(), options.held_out, options.seed, keep=2)
    estimator = TabularClassifier(random_state=options.seed, epochs=2)
    estimator.fit(features.filter(~held), target.values[~held])
    expected = estimator.predict_proba(adult("test", data).drop("income"))
    probabilities = served.select(f"probability of {name}" for name in target.classes).to_numpy()
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)
    assert (served["prediction"] == np.array(target.classes)[expected.argmax(axis=1)]).all()
