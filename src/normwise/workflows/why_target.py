"""The common target of `why_table`: a share of the way from knowing nothing to the best that was found."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from normwise.core.probe import Series
from normwise.core.why_record import SweepPoint
from normwise.insight.usable_range import median_loss

SHARE = 0.9
"""Of the way from the best constant predictor to the best variant: near enough to be of use, far enough from
the bottom that its noise does not matter."""


def target_loss(constant: float, best: float) -> float:
    """constant − 0.9 (constant − best); `best` itself where it is no better than the constant predictor.

    Example:
        >>> target_loss(1.0, 0.5)
        0.55
    """
    return constant - SHARE * (constant - best) if best < constant else best


def steps_to_target(losses: Series, target: float) -> float:
    """Steps after which the loss was first at most the target, among those measured; NaN if it never was.

    Example:
        >>> losses = Series("validation_loss", "", "", "", (0, 5, 10), (), (0.9, 0.5, 0.6))
        >>> steps_to_target(losses, target=0.5)
        5.0
    """
    reached = (float(step) for step, loss in zip(losses.steps, losses.flat, strict=True) if loss <= target)
    return next(reached, math.nan)


def lowest(losses: Sequence[float]) -> float:
    """The lowest of a training's losses; NaN if one of them is not finite.

    Example:
        >>> lowest([0.9, 0.5]), lowest([0.9, float("inf")])
        (0.5, nan)
    """
    return min(losses) if np.isfinite(losses).all() else math.nan


def best_rate(sweep: Sequence[SweepPoint]) -> float:
    """The learning rate of the lowest median loss; of equals the smallest."""
    return min(sweep, key=lambda point: median_loss(point.losses)).learning_rate


def grid_decades(sweep: Sequence[SweepPoint]) -> float:
    """Powers of ten between two learning rates of the sweep."""
    if len(sweep) < 2:
        return 0.0
    width = math.log10(sweep[-1].learning_rate / sweep[0].learning_rate)
    return round(width / (len(sweep) - 1), 3)
