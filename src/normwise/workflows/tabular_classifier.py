"""TabularClassifier: a table in, a batch-normalized network inside, classes out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from normwise.core.errors import NormwiseWarning, TableError, listing
from normwise.workflows.estimator_target import row_weights, target_values
from normwise.workflows.tabular_estimator import TabularEstimator


class TabularClassifier(ClassifierMixin, TabularEstimator):  # type: ignore[misc]
    """A scikit-learn classifier whose inside is a normalized Keras network.

    ``[Dense → BatchNormalization → activation → Dropout] × layers → Dense → softmax``, on columns that it
    scales and
    encodes itself: numbers, booleans, text categories and dates; missing values are a signal of their own.

    Args:
        preset: ``"default"``, or ``"article"``: two layers of 64 tanh units, dropout 0.5, SGD with Nesterov
            momentum,
            batch 16, 20 epochs, a normalized output.
        hidden_units: Width of each hidden layer; the preset's by default, like the next six.
        activation: Keras' name of the activation.
        dropout: Dropout's rate.
        learning_rate: The optimizer's learning rate.
        batch_size: Rows a step.
        epochs: Epochs at most.
        patience: Epochs without a lower validation loss before training stops.
        ensemble: Networks trained side by side from as many seeds, whose mean is the answer; 1 by default.
            More than 1 needs JAX.
        validation_fraction: Share of the rows, of each class alike, that choose the best epoch.
        column_kinds: Column name to ``"numeric"``, ``"boolean"``, ``"categorical"``, ``"date"`` or
            ``"excluded"``,
            where the inferred kind is not the right one.
        random_state: Seed of the weights, the split and the shuffling.
        verbose: Keras' verbosity.
        class_weight: None, ``"balanced"``, or a dict of class to weight.

    Attributes:
        classes_: The class labels.
        model_: The Keras model, its scaling included.
        schema_: What each column is and how it is encoded, a `TableSchema`.
        history_: Metric name to one value an epoch.
        best_epoch_: The epoch, from 1, whose weights were kept.
        ending_: How training ended; a sentence.
        validation_rows_: How many rows chose the best epoch.
        n_features_in_, feature_names_in_, n_iter_: As in scikit-learn.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> classifier = TabularClassifier(random_state=0, epochs=20).fit(X, y)
        >>> bool(classifier.score(X, y) > 0.9)
        True
    """

    task = "classification"

    def __init__(
        self,
        preset: str = "default",
        *,
        hidden_units: Sequence[int] | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        ensemble: int | None = None,
        validation_fraction: float = 0.15,
        column_kinds: Mapping[str, str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        class_weight: str | Mapping[Any, float] | None = None,
    ) -> None:
        super().__init__(
            preset,
            hidden_units=hidden_units,
            activation=activation,
            dropout=dropout,
            learning_rate=learning_rate,
            batch_size=batch_size,
            epochs=epochs,
            patience=patience,
            ensemble=ensemble,
            validation_fraction=validation_fraction,
            column_kinds=column_kinds,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, callbacks: Sequence[Any] = ()) -> Self:
        """Fits the network.

        Args:
            X: A table: pandas, Polars, NumPy, a dict of columns, …
            y: One class label a row, of any type; none may be missing.
            sample_weight: One weight a row.
            callbacks: Keras callbacks.

        Raises:
            TableError: If the table or the target cannot be learnt from; the message says why.
        """
        labels = target_values(y)
        check_classification_targets(labels)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        counts = np.bincount(targets)
        if len(counts) < 2:
            raise TableError(
                f"the target has a single class, {listing(self.classes_)}, in all {len(targets)} rows. "
                "Classification needs at least 2 classes, not one class."
            )
        single = self.classes_[counts == 1]
        if len(single):
            warnings.warn(
                f"of class {listing(single)} there is a single row (of {len(targets)}): it is learnt from,"
                " and nothing checks it. Merge the class with another, or gather more of it.",
                NormwiseWarning,
                stacklevel=2,
            )
        schema = {
            "target": str(getattr(y, "name", None) or "target"),
            "classes": tuple(str(c) for c in self.classes_),
            "target_dtype": str(self.classes_.dtype),
        }
        weights = row_weights(labels, sample_weight, self.class_weight)
        return self._fit(X, targets.astype(np.int32), len(counts), weights, schema, callbacks)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, (rows, classes), in the order of `classes_`."""
        probabilities: NDArray[np.float64] = _normalized(self._outputs(X))
        return probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels


def _normalized(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = probabilities.astype(np.float64)
    return np.asarray(wide / wide.sum(axis=1, keepdims=True))
