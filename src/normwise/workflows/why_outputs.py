"""What the outputs of a network of `why` are, and the loss of each row by which all networks are compared."""

from __future__ import annotations

from typing import Any, Literal

import keras

Outputs = Literal["logits", "probabilities", "logit", "probability", "number"]
"""(rows, classes) before or behind softmax; (rows, 1) of the second of two classes, before or behind sigmoid;
a number, (rows, 1)."""
SMALLEST = 1e-7
"""A probability counts as at least this, as in Keras' losses."""


def as_logits(outputs: Any, kind: Outputs) -> Any:
    """Outputs as logits of all classes, (rows, classes); numbers as they are, (rows, 1).

    Args:
        outputs: An array of NumPy or JAX.
        kind: What they are.

    Example:
        >>> import numpy as np
        >>> as_logits(np.array([[3.0]]), "logit"), as_logits(np.array([[0.25]]), "probability").round(3)
        (array([[0., 3.]]), array([[-0.288, -1.386]]))
    """
    xp = outputs.__array_namespace__()
    if kind == "logit":
        return xp.concatenate([xp.zeros_like(outputs), outputs], axis=1)
    if kind == "probability":
        outputs = xp.concatenate([1 - outputs, outputs], axis=1)
    if kind in ("probability", "probabilities"):
        return xp.log(xp.clip(outputs, SMALLEST, 1))
    return outputs


def row_losses(z: Any, y: Any) -> Any:
    """The loss of each row: cross-entropy of logits, (rows, classes), or the square of (rows, 1) − y.

    Args:
        z: What `as_logits` gives.
        y: Class numbers, or numbers, (rows,).

    Example:
        >>> import numpy as np
        >>> row_losses(np.array([[0.0, 0.0]]), np.array([1])).round(3)  # log 2
        array([0.693])
    """
    if z.shape[1] == 1:
        return (z[:, 0] - y) ** 2
    xp = z.__array_namespace__()
    top = z.max(axis=1, keepdims=True)
    log_sums = top[:, 0] + xp.log(xp.exp(z - top).sum(axis=1))
    return log_sums - z[xp.arange(len(y)), y]


class ComparedLoss(keras.metrics.Mean):  # type: ignore[misc]
    """The mean of `row_losses`: what is compared where a model learns by another loss, or has penalties.

    Args:
        outputs: What the model's outputs are.
        name: As in Keras.
        dtype: As in Keras.
    """

    log = "compared_loss"

    def __init__(self, outputs: Outputs, name: str = log, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.outputs = outputs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """See `keras.metrics.Metric`; the weights of rows do not count."""
        y = y_true.reshape(-1)
        y = y if self.outputs == "number" else y.astype("int32")
        super().update_state(row_losses(as_logits(y_pred, self.outputs), y))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "outputs": self.outputs}
