"""logistic_descent_steps: how many steps gradient descent takes for a logistic model of all columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from normwise.core.errors import listing
from normwise.core.measurement import Measurement
from normwise.insight._features import Floats
from normwise.insight.condition_number import ROUNDING
from normwise.insight.linear_descent import hessian_measurements, with_intercept

MOST_ITERATIONS = 50
"""Where there is an optimum Newton's method takes about ten."""
LEAST_CURVATURE = 1e-13
"""In coordinates where the features are uncorrelated with variance 1; below it rounding decides."""
CONVERGED = 1e-10


def logistic_descent_steps(
    x: Any, y: Any, columns: Sequence[str], seed: int = 0, variant: str = ""
) -> tuple[Measurement, ...]:
    r"""Steps of gradient descent for logistic regression with an intercept, near its optimum.

        L(w, b) = E[log(1 + exp(−s z))],  z = wᵀx + b,  s = ±1,    H = E[p(1 − p) x̃x̃ᵀ],  x̃ = (x, 1)

    The optimum is found by Newton's method. The steps are those on the quadratic loss of the Hessian there:
    predicted, not walked; exact for starts near the optimum. All else is as in `linear_descent_steps`.

    Classes that a plane separates have no optimum: the loss falls for ever as the weights grow. No penalty is
    added; the records are NaN and say so.

    Args:
        x: Features, (rows, features).
        y: (rows,): two classes, by any two numbers.
        columns: The names of the features.
        seed: The seed of the twenty starts.
        variant: What the records call the data, such as ``"raw"``.

    Returns:
        ``condition_number_logistic_hessian``; ``logistic_descent_steps``, the median over the starts, and
        ``logistic_descent_steps_least`` and ``_most``; ``predicted_logistic_descent_steps``, the bound by κ.
        Infinity where columns depend on each other linearly, NaN where there is no optimum.

    Raises:
        ValueError: As `normwise.insight.condition_numbers`; if y does not fit x or is not of two classes.

    Example:
        >>> x = [[-2.0], [-2.0], [2.0], [2.0]]
        >>> mixed = logistic_descent_steps(x, [0, 1, 0, 1], ["a"])  # p = ½: H = diag(4, 1)/4
        >>> separated = logistic_descent_steps(x, [0, 0, 1, 1], ["a"])
        >>> [round(m.value, 6) for m in mixed[:2]], [m.value for m in separated[:2]]
        ([4.0, 5.0], [nan, nan])

    Source:
        Hastie, Tibshirani & Friedman 2009, section 4.4.1, for the Hessian.
    """
    features = with_intercept(x, columns)
    weights = _curvatures(features, _signs(y, len(features)))
    if weights is None:
        of = "; logistic regression, all columns, intercept: no optimum; a plane separates the classes"
        return tuple(
            dataclasses.replace(each, value=np.nan)
            for each in hessian_measurements("logistic", features, seed, of, variant)
        )
    of = "; logistic regression, all columns, intercept, by the Hessian at its optimum"
    return hessian_measurements("logistic", np.sqrt(weights)[:, None] * features, seed, of, variant)


def _signs(y: Any, rows: int) -> Floats:
    target = np.asarray(y, np.float64).reshape(-1)
    if len(target) != rows:
        raise ValueError(f"y has {len(target)} rows and x {rows}; expected as many")
    classes = np.unique(target)
    if len(classes) != 2 or not np.isfinite(classes).all():
        raise ValueError(f"y holds {len(classes)} different values, {listing(classes)}; expected two classes")
    return np.where(target == classes[1], 1.0, -1.0)


def _curvatures(features: Floats, signs: Floats) -> Floats | None:
    """p(1 − p) of each row at the optimum; None where there is none.

    Newton's method in coordinates where E[uuᵀ] = I. There is an optimum once R ν ≤ ½ √μ: R the longest row,
    ν the Newton decrement, μ the least eigenvalue of the Hessian. Where the loss falls for ever, ν and √μ
    shrink together. Source: Bach 2010, "Self-concordant analysis for logistic regression", Proposition 2.
    """
    from scipy.special import expit

    units = _uncorrelated(features)
    longest, w = np.linalg.norm(units, axis=1).max(), np.zeros(units.shape[1])
    for _ in range(MOST_ITERATIONS):
        margins = signs * (units @ w)
        if margins.min() > 0:
            return None
        wrong = expit(-margins)
        weights: Floats = wrong * expit(margins)
        gradient = -units.T @ (signs * wrong) / len(units)
        values, axes = np.linalg.eigh(units.T @ (weights[:, None] * units) / len(units))
        if values[0] < LEAST_CURVATURE:
            return None
        step = axes @ (axes.T @ gradient / values)
        decrement = np.sqrt(gradient @ step)
        if decrement <= CONVERGED and longest * decrement <= 0.5 * np.sqrt(values[0]):
            return weights
        w = w - _damping(units, signs, w, step, decrement**2) * step
    return None


def _uncorrelated(features: Floats) -> Floats:
    """Coordinates of the rows, (rows, rank), with second moments I."""
    left, lengths, _ = np.linalg.svd(features / np.linalg.norm(features, axis=0), full_matrices=False)
    rank = int((lengths > ROUNDING * max(features.shape) * lengths[0]).sum())
    units: Floats = left[:, :rank] * np.sqrt(len(features))
    return units


def _damping(units: Floats, signs: Floats, w: Floats, step: Floats, slope: float) -> float:
    """The first of 1, ½, ¼, … that lowers the loss by a quarter of what the slope promises."""

    def loss(size: float) -> float:
        return float(np.logaddexp(0.0, -signs * (units @ (w - size * step))).mean())

    here, size = loss(0.0), 1.0
    # Near the optimum the gain is less than the loss's own rounding.
    while loss(size) > here - 0.25 * size * slope + 4 * ROUNDING * here and size > ROUNDING:
        size /= 2
    return size
