"""inference_gap: how differently each normalization layer computes in training and at inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Measurement
from normwise.core.moments import Moments
from normwise.insight._features import Floats
from normwise.insight._models import checked_batch, require_built


def inference_gap(model: Any, x: Any, variant: str = "") -> tuple[Measurement, ...]:
    """The gap between training and inference of each layer that keeps moving statistics, on the same rows.

        inference_gap = median over channels of √E(y − ỹ)² / σ(y)
        mean_gap = median of |μ − μ̃| / σ        variance_ratio = median of σ̃² / σ²

    y and ỹ are what the layer gives in training and at inference for one and the same input, which is what it
    is given in training; so each layer's gap is its own. μ and σ² are the input's mean and variance (divided
    by m), μ̃ and σ̃² the moving ones. A fused activation is left out of y. All rows are one batch, and layers
    that draw random numbers, such as dropout, compute as at inference in both. Channels whose σ is 0 are left
    out; where all are, the value is NaN. Masks do not count here. The model is left as it is.

    Args:
        model: A built Keras model.
        x: The rows: an array, or a list or dictionary of arrays, of finite numbers.
        variant: What the records call the data or the network.

    Returns:
        Three measurements a layer, in the order of the calls: ``inference_gap`` and ``mean_gap`` in standard
        deviations, and ``variance_ratio``. A layer's second call has "#2" behind its path. A layer that is
        frozen computes in training as at inference: its inference_gap is 0.

    Raises:
        TrainingError: If the model is not built, or has no such layer.
        ValueError: If x is not two rows or more of finite numbers.

    Example:
        >>> import keras
        >>> layer = keras.layers.BatchNormalization(epsilon=0.0, name="norm")
        >>> model = keras.Sequential([keras.Input((1,)), layer])
        >>> found = inference_gap(model, np.array([[1.0], [5.0]], "float32"))  # μ = 3, σ = 2 against 0 and 1
        >>> [(m.name, round(m.value, 3)) for m in found]
        [('inference_gap', 3.162), ('mean_gap', 1.5), ('variance_ratio', 0.25)]

    Source:
        Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167, Algorithms 1 and 2.
    """
    found = _gaps(model, x)
    if not found:
        raise TrainingError(
            f"the model {model.name} has no layer with moving statistics; expected a BatchNormalization"
        )
    definitions = {
        "inference_gap": (
            "σ",
            "median over channels of the root mean square difference of the layer's outputs in training and"
            " at inference, by the output's standard deviation in training",
        ),
        "mean_gap": ("σ", "median over channels of |batch mean − moving mean| / batch standard deviation"),
        "variance_ratio": ("", "median over channels of moving variance / batch variance"),
    }
    return tuple(
        Measurement(
            *(name, value, unit, size, definition, "Ioffe & Szegedy 2015, Algorithms 1 and 2"),
            layer=layer,
            variant=variant,
        )
        for layer, (size, values) in found.items()
        for value, (name, (unit, definition)) in zip(values, definitions.items(), strict=True)
    )


def _gaps(model: Any, x: Any) -> dict[str, Any]:
    """By layer, how many values a channel has and the three numbers."""
    import keras

    from normwise.graph.layer_calls import by_call, keeps_statistics, path_of, without_noise
    from normwise.graph.replaced import layer_calls_by

    require_built(model)
    batch = checked_batch(x)
    found: list[tuple[str, Any]] = []

    def call(plain: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not (keeps_statistics(layer) and args):
            return plain(layer, *args, **kwargs)
        before = [(variable, variable.value) for variable in layer.variables]
        found.append((path_of(layer), _gap(plain, layer, args, kwargs)))
        outputs = plain(layer, *args, **kwargs)
        # A layer that is called again, and the inference that is measured, have the model's own statistics.
        for variable, value in before:
            variable.assign(value)
        return outputs

    with keras.StatelessScope(), without_noise(), layer_calls_by(call):
        model(batch, training=True)
    return by_call(found)


def _gap(plain: Callable[..., Any], layer: Any, args: Any, kwargs: Any) -> tuple[int, tuple[float, ...]]:
    from normwise.graph.layer_calls import axes_of_statistics, called_with_training

    axes = axes_of_statistics(layer, args[0])
    moving_mean, moving_variance = (
        _numbers(v.value).ravel() for v in (layer.moving_mean, layer.moving_variance)
    )
    with _without_activation(layer):
        at_inference = _numbers(called_with_training(plain, layer, False, args, kwargs))
        in_training = _numbers(plain(layer, *args, **kwargs))
    values = Moments.of(_numbers(args[0]), axis=axes)
    mean, variance = values.mean.ravel(), values.variance().ravel()
    spread = np.sqrt(Moments.of(in_training, axis=axes).variance()).ravel()
    difference = np.sqrt(np.square(in_training - at_inference).mean(axis=axes)).ravel()
    return int(values.count.flat[0]), (
        _median(difference, spread),
        _median(np.abs(mean - moving_mean), np.sqrt(variance)),
        _median(moving_variance, variance),
    )


def _without_activation(layer: Any) -> Any:
    from contextlib import nullcontext

    from normwise.graph.replaced import replaced

    return replaced(layer, "activation", None) if vars(layer).get("activation") else nullcontext()


def _numbers(values: Any) -> Floats:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(values), np.float64)


def _median(values: Floats, spread: Floats) -> float:
    varying = spread > 0
    return float(np.median(values[varying] / spread[varying])) if varying.any() else float("nan")
