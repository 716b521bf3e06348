"""How gradient descent comes down a quadratic loss over two weights, from its condition number alone."""

from __future__ import annotations

import math

WITHIN = 0.01
"""Descent has arrived where so much of the excess loss at its start is left."""


def contraction(condition_number: float) -> float:
    """What a step at the best rate leaves of the distance to the optimum: (κ − 1)/(κ + 1).

    Example:
        >>> contraction(1.0), contraction(3.0), contraction(math.inf)
        (0.0, 0.5, 1.0)
    """
    if math.isinf(condition_number):
        return 1.0
    return (condition_number - 1) / (condition_number + 1)


def steps_needed(condition_number: float) -> float:
    """Steps until 1% of the excess loss is left, from any start, at the best rate 2/(λ₁ + λ₂).

    At that rate each step shrinks the distance along both axes by r = (κ − 1)/(κ + 1), hence the excess loss
    by r², wherever it begins: the smallest k with r²ᵏ ≤ 1%.

    Example:
        >>> [steps_needed(kappa) for kappa in (1.0, 1 + 2**-52, 3.0, 100.0, 10_000.0, math.inf)]
        [1.0, 1.0, 4.0, 116.0, 11513.0, inf]
    """
    if math.isinf(condition_number):
        return math.inf
    if condition_number + 1 <= 2:  # A circle, to rounding.
        return 1.0
    # log1p: for a large κ, r is 1 less a little.
    return float(max(1, math.ceil(math.log(WITHIN) / (2 * math.log1p(-2 / (condition_number + 1))))))
