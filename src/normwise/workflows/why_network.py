"""The network of `why_table`: the article's, with or without batch normalization."""

from __future__ import annotations

import math
from typing import Any

import keras

from normwise.layers.batch_normalization import BatchNormalization

ACTIVATION = "tanh"
MOMENTUM = 0.9
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
STEPS_AN_EPOCH = 128


def why_network(
    inputs: int, outputs: int, hidden_units: tuple[int, ...], normalized: bool, learning_rate: float = 0.1
) -> keras.Model:
    """Dense layers of tanh, batch-normalized before each activation if asked for; logits or one number.

    Weights start uniform in ±0.05 and SGD has Nesterov momentum 0.9, as in the article. A hidden layer that
    is normalized has no bias, since the normalization takes any bias away.

    Args:
        inputs: Width of the input.
        outputs: Classes, or 1 for regression.
        hidden_units: The width of each hidden layer.
        normalized: Whether the hidden layers are batch-normalized.
        learning_rate: The optimizer's.

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
        optimizer=keras.optimizers.SGD(learning_rate, momentum=MOMENTUM, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True) if outputs > 1 else "mse",
        metrics=["accuracy"] if outputs > 1 else [],
    )
    return model


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
