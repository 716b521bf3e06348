"""normalization_map: the affine map that a normalization layer is at inference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import layers

from normwise.core.errors import ModelError
from normwise.deploy.affine import Affine, Array
from normwise.deploy.blocked_error import BlockedError
from normwise.graph.kinds import is_normalization
from normwise.layers import (
    BatchNormalization,
    ColumnScaling,
    FeatureScaling,
    PowerScaling,
    QuantileScaling,
)

_BATCH = (layers.BatchNormalization, BatchNormalization)
_OTHERS = (
    *(layers.Normalization, layers.UnitNormalization, layers.SpectralNormalization),
    *(FeatureScaling, ColumnScaling, PowerScaling, QuantileScaling),
)


def normalizes(layer: Any) -> bool:
    """Whether it is a layer that `fold` accounts for: a normalization or a scaling of the input."""
    return is_normalization(layer) or isinstance(layer, _OTHERS)


def normalization_map(layer: Any, path: str, shape: tuple[int | None, ...]) -> Affine:
    """The map of a normalization layer at inference; of batch normalization with
    ``scale = γ/√(σ² + ε)``, ``shift = β − μ·scale``.

    Args:
        layer: The layer.
        path: What it is called in an error.
        shape: The shape of its input.

    Raises:
        BlockedError: If it is no affine map.
        ModelError: If a number of it is NaN or infinite, or a variance negative.
    """
    if type(layer) in _BATCH:
        return _of_batch_normalization(layer, path, shape)
    if type(layer) is FeatureScaling:
        return _of_feature_scaling(layer, shape)
    if type(layer) is layers.Normalization:
        return _of_normalization(layer, path)
    if isinstance(layer, _BATCH):
        raise BlockedError(
            f"{type(layer).__name__} is a subclass of BatchNormalization, which may compute anything"
        )
    if is_normalization(layer) or isinstance(layer, layers.UnitNormalization):
        raise BlockedError(
            f"{type(layer).__name__} takes its statistics from each example at inference too, which is no "
            "affine map"
        )
    raise BlockedError(f"{type(layer).__name__} is no affine map")


def spreads_from_0(layer: Any) -> float:
    """How many units of its spread the centre of a normalization lies from 0, at most: max |μ|/√(σ² + ε).

    So many times larger than the output are the products that ``scale·x + shift`` subtracts from one another
    where the layer itself first subtracts the centre.
    """
    if type(layer) is FeatureScaling:
        center, factor = np.asarray(layer.center, np.float64), np.asarray(layer.scale, np.float64)
        return float(np.abs(center * factor).max())
    if type(layer) is layers.Normalization:
        mean, spread = _center_and_spread(layer)
        return float(np.abs(mean / spread).max()) if not layer.invert else 0.0
    variance = floats(layer.moving_variance) + layer.epsilon
    return float(np.abs(floats(layer.moving_mean) / np.sqrt(variance)).max())


def subtracts_first(layer: Any) -> bool:
    """Whether the layer keeps digits far from 0 that ``scale·x + shift`` loses; Keras' own does not."""
    return type(layer) is not layers.BatchNormalization


def never_updated(layer: Any) -> bool:
    """Whether no batch has reached the moving statistics of a batch normalization."""
    if type(layer) not in _BATCH:
        return False
    if getattr(layer, "moving_weight", None) is not None:
        return not floats(layer.moving_weight).any()
    counted = getattr(layer, "moving_count", None)
    if counted is not None and floats(counted).any():
        return False
    # Keras counts nothing: what it starts from gives it away.
    return not floats(layer.moving_mean).any() and bool((floats(layer.moving_variance) == 1.0).all())


def floats(values: Any) -> Array:
    """A variable, or anything like an array, in NumPy's float64."""
    return np.asarray(keras.ops.convert_to_numpy(values), np.float64)


def _of_batch_normalization(layer: Any, path: str, shape: tuple[int | None, ...]) -> Affine:
    numbers = {
        name: floats(variable)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
        if (variable := getattr(layer, name)) is not None
    }
    for name, values in numbers.items():
        _require(np.isfinite(values), values, path, name, "finite numbers")
    variance = numbers["moving_variance"]
    _require(variance >= 0.0, variance, path, "moving_variance", "no negative ones")
    _require(
        variance + layer.epsilon > 0.0,
        variance,
        path,
        "moving_variance",
        f"more than 0 with {layer.epsilon=}",
    )
    axes = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    axes = sorted(axis % len(shape) for axis in axes)
    if axes[0] == 0:
        raise BlockedError("it normalizes each row of the batch by a number of its own")
    scale = numbers.get("gamma", 1.0) / np.sqrt(variance + layer.epsilon)
    shift = numbers.get("beta", 0.0) - numbers["moving_mean"] * scale
    sizes = [shape[axis] if axis in axes else 1 for axis in range(1, len(shape))]
    return Affine(scale.reshape(sizes), shift.reshape(sizes))


def _of_feature_scaling(layer: Any, shape: tuple[int | None, ...]) -> Affine:
    if layer.clip is not None:
        raise BlockedError(f"it clips to {layer.clip}, which is no affine map")
    if (layer.missing, layer.infinite) != ("keep", "keep"):
        raise BlockedError(
            f'with missing="{layer.missing}" and infinite="{layer.infinite}" it puts a number in the '
            "place of what is missing, which is no affine map"
        )
    center, scale, shift = (np.asarray(v, np.float64) for v in (layer.center, layer.scale, layer.shift))

    def there(values: Array) -> Array:
        return values.reshape([1] * (len(shape) - 2) + [values.size])

    return Affine(there(scale), there(shift - center * scale))


def _of_normalization(layer: Any, path: str) -> Affine:
    mean, spread = _center_and_spread(layer)
    _require(np.isfinite(mean), mean, path, "mean", "finite numbers")
    _require(np.isfinite(spread), spread, path, "variance", "finite numbers of at least 0")
    if mean.shape[0] != 1:
        raise BlockedError("it normalizes each row of the batch by a number of its own")
    scale, shift = (spread, mean) if layer.invert else (1.0 / spread, -mean / spread)
    return Affine(scale[0], shift[0])


def _center_and_spread(layer: Any) -> tuple[Array, Array]:
    with np.errstate(invalid="ignore"):
        return floats(layer.mean), np.maximum(np.sqrt(floats(layer.variance)), keras.backend.epsilon())


def _require(good: Any, values: Array, path: str, name: str, expected: str) -> None:
    bad: Iterable[Any] = values[~good]
    if not np.all(good):
        raise ModelError(
            f'the layer "{path}" has {(~good).sum()} of {values.size} values in {name} that cannot be '
            f"folded, the first of them {next(iter(bad))}; expected {expected}. Set them right, by "
            "normwise.recalibrate for statistics, or train again."
        )
