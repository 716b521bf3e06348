"""The networks of `why`: one without and one with batch normalization, of a table or of a model."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
import keras

from normwise.graph.layer_calls import calls_noted
from normwise.layers.batch_normalization import BatchNormalization
from normwise.training.phase import shape_of
from normwise.workflows.why_outputs import Outputs

ACTIVATION = "tanh"
MOMENTUM = 0.9
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
STEPS_AN_EPOCH = 128


@dataclasses.dataclass(frozen=True)
class Networks:
    """One network in two ways, compiled alike, and what the record says of it.

    Args:
        plain: Without batch normalization.
        normalized: With it.
        outputs: What the outputs of both are.
        hidden_units: The width of each hidden layer.
        activation: The hidden layers' activation, or several with commas.
        name: The name of the model that it is, if it is one that was given.
        compared: The name of the loss that is compared, among the logs of an epoch.
    """

    plain: keras.Model
    normalized: keras.Model
    outputs: Outputs
    hidden_units: tuple[int, ...]
    activation: str
    name: str = ""
    compared: str = "loss"

    def __getitem__(self, normalized: bool) -> keras.Model:
        return self.normalized if normalized else self.plain


def table_networks(inputs: int, outputs: int, hidden_units: tuple[int, ...]) -> Networks:
    """Those of a table for which no model was given: see `why_network`."""
    plain, normalized = (why_network(inputs, outputs, hidden_units, way) for way in (False, True))
    return Networks(plain, normalized, "logits" if outputs > 1 else "number", hidden_units, ACTIVATION)


def why_network(inputs: int, outputs: int, hidden_units: tuple[int, ...], normalized: bool) -> keras.Model:
    """Dense layers of tanh, batch-normalized before each activation if asked for; logits or one number.

    Weights start uniform in ±0.05 and SGD has Nesterov momentum 0.9, as in the article. A hidden layer that
    is normalized has no bias, since the normalization takes any bias away.

    Args:
        inputs: Width of the input.
        outputs: Classes, or 1 for regression.
        hidden_units: The width of each hidden layer.
        normalized: Whether the hidden layers are batch-normalized.

    Example:
        >>> model = why_network(3, 2, (8,), normalized=True)
        >>> [layer.name for layer in model.layers]
        ['hidden_1', 'normalization_1', 'tanh_1', 'output']
        >>> trainable_weights(model)
        58
    """
    layers: list[Any] = [keras.Input((inputs,), name="inputs")]
    for i, units in enumerate(hidden_units, start=1):
        layers.append(_dense(units, f"hidden_{i}", use_bias=not normalized))
        if normalized:
            layers.append(BatchNormalization(name=f"normalization_{i}"))
        layers.append(keras.layers.Activation(ACTIVATION, name=f"{ACTIVATION}_{i}"))
    model = keras.Sequential([*layers, _dense(outputs, "output", use_bias=True)], name="why")
    model.compile(
        optimizer=article_optimizer(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True) if outputs > 1 else "mse",
        metrics=["accuracy"] if outputs > 1 else [],
    )
    return model


def article_optimizer() -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum 0.9; the learning rate is one of the sweep."""
    return keras.optimizers.SGD(momentum=MOMENTUM, nesterov=True)


def hidden_activations(model: keras.Model) -> list[tuple[str, str]]:
    """The path and the name of each activation function that probes see, but for that of the output.

    Example:
        >>> [name for _, name in hidden_activations(why_network(3, 2, (8, 4), normalized=False))]
        ['tanh', 'tanh']
    """
    found: list[tuple[str, str]] = []

    def call(x: Any) -> Any:
        with calls_noted() as calls:
            outputs = model(x, training=False)
        found.extend((c.path, c.function) for c in calls.activations if c.outputs is not outputs)
        return outputs

    jax.eval_shape(call, shape_of((1, *model.inputs[0].shape[1:]), model.inputs[0].dtype))
    return found


def why_batch_size(rows: int) -> int:
    """16 as in the article; more where an epoch would have over 128 steps, at most 256; never more than rows.

    Example:
        >>> why_batch_size(455), why_batch_size(8192), why_batch_size(9)
        (16, 64, 9)
    """
    fitting = 1 << max(0, -(-rows // STEPS_AN_EPOCH) - 1).bit_length()
    return min(rows, LARGEST_BATCH, max(SMALLEST_BATCH, fitting))


def trainable_weights(model: keras.Model) -> int:
    """How many numbers it learns."""
    return int(sum(math.prod(weight.shape) for weight in model.trainable_weights))


def _dense(units: int, name: str, use_bias: bool) -> keras.layers.Layer:
    initializer = keras.initializers.RandomUniform(-0.05, 0.05)
    return keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=initializer, name=name)
