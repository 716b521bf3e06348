"""loss_evidence: the loss of the same rows in training and at inference, and which layers make the gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from normwise.core.evidence import LossEvidence, NormalizationEvidence
from normwise.insight._data_loss import DataLoss
from normwise.insight._evidence_pass import numbers
from normwise.insight.normalization_evidence import gap

MOST_SWITCHED = 16
"""Of more batch normalizations, so many are switched: those whose statistics are furthest off."""

SMALL = 0.1
"""A gap of this share of the loss in training is not traced to layers: it takes a pass for each."""


def loss_evidence(
    y: Any,
    loss: DataLoss,
    outputs: tuple[Any, Any],
    switched_outputs: Callable[[str], Any],
    normalizations: Sequence[NormalizationEvidence],
    rows: int,
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
    """
    import keras

    y = keras.tree.map_structure(keras.ops.convert_to_tensor, y)
    in_training, at_inference = (loss_of_outputs(loss, y, given) for given in outputs)
    switched: dict[str, float] = {}
    gap_matters = not abs(at_inference - in_training) <= SMALL * abs(in_training)
    for path in _to_switch(normalizations) if gap_matters else ():
        switched[path] = loss_of_outputs(loss, y, switched_outputs(path))
    return LossEvidence(rows, in_training, at_inference, switched)


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
