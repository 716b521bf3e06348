"""Dense layers, batch normalization and their gradients in float64, from the definitions.

    u = xW + b        z = γ(u − μ)/√(σ² + ε) + β, or u        a = f(z)        L = Σ(a_last − y)²/m

Backpropagation through the normalization is that of Ioffe & Szegedy 2015, section 3.
"""

from __future__ import annotations

import dataclasses

import numpy as np

FUNCTIONS = {
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "linear": (lambda z: z, np.ones_like),
}


@dataclasses.dataclass
class Layer:
    """One layer.

    Args:
        function: f.
        kernel: W, (features, units).
        bias: b, (units,).
        gamma: γ, (units,); None where nothing is normalized.
        beta: β.
        epsilon: ε.
    """

    function: str
    kernel: np.ndarray
    bias: np.ndarray
    gamma: np.ndarray | None = None
    beta: np.ndarray | None = None
    epsilon: float = 1e-3

    def __post_init__(self):
        for name in ("kernel", "bias", "gamma", "beta"):
            if getattr(self, name) is not None:
                setattr(self, name, np.asarray(getattr(self, name), np.float64))

    def forward(self, x):
        """Remembers z and a, and gives a."""
        f, _ = FUNCTIONS[self.function]
        self.x, self.u = x, x @ self.kernel + self.bias
        self.z = self.u
        if self.gamma is not None:
            self.mean, self.variance = self.u.mean(0), self.u.var(0)
            self.normal = (self.u - self.mean) / np.sqrt(self.variance + self.epsilon)
            self.z = self.gamma * self.normal + self.beta
        self.a = f(self.z)
        return self.a

    def backward(self, by_a):
        """From ∂L/∂a to ∂L/∂x; remembers ∂L/∂W."""
        by_u = by_a * FUNCTIONS[self.function][1](self.z)
        if self.gamma is not None:
            by_normal = by_u * self.gamma
            root = np.sqrt(self.variance + self.epsilon)
            centered = self.u - self.mean
            by_variance = -0.5 * (by_normal * centered).sum(0) / root**3
            by_mean = -by_normal.sum(0) / root - 2 * by_variance * centered.mean(0)
            by_u = by_normal / root + (2 * by_variance * centered + by_mean) / len(self.u)
        self.by_kernel = self.x.T @ by_u
        return by_u @ self.kernel.T


def forward(layers, x):
    """What the last layer gives."""
    x = np.asarray(x, np.float64)
    for layer in layers:
        x = layer.forward(x)
    return x


def kernel_gradients(layers, x, y):
    """∂L/∂W of each layer."""
    by_a = 2 * (forward(layers, x) - y) / y.size
    for layer in reversed(layers):
        by_a = layer.backward(by_a)
    return [layer.by_kernel for layer in layers]
