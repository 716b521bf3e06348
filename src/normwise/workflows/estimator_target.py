"""The target and the weights that an estimator's `fit` is given, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, column_or_1d

from normwise.core.errors import TableError
from normwise.tables import as_frame


def target_values(y: Any) -> NDArray[Any]:
    """A target column as a NumPy array of one dimension.

    Raises:
        ValueError: If it is absent, of another shape, misses values, or holds ±inf.

    Example:
        >>> target_values(["yes", "no"]).tolist()
        ['yes', 'no']
    """
    if y is None:
        raise ValueError("this estimator requires y to be passed, but the target y is None")
    values = column_or_1d(y, warn=True)
    if values.dtype.kind == "O" and all(isinstance(v, str) for v in values):
        return np.asarray(values.astype(str))
    missing = as_frame(values).to_series().null_count()
    if missing:
        raise TableError(
            f"y misses {missing} of {len(values)} values (NaN or null). Leave these rows out first."
        )
    if values.dtype.kind == "f":
        check_finite_target(values)
    return np.asarray(values)


def check_finite_target(values: NDArray[Any]) -> None:
    """Raises a TableError that names the count and the first row if a value is not finite."""
    infinite = np.flatnonzero(~np.isfinite(values))
    if len(infinite):
        # The first sentence is scikit-learn's own, which its checks of an estimator look for.
        raise TableError(
            "Input y contains infinity or a value too large for dtype('float64'). There are"
            f" {len(infinite)}, the first, {values[infinite[0]]}, in row {infinite[0] + 1}."
            " Leave these rows out, or replace infinity by a number."
        )


def row_weights(
    labels: NDArray[Any], sample_weight: Any, class_weight: Any = None
) -> NDArray[np.float32] | None:
    """One weight a row, with mean 1, so that their scale changes no learning rate; None if all are 1.

    Args:
        labels: The target.
        sample_weight: One weight a row, or None.
        class_weight: None, ``"balanced"``, or a dict of class to weight.

    Raises:
        ValueError: If a weight is negative or all are 0.

    Example:
        >>> row_weights(np.array(["a", "a", "b"]), None, class_weight="balanced").tolist()
        [0.75, 0.75, 1.5]
    """
    if class_weight is None and sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, np.zeros((len(labels), 1)), ensure_non_negative=True)
    if class_weight is not None:
        weights = weights * compute_sample_weight(class_weight, labels)
    if not weights.sum() > 0:
        raise ValueError(f"the weights of all {len(labels)} rows are 0; expected at least one above")
    return np.asarray(weights / weights.mean(), dtype=np.float32)
