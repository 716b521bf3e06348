"""statistics: what the variables of a batch normalization become, and all of them set or none."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from normwise.core.errors import TrainingError
from normwise.core.moments import Moments
from normwise.graph.layer_calls import path_of
from normwise.kernels.precision import at_least_float32

Values = list[tuple[Any, Any]]
"""Variables, each with the tensor that it becomes."""


def statistics(layer: Any, moments: Moments) -> Values:
    """The variables of a layer that hold statistics, and their values by the population's moments.

    ``E[x] = mean``, ``Var[x] = m2 / (m − 1)``. The weight of a debiased average becomes 1, so that the next
    batch of a training does not erase what it averages; the count of a cumulative one becomes that of the
    values. Of batch renormalization the deviations are √(Var[x] + ε), as the layer computes them.

    Raises:
        TrainingError: If a value is too large for the dtype of its variable.

    Source:
        Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 2, step 10.
    """
    variance = moments.variance(ddof=1)
    deviation = np.sqrt(variance + layer.epsilon)
    weight = np.ones(variance.shape)
    values = {
        "moving_mean": moments.mean,
        "moving_variance": variance,
        "moving_stddev": deviation,
        "moving_weight": weight,
        "moving_count": moments.count,
        "renorm_mean": moments.mean,
        "renorm_stddev": deviation,
        "renorm_weight": weight,
    }
    found = [(getattr(layer, name, None), value) for name, value in values.items()]
    return [(variable, _tensor(layer, variable, value)) for variable, value in found if variable is not None]


def _tensor(layer: Any, variable: Any, value: Any) -> Any:
    wide = at_least_float32(variable.dtype)
    with np.errstate(over="ignore"):
        tensor = ops.cast(ops.convert_to_tensor(np.asarray(value).astype(wide)), variable.dtype)
    # NumPy itself has no bfloat16.
    if not np.isfinite(ops.convert_to_numpy(ops.cast(tensor, wide))).all():
        raise TrainingError(
            f"the {variable.name} of layer {path_of(layer)} would be {np.max(np.abs(value)):.6g}, which is "
            f"too large for {variable.dtype}; expected inputs of a smaller scale, or statistics in float32"
        )
    return tensor


def assign_all(values: Values) -> None:
    """Sets all variables; if anything interrupts it, all have their old values again."""
    before = [(variable, ops.copy(variable.value)) for variable, _ in values]
    try:
        for variable, value in values:
            variable.assign(value)
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        raise
