"""TabularRegressor: a table in, a batch-normalized network inside, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from normwise.core.errors import TableError
from normwise.core.moments import Moments
from normwise.workflows.estimator_target import check_finite_target, row_weights, target_values
from normwise.workflows.tabular_estimator import TabularEstimator


class TabularRegressor(RegressorMixin, TabularEstimator):  # type: ignore[misc]
    """A scikit-learn regressor whose inside is a normalized Keras network.

    ``[Dense → BatchNormalization → activation → Dropout] × layers → Dense(1)``, trained on the standardized
    target
    ``(y − mean) / std`` and mapped back. Columns are scaled and encoded as `TabularClassifier` does, whose
    arguments
    and attributes it has, but for the classes.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> regressor = TabularRegressor(random_state=0).fit(X, y)
        >>> bool(regressor.score(X, y) > 0.4)
        True
    """

    task = "regression"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, callbacks: Sequence[Any] = ()) -> Self:
        """Fits the network.

        Args:
            X: A table: pandas, Polars, NumPy, a dict of columns, …
            y: One number a row; none may be missing or infinite.
            sample_weight: One weight a row.
            callbacks: Keras callbacks.

        Raises:
            TableError: If the table or the target cannot be learnt from; the message says why.
        """
        targets = _numbers(target_values(y))
        moments = Moments.of(targets)
        std = float(np.sqrt(moments.variance()))
        if std == 0 and targets.min() < targets.max():
            raise TableError(
                f"the target reaches from {targets.min()} to {targets.max()}, and the square of its spread"
                " does not fit in float64. Multiply it by a power of ten first."
            )
        scale = std if std > 0 else 1.0
        weights = row_weights(targets, sample_weight)
        schema = {
            "target": str(getattr(y, "name", None) or "target"),
            "classes": (),
            "target_dtype": "float64",
            "target_mean": float(moments.mean),
            "target_std": scale,
        }
        standardized = ((targets - float(moments.mean)) / scale).astype(np.float32)
        return self._fit(X, standardized, 1, weights, schema, callbacks)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The predicted number of each row, in the target's unit."""
        outputs = self._outputs(X)[:, 0].astype(np.float64)
        return outputs * self.schema_.target_std + self.schema_.target_mean


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TableError(f"a regression target must hold numbers: {error}") from error
    check_finite_target(numbers)
    return numbers
