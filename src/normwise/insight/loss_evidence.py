"""loss_evidence: the loss of the same rows in training and at inference, and which layers make the gap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from normwise.core.evidence import LossEvidence, NormalizationEvidence
from normwise.core.model_record import CallRecord, ModelRecord
from normwise.insight._data_loss import DataLoss
from normwise.insight._evidence_pass import numbers
from normwise.insight.normalization_evidence import gap

MOST_SWITCHED = 16
"""Of more batch normalizations, so many are switched: those whose statistics are furthest off."""
LEAST_SWITCHED = 4
MOST_PRODUCTS = 3 * 10**10
"""Where that takes more products of weights than this, fewer are switched, and never fewer than four."""

SMALL = 0.1
"""A gap of this share of the loss in training is not traced to layers: it takes a pass for each."""


def loss_evidence(
    y: Any,
    loss: DataLoss,
    outputs: tuple[Any, Any],
    switched_outputs: Callable[[str], Any],
    normalizations: Sequence[NormalizationEvidence],
    rows: int,
    most: int = MOST_SWITCHED,
) -> LossEvidence:
    """Both losses, and that at inference with one batch normalization alone by the batch.

    Args:
        y: The rows' targets.
        loss: The loss, as `normwise.insight._data_loss.data_loss` gives it.
        outputs: What the model gave for the rows in training, noise off, and at inference.
        switched_outputs: Of the path of a batch normalization, what the model gives at inference with this
            one by the batch.
        normalizations: What was measured of its batch normalizations.
        rows: How many rows.
        most: How many layers are switched at most, as `most_switched` gives it.
    """
    import keras

    y = keras.tree.map_structure(keras.ops.convert_to_tensor, y)
    in_training, at_inference = (loss_of_outputs(loss, y, given) for given in outputs)
    switched: dict[str, float] = {}
    gap_matters = not abs(at_inference - in_training) <= SMALL * abs(in_training)
    for path in _to_switch(normalizations, most) if gap_matters else ():
        switched[path] = loss_of_outputs(loss, y, switched_outputs(path))
    constant = _constant(y, outputs[0])
    of_constant = float("nan") if constant is None else loss_of_outputs(loss, y, constant)
    return LossEvidence(rows, in_training, at_inference, switched, of_constant)


def _constant(y: Any, outputs: Any) -> Any:
    """Outputs that are the mean of the targets in every row; None where both differ in shape."""
    import keras

    def mean_of(target: Any, output: Any) -> Any:
        if tuple(output.shape) == (*target.shape, 1):
            target = keras.ops.expand_dims(target, -1)  # one number a row, as losses take it
        if tuple(target.shape) != tuple(output.shape):
            raise ValueError("another shape")
        target = keras.ops.cast(target, output.dtype)
        return keras.ops.broadcast_to(keras.ops.mean(target, axis=0, keepdims=True), output.shape)

    try:
        return keras.tree.map_structure(mean_of, y, outputs)
    except (TypeError, ValueError):  # of another structure
        return None


def loss_of_outputs(loss: DataLoss, y: Any, outputs: Any) -> float:
    """The loss as a number."""
    return float(numbers(loss(y, outputs)))


def most_switched(record: ModelRecord, rows: int) -> int:
    """How many passes with a switched layer a model is worth: 4 to 16, by what one pass multiplies."""
    products = rows * sum(map(partial(_products, record), record.calls))
    return int(min(MOST_SWITCHED, max(LEAST_SWITCHED, MOST_PRODUCTS // max(products, 1))))


def _products(record: ModelRecord, call: CallRecord) -> int:
    """Of a row: the weights of the kernels, each position of the output (channels last) using them all."""
    if not call.layer:
        return 0
    sizes = [math.prod(v.shape) for v in record.layer(call.layer).variables if v.name.endswith("kernel")]
    return sum(sizes) * math.prod(abs(size) for size in call.shape[:-1])


def _to_switch(normalizations: Sequence[NormalizationEvidence], most: int) -> list[str]:
    gaps: dict[str, float] = {}
    for evidence in normalizations:
        if evidence.by_batch:
            gaps[evidence.layer] = max(gaps.get(evidence.layer, 0.0), gap(evidence))
    if len(gaps) <= most:
        return list(gaps)
    furthest = set(np.array(list(gaps))[np.argsort(list(gaps.values()))[-most:]])
    return [path for path in gaps if path in furthest]
