"""loss_evidence: the loss of the same rows in training and at inference, and which layers make the gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.evidence import LossEvidence, NormalizationEvidence
from normwise.insight._data_loss import DataLoss
from normwise.insight._evidence_pass import evidence_pass, left_as_it_is, numbers
from normwise.insight.normalization_evidence import gap

MOST_SWITCHED = 16
"""Of more batch normalizations, so many are switched: those whose statistics are furthest off."""

SMALL = 0.1
"""A gap of this share of the loss in training is not traced to layers: it takes a pass for each."""


def loss_evidence(
    model: Any,
    layers: dict[str, Any],
    x: Any,
    y: Any,
    loss: DataLoss,
    outputs: tuple[Any, Any],
    normalizations: Sequence[NormalizationEvidence],
    rows: int,
) -> LossEvidence:
    """Both losses, and that at inference with one batch normalization alone by the batch.

    Args:
        model: A built model.
        layers: Path to layer.
        x: The rows.
        y: Their targets.
        loss: The loss, as `normwise.insight._data_loss.data_loss` gives it.
        outputs: What the model gave for the rows in training, noise off, and at inference.
        normalizations: What was measured of its batch normalizations.
        rows: How many rows.
    """
    import keras

    y = keras.tree.map_structure(keras.ops.convert_to_tensor, y)
    in_training, at_inference = (loss_of_outputs(loss, y, given) for given in outputs)
    switched: dict[str, float] = {}
    gap_matters = not abs(at_inference - in_training) <= SMALL * abs(in_training)
    for path in _to_switch(normalizations) if gap_matters else ():
        with left_as_it_is():
            given = evidence_pass(model, x, training=False, by_batch=[layers[path]])
        switched[path] = loss_of_outputs(loss, y, given)
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


def _to_switch(normalizations: Sequence[NormalizationEvidence]) -> list[str]:
    gaps: dict[str, float] = {}
    for evidence in normalizations:
        if evidence.by_batch:
            gaps[evidence.layer] = max(gaps.get(evidence.layer, 0.0), gap(evidence))
    if len(gaps) <= MOST_SWITCHED:
        return list(gaps)
    furthest = set(np.array(list(gaps))[np.argsort(list(gaps.values()))[-MOST_SWITCHED:]])
    return [path for path in gaps if path in furthest]
