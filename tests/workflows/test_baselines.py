"""The baselines: metrics by hand, and tables of every shape."""

import math

import numpy as np
import pytest

from normwise.workflows.baselines import (
    Split,
    baseline_scores,
    classification_metrics,
    difference_error,
    regression_metrics,
)
from normwise.workflows.encode_table import EncodedTable


def test_classification_metrics_by_hand():
    classes = np.array([0, 1, 1, 0])
    p = np.array([0.2, 0.9, 0.4, 0.6])
    found = classification_metrics(classes, np.stack([1 - p, p], 1))
    assert found["accuracy"] == 0.5
    assert found["log_loss"] == pytest.approx(-sum(math.log(v) for v in (0.8, 0.9, 0.4, 0.4)) / 4)
    # Of the four pairs of a true and a false one, (0.9, 0.2), (0.9, 0.6), (0.4, 0.2) are in order.
    assert found["roc_auc"] == 0.75


def test_three_classes_have_no_area():
    found = classification_metrics(np.array([0, 2]), np.array([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]]))
    assert set(found) == {"accuracy", "log_loss"}
    assert found["log_loss"] == pytest.approx(math.log(2))


def test_one_class_in_the_rows_has_no_area():
    assert "roc_auc" not in classification_metrics(np.array([1, 1]), np.array([[0.1, 0.9], [0.4, 0.6]]))


def test_float32_probabilities_do_not_warn():
    p = np.random.default_rng(0).random((50, 7)).astype("float32")
    p /= p.sum(1, keepdims=True)
    classification_metrics(np.arange(50) % 7, p)


def test_regression_metrics_by_hand():
    found = regression_metrics(np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.0, 5.0, 4.0]))
    assert found["mae"] == 1.0
    assert found["rmse"] == pytest.approx(math.sqrt(2))
    assert found["r2"] == pytest.approx(1 - 8 / 14)


def test_one_row_has_no_r2():
    found = regression_metrics(np.array([1.0]), np.array([3.0]))
    assert math.isnan(found.pop("r2"))
    assert found == {"mae": 2.0, "rmse": 2.0}


def table(rows, numeric=0, one_hot=0, embedded=0, seed=0, codes=4, nan=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, numeric)).astype("float32")
    if nan and numeric:
        x[rng.random(x.shape) < 0.2] = np.nan
        # One value, or none: what a constant column with missing values has.
        x[:, 0] = np.where(np.isnan(x[:, 0]), np.nan, 7.0)
    return EncodedTable(
        x,
        rng.integers(-1, codes, (rows, one_hot)).astype("int32"),
        rng.integers(0, codes, (rows, embedded)).astype("int32"),
        (),
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(
    "shape",
    [
        {"numeric": 3, "one_hot": 2, "embedded": 1},
        {"numeric": 2, "nan": True},
        {"numeric": 2},
        {"one_hot": 2},
        {"embedded": 1, "codes": 400},
    ],
)
def test_tables_of_every_shape(task, shape):
    training, held_out = table(120, **shape), table(30, seed=1, **shape)
    rng = np.random.default_rng(2)
    if task == "classification":
        targets = [np.append([0, 1, 2], rng.integers(0, 3, n - 3)) for n in (120, 30)]
    else:
        targets = [rng.normal(size=n) for n in (120, 30)]
    network = np.eye(3)[targets[1]] if task == "classification" else targets[1]
    scores = baseline_scores(Split(training, targets[0], held_out, targets[1]), task, 0, network)
    linear = "logistic regression" if task == "classification" else "ridge regression"
    assert [score.model for score in scores] == [linear, "gradient boosting"]
    for score in scores:
        assert all(math.isfinite(value) for value in score.metrics.values())
        assert score.seconds > 0
        assert score.note
        assert 0 < score.difference_error < 1


def test_codes_are_categories_not_amounts():
    codes = np.tile(np.arange(12, dtype="int32"), 40)[:, None]
    classes = codes[:, 0] % 2
    rows = EncodedTable(np.zeros((480, 0), "float32"), codes, np.zeros((480, 0), "int32"), ())
    scores = baseline_scores(Split(rows, classes, rows, classes), "classification", 0, np.eye(2)[classes])
    assert [score.metrics["accuracy"] for score in scores] == [1.0, 1.0]


def test_a_code_never_seen_is_no_error():
    training, held_out = table(100, 1, 1, codes=3), table(10, 1, 1, seed=1, codes=300)
    classes = np.arange(100) % 2
    split = Split(training, classes, held_out, np.arange(10) % 2)
    baseline_scores(split, "classification", 0, np.eye(2)[np.arange(10) % 2])


def test_the_error_of_a_difference_is_paired():
    truth = np.array([0, 0, 1, 1])
    right, half = np.eye(2)[truth], np.eye(2)[[0, 1, 1, 0]]
    assert difference_error(truth, right, right) == 0
    # Differences −0, −1, −0, −1: their standard deviation is √(1/3), over √4.
    assert difference_error(truth, right, half) == pytest.approx(math.sqrt(1 / 3) / 2)
    numbers = np.array([1.0, 2.0, 3.0])
    # Squared errors of the rival 0, 0, 1; over the variance 2/3: 0, 0, −1.5.
    rival = np.array([1.0, 2.0, 4.0])
    expected = np.std([0, 0, -1.5], ddof=1) / math.sqrt(3)
    assert difference_error(numbers, numbers, rival) == pytest.approx(expected)
    assert math.isnan(difference_error(truth[:1], right[:1], half[:1]))
