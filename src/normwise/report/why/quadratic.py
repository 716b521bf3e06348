"""The geometry of a quadratic loss over two weights: its ellipses, and gradient descent on it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from normwise.core.measurement import Bowl

Array = np.ndarray[Any, np.dtype[np.float64]]
GAIN = 0.01
"""Descent has arrived where 1% of the excess loss at its start is left."""
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
        top, bottom = float(low_first[1]), max(0.0, float(low_first[0]))
        return cls((top, bottom), vectors[:, ::-1], np.array(bowl.optimum, float))

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
        """Gradient descent from `start` at the best rate 2/(λ₁ + λ₂), at most so many steps; (steps + 1, "
        "2)."""
        steps = steps_needed(self.condition_number)
        count = min(most, int(steps)) if math.isfinite(steps) else most
        factor = contraction(self.condition_number)
        along = self.vectors.T @ (start - self.optimum)
        k = np.arange(count + 1)[:, None]
        path: Array = self.optimum + (np.array([-factor, factor]) ** k * along) @ self.vectors.T
        return path


def contraction(condition_number: float) -> float:
    """What a step at the best rate leaves of the distance to the optimum: (κ − 1)/(κ + 1).

    Example:
        >>> contraction(1.0), contraction(3.0)
        (0.0, 0.5)
    """
    if math.isinf(condition_number):
        return 1.0
    return (condition_number - 1) / (condition_number + 1)


def steps_needed(condition_number: float) -> float:
    """Steps until 1% of the excess loss is left, from any start, at the best rate 2/(λ₁ + λ₂).

    At that rate each step shrinks the distance along both axes by r = (κ − 1)/(κ + 1), hence the excess loss
    by r², wherever it begins.

    Example:
        >>> steps_needed(1.0), steps_needed(3.0), steps_needed(10_000.0)
        (1.0, 4.0, 11513.0)
    """
    factor = contraction(condition_number)
    if factor == 0:
        return 1.0
    if factor == 1:
        return math.inf
    # log1p: for a large κ, r is 1 less a little
    return float(math.ceil(math.log(GAIN) / (2 * math.log1p(-2 / (condition_number + 1)))))
