"""fold_difference: by how much a model and its folded twin differ on given rows."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from normwise.core.errors import ModelError
from normwise.deploy.normalization_maps import floats
from normwise.graph.walk import every_layer

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
TOLERANCE = {"float64": 1e-10, "float32": 1e-4, "float16": 2.0**-5, "bfloat16": 2.0**-2}
"""Of the largest output, by the precision of the model: room for the rounding of some hundred layers."""


def tolerance_of(model: Any) -> float:
    """What is allowed for the coarsest precision that a layer of the model computes in."""
    dtypes = {layer.compute_dtype for layer in every_layer(model)}
    return max(TOLERANCE.get(dtype, 0.0) for dtype in dtypes)


def outputs_of(model: Any, x: Any) -> list[Any]:
    """What a model gives at inference, in float64.

    Raises:
        ModelError: If it is not finite.
    """
    found = [floats(y) for y in keras.tree.flatten(model(x, training=False))]
    for number, y in enumerate(found):
        if not np.isfinite(y).all():
            raise ModelError(
                f'output {number} of the model "{model.name}" has {(~np.isfinite(y)).sum()} of {y.size} '
                "values that are not finite on x, so that the folded model cannot be measured by it; "
                "expected rows on which the model gives numbers. Fold without x, or hand over other rows."
            )
    return found


def fold_difference(expected: list[Any], folded: Any, x: Any) -> float:
    """The largest difference of the folded model's outputs, in units of each output's largest magnitude."""
    given = [floats(y) for y in keras.tree.flatten(folded(x, training=False))]
    largest = 0.0
    for old, new in zip(expected, given, strict=True):
        error = float(np.abs(new - old).max(initial=0.0) / (np.abs(old).max(initial=0.0) or 1.0))
        largest = max(largest, error if np.isfinite(error) else float("inf"))
    return largest
