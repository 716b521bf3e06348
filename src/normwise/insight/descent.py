"""descent_steps: how many steps gradient descent takes down a bowl, wherever it begins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from normwise.core.descent import WITHIN, steps_needed
from normwise.core.measurement import Bowl, Measurement
from normwise.insight._features import Floats

SOURCE = "LeCun, Kanter & Solla 1990"
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
    counts = [steps(bowl, direction) for direction in directions]
    return step_measurements(
        "descent_steps", counts, bowl.condition_number, bowl.sample_size, "", SOURCE, bowl.variant
    )


def step_measurements(
    name: str, counts: Sequence[float], kappa: float, rows: int, of: str, source: str, variant: str
) -> tuple[Measurement, ...]:
    """The median, least and most of steps from random starts, and their bound by the condition number.

    Args:
        name: What the median is called.
        counts: Steps from each start.
        kappa: The condition number.
        rows: On how many rows the loss is measured.
        of: What the definition says of the loss.
        source: As in `Measurement`.
        variant: As in `Measurement`.
    """
    what = (
        f"steps at η = 2/(λ_max + λ_min) until {WITHIN:.0%} of the start's loss above the optimum is left{of}"
    )
    values = {
        name: (float(np.median(counts)), f"median over {len(counts)} random starts: {what}"),
        f"{name}_least": (min(counts), f"least over {len(counts)} random starts: {what}"),
        f"{name}_most": (max(counts), f"most over {len(counts)} random starts: {what}"),
        f"predicted_{name}": (steps_needed(kappa), f"bound by κ: {what}"),
    }
    return tuple(
        Measurement(each, float(value), "steps", rows, definition, source, variant=variant)
        for each, (value, definition) in values.items()
    )


def steps(bowl: Bowl, start: Floats) -> float:
    """Steps from w* + start, without walking.

    Example:
        >>> ellipse = Bowl(("a", "b"), (100.0, 0.0, 0.0, 1.0), (0.0, 0.0), 0.0, 100.0, 4, "", "")
        >>> steps(ellipse, np.array([0.0, 1.0])), steps(ellipse, np.array([1.0, 1.0]))
        (116.0, 116.0)
    """
    if steps_needed(bowl.condition_number) > MOST_STEPS:
        return math.inf
    eigenvalues, axes = np.linalg.eigh(np.array(bowl.hessian).reshape(2, 2))
    return steps_along(eigenvalues, axes.T @ start)


def steps_along(eigenvalues: Floats, errors: Floats) -> float:
    """Steps from errors along the eigenvectors of the Hessian; by bisection over the closed form.

        excess after k steps:  ½ Σᵢ λᵢ (1 − ηλᵢ)²ᵏ eᵢ²

    Args:
        eigenvalues: λ, above 0, no fewer than one.
        errors: e = Vᵀ(w − w*).

    Example:
        >>> steps_along(np.array([1.0, 100.0]), np.array([1.0, 1.0]))
        116.0
    """
    least, most = eigenvalues.min(), eigenvalues.max()
    # |1 − ηλ| is 1 less this, which a large κ leaves exact.
    short = 2 * np.minimum(eigenvalues, (most - eigenvalues) + least) / (most + least)
    with np.errstate(divide="ignore"):
        rate = np.log1p(-np.minimum(short, 1.0))
    excess = eigenvalues * np.square(errors)

    def arrived(k: int) -> bool:
        return bool((excess * np.exp(2 * k * rate)).sum() <= WITHIN * (1 + 1e-12) * excess.sum())

    low, high = 0, 1
    while not arrived(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if arrived(middle) else (middle, high)
    return float(high)
