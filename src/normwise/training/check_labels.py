"""check_labels: whether the labels are ones that the loss is made for.

A loss is suspected by a look at the labels, and convicted only where what Keras would do is wrong: it
refuses their shapes, or counts a label that the loss has no meaning for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import keras
import numpy as np

from normwise.core.errors import TrainingError
from normwise.training.keras_trainer import output_specs
from normwise.training.leaves import is_array, named_leaves, take_rows, values_of

SPARSE, CATEGORICAL, BINARY = (
    f"{kind}_crossentropy" for kind in ("sparse_categorical", "categorical", "binary")
)

CLASSES = {
    SPARSE: keras.losses.SparseCategoricalCrossentropy,
    CATEGORICAL: keras.losses.CategoricalCrossentropy,
    BINARY: keras.losses.BinaryCrossentropy,
}


def check_labels(model: Any, x: Any, y: Any, sample_weight: Any) -> None:
    """Nothing, if the labels fit; nor for a step or a loss of somebody's own, and data that are not arrays.

    Raises:
        TrainingError: If not.
    """
    own = any(getattr(type(model), n) is not getattr(keras.Model, n) for n in ("train_step", "compute_loss"))
    leaves = [leaf for _, leaf in named_leaves("x", x) + named_leaves("y", y)]
    if own or y is None or not all(is_array(leaf) for leaf in leaves):
        return
    try:
        outputs = output_specs(model, take_rows(x, 0, 1))
    except Exception:
        return  # Keras says what it is about the model or about x that does not work.
    for name, labels, output, loss in _pairs(y, outputs, model.loss):
        if _kind(loss) is not None:
            _check_shape(name, labels, output, loss)
            weight = sample_weight if labels is y else None
            _check_range(name, labels, output, loss, weight, sample_weight is not None)


def _pairs(y: Any, outputs: Any, losses: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Labels, output and loss that belong together, where their structures say so plainly."""
    if isinstance(y, dict) and isinstance(outputs, dict):
        for key in y.keys() & outputs.keys():
            loss = losses.get(key) if isinstance(losses, dict) else losses
            yield f'y["{key}"]', y[key], outputs[key], loss
    elif isinstance(y, (list, tuple)) and isinstance(outputs, (list, tuple)):
        given = losses if isinstance(losses, (list, tuple)) else [losses] * len(y)
        for i, (labels, output, loss) in enumerate(zip(y, outputs, given, strict=False)):
            yield f"y[{i}]", labels, output, loss
    elif not any(isinstance(s, (dict, list, tuple)) for s in (y, outputs, losses)):
        yield "y", y, outputs, losses


def _kind(loss: Any) -> str | None:
    """The name of the function behind a loss, if it is one of Keras' own with Keras' own classes last."""
    if loss is None or isinstance(loss, (dict, list, tuple)):
        return None
    loss = keras.losses.get(loss)
    options = getattr(loss, "_fn_kwargs", {})
    if options.get("axis", -1) != -1 or options.get("ignore_class") is not None:
        return None
    function = getattr(loss, "fn", loss)
    return next((name for name in CLASSES if function is getattr(keras.losses, name)), None)


def _check_shape(name: str, labels: Any, output: Any, loss: Any) -> None:
    shapes = [np.broadcast_to(np.float32(0), (1, *given.shape[1:])) for given in (labels, output)]
    # A function is given what Keras gives it, which adds and drops axes of length 1.
    compared = loss if isinstance(loss, keras.losses.Loss) else CLASSES[str(_kind(loss))]()
    try:
        jax.eval_shape(compared, *shapes)
    except (ValueError, TypeError) as error:
        given = "(rows" + "".join(f", {size}" for size in labels.shape[1:]) + ")"
        made = "(rows" + "".join(f", {size}" for size in output.shape[1:]) + ")"
        raise TrainingError(
            f"{_kind(loss)} cannot compare {name} of shape {given} with the model's output of shape {made}: "
            f"{_remedy(_kind(loss), labels, output)}."
        ) from error


def _remedy(kind: str | None, labels: Any, output: Any) -> str:
    if kind == SPARSE and tuple(labels.shape[1:]) == tuple(output.shape[1:]):
        return "these labels are one-hot, for which there is categorical_crossentropy"
    if kind == CATEGORICAL and len(labels.shape) == len(output.shape) - 1:
        return "these labels are numbers of classes, for which there is sparse_categorical_crossentropy"
    return "give labels, or an output, of another shape"


def _check_range(name: str, labels: Any, output: Any, loss: Any, weight: Any, weighted: bool) -> None:
    values = values_of(labels)
    # Further axes may be padded or masked, and a label of weight 0 counts for nothing.
    if values is None or len(output.shape) != 2 or (weighted and weight is None):
        return
    kind = _kind(loss)
    top = output.shape[-1] - 1 if kind == SPARSE else 1
    if kind == CATEGORICAL or top is None or not values.size or _within(values, top):
        return
    wrong = (values < 0) | (values > top)
    if weight is not None:
        weights = values_of(weight)
        if weights is None or weights.ndim > values.ndim:
            return
        wrong &= (weights != 0).reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        expected = (
            f"classes from 0 to {top}, as the model has outputs" if kind == SPARSE else "labels from 0 to 1"
        )
        raise TrainingError(
            f"{name} holds {values[wrong][0]:g} in row {row:,} (counted from 0), and {kind} takes {expected}."
        )


def _within(values: Any, top: int) -> bool:
    return bool(values.min() >= 0 and values.max() <= top)
