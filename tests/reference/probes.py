"""What probes measure, in float64, from the definitions: one tanh layer, trained by gradient descent."""

from __future__ import annotations

import numpy as np


class OneTanhLayer:
    """``a = tanh(xA + b)``, ``ŷ = aC + d``, ``L = Σ(ŷ − y)²/m``; a step is ``w ← w − η·∂L/∂w``.

    Args:
        weights: A (features, units), b (units,), C (units, 1), d (1,).
        rate: η.
    """

    names = ("hidden/kernel", "hidden/bias", "out/kernel", "out/bias")

    def __init__(self, weights, rate):
        self.weights = [np.asarray(w, np.float64) for w in weights]
        self.rate = rate

    def step(self, x, y):
        """What the probes see of a step, which is then taken."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64).reshape(-1, 1)
        a, b, c, d = self.weights
        z = x @ a + b
        h = np.tanh(z)
        error = h @ c + d - y
        by_out = 2 * error / len(x)
        by_z = (by_out @ c.T) * (1 - h**2)
        gradients = [x.T @ by_z, by_z.sum(0), h.T @ by_out, by_out.sum(0)]
        norms = [np.sum(g**2) for g in gradients]
        seen = {
            "loss": np.mean(error**2),
            "gradient_norm": np.sqrt(sum(norms)),
            "gradient_norm/hidden": np.sqrt(norms[0] + norms[1]),
            "gradient_norm/out": np.sqrt(norms[2] + norms[3]),
            "pre_activation/hidden": np.percentile(z, (15, 50, 85), axis=0),
            "saturation/hidden": np.mean(np.abs(h) > 0.97, axis=0),
        }
        for name, w, g in zip(self.names, self.weights, gradients, strict=True):
            seen[f"weight_norm/{name}"] = np.linalg.norm(w)
            seen[f"update_ratio/{name}"] = self.rate * np.linalg.norm(g) / np.linalg.norm(w)
        self.weights = [w - self.rate * g for w, g in zip(self.weights, gradients, strict=True)]
        return seen
