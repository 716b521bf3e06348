"""The geometry of a quadratic loss over two weights: its ellipses, and gradient descent on it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from normwise.core.descent import contraction, steps_needed
from normwise.core.measurement import Bowl

Array = np.ndarray[Any, np.dtype[np.float64]]
WINDOW = 1.25
"""Half the side of the picture, in distances of the best weights from 0, where training begins."""


@dataclasses.dataclass(frozen=True)
class Quadratic:
    """L(w) − L(w*) = ½ (w − w*)ᵀ H (w − w*), H positive semidefinite.

    Args:
        values: The eigenvalues of H, the larger first.
        vectors: Their eigenvectors, one a column.
        optimum: w*.
    """

    values: tuple[float, float]
    vectors: Array
    optimum: Array

    @classmethod
    def of(cls, bowl: Bowl) -> Quadratic:
        """The quadratic of a bowl."""
        low_first, vectors = np.linalg.eigh(np.array(bowl.hessian, float).reshape(2, 2))
        # The record has κ from the data; a small eigenvalue of H has lost its digits.
        top = float(low_first[1])
        return cls((top, top / bowl.condition_number), vectors[:, ::-1], np.array(bowl.optimum, float))

    @property
    def condition_number(self) -> float:
        """κ, the largest eigenvalue by the smallest."""
        top, bottom = self.values
        return top / bottom if bottom > 0 else math.inf

    @property
    def reach(self) -> float:
        """Half the side of the picture, in weights."""
        distance = float(np.linalg.norm(self.optimum))
        return WINDOW * distance if distance > 0 else 1.0

    def ellipse(self, radius: float, points: int = 90) -> tuple[Array, Array]:
        """The curve of equal loss whose longer half axis is `radius`; it closes."""
        turn = np.linspace(0, 2 * np.pi, points + 1)
        short = radius / math.sqrt(self.condition_number)
        curve = self.vectors @ np.stack([short * np.cos(turn), radius * np.sin(turn)])
        return curve[0] + self.optimum[0], curve[1] + self.optimum[1]

    def path(self, start: Array, most: int = 300) -> Array:
        """Gradient descent from `start` at the best rate, at most so many steps; (steps + 1, 2)."""
        steps = steps_needed(self.condition_number)
        count = min(most, int(steps)) if math.isfinite(steps) else most
        factor = contraction(self.condition_number)
        along = self.vectors.T @ (start - self.optimum)
        k = np.arange(count + 1)[:, None]
        path: Array = self.optimum + (np.array([-factor, factor]) ** k * along) @ self.vectors.T
        return path
