"""What a network is honestly compared with, on the same rows: a linear model and gradient boosting."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from normwise.core.run_record import Score
from normwise.workflows.encode_table import EncodedTable

HISTOGRAM_CATEGORIES = 255
"""Gradient boosting takes up to so many categories a column; rarer ones share the last."""


def classification_metrics(
    classes: NDArray[np.integer], probabilities: NDArray[np.float64]
) -> dict[str, float]:
    """Accuracy, logarithmic loss, and for two classes the area under the ROC curve.

    Args:
        classes: (rows,) true class numbers.
        probabilities: (rows, classes).

    Example:
        >>> classification_metrics(np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]))["accuracy"]
        1.0
    """
    labels = np.arange(probabilities.shape[1])
    # float32 probabilities sum to one only to 1e-7, which scikit-learn warns of.
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    scores = {
        "accuracy": float(metrics.accuracy_score(classes, probabilities.argmax(axis=1))),
        "log_loss": float(metrics.log_loss(classes, probabilities, labels=labels)),
    }
    if len(labels) == 2 and len(np.unique(classes)) == 2:
        scores["roc_auc"] = float(metrics.roc_auc_score(classes, probabilities[:, 1]))
    return scores


def regression_metrics(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    """R², mean absolute error and root mean squared error, the latter two in the target's unit.

    Example:
        >>> regression_metrics(np.array([1.0, 3.0]), np.array([1.0, 2.0]))["mae"]
        0.5
    """
    return {
        # Of a single row it is not defined.
        "r2": float(metrics.r2_score(actual, predicted)) if len(actual) > 1 else float("nan"),
        "mae": float(metrics.mean_absolute_error(actual, predicted)),
        "rmse": float(metrics.root_mean_squared_error(actual, predicted)),
    }


@dataclasses.dataclass(frozen=True)
class Split:
    """The rows that a model may learn from and those that it is scored on, encoded, with their targets."""

    training: EncodedTable
    training_targets: NDArray[Any]
    held_out: EncodedTable
    held_out_targets: NDArray[Any]


def baseline_scores(split: Split, task: str, seed: int, network: NDArray[np.float64]) -> tuple[Score, ...]:
    """Scores of scikit-learn's linear model and gradient boosting, at their default settings.

    Args:
        split: The rows; targets are class numbers or numbers in the target's unit.
        task: ``"classification"`` or ``"regression"``.
        seed: The seed of gradient boosting.
        network: What the network says of the held-out rows, (rows, classes) or (rows,): each score has the
            paired standard error of its difference from the network's.
    """
    classify = task == "classification"
    linear = LogisticRegression(max_iter=1000) if classify else Ridge()
    names = ("logistic regression" if classify else "ridge regression", "gradient boosting")
    notes = (
        "scikit-learn, scaled numbers and one-hot categories, default settings",
        "scikit-learn's histogram gradient boosting, default settings",
    )
    models = (_linear(split.training, linear), _boosting(split.training, classify, seed))
    return tuple(_score(*row, split, network) for row in zip(names, notes, models, strict=True))


def difference_error(truth: NDArray[Any], network: NDArray[np.float64], rival: NDArray[np.float64]) -> float:
    """Standard error of the difference of two models' accuracy or R² on the same rows, paired row by row.

    ``std(dᵢ)/√n``, where dᵢ is the difference of being right (1 or 0), or of the squared error over the
    target's variance.

    Args:
        truth: (rows,) class numbers, or numbers.
        network: One model's probabilities (rows, classes), or its predictions (rows,).
        rival: The other's.

    Example:
        >>> difference_error(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
        0.0
    """
    if len(truth) < 2:
        return float("nan")
    if network.ndim == 2:
        differences = (rival.argmax(axis=1) == truth) * 1.0 - (network.argmax(axis=1) == truth) * 1.0
    else:
        differences = ((network - truth) ** 2 - (rival - truth) ** 2) / max(float(np.var(truth)), 1e-300)
    return float(np.std(differences, ddof=1) / np.sqrt(len(truth)))


def _score(name: str, note: str, model: Any, split: Split, network: NDArray[np.float64]) -> Score:
    start = time.perf_counter()
    model.fit(_matrix(split.training), split.training_targets)
    seconds = time.perf_counter() - start
    truth, held_out = split.held_out_targets, _matrix(split.held_out)
    if network.ndim == 2:
        answers = np.zeros((len(held_out), int(split.training_targets.max()) + 1))
        answers[:, model.classes_] = model.predict_proba(held_out)
        scores = classification_metrics(truth, answers)
    else:
        answers = model.predict(held_out)
        scores = regression_metrics(truth, answers)
    return Score(name, scores, seconds, note, difference_error(truth, network, answers))


def _matrix(table: EncodedTable) -> NDArray[np.float64]:
    return np.concatenate([table.numeric, table.one_hot, table.embedded], axis=1).astype(np.float64)


def _categories(table: EncodedTable) -> list[int]:
    return list(range(table.numeric.shape[1], _matrix(table).shape[1]))


def _linear(table: EncodedTable, model: Any) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    columns = ColumnTransformer(
        [
            ("numbers", numbers, list(range(table.numeric.shape[1]))),
            ("categories", OneHotEncoder(handle_unknown="ignore"), _categories(table)),
        ]
    )
    return make_pipeline(columns, model)


def _boosting(table: EncodedTable, classify: bool, seed: int) -> Pipeline:
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    # Its early stopping would set rows aside only above 10,000 of them: left as it is by default.
    model = kind(categorical_features=_categories(table) or None, random_state=seed)
    return make_pipeline(_CapCategories(table.numeric.shape[1]), model)


class _CapCategories:
    """Codes as gradient boosting takes them: 0 to 254, NaN for a category never seen."""

    def __init__(self, numbers: int) -> None:
        self.numbers = numbers

    def fit(self, X: NDArray[np.float64], y: Any = None) -> _CapCategories:
        del X, y
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        X = X.copy()
        codes = X[:, self.numbers :]
        X[:, self.numbers :] = np.where(codes < 0, np.nan, np.minimum(codes, HISTOGRAM_CATEGORIES - 1))
        return X

    def fit_transform(self, X: NDArray[np.float64], y: Any = None) -> NDArray[np.float64]:
        return self.fit(X, y).transform(X)
