"""saturation: how much of each activation function's output lies where nothing is learned, and its slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement
from normwise.core.saturation import DEFINITION, SATURATED
from normwise.insight._derivatives import DERIVATIVES
from normwise.insight._models import by_unit, calls_as_in_training

DEAD_BELOW = 1e-5
"""A unit whose 95th percentile is below this is dead."""
CAN_DIE = ("relu", "relu6")


def saturation(model: Any, x: Any, variant: str = "") -> tuple[Measurement, ...]:
    """Saturated outputs, dead units and the mean derivative of each activation function of a model.

        saturation_share = share of the outputs y = f(z) in f's flat part
        dead_units = share of the units with q₉₅(y) < 1e-5        mean_derivative = mean |f′(z)|

    The flat part is ``|y| > 0.97`` of tanh, hard_tanh and softsign, ``|2y − 1| > 0.97`` of sigmoid and
    hard_sigmoid, ``y = 0`` of relu, and ``y = 0`` or ``y = 6`` of relu6, as of the probe
    `normwise.training.probes.Saturation`. Half of relu's outputs behind batch normalization are 0 by design.

    The model computes as in training, all rows being one batch, with dropout and noise off, and is left as it
    is. Units are on the last axis; positions of images and sequences count like rows. An activation function
    is found where it is a layer's `activation` or one of Keras' activation layers; a bare function call in a
    graph is not seen.

    Args:
        model: A built Keras model.
        x: The rows: an array, or a list or dictionary of arrays, of finite numbers.
        variant: What the records call the data or the network, such as ``"raw"``.

    Returns:
        For each function, in the order of the calls and with the layer's path: ``saturation_share`` where it
        has a flat part, ``dead_units`` where it is relu or relu6, and ``mean_derivative`` where it works unit
        by unit and is one of Keras' common functions. A layer's second call has "#2" behind its path.

    Raises:
        TrainingError: If the model is not built, has no such function, or takes or gives what is not finite.
        ValueError: If x is not two rows or more of finite numbers.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("relu", name="only")])
        >>> found = saturation(model, np.array([[1.0, -1.0], [3.0, -2.0]], "float32"))
        >>> [(m.name, m.layer, m.value) for m in found]  # doctest: +NORMALIZE_WHITESPACE
        [('saturation_share', 'only', 0.5), ('dead_units', 'only', 0.5), ('mean_derivative', 'only', 0.5)]

    Source:
        Dead units as TheDeepChecker has them.
    """
    from normwise.graph.layer_calls import by_call

    calls = calls_as_in_training(model, x).activations
    found = by_call((seen.path, seen) for seen in calls if seen.function in SATURATED.keys() | DERIVATIVES)
    if not found:
        raise TrainingError(
            f"the model {model.name} calls no activation function that can be measured; expected a layer with"
            f" one of the activations {', '.join(SATURATED | DERIVATIVES)}"
        )
    return tuple(m for layer, seen in found.items() for m in _measured(layer, seen, variant))


def _measured(layer: str, seen: Any, variant: str) -> list[Measurement]:
    z, y = (by_unit(v, f"{seen.function} of layer {layer}") for v in (seen.inputs, seen.outputs))
    found = []
    if seen.function in SATURATED:
        share = float(SATURATED[seen.function](y).mean())
        found.append(("saturation_share", share, f"share of the outputs y with {DEFINITION}", ""))
    if seen.function in CAN_DIE:
        dead = float((np.percentile(y, 95, axis=0) < DEAD_BELOW).mean())
        what = f"share of the units whose outputs have a 95th percentile below {DEAD_BELOW:g}"
        found.append(("dead_units", dead, what, "TheDeepChecker"))
    if seen.function in DERIVATIVES:
        slope = float(np.abs(DERIVATIVES[seen.function](z, y)).mean())
        found.append(("mean_derivative", slope, "mean |f′(z)| over units and rows", ""))
    return [
        Measurement(name, value, "", len(z), definition, source, layer=layer, variant=variant)
        for name, value, definition, source in found
    ]
