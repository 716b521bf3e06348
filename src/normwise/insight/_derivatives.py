"""The derivatives of Keras' activation functions, in float64 from what a function takes and gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from normwise.core.normal_distribution import probability
from normwise.insight._features import Floats

Derivative = Callable[[Floats, Floats], Floats]


def _silu(z: Floats, y: Floats) -> Floats:
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * z)
    return sigmoid + y * (1 - sigmoid)


def _gelu(z: Floats, _: Floats) -> Floats:
    density: Floats = np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)
    derivative: Floats = probability(z) + z * density
    return derivative


def _slopes(z: Floats, y: Floats) -> Floats:
    """Of a function of two straight lines that meet in 0: the slopes, which are y/z."""
    return np.divide(y, z, out=np.ones_like(z), where=z != 0)


def _elu(z: Floats, y: Floats) -> Floats:
    """Of ``a·(eᶻ − 1)`` below 0 and a line above, whatever a and the slope are."""
    below = np.where(z < 0, z, -1.0)
    return np.where(z < 0, y * np.exp(below) / np.expm1(below), _slopes(z, y))


DERIVATIVES: dict[str, Derivative] = {
    "tanh": lambda _, y: 1 - np.square(y),
    "sigmoid": lambda _, y: y * (1 - y),
    "softsign": lambda _, y: np.square(1 - np.abs(y)),
    "hard_tanh": lambda _, y: np.where(np.abs(y) < 1, 1.0, 0.0),
    "hard_sigmoid": lambda _, y: np.where((y > 0) & (y < 1), 1 / 6, 0.0),
    # A ReLU layer may have a threshold and a maximum; where it is not flat, it gives what it takes.
    "relu": lambda z, y: np.where((y == z) & (y != 0), 1.0, 0.0),
    "relu6": lambda _, y: np.where((y > 0) & (y < 6), 1.0, 0.0),
    "leaky_relu": _slopes,
    "prelu": _slopes,
    "elu": _elu,
    "selu": _elu,
    "softplus": lambda _, y: -np.expm1(-y),
    "exponential": lambda _, y: y,
    "silu": _silu,
    "gelu": _gelu,
}
"""By the function's name, f′ of pre-activations z and activations y = f(z). Softmax and others that mix units
have no derivative unit by unit."""
