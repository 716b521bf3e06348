"""descent_steps: how many steps gradient descent takes down a bowl, wherever it begins."""

from __future__ import annotations

import math

import numpy as np

from normwise.core.descent import WITHIN, steps_needed
from normwise.core.measurement import Bowl, Measurement
from normwise.insight._features import Floats

STARTS = 20
MOST_STEPS = 10**13
"""Beyond these float64 no longer tells the shrinking from none."""


def descent_steps(bowl: Bowl, seed: int = 0) -> tuple[Measurement, ...]:
    """Steps of gradient descent at the best stable rate until 1% of the excess loss is left.

        w ← w − η H (w − w*),    η = 2 / (λ_max + λ_min),    steps ≤ ½ ln(100) / atanh(1/κ)

    At this rate the errors along both axes of the ellipse shrink by (κ − 1)/(κ + 1) a step. The starts are
    random, uniform over the directions of w − w* and equally far from it, which the steps do not depend on.

    Args:
        bowl: The loss over two weights.
        seed: The seed of the twenty starts.

    Returns:
        ``descent_steps``, the median over the starts, ``descent_steps_least`` and ``descent_steps_most``, and
        ``predicted_descent_steps``, the bound. Infinity where the two features are one.

    Example:
        >>> circle = Bowl(("a", "b"), (1.0, 0.0, 0.0, 1.0), (0.0, 0.0), 0.0, 1.0, 4, "", "")
        >>> [m.value for m in descent_steps(circle)]
        [1.0, 1.0, 1.0, 1.0]

    Source:
        LeCun, Kanter & Solla 1990, "Second order properties of error surfaces", NIPS.
    """
    directions = np.random.default_rng(seed).normal(size=(STARTS, 2))
    counts = sorted(float(steps(bowl, direction)) for direction in directions)
    what = f"steps at η = 2/(λ_max + λ_min) until {WITHIN:.0%} of the start's loss above the optimum is left"
    source = "LeCun, Kanter & Solla 1990"
    values = {
        "descent_steps": (float(np.median(counts)), f"median over {STARTS} random starts: {what}"),
        "descent_steps_least": (counts[0], f"least over {STARTS} random starts: {what}"),
        "descent_steps_most": (counts[-1], f"most over {STARTS} random starts: {what}"),
        "predicted_descent_steps": (steps_needed(bowl.condition_number), f"bound by κ: {what}"),
    }
    return tuple(
        Measurement(name, value, "steps", bowl.sample_size, definition, source, variant=bowl.variant)
        for name, (value, definition) in values.items()
    )


def steps(bowl: Bowl, start: Floats) -> float:
    """Steps from w* + start; counted by bisection over the closed form, without walking.

    Example:
        >>> ellipse = Bowl(("a", "b"), (100.0, 0.0, 0.0, 1.0), (0.0, 0.0), 0.0, 100.0, 4, "", "")
        >>> steps(ellipse, np.array([0.0, 1.0])), steps(ellipse, np.array([1.0, 1.0]))
        (116.0, 116.0)
    """
    if steps_needed(bowl.condition_number) > MOST_STEPS:
        return math.inf
    eigenvalues, axes = np.linalg.eigh(np.array(bowl.hessian).reshape(2, 2))
    shrink = np.abs(1 - 2 * eigenvalues / eigenvalues.sum())
    excess = eigenvalues * np.square(axes.T @ start)

    def left(k: int) -> float:
        return float((excess * shrink ** (2 * k)).sum() / excess.sum())

    low, high = 0, 1
    while left(high) > WITHIN * (1 + 1e-12):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if left(middle) <= WITHIN * (1 + 1e-12) else (middle, high)
    return float(high)
