"""moments_by_depth: how activations and gradients grow or shrink from layer to layer. On JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from normwise.core.errors import TrainingError
from normwise.core.measurement import Curve
from normwise.core.moments import Moments
from normwise.insight._features import Floats
from normwise.insight._loss import loss_of, require_compiled, require_jax
from normwise.insight._models import by_unit, calls_as_in_training, checked_batch, rows_of

SOURCE = "Bjorck et al. 2018, arXiv:1806.02375"
RANGE = (15.0, 85.0)
"""The percentiles over units between which `low` and `high` are."""


def moments_by_depth(model: Any, x: Any, y: Any, variant: str = "") -> tuple[Curve, ...]:
    """The units' means and standard deviations, and the size of the gradient, against depth.

        activation_mean = average over units of E[a]        activation_std = average over units of √Var a
        gradient_rms = √(average over the weights of (∂L/∂w)²)

    a is what an activation function gives; E and Var are over rows, and over the positions of images and
    sequences, of each unit by itself. L is the loss of all rows as one batch, penalties included, and w are
    the layer's own weights of two axes or more, such as a kernel. The model computes as in training, with
    dropout and noise off, and is left as it is: to measure at initialization, give it untrained.

    Depth counts the calls: of activation functions, the output's own included, and of layers with such
    weights. A dense layer and its activation have the same depth, and a linear output one more.

    Args:
        model: A compiled, built Keras model.
        x: The rows: an array, or a list or dictionary of arrays, of finite numbers.
        y: The targets, as the model's loss takes them.
        variant: What the records call the data or the network, such as ``"normalized"``.

    Returns:
        ``activation_mean`` and ``activation_std``, with the 15th and 85th percentile over units as `low` and
        `high`, and ``gradient_rms``.

    Raises:
        TrainingError: If the backend is not JAX, the model is not compiled, it calls no activation function
            or no layer with trainable weights, or something is not finite.
        ValueError: If x is not two rows or more of finite numbers.

    Example:
        >>> import keras
        >>> hidden = keras.layers.Dense(2, "relu", kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((1,)), hidden, keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> found = moments_by_depth(model, np.array([[1.0], [3.0]], "float32"), np.zeros((2, 1)))
        >>> [(curve.name, curve.x) for curve in found]
        [('activation_mean', (1.0,)), ('activation_std', (1.0,)), ('gradient_rms', (1.0, 2.0))]
        >>> found[0].y, found[1].y
        ((2.0,), (1.0,))

    Source:
        Bjorck, Gomes, Selman & Weinberger 2018, "Understanding Batch Normalization", arXiv:1806.02375:
        channel means and variances against depth, and gradients by the weights.
    """
    require_jax("gradient")
    require_compiled(model)
    batch = checked_batch(x)
    calls = calls_as_in_training(model, batch).activations
    if not calls:
        raise TrainingError(
            f"the model {model.name} calls no activation function; expected a layer with an activation other"
            " than linear, or an activation layer"
        )
    units = [
        Moments.of(by_unit(seen.outputs, f"{seen.function} of layer {seen.path}"), axis=0) for seen in calls
    ]
    rows = rows_of(batch)
    over = "what each activation function gives"
    return (
        _curve(
            "activation_mean",
            [m.mean for m in units],
            f"average over units of the mean of {over}",
            rows,
            variant,
        ),
        _curve(
            "activation_std",
            [np.sqrt(m.variance()) for m in units],
            f"average over units of the standard deviation of {over}",
            rows,
            variant,
        ),
        _gradients(model, batch, y, rows, variant),
    )


def _curve(name: str, units: Sequence[Any], definition: str, rows: int, variant: str) -> Curve:
    low, high = np.array([np.percentile(values, RANGE) for values in units]).T
    return Curve(
        name=name,
        x=_depths(units),
        y=tuple(float(np.mean(values)) for values in units),
        x_name="depth: activation functions in the order of their calls",
        unit="",
        sample_size=rows,
        definition=f"{definition}; low and high are percentiles {RANGE[0]:g} and {RANGE[1]:g} over units",
        source=SOURCE,
        low=tuple(map(float, low)),
        high=tuple(map(float, high)),
        variant=variant,
    )


def _gradients(model: Any, batch: Any, y: Any, rows: int, variant: str) -> Curve:
    gradients = _weight_gradients(model, batch, y)
    return Curve(
        name="gradient_rms",
        x=_depths(gradients),
        y=tuple(float(np.sqrt(np.mean(np.square(g)))) for g in gradients),
        x_name="depth: layers with weights in the order of their calls",
        unit="",
        sample_size=rows,
        definition="root mean square of ∂L/∂w over a layer's weights (kernels), L the loss of all rows",
        source=SOURCE,
        variant=variant,
    )


def _depths(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(depth) for depth in range(1, len(values) + 1))


def _weight_gradients(model: Any, batch: Any, y: Any) -> list[Floats]:
    """Of each layer with weights, in the order of the calls, the gradient of all of them, flat."""
    import jax
    import jax.numpy as jnp

    from normwise.graph.layer_calls import without_noise
    from normwise.graph.replaced import layer_calls_by

    loss, order = loss_of(model), []
    places = {id(variable): place for place, variable in enumerate(model.trainable_variables)}

    def call(plain: Callable[..., Any], layer: Any, *args: Any, **kwargs: Any) -> Any:
        own = [places[id(v)] for v in _weights(layer) if id(v) in places]
        if own and own not in order:
            order.append(own)
        return plain(layer, *args, **kwargs)

    def noted_loss(trainable: Any, batch: Any, y: Any) -> Any:
        with without_noise(), layer_calls_by(call):
            return loss(trainable, batch, y)

    trainable = [variable.value for variable in model.trainable_variables]
    arrays = jax.tree.map(jnp.asarray, (batch, y))
    gradients = jax.jit(jax.grad(noted_loss))(trainable, *arrays)
    if not order:
        raise TrainingError(
            f"the model {model.name} calls no layer with trainable weights; expected one, such as a Dense"
        )
    found = [
        np.concatenate([np.asarray(gradients[place], np.float64).ravel() for place in own]) for own in order
    ]
    for own, gradient in zip(order, found, strict=True):
        if not np.isfinite(gradient).all():
            raise TrainingError(
                f"the gradient of {model.trainable_variables[own[0]].path} holds"
                f" {gradient[~np.isfinite(gradient)][0]}; expected finite numbers: look at the loss, the"
                " targets and the scale of x"
            )
    return found


def _weights(layer: Any) -> list[Any]:
    """The layer's own weights of two axes or more; not the factors of an activation or a normalization."""
    from normwise.graph.kinds import is_activation, is_normalization

    if is_activation(layer) or is_normalization(layer):
        return []
    return [variable for variable in layer._trainable_variables if len(variable.shape) > 1]
