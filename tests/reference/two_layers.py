"""Loss, gradient and Hessian of a network of one hidden tanh layer, in float64, from the definitions."""

from __future__ import annotations

import numpy as np

COMPLEX_STEP = 1e-30
"""∂L/∂wᵢ = Im L(w + i h eᵢ)/h to h²: nothing is subtracted, so nothing is cancelled."""
DIFFERENCE = 1e-5


def loss(theta, x, y, units, epsilon=None):
    """``Σ(ŷ − y)²/m``, ``ŷ = tanh(z)C + d``, ``z = xA + b``; with `epsilon` z = γ(z − μ)/√(σ² + ε) + β of it.

    Args:
        theta: A (features, units), b (units,), [γ (units,), β (units,),] C (units, 1), d (1,), one after the
            other, each row by row.
        x: (rows, features).
        y: (rows, 1).
        units: The width of the hidden layer.
        epsilon: ε of batch normalization; None for a network without.
    """
    sizes = [x.shape[1] * units, *[units] * (1 if epsilon is None else 3), units, 1]
    parts = np.split(theta, np.cumsum(sizes)[:-1])
    z = x @ parts[0].reshape(-1, units) + parts[1]
    if epsilon is not None:
        about = z - z.mean(axis=0)
        z = parts[2] * about / np.sqrt((about**2).mean(axis=0) + epsilon) + parts[3]
    return (((np.tanh(z) @ parts[-2].reshape(-1, 1) + parts[-1]) - y) ** 2).mean()


def gradient(theta, *args):
    """By complex steps."""
    theta = np.asarray(theta, np.float64)
    return np.array([loss(theta + 1j * COMPLEX_STEP * e, *args).imag for e in np.eye(len(theta))]) / (
        COMPLEX_STEP
    )


def hessian(theta, *args):
    """By central differences of the gradient: right to about 1e-10 of its size."""
    theta = np.asarray(theta, np.float64)
    rows = [
        (gradient(theta + DIFFERENCE * e, *args) - gradient(theta - DIFFERENCE * e, *args)) / (2 * DIFFERENCE)
        for e in np.eye(len(theta))
    ]
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2
